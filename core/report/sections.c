#include "report/sections.h"

#include <ctype.h>
#include <math.h>
#include <scion/error.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "table/metric.h"

#define MOST_NAMED 8 /* groups that a note names */

/* --- Cells ---------------------------------------------------------------------------------------------- */

static void text_make_plain(char *text)
{
        for (; *text; text++)
                if (iscntrl((unsigned char)*text))
                        *text = ' ';
}

static void section_add(struct scion_section *section, const char *format, ...) SCION_PRINTF(2, 3);

static void section_add(struct scion_section *section, const char *format, ...)
{
        char text[1024];
        va_list values;

        va_start(values, format);
        vsnprintf(text, sizeof text, format, values);
        va_end(values);
        text_make_plain(text);
        scion_columns_add(&section->table, text);
}

static void section_add_value(struct scion_section *section, const char *metric, double value,
                              enum scion_metric_style style)
{
        char text[32];

        section_add(section, "%s", scion_metric_text(metric, value, style, text));
}

static void section_add_interval(struct scion_section *section, const char *metric,
                                 const struct scion_interval *interval, enum scion_metric_style style)
{
        char low[32], high[32];

        if (isnan(interval->low))
                section_add(section, "-");
        else
                section_add(section, "[%s, %s]", scion_metric_text(metric, interval->low, style, low),
                            scion_metric_text(metric, interval->high, style, high));
}

/* Adds a number in the given format; "-" for NaN. */
static void section_add_number(struct scion_section *section, const char *format, double value)
{
        char text[64];

        snprintf(text, sizeof text, format, value);
        section_add(section, "%s", isnan(value) ? "-" : text);
}

/* --- Sections ------------------------------------------------------------------------------------------- */

static struct scion_section *sections_begin(struct scion_sections *sections, enum scion_section_kind kind,
                                            size_t columns, size_t words, const struct scion_text *title)
{
        struct scion_section *larger = realloc(sections->section, (sections->count + 1) * sizeof *larger);

        if (larger)
                sections->section = larger;
        if (!larger || title->failed) {
                free(title->text);
                return scion_fail_null("out of memory");
        }
        text_make_plain(title->text);
        larger[sections->count] = (struct scion_section){
                .kind = kind, .title = title->text, .table = { .per_row = columns, .numbers_from = words }
        };
        return &larger[sections->count++];
}

static bool section_check_memory(const struct scion_section *section)
{
        return (!section->table.failed && !section->notes.failed) || scion_fail("out of memory");
}

static void section_add_headings(struct scion_section *section, const struct scion_results *results,
                                 const struct scion_groups *groups)
{
        for (size_t i = 0; i < groups->columns; i++)
                section_add(section, "%s", scion_results_heading(results, groups->column[i]));
}

static void section_add_group(struct scion_section *section, const struct scion_results *results,
                              const struct scion_groups *groups, size_t group)
{
        for (size_t i = 0; i < groups->columns; i++)
                section_add(section, "%s", scion_groups_value(groups, results, group, i));
}

/* Adds the names of the columns in which the groups differ, as "per_class and model". */
static void text_add_columns(struct scion_text *text, const struct scion_results *results,
                             const struct scion_groups *groups)
{
        const char *waiting = NULL;
        size_t named = 0;

        for (size_t i = 0; i < groups->columns; i++) {
                if (!scion_groups_vary(groups, results, i))
                        continue;
                if (waiting)
                        scion_text_add(text, "%s%s", named++ ? ", " : "", waiting);
                waiting = scion_results_heading(results, groups->column[i]);
        }
        if (waiting)
                scion_text_add(text, "%s%s", named ? " and " : "", waiting);
}

/* Notes why a group with results has no interval. `what` is what a single seed does not have. */
static void section_note_no_interval(struct scion_section *section, size_t seeds,
                                     const struct scion_interval *interval, const char *what)
{
        if (seeds == 1)
                scion_notes_add(&section->notes, "A single seed has no %s.", what);
        else if (seeds > 1 && isnan(interval->low))
                scion_notes_add(&section->notes,
                                "There is no interval if one of the tasks has a result of one seed only.");
}

