#include "suite/plan.h"

#include <ctype.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/text.h"
#include "train/experiment.h"

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

static bool name_run(const struct scion_config_run *run, struct scion_planned *planned)
{
        const struct scion_config_point *strategy = point_at(run, "strategy");
        char *resolved = scion_config_text(run->config);
        struct scion_text id = { 0 };

        if (!resolved)
                return false;
        planned->run = run;
        planned->strategy =
                strategy ? strategy->label
                         : scion_config_get(scion_config_get(run->config, "strategy"), "use")->text;
        planned->seed = scion_config_get(run->config, "seed")->text;
        if (!strategy)
                add_point(&id, "strategy", planned->strategy);
        for (size_t i = 0; i < run->axes; i++)
                add_point(&id, run->point[i].path, run->point[i].label);
        if (!point_at(run, "seed"))
                add_point(&id, "seed", planned->seed);
        if (id.length > LONGEST_LABELS) {
                id.length = LONGEST_LABELS;
                while (((unsigned char)id.text[id.length] & 0xC0) == 0x80) /* within a letter */
                        id.length--;
                id.text[id.length] = '\0';
        }
        add_dash(&id);
        scion_text_add(&id, "%08llx", (unsigned long long)XXH64(resolved, strlen(resolved), 0) & 0xffffffffu);
        free(resolved);
        planned->id = id.text;
        if (id.failed)
                return scion_fail("out of memory");
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

static bool check_run(struct scion_config *config)
{
        struct scion_experiment experiment;

        if (!scion_experiment_read(config, &experiment))
                return false;
        scion_experiment_finish(&experiment);
        return check_name(config);
}

static void mark_first(struct scion_plan *plan, size_t index)
{
        struct scion_planned *planned = &plan->planned[index];

        planned->first_of_its_kind = index == 0;
        for (size_t axis = 0; axis < planned->run->axes; axis++) {
                const struct scion_config_point *point = &planned->run->point[axis];
                bool seen = strcmp(point->path, "seed") == 0;

                for (size_t i = 0; !seen && i < index; i++)
                        seen = strcmp(plan->planned[i].run->point[axis].label, point->label) == 0;
                planned->first_of_its_kind = planned->first_of_its_kind || !seen;
        }
}

static bool plan_runs(struct scion_plan *plan)
{
        plan->planned = calloc(plan->runs.count + 1, sizeof *plan->planned);
        if (!plan->planned)
                return scion_fail("out of memory");
        for (size_t i = 0; i < plan->runs.count; i++) {
                struct scion_config_run *run = &plan->runs.run[i];

                if (!check_run(run->config) || !name_run(run, &plan->planned[i]))
                        return false;
                plan->count++;
                mark_first(plan, i);
        }
        plan->name = scion_config_get(plan->runs.run[0].config, "name")->text;
        return true;
}

bool scion_plan_make(const char *path, const char *const *set, size_t sets, struct scion_plan *plan)
{
        struct scion_config *config = scion_config_load(path);
        bool good = config != NULL;

        *plan = (struct scion_plan){ 0 };
        for (size_t i = 0; good && i < sets; i++)
                good = scion_config_override(config, set[i]);
        good = good && scion_config_expand(config, &plan->runs);
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
        scion_config_runs_finish(&plan->runs);
        *plan = (struct scion_plan){ 0 };
}
