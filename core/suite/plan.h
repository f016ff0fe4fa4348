/* The runs that files ask for: expanded, checked, and named. */
#ifndef SCION_SUITE_PLAN_H
#define SCION_SUITE_PLAN_H

#include "base/name_map.h"
#include "config/config.h"
#include "experiment/experiment.h"

#define SCION_PLAN_NO_SOURCE SIZE_MAX

struct scion_planned {
        char *id;                           /* "fine-tune-seed1-5f0c2a9b": also its folder's name */
        const struct scion_config_run *run; /* what it has on the axes */
        const char *strategy;               /* its label on that axis, else the plugin's name */
        const char *seed;
        size_t source; /* the first run with the same source, by the file; SCION_PLAN_NO_SOURCE: it trains none */
        struct scion_limits limits;
        bool first_of_its_kind; /* has something on an axis, the seed's aside, that none before has */
};

struct scion_plan {
        char *name;
        int64_t threads; /* the most that a run has */
        struct scion_config_runs runs;
        size_t count;
        struct scion_planned *planned;
        struct scion_name_map ids;
        struct scion_name_map sources; /* which run was the first to have one */
};

/* Loads, overrides ("a.b=value", `sets` of them), expands, and checks every run. More than SCION_CONFIG_MANY are
 * refused unless `forced`. False, with the place. */
bool scion_plan_make(const char *path, const char *const *set, size_t sets, bool forced,
                     struct scion_plan *plan);

/* The run of that id; NULL when there is none. */
const struct scion_planned *scion_plan_find(const struct scion_plan *plan, const char *id);

/* The run's configuration as the file has it, for the caller to destroy. It is made anew each time: those of a
 * large plan together would fill the memory. */
struct scion_config *scion_planned_config(const struct scion_planned *planned);

void scion_plan_finish(struct scion_plan *plan);

#endif
