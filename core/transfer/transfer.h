/* A transfer: what a strategy works on through scion/strategy.h, as the engine sees it. */
#ifndef SCION_TRANSFER_TRANSFER_H
#define SCION_TRANSFER_TRANSFER_H

#include <scion/strategy.h>

#include "data/data.h"
#include "plugin/plugin.h"
#include "transfer/readings.h"
#include "transfer/reuse.h"

#define SCION_TRANSFER_NAME 48 /* bytes of a name that a strategy gives, with the NUL */
#define SCION_MAX_SCALARS 32
#define SCION_MAX_FORWARD_PASSES 8
#define SCION_MAX_STAGES 8 /* without the main one */

struct scion_stage;
struct scion_state;

/* What a model is built from. */
struct scion_blueprint {
        const struct scion_config *map; /* { use: ..., }; NULL: there is no such model */
        struct scion_shape input;       /* of one example */
        int64_t outputs;
        uint64_t seed;
};

/* --- The plan ------------------------------------------------------------------------------------------- */

/* What the experiment file gives a transfer. Constant once it is made; nothing in it belongs to the transfer. */
struct scion_transfer_plan {
        struct scion_instance *strategy; /* NULL: the training of a source, by the loss of its task */
        struct scion_instance *loss;     /* of the task */
        uint64_t seed;
        struct scion_blueprint source, target;
        bool source_trained; /* this run trains the source; false if its weights are loaded or there is none */
        bool target_given;   /* the file gives the target a model of its own, not the source's */
        struct scion_data *source_data, *target_data; /* for auxiliary batches, and for scion_visit() */
        int64_t batch_size;
};

/* --- What the strategy has added ------------------------------------------------------------------------ */

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

/* What a strategy's setup() has added to the training. The transfer owns it. */
struct scion_transfer_additions {
        struct scion_own_model *model;
        int models;
        struct scion_own_values *values;
        int value_blocks;
        void **memory; /* blocks of scion_transfer_alloc() */
        size_t memory_blocks;
        struct scion_own_stage stage[SCION_MAX_STAGES]; /* before the main stage, in this order */
        int stages;
        bool untrained; /* the main stage has no epochs */
        struct scion_model
                *initial;   /* the source with its values before training; NULL until it is asked for */
        bool joins_domains; /* scion_join_domains() was called */
        float label_weight; /* weight of the loss of the target's labelled examples in the joined loss; 0: not used */
};

/* --- Where the training is ------------------------------------------------------------------------------ */

struct scion_transfer_position {
        int stage;       /* an index into the strategy's own stages, or their number: the main stage */
        int64_t step;    /* steps done, over all stages */
        double progress; /* of the stage: from 0 to 1 */
};

/* A value that the strategy logs: summed over an epoch's batches, weighted by their sizes. */
struct scion_scalar {
        char name[SCION_TRANSFER_NAME];
        double sum;
        int64_t examples;
};

/* The values that the strategy has logged in this epoch. The names stay for the whole stage. */
struct scion_scalars {
        int count;
        struct scion_scalar scalar[SCION_MAX_SCALARS];
};

/* --- The step at hand ----------------------------------------------------------------------------------- */

/* A value that was logged in this step and is not read yet. */
struct scion_logged {
        int scalar;       /* index of its sum */
        int reading;      /* its number among the readings */
        int64_t examples; /* weight */
};

/* A forward pass of a model in this step. */
struct scion_forward_pass {
        const struct scion_model *model;
        const struct scion_tensor *inputs;
        struct scion_tensor **made;    /* the output of each module, NULL if it did not run; on the tape */
        struct scion_tensor *features; /* the input of the head */
        struct scion_tensor *outputs;
        bool gradients;      /* were recorded */
        bool front_left_out; /* the modules at the front did not run, because their output was stored */
};

/* Auxiliary batches, next to those that the target is trained on: one for each step. */
struct scion_stream {
        struct scion_batches *batches; /* NULL until the first is drawn */
        struct scion_batch batch;
        bool drawn; /* `batch` is that of this step */
};

/* The batches of two domains in one. */
struct scion_domains {
        bool made; /* in this step */
        const struct scion_batch *source, *target;
        struct scion_batch
                batch; /* examples of the source, of the target, and the labelled ones if the label weight
                                     is above 0, in this order */
};

