#include "train/loop.h"

#include <math.h>
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tensor/trace.h"

/* --- The loop ------------------------------------------------------------------------------------------- */

/* The steps of an epoch. With drop_last, a last batch that is not full is left out, unless it is the only one. */
static int64_t training_count_steps(const struct scion_training *training)
{
        int64_t examples = scion_data_size(training->data, SCION_TRAIN), size = training->stage->batch_size;

        return examples / size + (examples % size != 0 && (examples < size || !training->stage->drop_last));
}

bool scion_loop_init(struct scion_loop *loop, const struct scion_training *training)
{
        *loop = (struct scion_loop){ .training = training,
                                     .steps = training_count_steps(training),
                                     .last_loss = NAN,
                                     .began = scion_clock() };
        loop->batches = scion_batches_create(training->data, SCION_TRAIN, training->stage->batch_size);
        return loop->batches != NULL;
}

void scion_loop_finish(struct scion_loop *loop)
{
        scion_update_destroy(loop->stage.update);
        scion_storage_destroy(loop->best.values);
        scion_scores_finish(&loop->epoch.train);
        scion_scores_finish(&loop->epoch.valid);
        scion_batches_destroy(loop->batches);
}

/* --- A stage -------------------------------------------------------------------------------------------- */

bool scion_loop_begin_stage(struct scion_loop *loop, int stage, bool replayed)
{
        const struct scion_stage *main = loop->training->stage;
        struct scion_transfer *transfer = loop->training->transfer;

        scion_tape_reset(loop->training->tape);
        transfer->mode = replayed ? SCION_TRANSFER_REPLAY : SCION_TRANSFER_TRAINING;
        bool good = scion_transfer_begin_stage(transfer, stage);

        transfer->mode = SCION_TRANSFER_TRAINING;
        loop->stage = (struct scion_loop_stage){ .name = scion_transfer_stage_name(transfer, main),
                                                 .epochs = scion_transfer_stage_epochs(transfer, main) };
        loop->epoch.number = 0;
        loop->best.epoch = 0;
        return good;
}

bool scion_loop_create_update(struct scion_loop *loop)
{
        const struct scion_transfer *transfer = loop->training->transfer;
        size_t count = (size_t)transfer->added.models + 1;
        struct scion_model **model = malloc(count * sizeof(struct scion_model *));

        if (!model)
                return scion_fail("out of memory");
        model[0] = transfer->target;
        for (int i = 0; i < transfer->added.models; i++)
                model[i + 1] = transfer->added.model[i].model;
        loop->stage.update = scion_update_create(loop->training->stage->optimizer, model, (int)count);
        free(model);
        return loop->stage.update != NULL;
}

bool scion_loop_settle(struct scion_loop *loop)
{
        scion_tape_reset(loop->training->tape);
        scion_tape_set_training(loop->training->tape, false);
        return scion_transfer_settle(loop->training->transfer);
}

/* --- An epoch ------------------------------------------------------------------------------------------- */

/* The progress is that at the epoch's beginning: all steps of the epochs before it are done. */
static bool strategy_begin_epoch(struct scion_loop *loop, int64_t epoch)
{
        struct scion_transfer *transfer = loop->training->transfer;

        transfer->position.progress = (double)(epoch - 1) / (double)loop->stage.epochs;
        scion_tape_reset(loop->training->tape);
        scion_tape_set_training(loop->training->tape, false);
        return scion_transfer_begin_epoch(transfer, epoch);
}

bool scion_loop_replay_epochs(struct scion_loop *loop, int64_t epochs)
{
        struct scion_transfer *transfer = loop->training->transfer;
        bool good = true;

        transfer->mode = SCION_TRANSFER_REPLAY;
        for (int64_t epoch = 1; good && epoch <= epochs; epoch++)
                good = strategy_begin_epoch(loop, epoch);
        transfer->mode = SCION_TRANSFER_TRAINING;
        return good;
}

bool scion_loop_begin_epoch(struct scion_loop *loop)
{
        struct scion_transfer *transfer = loop->training->transfer;

        loop->epoch.step = 0;
        scion_transfer_clear_scalars(transfer);
        scion_batches_shuffle(loop->batches, loop->training->stage->seed, (uint64_t)++loop->shuffled);
        if (!scion_scores_clear(&loop->epoch.train) || !strategy_begin_epoch(loop, loop->epoch.number))
                return false;
        if (transfer->reuse)
                scion_reuse_recheck(transfer->reuse);
        return true;
}

