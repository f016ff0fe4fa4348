#include "train/train.h"

#include <math.h>
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "train/trace.h"
#include "train/update.h"
#include "transfer/meter.h"

/* Seconds between two looks at how an epoch goes. */
#define LOOK 0.25

/* A training under way. */
struct loop {
        const struct scion_training *training;
        struct scion_batches *batches;
        struct scion_update *update;
        struct scion_scores train, valid;
        const char *stage;
        int64_t epochs, steps; /* of the stage; and steps of one epoch */
        int64_t step;          /* over the stage's epochs */
        int64_t taken;         /* steps of the stage by this process */
        int64_t epoch;         /* from 1 */
        int64_t shuffled;      /* epochs over all stages: each has an order of its own */
        double factor;         /* of the learning rate, at the last step */
        float last;            /* good value of the loss; NaN before there is one */
        int64_t resumed;       /* the stage, after this epoch */
        double began;          /* when, and when the observer was last told */
        double told;
        /* The best epoch so far, by the validation split: */
        struct scion_storage *best;
        double best_criterion, best_loss;
        int64_t best_epoch;
};

static bool check_loss(struct loop *loop, float value)
{
        if (isfinite(value)) {
                loop->last = value;
                return true;
        }
        if (isnan(loop->last))
                return scion_fail("%s: the loss is %s at step %lld (epoch %lld), the first one", loop->stage,
                                  isnan(value) ? "not a number" : "infinite", (long long)loop->step + 1,
                                  (long long)loop->epoch);
        return scion_fail("%s: the loss became %s at step %lld (epoch %lld); the last good value was %g",
                          loop->stage, isnan(value) ? "not a number" : "infinite", (long long)loop->step + 1,
                          (long long)loop->epoch, (double)loop->last);
}

/* Tells the observer how far it is; within an epoch not too often. */
static void tell(struct loop *loop, enum scion_phase phase, int64_t step)
{
        const struct scion_training *training = loop->training;
        double now = training->observer ? scion_clock() : 0;

        if (!training->observer || (phase == SCION_AT_STEP && now - loop->told < LOOK))
                return;
        struct scion_progress progress = {
                .phase = phase,
                .stage = loop->stage,
                .epoch = loop->epoch,
                .epochs = loop->epochs,
                .epochs_before = loop->resumed,
                .step = step,
                .steps = loop->steps,
                .seconds = now - loop->began,
        };

        scion_progress_scores(&progress, &loop->train, &loop->valid);
        scion_observer_tell(training->observer, &progress);
        loop->told = now;
}

/* Reads the step's scalars: the only time within a step that the host waits for the device. */
static bool step_read(struct loop *loop)
{
        struct scion_transfer *transfer = loop->training->transfer;
        const struct scion_readings *readings = &transfer->readings;

        if (!scion_readings_read(&transfer->readings) ||
            !check_loss(loop, readings->value[loop->train.loss_reading]))
                return false;
        scion_scores_read(&loop->train, readings);
        scion_transfer_collect_scalars(transfer);
        return true;
}

/* Forward, loss, backward, update, for the batch at hand. */
static bool take_step(struct loop *loop, const struct scion_batch *batch)
{
        const struct scion_training *training = loop->training;
        struct scion_transfer *transfer = training->transfer;

        scion_transfer_begin_step(transfer, batch);
        if (transfer->reuse)
                scion_reuse_batch(transfer->reuse, loop->batches, batch);
        transfer->progress = (double)loop->step / (double)(loop->steps * loop->epochs);
        scion_meter_turn(transfer->meter, SCION_PART_LOSS);
        struct scion_tensor *loss = scion_transfer_loss(transfer);

        scion_meter_turn(transfer->meter, SCION_PART_SCORES);
        if (!loss)
                return false;
        const struct scion_batch *scored;
        struct scion_tensor *outputs = scion_transfer_outputs(transfer, &scored);

        if (!scion_scores_add(&loop->train, &transfer->readings, loss, batch->size, outputs, scored))
                return false;
        scion_trace_part("scores");
        scion_meter_turn(transfer->meter, SCION_PART_BACKWARD);
        scion_update_clear_gradients(loop->update);
        if (!scion_backward(loss))
                return scion_fail_prefix("%s", loop->stage);
        if (!scion_observer_step(training->observer, transfer, loop->epoch))
                return false;
        scion_meter_turn(transfer->meter, SCION_PART_UPDATE);
        loop->factor =
                scion_schedule_factor(training->stage->schedule, loop->step, loop->steps, loop->epochs);
        if (!scion_update_step(loop->update, loop->factor))
                return false;
        scion_trace_part("update");
        scion_meter_turn(transfer->meter, SCION_PART_SCORES);
        if (!step_read(loop))
                return false;
        scion_transfer_clear_substitutes(transfer);
        if (transfer->step++ == 0 && training->log)
                fprintf(training->log, "%s: first step done %.3f s after the run began\n", loop->stage,
                        scion_clock() - scion_clock_start());
        loop->step++;
        return true;
}