/* scion_transfer_end_step() clears it. Memory and streams that are open stay for the next step. */
struct scion_transfer_step {
        const struct scion_batch *batch; /* that the target is trained on; NULL between steps */
        struct scion_forward_pass forward_pass[SCION_MAX_FORWARD_PASSES];
        int forward_passes;
        struct scion_readings readings; /* scalars that the host reads after the update */
        struct scion_logged *logged;
        int logged_count, logged_room;
        struct scion_stream source_stream, unlabelled_stream;
        struct scion_domains domains;
        bool failed;      /* in a call of the strategy's that returns nothing; there is a message */
        bool loss_failed; /* the last call of the task's loss failed */
};

/* -------------------------------------------------------------------------------------------------------- */

/* The phase in which the strategy's callbacks run. In the last two, scion_visit() ends after the first batch. */
enum scion_transfer_mode {
        SCION_TRANSFER_TRAINING,
        SCION_TRANSFER_DRY_RUN, /* to see whether everything fits, before anything is trained */
        /* Calls begin_stage() and begin_epoch() again for stages and epochs that an earlier process began, or as if it had:
         * for those that are skipped on the way to a later stage. */
        SCION_TRANSFER_REPLAY,
};

struct scion_transfer {
        struct scion_model *source; /* NULL: none */
        struct scion_model
                *target; /* setup() may replace it; the caller destroys whichever it holds at the end */
        struct scion_transfer_plan plan;
        struct scion_transfer_additions added;
        struct scion_transfer_position position;
        struct scion_scalars scalars;
        struct scion_transfer_step step;
        struct scion_reuse *reuse; /* the run's; NULL: everything is computed anew */
        enum scion_transfer_mode mode;
        bool setting_up; /* setup() is being called */
};

/* Frees what the strategy has added, and what the steps have. Source and target stay. */
void scion_transfer_finish(struct scion_transfer *transfer);

/* Freezes the source and calls the strategy's setup(); afterwards no modules can be grafted. This function and the next
 * three return false, with a message that names the strategy and the callback, when it fails. */
bool scion_transfer_setup(struct scion_transfer *transfer);

/* Sets position.stage and calls the strategy's begin_stage(). What was logged in other stages is forgotten. */
bool scion_transfer_begin_stage(struct scion_transfer *transfer, int stage);
/* Calls the strategy's begin_epoch(). */
bool scion_transfer_begin_epoch(struct scion_transfer *transfer, int64_t epoch);
/* Writes the values of parameters that the strategy computes from others. Called before evaluation and at the end of a
 * stage. */
bool scion_transfer_settle(struct scion_transfer *transfer);

/* Begins a step, on a tape just reset, with the batch that the target is trained on. */
void scion_transfer_begin_step(struct scion_transfer *transfer, const struct scion_batch *batch);
/* Ends the step. Called before the tape is reset for anything but the next step. */
void scion_transfer_end_step(struct scion_transfer *transfer);

/* Removes the substitutes of the parameters of all models. Call it before resetting the tape that holds them. */
void scion_transfer_clear_substitutes(struct scion_transfer *transfer);

/* Returns the strategy's loss for the step's batch, or the task's loss if there is no strategy or it has none. Returns
 * NULL, with a message, on failure. */
struct scion_tensor *scion_transfer_loss(struct scion_transfer *transfer);

/*
 * Returns the target's outputs [N, K] in this step that are scored, and sets *batch to the batch with their labels or
 * targets: the step's batch; where two domains were joined, the examples of them that the loss learns from. Returns
 * NULL, without a message, if the strategy ran neither the step's batch nor the joined batch through the target.
 */
struct scion_tensor *scion_transfer_outputs(const struct scion_transfer *transfer,
                                            const struct scion_batch **batch);

/* Adds what was logged in this step to the sums of the epoch. Called after scion_readings_read(). */
void scion_transfer_collect_scalars(struct scion_transfer *transfer);
/* Sets the sums to 0, at the beginning of an epoch. The names stay. */
void scion_transfer_clear_scalars(struct scion_transfer *transfer);

/* Adds the position, the sums of what was logged, and the strategy's own values to the state of a checkpoint. */
void scion_transfer_add_state(struct scion_transfer *transfer, struct scion_state *state);

/* Return the name and the number of epochs of the stage at position.stage; those of the main stage are `main_stage`'s. */
const char *scion_transfer_stage_name(const struct scion_transfer *transfer,
                                      const struct scion_stage *main_stage);
int64_t scion_transfer_stage_epochs(const struct scion_transfer *transfer,
                                    const struct scion_stage *main_stage);

/* Checks that a name has only letters, digits and '_', as part of a column's name must. `what` ("a stage") is for the
 * message. */
bool scion_transfer_check_name(const char *what, const char *name);

#endif
