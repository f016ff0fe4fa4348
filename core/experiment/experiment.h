/*
 * Reads the configuration of one run: its keys, and the plugins and numbers that they stand for.
 *
 * The tables below define the engine's own keys, as a plugin's table defines its parameters. The schema is generated
 * from them.
 */
#ifndef SCION_EXPERIMENT_EXPERIMENT_H
#define SCION_EXPERIMENT_EXPERIMENT_H

#include <scion/param.h>

#include "config/config.h"
#include "experiment/schedule.h"
#include "plugin/plugin.h"

/* Tables of the keys with numbers and texts: of a run, of `limits`, of `train`, and of `source` only. */
extern const struct scion_param scion_run_params[], scion_limits_params[], scion_train_params[],
        scion_source_params[];

/* The other keys of a run, and of its source and its target, ended by NULL. The value `null` means the same as leaving the
 * key out. */
extern const char *const scion_run_parts[], *const scion_stage_parts[];

/* One training: of the source or of the target. */
struct scion_stage {
        const char *name;                   /* "source" or "target" */
        uint64_t seed;                      /* derived from the run's seed and the stage's name */
        struct scion_config *map;           /* the stage's part of the file */
        const struct scion_config *dataset; /* NULL: a source that is only loaded */
        const struct scion_config *model;   /* the target's is the source's if the file gives it none */
        const struct scion_config *weights; /* a file to load instead of training; NULL: none */
        struct scion_instance *loss;        /* these three are NULL when `weights` are loaded */
        struct scion_instance *optimizer;
        struct scion_schedule *schedule;
        int64_t epochs;
        int64_t batch_size;
        bool drop_last; /* leave out a last batch that is not full */
        int test_split; /* enum scion_split: the split of the test scores */
};

/* What a run may use; 0: no limit. They do not change the results of a run that stays within them. */
struct scion_limits {
        double minutes;    /* from its start, or from resuming it, to its end */
        double memory_mib; /* resident */
};

struct scion_experiment {
        const char *name; /* of the suite, or the run */
        uint64_t seed;
        int64_t threads;
        bool winograd;
        bool bf16;
        const struct scion_config *device; /* the name of the back end */
        struct scion_limits limits;
        bool has_source;
        struct scion_stage source, target;
        struct scion_instance *strategy;
};

/*
 * Reads one run's resolved configuration, which must outlive the result. Checks that all keys are known, all plugins
 * exist, all parameters are in range, and the strategy's needs are met; opens no data. Writes the defaults of all keys
 * that were left out into the configuration. False, with the place in the message.
 */
bool scion_experiment_read(struct scion_config *config, struct scion_experiment *experiment);
void scion_experiment_finish(struct scion_experiment *experiment);

/* Opens the experiment's device and sets its threads and arithmetic. False, with the place in the message. */
bool scion_experiment_open_device(const struct scion_experiment *experiment);

/* Removes the keys that do not change the results of the run: its name, its limits, and the default device. */
void scion_experiment_strip(struct scion_config *config);

#endif
