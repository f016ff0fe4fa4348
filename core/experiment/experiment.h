/*
 * An experiment file's meaning: which keys there are, and the plugins and numbers they stand for.
 *
 * The parameter tables below are the single truth of the engine's own keys, as a plugin's table is of its
 * parameters.
 */
#ifndef SCION_EXPERIMENT_EXPERIMENT_H
#define SCION_EXPERIMENT_EXPERIMENT_H

#include <scion/param.h>

#include "config/config.h"
#include "experiment/schedule.h"
#include "plugin/plugin.h"

/* Numbers and words of a run, of `limits`, of `train`, and of `source` alone. */
extern const struct scion_param scion_run_params[], scion_limits_params[], scion_train_params[],
        scion_source_params[];

/* The other keys of a run, and of its source and its target, ended by NULL: `null` is as good as leaving one out. */
extern const char *const scion_run_parts[], *const scion_stage_parts[];

/* One training: of the source or of the target. */
struct scion_stage {
        const char *name;                   /* "source" or "target" */
        uint64_t seed;                      /* the run's seed and the stage's name */
        struct scion_config *map;           /* the stage's part of the file */
        const struct scion_config *dataset; /* NULL: a source that is only loaded */
        const struct scion_config *model;   /* the target's may be the source's */
        const struct scion_config *weights; /* a file to load instead of training; NULL: none */
        struct scion_instance *loss;        /* these three are NULL when nothing is trained */
        struct scion_instance *optimizer;
        struct scion_schedule *schedule;
        int64_t epochs;
        int64_t batch_size;
        bool drop_last; /* a last batch that is not full is left out */
        int test_split; /* of enum scion_split: where the test scores come from */
};

/* What a run may use; 0: as much as it likes. They change nothing in what comes out of a run that keeps to them. */
struct scion_limits {
        double minutes;    /* from its start, or its going on, to its end */
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
 * Reads one run's resolved configuration, which must outlive the result: all keys known, all plugins there,
 * all parameters in range, the strategy's needs met. Opens no data. False, with the place in the message.
 * Afterwards the configuration says all: what it left out stands in it with its default.
 */
bool scion_experiment_read(struct scion_config *config, struct scion_experiment *experiment);
void scion_experiment_finish(struct scion_experiment *experiment);

/* Opens the experiment's device and sets its threads and arithmetic. False, with the place in the message. */
bool scion_experiment_open_device(const struct scion_experiment *experiment);

/* Removes the keys that do not change what comes out of the run: its name, its limits, and the default device. */
void scion_experiment_strip(struct scion_config *config);

#endif