/* The steps of an epoch: a last batch that is not full may be left out, unless it is the only one. */
static int64_t steps_of(const struct scion_training *training)
{
        int64_t examples = scion_data_size(training->data, SCION_TRAIN), size = training->stage->batch_size;

        return examples / size + (examples % size != 0 && (examples < size || !training->stage->drop_last));
}

/* What is made from other parameters is as in evaluation. */
static bool settle(const struct scion_training *training)
{
        scion_tape_reset(training->tape);
        scion_tape_set_training(training->tape, false);
        return scion_transfer_settle(training->transfer);
}

/* As the epoch begins, all steps of those before it are done. */
static bool begin_epoch(struct loop *loop, int64_t epoch)
{
        struct scion_transfer *transfer = loop->training->transfer;

        transfer->progress = (double)(epoch - 1) / (double)loop->epochs;
        scion_tape_reset(loop->training->tape);
        scion_tape_set_training(loop->training->tape, false);
        return scion_transfer_begin_epoch(transfer, epoch);
}

static bool start_epoch(struct loop *loop)
{
        struct scion_transfer *transfer = loop->training->transfer;

        scion_scores_clear(&loop->train);
        scion_transfer_clear_scalars(transfer);
        scion_batches_shuffle(loop->batches, loop->training->stage->seed, (uint64_t)++loop->shuffled);
        if (!begin_epoch(loop, loop->epoch))
                return false;
        if (transfer->reuse)
                scion_reuse_doubt(transfer->reuse);
        return true;
}

/* The next batch's. The number of its examples; 0 with a message. */
static int64_t next_step(struct loop *loop)
{
        const struct scion_training *training = loop->training;
        struct scion_batch batch;

        scion_meter_turn(training->transfer->meter, SCION_PART_BATCH);
        scion_tape_reset(training->tape);
        scion_tape_set_training(training->tape, true);
        scion_tape_set_seed(training->tape, training->stage->seed, (uint64_t)training->transfer->step);
        bool good = scion_batches_next(loop->batches, &batch) == SCION_NEXT_BATCH;

        scion_trace_part("batch");
        good = good && take_step(loop, &batch);
        scion_meter_turn(training->transfer->meter, SCION_PART_OUTSIDE);
        return good ? batch.size : 0;
}

/* Of a stage with fewer steps than that, the last one is watched. */
static bool is_watched(const struct loop *loop)
{
        const struct scion_training *training = loop->training;
        int64_t left = loop->steps * loop->epochs - loop->step;

        return training->trace > 0 && training->log &&
               (loop->taken == training->trace || (left == 1 && loop->taken < training->trace));
}

static int64_t run_step(struct loop *loop)
{
        const struct scion_training *training = loop->training;
        struct scion_step_trace trace;
        char heading[200];

        loop->taken++;
        if (!is_watched(loop))
                return next_step(loop);
        snprintf(heading, sizeof heading, "trace of the %s's step %lld (epoch %lld)", loop->stage,
                 (long long)loop->step + 1, (long long)loop->epoch);
        scion_step_trace_start(&trace);
        int64_t examples = next_step(loop);

        scion_step_trace_finish(&trace, heading, examples > 0, training->log, training->traces);
        return examples;
}

static void end_epoch(struct loop *loop)
{
        struct scion_transfer *transfer = loop->training->transfer;

        if (transfer->reuse)
                scion_reuse_batch(transfer->reuse, NULL, NULL);
        scion_transfer_end_step(transfer);
}