/* Notes which groups lack results that others have, because their means are over other runs. */
static void section_note_gaps(struct scion_section *section, const struct scion_comparison *comparison,
                              const struct scion_compared_metric *metric)
{
        const struct scion_groups *groups = &comparison->groups;
        struct scion_text text = { 0 };
        size_t named = 0, unnamed = 0;

        for (size_t i = 0; i < groups->count; i++) {
                const struct scion_score *score = &metric->score[i];

                if (score->counted == 0 || score->lacking == 0)
                        continue;
                if (named == MOST_NAMED) {
                        unnamed++;
                        continue;
                }
                scion_text_add(&text, "%s", named++ ? "; " : "");
                for (size_t j = 0; j < groups->columns; j++)
                        scion_text_add(&text, "%s%s", j ? " " : "",
                                       scion_groups_value(groups, comparison->results, i, j));
                scion_text_add(&text, " lacks %zu of %zu results", score->lacking, score->expected);
                if (score->lacking_tasks > 0)
                        scion_text_add(&text, " and %zu of %zu tasks", score->lacking_tasks,
                                       score->expected_tasks);
        }
        if (unnamed > 0)
                scion_text_add(&text, "; and %zu more", unnamed);
        if (text.failed)
                section->notes.failed = true;
        else if (text.text)
                scion_notes_add(&section->notes,
                                "These means are over unequal sets of runs, so that pairs of runs and ranks "
                                "may say otherwise: %s.",
                                text.text);
        free(text.text);
}

/* Adds the section with the statistics of each group. */
static bool sections_add_scores(struct scion_sections *sections, const struct scion_comparison *comparison,
                                const struct scion_compared_metric *metric)
{
        static const char *const headings[] = { "runs",          "failed", "mean",   "sd",
                                                "95 % interval", "best",   "median", "seconds" };
        const struct scion_groups *groups = &comparison->groups;
        struct scion_text title = { 0 };
        size_t tasks = comparison->tasks.count;

        scion_text_add(&title, "%s (%s is better)", metric->name, metric->lower_better ? "less" : "more");
        if (tasks > 1) {
                scion_text_add(&title, ", %zu tasks: ", tasks);
                text_add_columns(&title, comparison->results, &comparison->tasks);
        }
        struct scion_section *section =
                sections_begin(sections, SCION_SECTION_SCORES, groups->columns + 8, groups->columns, &title);

        if (!section)
                return false;
        section_add_headings(section, comparison->results, groups);
        for (size_t i = 0; i < 8; i++)
                section_add(section, "%s", headings[i]);
        for (size_t i = 0; i < groups->count; i++) {
                const struct scion_score *score = &metric->score[i];

                section_add_group(section, comparison->results, groups, i);
                section_add(section, "%zu", score->counted);
                section_add(section, "%zu", score->failed);
                section_add_value(section, metric->name, score->mean, SCION_AS_VALUE);
                section_add_value(section, metric->name, score->deviation, SCION_AS_SPREAD);
                section_add_interval(section, metric->name, &score->interval, SCION_AS_BARE);
                section_add_value(section, metric->name, score->best, SCION_AS_VALUE);
                section_add_value(section, metric->name, score->median, SCION_AS_VALUE);
                section_add_number(section, "%.2f", score->seconds);
                section_note_no_interval(section, score->seeds, &score->interval, "interval");
        }
        section_note_gaps(section, comparison, metric);
        return section_check_memory(section);
}

static bool sections_add_versus(struct scion_sections *sections, const struct scion_comparison *comparison,
                                const struct scion_compared_metric *metric)
{
        static const char *const headings[] = { "pairs", "seeds", "difference",       "95 % interval",
                                                "p",     "Holm",  "wins/ties/losses", "transfer ratio" };
        const struct scion_groups *groups = &comparison->groups;
        struct scion_text title = { 0 };
        bool sampled = false;

        scion_text_add(
                &title, "%s against %s, over pairs of runs that share seed", metric->name,
                scion_groups_value(&comparison->contenders, comparison->results, comparison->baseline, 0));
        scion_text_add(&title, "%s", comparison->tasks.count > 1 ? " and task" : "");
        struct scion_section *section =
                sections_begin(sections, SCION_SECTION_VERSUS, groups->columns + 8, groups->columns, &title);

        if (!section)
                return false;
        section_add_headings(section, comparison->results, groups);
        for (size_t i = 0; i < 8; i++)
                section_add(section, "%s", headings[i]);
        for (size_t i = 0; i < groups->count; i++) {
                const struct scion_versus *versus = &metric->versus[i];

                if (scion_comparison_is_baseline(comparison, i))
                        continue;
                section_add_group(section, comparison->results, groups, i);
                section_add(section, "%zu", versus->pairs);
                section_add(section, "%zu", versus->seeds);
                section_add_value(section, metric->name, versus->difference, SCION_AS_CHANGE);
                section_add_interval(section, metric->name, &versus->interval, SCION_AS_CHANGE);
                section_add_number(section, "%.2g", versus->test.p);
                section_add_number(section, "%.2g", versus->holm);
                section_add(section, "%zu/%zu/%zu", versus->wins, versus->ties, versus->losses);
                section_add_number(section, "%.3f", versus->ratio);
                sampled = sampled || !versus->test.exact;
                section_note_no_interval(section, versus->seeds, &versus->interval, "interval and no test");
        }
        if (sampled)
                scion_notes_add(&section->notes,
                                "With more than %d seeds, p is from %d random patterns of signs.",
                                SCION_PERMUTATION_EXACT, SCION_PERMUTATION_SAMPLES);
        return section_check_memory(section);
}

