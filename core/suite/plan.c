#include "suite/plan.h"

#include <ctype.h>
#include <scion/error.h>
#include <scion/strategy.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/text.h"
#include "experiment/experiment.h"

#define MAX_LABELS_BYTES 120 /* bytes of an id before its hash; a file name has at most 255 bytes */

/* ASCII letters, and every byte of a multi-byte UTF-8 character. */
static bool char_is_letter(char c)
{
        return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

static void id_add_dash(struct scion_text *id)
{
        if (id->length > 0 && id->text[id->length - 1] != '-')
                scion_text_add(id, "-");
}

/*
 * Adds the characters that are valid in a folder's name and need no quotes in a shell, and one dash for each
 * sequence of others.
 */
static void id_add_safe(struct scion_text *id, const char *text)
{
        for (; *text; text++)
                if (char_is_letter(*text) || isdigit((unsigned char)*text) || strchr("._+", *text))
                        scion_text_add(id, "%c", *text);
                else
                        id_add_dash(id);
}

static const struct scion_config_point *run_point_at(const struct scion_config_run *run, const char *path)
{
        for (size_t i = 0; i < run->axes; i++)
                if (strcmp(run->point[i].path, path) == 0)
                        return &run->point[i];
        return NULL;
}

/*
 * A word is added by itself ("fine-tune"); a number follows the last component of its path ("per_class10").
 */
static void id_add_point(struct scion_text *id, const char *path, const char *label)
{
        const char *dot = strrchr(path, '.');

        id_add_dash(id);
        if (!char_is_letter(label[0]))
                id_add_safe(id, dot ? dot + 1 : path);
        id_add_safe(id, label);
}

/*
 * Adds `digits` hexadecimal digits of the configuration's hash, which distinguish runs with the same labels.
 * Strips from the configuration what does not change the results.
 */
static void id_add_hash(struct scion_text *id, struct scion_config *config, int digits)
{
        scion_experiment_strip(config); /* otherwise a change of such a key would run finished runs again */
        id_add_dash(id);
        scion_text_add(id, "%0*llx", digits,
                       (unsigned long long)scion_config_hash(config) >> (64 - 4 * digits));
}

/*
 * Truncates long labels at a character boundary. Returns the number of hash digits to use: more after
 * truncation.
 */
static int id_cut(struct scion_text *id)
{
        if (id->length <= MAX_LABELS_BYTES)
                return 8;
        id->length = MAX_LABELS_BYTES;
        while (((unsigned char)id->text[id->length] & 0xC0) == 0x80)
                id->length--;
        id->text[id->length] = '\0';
        return 16;
}

static bool run_name(const struct scion_config_run *run, struct scion_config *config, uint64_t source,
                     struct scion_planned *planned)
{
        const struct scion_config_point *point = run_point_at(run, "strategy");
        const struct scion_config *use = scion_config_get(scion_config_get(config, "strategy"), "use");
        const char *strategy = point ? point->label : use->text;
        const char *seed = scion_config_get(config, "seed")->text;
        struct scion_text id = { 0 };
        size_t end;

        planned->run = run;
        if (!point)
                id_add_point(&id, "strategy", strategy);
        for (size_t i = 0; i < run->axes; i++)
                id_add_point(&id, run->point[i].path, run->point[i].label);
        if (!run_point_at(run, "seed"))
                id_add_point(&id, "seed", seed);
        id_add_hash(&id, config, id_cut(&id));
        end = id.length;
        scion_text_add(&id, "%c%s%c%s%c%016llx", '\0', strategy, '\0', seed, '\0',
                       (unsigned long long)source); /* one allocation holds all four strings */
        planned->id = id.text;
        if (id.failed)
                return scion_fail("out of memory");
        planned->strategy = id.text + end + 1;
        planned->seed = planned->strategy + strlen(planned->strategy) + 1;
        return true;
}

static bool config_check_name(const struct scion_config *config)
{
        const struct scion_config *name = scion_config_get(config, "name");

        if (strchr(name->text, '/') || name->text[0] == '.' || name->text[0] == '\0' ||
            strlen(name->text) > 200)
                return scion_config_fail(name, "the name becomes a folder's: it cannot be empty, start with "
                                               "a dot, contain '/' or be longer than 200 bytes");
        for (const char *c = name->text; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7F)
                        return scion_config_fail(name, "the name becomes a folder's: it cannot contain "
                                                       "control characters");
        return true;
}

/*
 * Returns a hash of everything that determines the source that a run trains, without reading data; 0 when it
 * trains none.
 */
static uint64_t experiment_source_hash(const struct scion_experiment *experiment)
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

static bool plan_check_run(struct scion_plan *plan, struct scion_config *config,
                           struct scion_planned *planned, uint64_t *source)
{
        struct scion_experiment experiment;

        if (!scion_experiment_read(config, &experiment))
                return false;
        *source = experiment_source_hash(&experiment);
        if (experiment.threads > plan->threads)
                plan->threads = experiment.threads;
        if (!plan->name && !(plan->name = strdup(experiment.name)))
                scion_fail("out of memory");
        planned->limits = experiment.limits;
        scion_experiment_finish(&experiment);
        return plan->name && config_check_name(config);
}

/* Allocates a flag for every value of every axis, in one block: whether an earlier run had it. */
static bool **plan_create_seen(const struct scion_plan *plan)
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

static void plan_mark_first(struct scion_plan *plan, size_t index, bool **seen)
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

/* Two runs with the same id would share a folder and a row of results. */
static bool plan_add_id(struct scion_plan *plan, size_t index, const struct scion_config *config)
{
        const char *id = plan->planned[index].id;

        if (scion_name_map_find(&plan->ids, id) != SCION_NAME_NONE)
                return scion_config_fail(config,
                                         "two runs are the same, and would share the folder '%s': on an "
                                         "axis, two labels differ only in what a folder's name leaves out",
                                         id);
        return scion_name_map_add(&plan->ids, id, index);
}

/* Sets planned->source to the first run that has the same source. */
static bool plan_add_source(struct scion_plan *plan, size_t index, uint64_t source)
{
        struct scion_planned *planned = &plan->planned[index];
        const char *name = planned->seed + strlen(planned->seed) +
                           1; /* the hash of the source, stored there by run_name() */

        planned->source = source ? scion_name_map_find(&plan->sources, name) : SCION_PLAN_NO_SOURCE;
        if (!source || planned->source != SCION_NAME_NONE)
                return true;
        planned->source = index;
        return scion_name_map_add(&plan->sources, name, index);
}

static bool plan_add_run(struct scion_plan *plan, size_t index, bool **seen)
{
        const struct scion_config_run *run = &plan->runs.run[index];
        struct scion_config *config = scion_config_resolve(run);
        uint64_t source = 0;
        bool good = config && plan_check_run(plan, config, &plan->planned[index], &source) &&
                    run_name(run, config, source, &plan->planned[index]) &&
                    plan_add_id(plan, index, config) && plan_add_source(plan, index, source);

        scion_config_destroy(config);
        if (good)
                plan_mark_first(plan, index, seen);
        return good;
}

static bool plan_add_runs(struct scion_plan *plan)
{
        bool **seen = plan_create_seen(plan);

        plan->planned = calloc(plan->runs.count, sizeof *plan->planned);
        if (seen && !plan->planned)
                scion_fail("out of memory");
        bool good = seen && plan->planned;

        for (; good && plan->count < plan->runs.count; plan->count += good)
                good = plan_add_run(plan, plan->count, seen);
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
        if (good && plan_add_runs(plan))
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
