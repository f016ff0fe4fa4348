/* Inside a run: what preparing it makes, and what one execution of it has. */
#ifndef SCION_RUN_PREPARE_H
#define SCION_RUN_PREPARE_H

#include "base/text.h"
#include "run/run.h"
#include "train/train.h"

/* What scion_run_execute() opens and closes again, and what it leaves to be asked for. */
struct scion_execution {
        FILE *log;                             /* log.txt; NULL before and after */
        struct scion_sheet *metrics;           /* metrics.csv; NULL before and after */
        const struct scion_observer *observer; /* NULL: none */
        struct scion_recovery source_recovery; /* checkpoints of the source's training, */
        struct scion_recovery recovery;        /* and of the target's */
        struct scion_text traces;              /* the steps that were traced, in lines */
        bool stopped;                          /* ended early, as the observer asked */
};

/* A prepared run. All but `config` belongs to it. */
struct scion_run {
        struct scion_config *config;
        struct scion_experiment experiment;
        bool with_source;                             /* the strategy uses the source model */
        struct scion_data *source_data, *target_data; /* of the source: NULL if they are not used */
        struct scion_model *source, *target;          /* the source: NULL if it is not used */
        struct scion_reuse *reuse;                    /* outputs of frozen modules on the target's data */
        struct scion_tape *tape;
        struct scion_text weights; /* a line: which weights of a file were loaded, and which were not */
        int64_t traced_step;       /* see scion_step_trace_wanted() */
        struct scion_execution execution;
};

/* Reads the configuration, opens data, builds models and does the dry run: scion_run_prepare() without the allocation. */
bool scion_run_make_ready(struct scion_run *run);

/* Sets the strategy up on models that are not trained, and computes the losses of a first and a last batch in every
 * stage. The source, and everything else of the run, is as before; `reuse` has recorded what the strategy asks of the
 * source. False, with the place in the message, when something does not fit. */
bool scion_run_dry_run(struct scion_run *run);

/* Creates the target as the file describes it. NULL, with a message. */
struct scion_model *scion_run_create_target(const struct scion_run *run);

/* Reads the configuration and builds the models: scion_run_open() without the allocation. */
bool scion_run_build(struct scion_run *run);

/* Returns the training of the target (or of the source) with this transfer, which must outlive it. */
struct scion_training scion_run_training(struct scion_run *run, bool target, struct scion_transfer *transfer);

/* Returns the transfer for the source's training: without a strategy, with the source as its target. */
struct scion_transfer scion_run_source_transfer(const struct scion_run *run);

/* Returns the transfer for the target's training, with the strategy not set up yet. */
struct scion_transfer scion_run_target_transfer(const struct scion_run *run, struct scion_model *target,
                                                struct scion_instance *strategy);

#endif