static bool run_epoch(struct loop *loop)
{
        bool good = start_epoch(loop);

        for (int64_t step = 0; good && step < loop->steps; step++) {
                good = run_step(loop) > 0;
                if (good)
                        tell(loop, SCION_AT_STEP, step + 1);
        }
        end_epoch(loop);
        return good && settle(loop->training);
}

static bool validate(struct loop *loop)
{
        const struct scion_training *training = loop->training;
        const struct scion_model *model = training->transfer->target;

        if (!loop->best) { /* nothing to choose by */
                loop->best_epoch = loop->epoch;
                return true;
        }
        scion_scores_clear(&loop->valid);
        if (!scion_evaluate(training, SCION_VALID, &loop->valid))
                return false;
        double criterion = scion_scores_criterion(&loop->valid), loss = scion_scores_loss(&loop->valid);

        if (loop->best_epoch > 0 && !(criterion > loop->best_criterion) &&
            !(criterion == loop->best_criterion && loss < loop->best_loss))
                return true;
        loop->best_epoch = loop->epoch;
        loop->best_criterion = criterion;
        loop->best_loss = loss;
        return scion_model_save_values(model, loop->best);
}

static bool report_epoch(struct loop *loop, double seconds)
{
        const struct scion_training *training = loop->training;
        const struct scion_transfer *transfer = training->transfer;
        struct scion_row row = { 0 };
        bool good;

        scion_row_text(&row, "stage", loop->stage);
        scion_row_int(&row, "epoch", loop->epoch);
        scion_row_int(&row, "step", loop->step);
        scion_row_fixed(&row, "seconds", seconds, 3);
        scion_row_number(&row, "lr", loop->factor * scion_update_rate(loop->update));
        good = scion_scores_row(&loop->train, "train_", true, &row) &&
               scion_scores_row(&loop->valid, "valid_", true, &row);
        for (int i = 0; i < transfer->scalars; i++) {
                const struct scion_scalar *scalar = &transfer->scalar[i];
                char column[SCION_TRANSFER_NAME + 8];

                snprintf(column, sizeof column, "train_%s", scalar->name);
                if (scalar->examples > 0)
                        scion_row_number(&row, column, scalar->sum / (double)scalar->examples);
        }
        good = good && (!training->metrics || scion_sheet_add(training->metrics, &row));
        if (training->log) {
                for (size_t i = 0; i < row.count; i++)
                        fprintf(training->log, "%s%s %s", i ? "  " : "", row.cell[i].column,
                                row.cell[i].value);
                fputc('\n', training->log);
                fflush(training->log);
        }
        scion_row_finish(&row);
        return good;
}

/* All that an epoch leaves to the next ones. What is random depends on the seed and on these numbers alone. */
static void describe(struct loop *loop, struct scion_state *state)
{
        struct scion_transfer *transfer = loop->training->transfer;

        scion_state_add(state, "loop.step", &loop->step, sizeof loop->step);
        scion_state_add(state, "loop.shuffled", &loop->shuffled, sizeof loop->shuffled);
        scion_state_add(state, "loop.last", &loop->last, sizeof loop->last);
        if (loop->best)
                scion_state_add_storage(state, "best", loop->best, 0, loop->best->bytes);
        scion_state_add(state, "best.epoch", &loop->best_epoch, sizeof loop->best_epoch);
        scion_state_add(state, "best.criterion", &loop->best_criterion, sizeof loop->best_criterion);
        scion_state_add(state, "best.loss", &loop->best_loss, sizeof loop->best_loss);
        scion_transfer_describe(transfer, state);
        scion_update_describe(loop->update, state);
}

static void save(struct loop *loop)
{
        struct scion_state state = { 0 };

        describe(loop, &state);
        scion_recovery_save(loop->training->recovery, loop->stage, loop->epoch, &state);
        scion_state_finish(&state);
}

/* The strategy's part of epochs that are over. What it measures does not count, so that one batch is enough for it. */
static bool begin_epochs_again(struct loop *loop, int64_t epochs)
{
        struct scion_transfer *transfer = loop->training->transfer;
        bool good = true;

        transfer->rehearsal = true;
        for (int64_t epoch = 1; good && epoch <= epochs; epoch++)
                good = begin_epoch(loop, epoch);
        transfer->rehearsal = false;
        return good;
}

