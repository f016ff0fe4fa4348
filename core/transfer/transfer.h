/* What a strategy is given (scion/strategy.h), seen from the engine. */
#ifndef SCION_TRANSFER_TRANSFER_H
#define SCION_TRANSFER_TRANSFER_H

#include <scion/strategy.h>

#include "data/data.h"
#include "plugin/plugin.h"
#include "transfer/readings.h"
#include "transfer/reuse.h"

#define SCION_TRANSFER_NAME 48 /* bytes of the names that a strategy gives */
#define SCION_MAX_SCALARS 32
#define SCION_MAX_PASSES 8
#define SCION_MAX_STAGES 8 /* of a strategy's own */

/* Something that the strategy logs: summed over an epoch's batches, weighted by their sizes. */
struct scion_scalar {
        char name[SCION_TRANSFER_NAME];
        double sum;
        int64_t examples;
};

/* A value that was logged in this step and is not read yet. */
struct scion_logged {
        int scalar;       /* index of its sum */
        int reading;      /* its number among the readings */
        int64_t examples; /* weight */
};

/* Inputs that have gone through a model in this step, and what its modules have made of them. */
struct scion_forward_pass {
        const struct scion_model *model;
        const struct scion_tensor *inputs;
        struct scion_tensor **made;    /* by each module: on the tape */
        struct scion_tensor *features; /* what the head was given */
        struct scion_tensor *outputs;
        bool gradients;      /* were recorded */
        bool front_left_out; /* its modules did not run: what they make was known */
};

/* What a model is built from. */
struct scion_blueprint {
        const struct scion_config *map; /* { use: ..., }; NULL: there is none */
        struct scion_shape input;
        int64_t outputs;
        uint64_t seed;
};

struct scion_own_model {
        char name[SCION_TRANSFER_NAME];
        struct scion_model *model;
};

struct scion_own_values {
        char name[SCION_TRANSFER_NAME];
        float *value;
        int64_t count;
};

struct scion_own_stage {
        char name[SCION_TRANSFER_NAME];
        int64_t epochs;
};

/* Batches beside the target's: one for each step. */
struct scion_beside {
        struct scion_batches *batches;
        struct scion_batch batch;
        bool drawn; /* in this step */
};

/* The batches of two domains as one. */
struct scion_domains {
        bool joined;      /* asked for by the strategy */
        float supervised; /* weight of the target's labels; above 0: its labelled batch comes last */
        bool made;        /* in this step */
        const struct scion_batch *source, *target;
        struct scion_batch batch; /* source's, target's, labelled: in this order */
};

struct scion_transfer {
        struct scion_model *source;      /* NULL: none */
        struct scion_model *target;      /* setup may put another in its place */
        struct scion_instance *strategy; /* NULL: the source's training */
        struct scion_instance *loss;     /* of the task */
        uint64_t seed;
        struct scion_blueprint source_plan, target_plan;
        bool source_trained; /* here, from what its plan gives */
        bool target_given;   /* by the file: a model of its own, not the source's */
        bool rehearsal;
        struct scion_data *source_data,
                *target_data; /* what batches beside come from, and visits go through */
        int64_t batch_size;
        struct scion_reuse *reuse; /* the run's; NULL: everything is computed anew */
        struct scion_meter *meter; /* NULL: nobody measures */
        /* What the strategy has added: */
        struct scion_own_model *own_model;
        int own_models;
        struct scion_own_values *own_values;
        int own_value_blocks;
        void **memory; /* blocks that go with the transfer */
        size_t memory_blocks;
        struct scion_own_stage own_stage[SCION_MAX_STAGES];
        int own_stages;
        bool untrained;              /* the main stage is left out */
        struct scion_model *initial; /* the source's first values, once asked for */
        bool setting_up;
        /* Where training stands: */
        int stage;
        int64_t step; /* over all stages, from 0 */
        double progress;
        /* Of the batch at hand: */
        const struct scion_batch *batch;
        struct scion_forward_pass pass[SCION_MAX_PASSES];
        int passes;
        struct scion_readings readings; /* scalars that the host reads after the update */
        struct scion_logged *logged;
        int logged_count, logged_room;
        struct scion_beside source_batches, unlabelled;
        struct scion_domains domains;
        /* Of the epoch at hand: */
        struct scion_scalar scalar[SCION_MAX_SCALARS];
        int scalars;
        bool failed;      /* a callback could not say so itself */
        bool loss_failed; /* the task's loss did not take what it was given */
};

/* Frees what the strategy has added, and the batches beside; the two models stay. */
void scion_transfer_finish(struct scion_transfer *transfer);

/*
 * Freezes the source, which only tells from now on, and calls the strategy's setup. With the target's data, the
 * batches beside are opened before.
 */
bool scion_transfer_setup(struct scion_transfer *transfer);

/* The strategy's own say at the beginning of a stage, and of an epoch. */
bool scion_transfer_begin_stage(struct scion_transfer *transfer, int stage);
bool scion_transfer_begin_epoch(struct scion_transfer *transfer, int64_t epoch);

/* A step begins, on a tape just reset: what belonged to the one before is forgotten. */
void scion_transfer_begin_step(struct scion_transfer *transfer, const struct scion_batch *batch);

/* No batch is at hand any more. Before the tape is reset for something else than the next step. */
void scion_transfer_end_step(struct scion_transfer *transfer);

/* The parameters of all models are themselves again: before the tape is reset on which the stand-ins are. */
void scion_transfer_clear_substitutes(struct scion_transfer *transfer);

/* The strategy's loss of the batch that the step began with. */
struct scion_tensor *scion_transfer_loss(struct scion_transfer *transfer);

/*
 * The target's outputs of this step that can be scored against labels or targets, and the batch that has these: for the
 * batch at hand; else, where two domains were joined, for the examples of them that the loss learns from. NULL, without
 * a message, when the strategy has run neither through the target.
 */
struct scion_tensor *scion_transfer_outputs(const struct scion_transfer *transfer,
                                            const struct scion_batch **batch);

/* After the readings were read: adds what was logged in this step to the sums. */
void scion_transfer_collect_scalars(struct scion_transfer *transfer);

/* Parameters that are made from others get the values made. Before evaluation, and at a stage's end. */
bool scion_transfer_settle(struct scion_transfer *transfer);

/* Adds what changes while training, besides the models that are trained. */
struct scion_state;
void scion_transfer_describe(struct scion_transfer *transfer, struct scion_state *state);

/* The stage's name and epochs; `main` tells those of the main one. */
struct scion_stage;
const char *scion_transfer_stage_name(const struct scion_transfer *transfer, const struct scion_stage *main);
int64_t scion_transfer_stage_epochs(const struct scion_transfer *transfer, const struct scion_stage *main);

/* Letters, digits and '_': what becomes part of a column's name. `what` is the owner of the name. */
bool scion_transfer_check_name(const char *what, const char *name);

/* Forgets the sums of an epoch; the names stay. */
void scion_transfer_clear_scalars(struct scion_transfer *transfer);

#endif