/* Notes the cliques: contenders between which the test finds no difference. */
static void section_note_cliques(struct scion_section *section, const struct scion_comparison *comparison,
                                 const struct scion_over_tasks *over)
{
        struct scion_text text = { 0 };

        for (size_t i = 0; i < over->cliques; i++) {
                scion_text_add(&text, "%s", i ? "; " : "");
                for (size_t j = over->clique[i].first; j <= over->clique[i].last; j++)
                        scion_text_add(&text, "%s%s", j > over->clique[i].first ? ", " : "",
                                       scion_groups_value(&comparison->contenders, comparison->results,
                                                          over->order[j], 0));
        }
        if (text.failed)
                section->notes.failed = true;
        else if (text.text)
                scion_notes_add(&section->notes, "Not told apart by Nemenyi's test: %s.", text.text);
        free(text.text);
}

static void section_note_tests(struct scion_section *section, const struct scion_over_tasks *over,
                               size_t contenders)
{
        const struct scion_friedman *friedman = &over->friedman;

        if (isnan(friedman->p)) {
                scion_notes_add(&section->notes, "All are equal in all tasks: there is nothing to test.");
                return;
        }
        scion_notes_add(&section->notes,
                        "Friedman's test: chi-squared %.3g (%zu degrees of freedom), p = %.2g; as Iman and "
                        "Davenport's F %.3g, p = %.2g.",
                        friedman->chi2, contenders - 1, friedman->p, friedman->f, friedman->f_p);
        scion_notes_add(&section->notes,
                        "Nemenyi's test: average ranks that differ by more than %.3g are told apart at 5 %%.",
                        over->critical_difference);
        scion_notes_add(&section->notes, "Both take the tasks as independent of each other%s.",
                        over->tasks < 10 ? ", and are rough for fewer than 10 tasks" : "");
        if (!isnan(over->by_seed.p))
                scion_notes_add(&section->notes,
                                "With the seeds as replications instead: p = %.2g, by exchanges within each "
                                "seed of the ranks in all tasks at once.",
                                over->by_seed.p);
}

static bool sections_add_over_tasks(struct scion_sections *sections,
                                    const struct scion_comparison *comparison,
                                    const struct scion_compared_metric *metric)
{
        const struct scion_over_tasks *over = &metric->over_tasks;
        const struct scion_groups *contenders = &comparison->contenders;
        bool ratios = comparison->baseline < contenders->count;
        struct scion_text title = { 0 };

        scion_text_add(&title, "%s over %zu tasks", metric->name, over->tasks);
        struct scion_section *section =
                sections_begin(sections, SCION_SECTION_RANKS, ratios ? 3 : 2, 1, &title);

        if (!section)
                return false;
        section_add_headings(section, comparison->results, contenders);
        section_add(section, "average rank");
        if (ratios)
                section_add(section, "transfer ratio");
        for (size_t i = 0; i < contenders->count; i++) {
                section_add_group(section, comparison->results, contenders, over->order[i]);
                section_add_number(section, "%.2f", over->standing[over->order[i]].rank);
                if (ratios)
                        section_add_number(section, "%.3f", over->standing[over->order[i]].ratio);
        }
        section_note_tests(section, over, contenders->count);
        section_note_cliques(section, comparison, over);
        return section_check_memory(section);
}