/* Goes on where the checkpoint was written, in this stage: everything that has changed by then is given back. */
static bool resume(struct loop *loop)
{
        const struct scion_training *training = loop->training;
        struct scion_state state = { 0 };

        loop->resumed = training->recovery->epoch;
        if (!begin_epochs_again(loop, loop->resumed))
                return false;
        describe(loop, &state);
        bool good = scion_recovery_restore(training->recovery, &state);

        scion_state_finish(&state);
        if (!good || !scion_update_restored(loop->update))
                return false;
        loop->epoch = loop->resumed;
        if (training->log)
                fprintf(training->log, "%s: resumed after epoch %lld\n", loop->stage, (long long)loop->epoch);
        return true;
}

static bool stop(const struct loop *loop)
{
        if (loop->training->stopped)
                *loop->training->stopped = true;
        return scion_fail("stopped before epoch %lld of the %s's %lld", (long long)loop->epoch, loop->stage,
                          (long long)loop->epochs);
}

static bool run_epochs(struct loop *loop)
{
        for (loop->epoch++; loop->epoch <= loop->epochs; loop->epoch++) {
                double start = scion_clock();

                if (scion_observer_stopping(loop->training->observer))
                        return stop(loop);
                if (!run_epoch(loop) || !validate(loop) || !report_epoch(loop, scion_clock() - start))
                        return false;
                tell(loop, SCION_AT_EPOCH, loop->steps);
                if (scion_recovery_due(loop->training->recovery) ||
                    scion_observer_stopping(loop->training->observer))
                        save(loop);
        }
        return true;
}

/* The target, and what the strategy has beside it. */
static struct scion_update *create_update(const struct scion_training *training)
{
        const struct scion_transfer *transfer = training->transfer;
        size_t count = (size_t)transfer->own_models + 1;
        struct scion_model **model = malloc(count * sizeof(struct scion_model *));
        struct scion_update *update = NULL;

        if (!model)
                return scion_fail_null("out of memory");
        model[0] = transfer->target;
        for (int i = 0; i < transfer->own_models; i++)
                model[i + 1] = transfer->own_model[i].model;
        update = scion_update_create(training->stage->optimizer, model, (int)count);
        free(model);
        return update;
}

/* Which stage it is, the transfer knows. The best epoch is one of the main stage. */
static bool train_stage(struct loop *loop)
{
        const struct scion_training *training = loop->training;

        loop->step = 0;
        loop->taken = 0;
        loop->epoch = 0;
        loop->best_epoch = 0;
        loop->resumed = 0;
        loop->update = create_update(training);
        bool good = loop->update &&
                    (!scion_recovery_found(training->recovery, loop->stage) || resume(loop)) &&
                    run_epochs(loop) && (loop->epochs > 0 || settle(training));

        scion_update_destroy(loop->update);
        loop->update = NULL;
        return good;
}

/* Where the checkpoint was written; -1: there is none to go on from. */
static bool find_stage(struct loop *loop, int *stage)
{
        const struct scion_training *training = loop->training;
        struct scion_transfer *transfer = training->transfer;

        *stage = -1;
        if (!scion_recovery_found(training->recovery, NULL))
                return true;
        for (transfer->stage = 0; transfer->stage <= transfer->own_stages; transfer->stage++)
                if (scion_recovery_found(training->recovery,
                                         scion_transfer_stage_name(transfer, training->stage)))
                        *stage = transfer->stage;
        return *stage >= 0 || scion_recovery_refuse(training->recovery, "there is no such stage any more");
}

static bool begin_stage(struct loop *loop, int stage, bool again)
{
        struct scion_transfer *transfer = loop->training->transfer;

        scion_tape_reset(loop->training->tape);
        transfer->rehearsal = again;
        bool good = scion_transfer_begin_stage(transfer, stage);

        transfer->rehearsal = false;
        loop->stage = scion_transfer_stage_name(transfer, loop->training->stage);
        loop->epochs = scion_transfer_stage_epochs(transfer, loop->training->stage);
        return good;
}

static bool train_stages(struct loop *loop)
{
        int resumed;

        if (!find_stage(loop, &resumed))
                return false;
        for (int stage = 0; stage <= loop->training->transfer->own_stages; stage++)
                if (!begin_stage(loop, stage, stage <= resumed) ||
                    !(stage < resumed ? begin_epochs_again(loop, loop->epochs) : train_stage(loop)))
                        return false;
        return true;
}

