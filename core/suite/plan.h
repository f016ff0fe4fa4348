/* The runs of an experiment file: expanded from its matrix, checked, and named. */
#ifndef SCION_SUITE_PLAN_H
#define SCION_SUITE_PLAN_H

#include "base/name_map.h"
#include "config/config.h"
#include "experiment/experiment.h"

#define SCION_PLAN_NO_SOURCE SIZE_MAX

/* A run of a plan. Its strings belong to the plan. */
struct scion_planned {
        char *id; /* as "fine-tune-seed1-5f0c2a9b"; also the name of the run's folder */
        const struct scion_config_run *run; /* its value on each axis */
        const char *strategy;               /* its label on the axis `strategy`, else the plugin's name */
        const char *seed;
        /*
         * index of the first run with the same source, judged by configuration; SCION_PLAN_NO_SOURCE if none
         * is trained
         */
        size_t source;
        struct scion_limits limits;
        bool first_of_its_kind; /* is the first with some value on an axis other than the seed */
};

/* All runs of an experiment file, in the order of its axes. */
struct scion_plan {
        char *name;
        int64_t threads; /* the largest number of threads of any run */
        struct scion_config_runs runs;
        size_t count;
        struct scion_planned *planned;
        struct scion_name_map ids;
        struct scion_name_map sources; /* maps a source to the first run that has it */
};

/*
 * Loads the file, applies `sets` overrides of the form "a.b=value", expands the matrix, and checks every run.
 * More than SCION_CONFIG_MANY runs are refused unless `forced`. On failure returns false; the message gives
 * file and line.
 */
bool scion_plan_make(const char *path, const char *const *set, size_t sets, bool forced,
                     struct scion_plan *plan);

/* Returns the run with the id, or NULL. */
const struct scion_planned *scion_plan_find(const struct scion_plan *plan, const char *id);

/*
 * Creates the run's configuration; the caller destroys it. It is created for each call because the
 * configurations of all runs of a large plan would not fit in memory.
 */
struct scion_config *scion_planned_config(const struct scion_planned *planned);

/* Frees the contents of a plan. */
void scion_plan_finish(struct scion_plan *plan);

#endif
