/* Inside a run: what preparing and executing it share. */
#ifndef SCION_RUN_PREPARE_H
#define SCION_RUN_PREPARE_H

#include "base/text.h"
#include "run/run.h"
#include "train/train.h"

struct scion_run {
        struct scion_config *config;
        struct scion_experiment experiment;
        bool with_source; /* the strategy wants it */
        struct scion_data *source_data, *target_data;
        struct scion_model *source, *target;
        struct scion_reuse *reuse; /* of what frozen modules make of the target's data */
        struct scion_tape *tape;
        struct scion_text weights; /* what was loaded and what was not */
        /* Of an execution: */
        FILE *log;
        int64_t trace;            /* see scion_step_trace_wanted() */
        struct scion_text traces; /* what was seen */
        struct scion_sheet *metrics;
        const struct scion_observer *observer;
        bool stopped;
        struct scion_recovery recovery; /* of the target's training; and of the source's before it */
        struct scion_recovery source_recovery;
};

/* Reads the configuration, opens data, builds models and rehearses the strategy: scion_run_prepare(). */
bool scion_run_make_ready(struct scion_run *run);

/* Reads the configuration and builds the models: scion_run_open(). */
bool scion_run_build(struct scion_run *run);

/* The training of the target, or of the source, by `transfer`. */
struct scion_training scion_run_training(struct scion_run *run, bool target, struct scion_transfer *transfer);

/* The source's training is a transfer of nothing to it, by the task's loss. */
struct scion_transfer scion_run_source_transfer(const struct scion_run *run);

struct scion_transfer scion_run_target_transfer(const struct scion_run *run, struct scion_model *target,
                                                struct scion_instance *strategy);

#endif
