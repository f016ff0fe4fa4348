#include <jansson.h>
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "compare/write.h"

/* JSON has no NaN and no infinity; they become null. */
static json_t *json_of_number(double value)
{
        return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_of_count(size_t value)
{
        return json_integer((json_int_t)value);
}

/* Replaces the non-ASCII bytes of names that are not valid UTF-8. */
static json_t *json_of_text(const char *value)
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

static json_t *json_of_interval(const struct scion_interval *interval)
{
        return isnan(interval->low)
                       ? json_null()
                       : json_pack("[o, o]", json_of_number(interval->low), json_of_number(interval->high));
}

/* {"strategy": "fine-tune", ...} */
static json_t *json_of_group_values(const struct scion_comparison *comparison,
                                    const struct scion_groups *groups, size_t group)
{
        json_t *values = json_object();

        for (size_t i = 0; i < groups->columns; i++)
                json_object_set_new(values, comparison->results->column[groups->column[i]].name,
                                    json_of_text(scion_groups_value(groups, comparison->results, group, i)));
        return values;
}

static json_t *json_of_contender(const struct scion_comparison *comparison, size_t index)
{
        return json_of_text(scion_groups_value(&comparison->contenders, comparison->results, index, 0));
}

static json_t *json_of_versus(const struct scion_versus *versus)
{
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "pairs",
                         json_of_count(versus->pairs), "seeds", json_of_count(versus->seeds), "unpaired",
                         json_of_count(versus->unpaired), "difference", json_of_number(versus->difference),
                         "interval", json_of_interval(&versus->interval), "p", json_of_number(versus->test.p),
                         "exact", versus->test.exact, "p_holm", json_of_number(versus->holm), "wins",
                         json_of_count(versus->wins), "ties", json_of_count(versus->ties), "losses",
                         json_of_count(versus->losses), "transfer_ratio", json_of_number(versus->ratio));
}

static json_t *json_of_groups(const struct scion_comparison *comparison,
                              const struct scion_compared_metric *metric)
{
        json_t *list = json_array();

        for (size_t i = 0; i < comparison->groups.count; i++) {
                const struct scion_score *score = &metric->score[i];
                json_t *group = json_pack(
                        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "group",
                        json_of_group_values(comparison, &comparison->groups, i), "runs",
                        json_of_count(score->counted), "seeds", json_of_count(score->seeds), "done",
                        json_of_count(score->done), "failed", json_of_count(score->failed), "lacking",
                        json_of_count(score->lacking), "mean", json_of_number(score->mean), "sd",
                        json_of_number(score->deviation), "interval", json_of_interval(&score->interval),
                        "best", json_of_number(score->best), "median", json_of_number(score->median),
                        "seconds", json_of_number(score->seconds));

                if (metric->versus && !scion_comparison_is_baseline(comparison, i))
                        json_object_set_new(group, "versus", json_of_versus(&metric->versus[i]));
                json_array_append_new(list, group);
        }
        return list;
}

static json_t *json_of_over_tasks(const struct scion_comparison *comparison,
                                  const struct scion_over_tasks *over)
{
        json_t *standings = json_array(), *cliques = json_array();

        for (size_t i = 0; i < comparison->contenders.count; i++) {
                const struct scion_standing *standing = &over->standing[over->order[i]];

                json_array_append_new(standings,
                                      json_pack("{s:o, s:o, s:o}", "name",
                                                json_of_contender(comparison, over->order[i]), "average_rank",
                                                json_of_number(standing->rank), "transfer_ratio",
                                                json_of_number(standing->ratio)));
        }
        for (size_t i = 0; i < over->cliques; i++) {
                json_t *names = json_array();

                for (size_t j = over->clique[i].first; j <= over->clique[i].last; j++)
                        json_array_append_new(names, json_of_contender(comparison, over->order[j]));
                json_array_append_new(cliques, names);
        }
        return json_pack("{s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o, s:o}, s:o, s:o}", "tasks",
                         json_of_count(over->tasks), "left_out", json_of_count(over->left_out), "standings",
                         standings, "friedman", "chi2", json_of_number(over->friedman.chi2), "p",
                         json_of_number(over->friedman.p), "f", json_of_number(over->friedman.f), "f_p",
                         json_of_number(over->friedman.f_p), "by_seed_p", json_of_number(over->by_seed.p),
                         "critical_difference", json_of_number(over->critical_difference), "not_told_apart",
                         cliques);
}

static json_t *json_of_labels(const struct scion_comparison *comparison,
                              const struct scion_compared_metric *metric)
{
        json_t *list = json_array();

        for (size_t i = 0; i < metric->needs; i++) {
                const struct scion_label_need *need = &metric->need[i];

                json_array_append_new(
                        list,
                        json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "name",
                                  json_of_contender(comparison, need->contender), "setting",
                                  json_of_group_values(comparison, &comparison->settings, need->setting),
                                  "baseline_labels", json_of_number(need->labels), "goal",
                                  json_of_number(need->goal), "needed", json_of_number(need->needed),
                                  "at_most", need->at_most));
        }
        return list;
}

static json_t *json_of_metric(const struct scion_comparison *comparison,
                              const struct scion_compared_metric *metric)
{
        json_t *object =
                json_pack("{s:o, s:b, s:o, s:o}", "metric", json_of_text(metric->name), "lower_is_better",
                          metric->lower_better, "missing", json_of_count(metric->missing), "groups",
                          json_of_groups(comparison, metric));

        if (metric->over_tasks.tasks > 1)
                json_object_set_new(object, "over_tasks",
                                    json_of_over_tasks(comparison, &metric->over_tasks));
        if (metric->needs > 0)
                json_object_set_new(object, "labels", json_of_labels(comparison, metric));
        return object;
}

static json_t *json_of_notes(const struct scion_comparison *comparison)
{
        const struct scion_notes *const lists[] = { &comparison->results->notes, &comparison->notes };
        json_t *list = json_array();

        for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < lists[i]->count; j++)
                        json_array_append_new(list, json_of_text(lists[i]->text[j]));
        return list;
}

bool scion_comparison_write_json(const struct scion_comparison *comparison, FILE *file)
{
        const struct scion_results *results = comparison->results;
        bool has_baseline = comparison->baseline < comparison->contenders.count;
        json_t *by = json_array(), *files = json_array(), *metrics = json_array();

        for (size_t i = 0; i < comparison->groups.columns; i++)
                json_array_append_new(by, json_of_text(results->column[comparison->groups.column[i]].name));
        for (size_t i = 0; i < results->files; i++)
                json_array_append_new(files, json_of_text(results->file[i].path));
        for (size_t i = 0; i < comparison->metrics; i++)
                json_array_append_new(metrics, json_of_metric(comparison, &comparison->metric[i]));
        json_t *all =
                json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "files", files, "runs",
                          json_of_count(results->runs), "by", by, "baseline",
                          has_baseline ? json_of_contender(comparison, comparison->baseline) : json_null(),
                          "metrics", metrics, "notes", json_of_notes(comparison));
        char *dumped = all ? json_dumps(all, JSON_INDENT(2)) : NULL;

        if (dumped) {
                fputs(dumped, file);
                fputc('\n', file);
        }
        free(dumped);
        json_decref(all);
        return dumped || scion_fail("out of memory");
}
