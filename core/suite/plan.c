#include "suite/plan.h"

#include <ctype.h>
#include <scion/error.h>
#include <scion/strategy.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/text.h"
#include "experiment/experiment.h"

#define LONGEST_LABELS 120 /* of an id, before its hash; a file name has at most 255 bytes */

/* A letter of any script: its bytes in UTF-8, unless it is ASCII. */
static bool is_letter(char c)
{
        return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

static void add_dash(struct scion_text *id)
{
        if (id->length > 0 && id->text[id->length - 1] != '-')
                scion_text_add(id, "-");
}

/* What may stand in a folder's name and needs no quotes in a shell; one dash for all between. */
static void add_safe(struct scion_text *id, const char *text)
{
        for (; *text; text++)
                if (is_letter(*text) || isdigit((unsigned char)*text) || strchr("._+", *text))
                        scion_text_add(id, "%c", *text);
                else
                        add_dash(id);
}

static const struct scion_config_point *point_at(const struct scion_config_run *run, const char *path)
{
        for (size_t i = 0; i < run->axes; i++)
                if (strcmp(run->point[i].path, path) == 0)
                        return &run->point[i];
        return NULL;
}

/* Words stand for themselves ("fine-tune"); numbers follow the last part of their path ("per_class10"). */
static void add_point(struct scion_text *id, const char *path, const char *label)
{
        const char *dot = strrchr(path, '.');

        add_dash(id);
        if (!is_letter(label[0]))
                add_safe(id, dot ? dot + 1 : path);
        add_safe(id, label);
}

/* What a run's labels leave to be told apart; its digits. The configuration is changed. */
static void add_hash(struct scion_text *id, struct scion_config *config, int digits)
{
        scion_experiment_strip(config); /* or finished runs would be done again */
        add_dash(id);
        scion_text_add(id, "%0*llx", digits,
                       (unsigned long long)scion_config_hash(config) >> (64 - 4 * digits));
}

/* Cuts the labels between two letters; more of the hash then tells what they no longer do. */
static int cut_labels(struct scion_text *id)
{
        if (id->length <= LONGEST_LABELS)
                return 8;
        id->length = LONGEST_LABELS;
        while (((unsigned char)id->text[id->length] & 0xC0) == 0x80)
                id->length--;
        id->text[id->length] = '\0';
        return 16;
}

static bool name_run(const struct scion_config_run *run, struct scion_config *config, uint64_t source,
                     struct scion_planned *planned)
{
        const struct scion_config_point *point = point_at(run, "strategy");
        const struct scion_config *use = scion_config_get(scion_config_get(config, "strategy"), "use");
        const char *strategy = point ? point->label : use->text;
        const char *seed = scion_config_get(config, "seed")->text;
        struct scion_text id = { 0 };
        size_t end;

        planned->run = run;
        if (!point)
                add_point(&id, "strategy", strategy);
        for (size_t i = 0; i < run->axes; i++)
                add_point(&id, run->point[i].path, run->point[i].label);
        if (!point_at(run, "seed"))
                add_point(&id, "seed", seed);
        add_hash(&id, config, cut_labels(&id));
        end = id.length;
        scion_text_add(&id, "%c%s%c%s%c%016llx", '\0', strategy, '\0', seed, '\0',
                       (unsigned long long)source); /* one block holds all four */
        planned->id = id.text;
        if (id.failed)
                return scion_fail("out of memory");
        planned->strategy = id.text + end + 1;
        planned->seed = planned->strategy + strlen(planned->strategy) + 1;
        return true;
}

static bool check_name(const struct scion_config *config)
{
        const struct scion_config *name = scion_config_get(config, "name");

        if (strchr(name->text, '/') || name->text[0] == '.' || name->text[0] == '\0' ||
            strlen(name->text) > 200)
                return scion_config_fail(name,
                                         "the name becomes a folder's: it cannot be empty, start with a dot, "
                                         "contain '/' or be longer than 200 bytes");
        return true;
}

/* What tells the source that a run trains from others, without a look at the data; 0 when it trains none. */
static uint64_t source_of(const struct scion_experiment *experiment)
{
        const struct scion_strategy_plugin *strategy =
                (const struct scion_strategy_plugin *)experiment->strategy->plugin;

        if (!experiment->has_source || experiment->source.weights || !(strategy->needs & SCION_NEEDS_SOURCE))
                return 0;
        const uint64_t parts[] = { scion_config_hash(experiment->source.map), experiment->source.seed,
                                   (uint64_t)experiment->threads,
                                   (uint64_t)experiment->winograd | (uint64_t)experiment->bf16 << 1 };

        return XXH64(parts, sizeof parts, 0) | 1;
}

static bool check_run(struct scion_plan *plan, struct scion_config *config, struct scion_planned *planned,
                      uint64_t *source)
{
        struct scion_experiment experiment;

        if (!scion_experiment_read(config, &experiment))
                return false;
        *source = source_of(&experiment);
        if (experiment.threads > plan->threads)
                plan->threads = experiment.threads;
        if (!plan->name && !(plan->name = strdup(experiment.name)))
                scion_fail("out of memory");
        planned->limits = experiment.limits;
        scion_experiment_finish(&experiment);
        return plan->name && check_name(config);
}

/* Which values of each axis a run before has had. */
static bool **make_seen(const struct scion_plan *plan)
{
        size_t axes = plan->runs.run[0].axes, values = 0;
        bool **seen, *flag;

        for (size_t axis = 0; axis < axes; axis++)
                values += scion_config_values(&plan->runs, axis);
        seen = calloc(1, axes * sizeof *seen + values + 1);
        if (!seen)
                return scion_fail_null("out of memory");
        flag = (bool *)(seen + axes);
        for (size_t axis = 0; axis < axes; axis++) {
                seen[axis] = flag;
                flag += scion_config_values(&plan->runs, axis);
        }
        return seen;
}

static void mark_first(struct scion_plan *plan, size_t index, bool **seen)
{
        struct scion_planned *planned = &plan->planned[index];

        planned->first_of_its_kind = index == 0;
        for (size_t axis = 0; axis < planned->run->axes; axis++) {
                const struct scion_config_point *point = &planned->run->point[axis];

                if (!seen[axis][point->value] && strcmp(point->path, "seed") != 0)
                        planned->first_of_its_kind = true;
                seen[axis][point->value] = true;
        }
}

/* Two runs of one id would share a folder and a row. */
static bool add_id(struct scion_plan *plan, size_t index, const struct scion_config *config)
{
        const char *id = plan->planned[index].id;

        if (scion_name_map_find(&plan->ids, id) != SCION_NAME_NONE)
                return scion_config_fail(
                        config,
                        "two runs are the same, and would share the folder '%s': on an axis, two "
                        "labels differ only in what a folder's name leaves out",
                        id);
        return scion_name_map_add(&plan->ids, id, index);
}

/* Finds the first run that has the same source. */
static bool add_source(struct scion_plan *plan, size_t index, uint64_t source)
{
        struct scion_planned *planned = &plan->planned[index];
        const char *name = planned->seed + strlen(planned->seed) + 1; /* as name_run() has put it there */

        planned->source = source ? scion_name_map_find(&plan->sources, name) : SCION_PLAN_NO_SOURCE;
        if (!source || planned->source != SCION_NAME_NONE)
                return true;
        planned->source = index;
        return scion_name_map_add(&plan->sources, name, index);
}

static bool plan_run(struct scion_plan *plan, size_t index, bool **seen)
{
        const struct scion_config_run *run = &plan->runs.run[index];
        struct scion_config *config = scion_config_resolve(run);
        uint64_t source = 0;
        bool good = config && check_run(plan, config, &plan->planned[index], &source) &&
                    name_run(run, config, source, &plan->planned[index]) && add_id(plan, index, config) &&
                    add_source(plan, index, source);

        scion_config_destroy(config);
        if (good)
                mark_first(plan, index, seen);
        return good;
}

static bool plan_runs(struct scion_plan *plan)
{
        bool **seen = make_seen(plan);

        plan->planned = calloc(plan->runs.count, sizeof *plan->planned);
        if (seen && !plan->planned)
                scion_fail("out of memory");
        bool good = seen && plan->planned;

        for (; good && plan->count < plan->runs.count; plan->count += good)
                good = plan_run(plan, plan->count, seen);
        free(seen);
        return good;
}

const struct scion_planned *scion_plan_find(const struct scion_plan *plan, const char *id)
{
        size_t at = scion_name_map_find(&plan->ids, id);

        return at == SCION_NAME_NONE ? NULL : &plan->planned[at];
}

struct scion_config *scion_planned_config(const struct scion_planned *planned)
{
        return scion_config_resolve(planned->run);
}

bool scion_plan_make(const char *path, const char *const *set, size_t sets, bool forced,
                     struct scion_plan *plan)
{
        struct scion_config *config = scion_config_load(path);
        bool good = config != NULL;

        *plan = (struct scion_plan){ 0 };
        for (size_t i = 0; good && i < sets; i++)
                good = scion_config_override(config, set[i]);
        good = good && scion_config_expand(config, forced, &plan->runs);
        scion_config_destroy(config);
        if (good && plan_runs(plan))
                return true;
        scion_plan_finish(plan);
        return false;
}

void scion_plan_finish(struct scion_plan *plan)
{
        for (size_t i = 0; plan->planned && i < plan->runs.count; i++)
                free(plan->planned[i].id);
        free(plan->planned);
        free(plan->name);
        scion_name_map_finish(&plan->ids);
        scion_name_map_finish(&plan->sources);
        scion_config_runs_finish(&plan->runs);
        *plan = (struct scion_plan){ 0 };
}