static void section_add_needed(struct scion_section *section, const struct scion_label_need *need)
{
        if (isnan(need->needed)) {
                section_add(section, "not reached");
                section_add(section, "-");
                return;
        }
        section_add(section, need->at_most ? "at most %.3g" : "%.3g", need->needed);
        section_add(section, need->at_most ? "at least %.3g" : "%.3g", need->labels / need->needed);
}

static bool sections_add_labels(struct scion_sections *sections, const struct scion_comparison *comparison,
                                const struct scion_compared_metric *metric)
{
        const struct scion_groups *settings = &comparison->settings;
        const char *labels = scion_results_heading(comparison->results, comparison->labels);
        const char *baseline =
                scion_groups_value(&comparison->contenders, comparison->results, comparison->baseline, 0);
        size_t words = 1;
        struct scion_text title = { 0 };

        for (size_t i = 0; i < settings->columns; i++)
                words += scion_groups_vary(settings, comparison->results, i);
        scion_text_add(&title, "%s that reaches the %s of %s", labels, metric->name, baseline);
        struct scion_section *section =
                sections_begin(sections, SCION_SECTION_LABELS, words + 4, words, &title);

        if (!section)
                return false;
        section_add_headings(section, comparison->results, &comparison->contenders);
        for (size_t i = 0; i < settings->columns; i++)
                if (scion_groups_vary(settings, comparison->results, i))
                        section_add(section, "%s",
                                    scion_results_heading(comparison->results, settings->column[i]));
        section_add(section, "%s of %s", labels, baseline);
        section_add(section, "%s", metric->name);
        section_add(section, "needed");
        section_add(section, "times fewer");
        for (size_t i = 0; i < metric->needs; i++) {
                const struct scion_label_need *need = &metric->need[i];

                section_add_group(section, comparison->results, &comparison->contenders, need->contender);
                for (size_t j = 0; j < settings->columns; j++)
                        if (scion_groups_vary(settings, comparison->results, j))
                                section_add(
                                        section, "%s",
                                        scion_groups_value(settings, comparison->results, need->setting, j));
                section_add(section, "%.6g", need->labels);
                section_add_value(section, metric->name, need->goal, SCION_AS_VALUE);
                section_add_needed(section, need);
        }
        scion_notes_add(&section->notes, "Between numbers that were run, %s is taken as linear in log(%s).",
                        metric->name, labels);
        return section_check_memory(section);
}

/* Adds the notes of the results and of the comparison. */
static bool sections_add_notes(struct scion_sections *sections, const struct scion_comparison *comparison)
{
        const struct scion_notes *const lists[] = { &comparison->results->notes, &comparison->notes };
        struct scion_text title = { 0 };

        if (lists[0]->count + lists[1]->count == 0)
                return true;
        scion_text_add(&title, "Notes");
        struct scion_section *section = sections_begin(sections, SCION_SECTION_NOTES, 1, 1, &title);

        if (!section)
                return false;
        for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < lists[i]->count; j++) {
                        scion_notes_add(&section->notes, "%s.", lists[i]->text[j]);
                        if (!section->notes.failed)
                                text_make_plain(section->notes.text[section->notes.count - 1]);
                }
        return section_check_memory(section);
}

bool scion_sections_make(const struct scion_comparison *comparison, struct scion_sections *sections)
{
        bool good = true;

        *sections = (struct scion_sections){ 0 };
        for (size_t i = 0; good && i < comparison->metrics; i++) {
                const struct scion_compared_metric *metric = &comparison->metric[i];
                size_t before = sections->count;

                good = sections_add_scores(sections, comparison, metric);
                if (good && metric->versus && comparison->contenders.count > 1)
                        good = sections_add_versus(sections, comparison, metric);
                if (good && metric->over_tasks.tasks > 1)
                        good = sections_add_over_tasks(sections, comparison, metric);
                if (good && metric->needs > 0)
                        good = sections_add_labels(sections, comparison, metric);
                for (size_t j = before; j < sections->count; j++)
                        sections->section[j].metric = i;
        }
        good = good && sections_add_notes(sections, comparison);
        if (!good)
                scion_sections_finish(sections);
        return good;
}

void scion_sections_finish(struct scion_sections *sections)
{
        for (size_t i = 0; i < sections->count; i++) {
                free(sections->section[i].title);
                scion_columns_finish(&sections->section[i].table);
                scion_notes_finish(&sections->section[i].notes);
        }
        free(sections->section);
        *sections = (struct scion_sections){ 0 };
}
