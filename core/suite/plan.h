/* The runs that files ask for: expanded, checked, and named. */
#ifndef SCION_SUITE_PLAN_H
#define SCION_SUITE_PLAN_H

#include "config/config.h"

struct scion_planned {
        char *id;                           /* "fine-tune-seed1-5f0c2a9b": also its folder's name */
        const struct scion_config_run *run; /* its configuration, and what it has on the axes */
        const char *strategy;               /* its label on that axis, else the plugin's name */
        const char *seed;
        bool first_of_its_kind; /* has something on an axis, the seed's aside, that none before has */
};

struct scion_plan {
        const char *name;
        struct scion_config_runs runs;
        size_t count;
        struct scion_planned *planned;
};

/* Loads, overrides ("a.b=value", `sets` of them), expands, and checks every run. False, with the place. */
bool scion_plan_make(const char *path, const char *const *set, size_t sets, struct scion_plan *plan);
void scion_plan_finish(struct scion_plan *plan);

#endif