bool scion_train(const struct scion_training *training, struct scion_trained *trained)
{
        struct scion_model *model = training->transfer->target;
        struct loop loop = {
                .training = training, .last = NAN, .steps = steps_of(training), .began = scion_clock()
        };
        struct scion_tape *before = scion_tape_use(training->tape);
        bool good = false;

        *trained = (struct scion_trained){ 0 };
        loop.batches = scion_batches_create(training->data, SCION_TRAIN, training->stage->batch_size);
        if (!loop.batches)
                goto out;
        if (scion_data_size(training->data, SCION_VALID) > 0) {
                loop.best = scion_model_snapshot(model);
                if (!loop.best)
                        goto out;
        }
        good = train_stages(&loop);
        if (good && loop.best && loop.best_epoch > 0)
                good = scion_model_restore(model, loop.best);
        if (training->transfer->stage == training->transfer->own_stages)
                trained->epochs = good ? loop.epochs : loop.epoch > 0 ? loop.epoch - 1 : 0;
        trained->best_epoch = loop.best_epoch;
out:
        scion_tape_use(before);
        scion_storage_destroy(loop.best);
        scion_scores_finish(&loop.train);
        scion_scores_finish(&loop.valid);
        scion_batches_destroy(loop.batches);
        return good;
}

/* --- A step at a time ----------------------------------------------------------------------------------- */

struct scion_steps {
        struct loop loop;
        bool going;       /* an epoch is at hand, */
        int64_t in_epoch; /* in which so many steps were taken */
};

/* The last stage that has epochs; -1 when there is none. Those before it begin and end as if they had been gone through. */
static int stage_to_measure(const struct scion_training *training)
{
        struct scion_transfer *transfer = training->transfer;

        for (transfer->stage = transfer->own_stages; transfer->stage >= 0; transfer->stage--)
                if (scion_transfer_stage_epochs(transfer, training->stage) > 0)
                        break;
        return transfer->stage;
}

static bool steps_begin(struct scion_steps *steps, const struct scion_training *training)
{
        struct loop *loop = &steps->loop;
        int last = stage_to_measure(training);

        *loop = (struct loop){ .training = training, .last = NAN, .steps = steps_of(training) };
        if (last < 0)
                return scion_fail("there is nothing to train: no stage has an epoch");
        loop->batches = scion_batches_create(training->data, SCION_TRAIN, training->stage->batch_size);
        if (!loop->batches)
                return false;
        for (int stage = 0; stage <= last; stage++)
                if (!begin_stage(loop, stage, stage < last) ||
                    (stage < last && !begin_epochs_again(loop, loop->epochs)))
                        return false;
        loop->update = create_update(training);
        return loop->update != NULL;
}

struct scion_steps *scion_steps_create(const struct scion_training *training)
{
        struct scion_steps *steps = calloc(1, sizeof *steps);

        if (!steps)
                return scion_fail_null("out of memory");
        if (steps_begin(steps, training))
                return steps;
        scion_steps_destroy(steps);
        return NULL;
}

void scion_steps_destroy(struct scion_steps *steps)
{
        if (!steps)
                return;
        end_epoch(&steps->loop);
        scion_tape_reset(steps->loop.training->tape);
        scion_update_destroy(steps->loop.update);
        scion_scores_finish(&steps->loop.train);
        scion_batches_destroy(steps->loop.batches);
        free(steps);
}

const char *scion_steps_stage(const struct scion_steps *steps)
{
        return steps->loop.stage;
}

bool scion_steps_rest(struct scion_steps *steps)
{
        struct loop *loop = &steps->loop;

        if (!steps->going)
                return true;
        steps->going = false;
        end_epoch(loop);
        return settle(loop->training);
}

static bool turn_epoch(struct scion_steps *steps)
{
        struct loop *loop = &steps->loop;

        if (!scion_steps_rest(steps))
                return false;
        if (loop->epoch++ == loop->epochs) {
                loop->epoch = 1;
                loop->step = 0;
        }
        steps->in_epoch = 0;
        steps->going = true;
        return start_epoch(loop);
}

int64_t scion_steps_take(struct scion_steps *steps)
{
        struct loop *loop = &steps->loop;

        if ((!steps->going || steps->in_epoch == loop->steps) && !turn_epoch(steps))
                return 0;
        steps->in_epoch++;
        return next_step(loop);
}
