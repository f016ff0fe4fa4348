#include <jansson.h>
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "compare/write.h"

/* What does not exist is null: JSON has no NaN and no infinity. */
static json_t *number(double value)
{
        return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(size_t value)
{
        return json_integer((json_int_t)value);
}

/* JSON is UTF-8; of names that are not, what is no ASCII is replaced. */
static json_t *text(const char *value)
{
        json_t *string = json_string(value);
        char *ascii = string ? NULL : strdup(value);

        if (!ascii)
                return string;
        for (char *c = ascii; *c; c++)
                if ((unsigned char)*c >= 0x80)
                        *c = '?';
        string = json_string(ascii);
        free(ascii);
        return string;
}

static json_t *range(const struct scion_interval *interval)
{
        return isnan(interval->low) ? json_null()
                                    : json_pack("[o, o]", number(interval->low), number(interval->high));
}

/* {"strategy": "fine-tune", ...} */
static json_t *values_of(const struct scion_comparison *comparison, const struct scion_groups *groups,
                         size_t group)
{
        json_t *values = json_object();

        for (size_t i = 0; i < groups->columns; i++)
                json_object_set_new(values, comparison->results->column[groups->column[i]].name,
                                    text(scion_groups_value(groups, comparison->results, group, i)));
        return values;
}

static json_t *contender(const struct scion_comparison *comparison, size_t index)
{
        return text(scion_groups_value(&comparison->contenders, comparison->results, index, 0));
}

static json_t *versus_of(const struct scion_versus *versus)
{
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "pairs",
                         count(versus->pairs), "unpaired", count(versus->unpaired), "difference",
                         number(versus->difference), "interval", range(&versus->interval), "p",
                         number(versus->test.p), "exact", versus->test.exact, "p_holm", number(versus->holm),
                         "wins", count(versus->wins), "ties", count(versus->ties), "losses",
                         count(versus->losses), "transfer_ratio", number(versus->ratio));
}

static json_t *groups_of(const struct scion_comparison *comparison,
                         const struct scion_compared_metric *metric)
{
        json_t *list = json_array();

        for (size_t i = 0; i < comparison->groups.count; i++) {
                const struct scion_score *score = &metric->score[i];
                json_t *group = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "group",
                                          values_of(comparison, &comparison->groups, i), "runs",
                                          count(score->counted), "done", count(score->done), "failed",
                                          count(score->failed), "mean", number(score->mean), "sd",
                                          number(score->deviation), "interval", range(&score->interval),
                                          "best", number(score->best), "median", number(score->median),
                                          "seconds", number(score->seconds));

                if (metric->versus && !scion_comparison_is_baseline(comparison, i))
                        json_object_set_new(group, "versus", versus_of(&metric->versus[i]));
                json_array_append_new(list, group);
        }
        return list;
}

static json_t *over_tasks_of(const struct scion_comparison *comparison, const struct scion_over_tasks *over)
{
        json_t *standings = json_array(), *cliques = json_array();

        for (size_t i = 0; i < comparison->contenders.count; i++) {
                const struct scion_standing *standing = &over->standing[over->order[i]];

                json_array_append_new(standings, json_pack("{s:o, s:o, s:o}", "name",
                                                           contender(comparison, over->order[i]),
                                                           "average_rank", number(standing->rank),
                                                           "transfer_ratio", number(standing->ratio)));
        }
        for (size_t i = 0; i < over->cliques; i++) {
                json_t *names = json_array();

                for (size_t j = over->clique[i].first; j <= over->clique[i].last; j++)
                        json_array_append_new(names, contender(comparison, over->order[j]));
                json_array_append_new(cliques, names);
        }
        return json_pack("{s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o}, s:o, s:o}", "tasks", count(over->tasks),
                         "left_out", count(over->left_out), "standings", standings, "friedman", "chi2",
                         number(over->friedman.chi2), "p", number(over->friedman.p), "f",
                         number(over->friedman.f), "f_p", number(over->friedman.f_p), "critical_difference",
                         number(over->critical_difference), "not_told_apart", cliques);
}

static json_t *labels_of(const struct scion_comparison *comparison,
                         const struct scion_compared_metric *metric)
{
        json_t *list = json_array();

        for (size_t i = 0; i < metric->needs; i++) {
                const struct scion_label_need *need = &metric->need[i];

                json_array_append_new(
                        list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "name",
                                        contender(comparison, need->contender), "setting",
                                        values_of(comparison, &comparison->settings, need->setting),
                                        "baseline_labels", number(need->labels), "goal", number(need->goal),
                                        "needed", number(need->needed), "at_most", need->at_most));
        }
        return list;
}

static json_t *metric_of(const struct scion_comparison *comparison,
                         const struct scion_compared_metric *metric)
{
        json_t *object = json_pack("{s:o, s:b, s:o, s:o}", "metric", text(metric->name), "lower_is_better",
                                   metric->lower_better, "missing", count(metric->missing), "groups",
                                   groups_of(comparison, metric));

        if (metric->over_tasks.tasks > 1)
                json_object_set_new(object, "over_tasks", over_tasks_of(comparison, &metric->over_tasks));
        if (metric->needs > 0)
                json_object_set_new(object, "labels", labels_of(comparison, metric));
        return object;
}

static json_t *notes_of(const struct scion_comparison *comparison)
{
        const struct scion_notes *const lists[] = { &comparison->results->notes, &comparison->notes };
        json_t *list = json_array();

        for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < lists[i]->count; j++)
                        json_array_append_new(list, text(lists[i]->text[j]));
        return list;
}

bool scion_comparison_write_json(const struct scion_comparison *comparison, FILE *file)
{
        const struct scion_results *results = comparison->results;
        bool has_baseline = comparison->baseline < comparison->contenders.count;
        json_t *by = json_array(), *files = json_array(), *metrics = json_array();

        for (size_t i = 0; i < comparison->groups.columns; i++)
                json_array_append_new(by, text(results->column[comparison->groups.column[i]].name));
        for (size_t i = 0; i < results->files; i++)
                json_array_append_new(files, text(results->file[i].path));
        for (size_t i = 0; i < comparison->metrics; i++)
                json_array_append_new(metrics, metric_of(comparison, &comparison->metric[i]));
        json_t *all = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "files", files, "runs",
                                count(results->runs), "by", by, "baseline",
                                has_baseline ? contender(comparison, comparison->baseline) : json_null(),
                                "metrics", metrics, "notes", notes_of(comparison));
        char *dumped = all ? json_dumps(all, JSON_INDENT(2)) : NULL;

        if (dumped) {
                fputs(dumped, file);
                fputc('\n', file);
        }
        free(dumped);
        json_decref(all);
        return dumped || scion_fail("out of memory");
}