void scion_loop_end_epoch(struct scion_loop *loop)
{
        struct scion_transfer *transfer = loop->training->transfer;

        if (transfer->reuse)
                scion_reuse_set_batch(transfer->reuse, NULL, NULL);
        scion_transfer_end_step(transfer);
}

/* --- A step --------------------------------------------------------------------------------------------- */

/* Checks that the loss is finite. */
static bool loss_check(struct scion_loop *loop, float value)
{
        const char *what = isnan(value) ? "not a number" : "infinite";
        long long step = (long long)loop->stage.step + 1, epoch = (long long)loop->epoch.number;

        if (isfinite(value)) {
                loop->last_loss = value;
                return true;
        }
        if (isnan(loop->last_loss))
                return scion_fail("%s: the loss is %s at step %lld (epoch %lld), the first one",
                                  loop->stage.name, what, step, epoch);
        return scion_fail("%s: the loss became %s at step %lld (epoch %lld); the last good value was %g",
                          loop->stage.name, what, step, epoch, (double)loop->last_loss);
}

/* Reads the scalars of the step. Only here does the host wait for the device within a step. */
static bool step_read(struct scion_loop *loop)
{
        struct scion_transfer *transfer = loop->training->transfer;
        const struct scion_readings *readings = &transfer->step.readings;

        if (!scion_readings_read(&transfer->step.readings) ||
            !loss_check(loop, readings->value[loop->epoch.train.loss_reading]))
                return false;
        scion_scores_read(&loop->epoch.train, readings);
        scion_transfer_collect_scalars(transfer);
        return true;
}

/* Forward, loss, backward and update, for one batch. */
static bool batch_train(struct scion_loop *loop, const struct scion_batch *batch)
{
        const struct scion_training *training = loop->training;
        struct scion_transfer *transfer = training->transfer;

        scion_transfer_begin_step(transfer, batch);
        if (transfer->reuse)
                scion_reuse_set_batch(transfer->reuse, loop->batches, batch);
        transfer->position.progress = (double)loop->stage.step / (double)(loop->steps * loop->stage.epochs);
        scion_trace_part(SCION_PART_LOSS);
        struct scion_tensor *loss = scion_transfer_loss(transfer);

        scion_trace_part(SCION_PART_SCORES);
        if (!loss)
                return false;
        const struct scion_batch *scored;
        struct scion_tensor *outputs = scion_transfer_outputs(transfer, &scored);

        if (!scion_scores_add(&loop->epoch.train, &transfer->step.readings, loss, batch->size, outputs,
                              scored))
                return false;
        scion_trace_part(SCION_PART_BACKWARD);
        scion_update_clear_gradients(loop->stage.update);
        if (!scion_backward(loss))
                return scion_fail_prefix("%s", loop->stage.name);
        if (!scion_observer_step(training->observer, transfer, loop->epoch.number))
                return false;
        scion_trace_part(SCION_PART_UPDATE);
        loop->stage.factor = scion_schedule_factor(training->stage->schedule, loop->stage.step, loop->steps,
                                                   loop->stage.epochs);
        if (!scion_update_step(loop->stage.update, loop->stage.factor))
                return false;
        scion_trace_part(SCION_PART_READ);
        if (!step_read(loop))
                return false;
        scion_transfer_clear_substitutes(transfer);
        if (transfer->position.step++ == 0 && training->log)
                fprintf(training->log, "%s: first step done %.3f s after the run began\n", loop->stage.name,
                        scion_clock() - scion_clock_start());
        loop->stage.step++;
        return true;
}

int64_t scion_loop_step(struct scion_loop *loop)
{
        const struct scion_training *training = loop->training;
        struct scion_batch batch;

        loop->epoch.step++;
        loop->stage.steps_here++;
        scion_trace_part(SCION_PART_BATCH);
        scion_tape_reset(training->tape);
        scion_tape_set_training(training->tape, true);
        scion_tape_set_seed(training->tape, training->stage->seed,
                            (uint64_t)training->transfer->position.step);
        bool good = scion_batches_next(loop->batches, &batch) == SCION_NEXT_BATCH;

        good = good && batch_train(loop, &batch);
        scion_trace_part(SCION_PART_OUTSIDE);
        return good ? batch.size : 0;
}
