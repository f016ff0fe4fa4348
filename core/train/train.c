/* Training: all stages, with validation after each epoch, checkpoints, metrics and the trace of a step. */
#include "train/train.h"

#include <math.h>
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>

#include "base/clock.h"
#include "train/loop.h"
#include "train/step_trace.h"

#define PROGRESS_SECONDS 0.25 /* between two reports to the observer within an epoch */

/* --- An epoch ------------------------------------------------------------------------------------------- */

/* Tells the observer how far the training is; within an epoch not too often. */
static void progress_tell(struct scion_loop *loop, enum scion_phase phase)
{
        const struct scion_training *training = loop->training;
        double now = training->observer ? scion_clock() : 0;

        if (!training->observer || (phase == SCION_AT_STEP && now - loop->told < PROGRESS_SECONDS))
                return;
        struct scion_progress progress = {
                .phase = phase,
                .stage = loop->stage.name,
                .epoch = loop->epoch.number,
                .epochs = loop->stage.epochs,
                .epochs_before = loop->stage.resumed,
                .step = loop->epoch.step,
                .steps = loop->steps,
                .seconds = now - loop->began,
        };

        scion_progress_scores(&progress, &loop->epoch.train, &loop->epoch.valid);
        scion_observer_tell(training->observer, &progress);
        loop->told = now;
}

/* Returns whether the next step is the one to trace. In a stage with fewer steps that is the last one. */
static bool step_is_traced(const struct scion_loop *loop)
{
        const struct scion_training *training = loop->training;
        int64_t number = loop->stage.steps_here + 1,
                left = loop->steps * loop->stage.epochs - loop->stage.step;

        return training->trace > 0 && training->log &&
               (number == training->trace || (left == 1 && number < training->trace));
}

/* Takes a step, and traces it if it is the one to trace. */
static bool step_train(struct scion_loop *loop)
{
        const struct scion_training *training = loop->training;
        struct scion_step_trace trace;
        char heading[200];

        if (!step_is_traced(loop))
                return scion_loop_step(loop) > 0;
        snprintf(heading, sizeof heading, "trace of the %s's step %lld (epoch %lld)", loop->stage.name,
                 (long long)loop->stage.step + 1, (long long)loop->epoch.number);
        scion_step_trace_start(&trace);
        bool good = scion_loop_step(loop) > 0;

        scion_step_trace_finish(&trace, heading, good, training->log, training->traces);
        return good;
}

static bool epoch_train(struct scion_loop *loop)
{
        bool good = scion_loop_begin_epoch(loop);

        while (good && loop->epoch.step < loop->steps) {
                good = step_train(loop);
                if (good)
                        progress_tell(loop, SCION_AT_STEP);
        }
        scion_loop_end_epoch(loop);
        return good && scion_loop_settle(loop);
}

/* Evaluates the model on the validation split, and keeps its values if they are the best so far. Without a validation
 * split every epoch is the best. */
static bool epoch_validate(struct scion_loop *loop)
{
        const struct scion_training *training = loop->training;
        const struct scion_model *model = training->transfer->target;

        if (!loop->best.values) {
                loop->best.epoch = loop->epoch.number;
                return true;
        }
        if (!scion_scores_clear(&loop->epoch.valid) ||
            !scion_evaluate(training, SCION_VALID, &loop->epoch.valid))
                return false;
        double criterion = scion_scores_criterion(&loop->epoch.valid),
               loss = scion_scores_loss(&loop->epoch.valid);

        if (loop->best.epoch > 0 && !isnan(loop->best.criterion) && !(criterion > loop->best.criterion) &&
            !(criterion == loop->best.criterion && loss < loop->best.loss))
                return true;
        loop->best.epoch = loop->epoch.number;
        loop->best.criterion = criterion;
        loop->best.loss = loss;
        return scion_model_save_values(model, loop->best.values);
}

/* Adds what the strategy has logged in this epoch: train_NAME, the mean over the examples. */
static void row_add_scalars(struct scion_row *row, const struct scion_scalars *scalars)
{
        for (int i = 0; i < scalars->count; i++) {
                const struct scion_scalar *scalar = &scalars->scalar[i];
                char column[SCION_TRANSFER_NAME + 8];

                snprintf(column, sizeof column, "train_%s", scalar->name);
                if (scalar->examples > 0)
                        scion_row_number(row, column, scalar->sum / (double)scalar->examples);
        }
}

/* Adds the epoch's row to the metrics, and writes it to the log. */
static bool epoch_report(struct scion_loop *loop, double seconds)
{
        const struct scion_training *training = loop->training;
        struct scion_row row = { 0 };
        bool good;

        scion_row_text(&row, "stage", loop->stage.name);
        scion_row_int(&row, "epoch", loop->epoch.number);
        scion_row_int(&row, "step", loop->stage.step);
        scion_row_fixed(&row, "seconds", seconds, 3);
        scion_row_number(&row, "lr", loop->stage.factor * scion_update_rate(loop->stage.update));
        good = scion_scores_row(&loop->epoch.train, "train_", true, &row) &&
               scion_scores_row(&loop->epoch.valid, "valid_", true, &row);
        row_add_scalars(&row, &training->transfer->scalars);
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

/* --- Checkpoints ---------------------------------------------------------------------------------------- */

/* Adds everything that an epoch leaves to the next ones. Random numbers depend only on the seed and on the counters
 * among it. */
static void loop_add_state(struct scion_loop *loop, struct scion_state *state)
{
        struct scion_transfer *transfer = loop->training->transfer;

        scion_state_add(state, "loop.step", &loop->stage.step, sizeof loop->stage.step);
        scion_state_add(state, "loop.shuffled", &loop->shuffled, sizeof loop->shuffled);
        scion_state_add(state, "loop.last", &loop->last_loss, sizeof loop->last_loss);
        if (loop->best.values)
                scion_state_add_storage(state, "best", loop->best.values, 0, loop->best.values->bytes);
        scion_state_add(state, "best.epoch", &loop->best.epoch, sizeof loop->best.epoch);
        scion_state_add(state, "best.criterion", &loop->best.criterion, sizeof loop->best.criterion);
        scion_state_add(state, "best.loss", &loop->best.loss, sizeof loop->best.loss);
        scion_transfer_add_state(transfer, state);
        scion_update_add_state(loop->stage.update, state);
}

static void loop_save(struct scion_loop *loop)
{
        struct scion_state state = { 0 };

        loop_add_state(loop, &state);
        scion_recovery_save(loop->training->recovery, loop->stage.name, loop->epoch.number, &state);
        scion_state_finish(&state);
}

/* Restores the state of the stage from the checkpoint that was written in it. */
static bool stage_resume(struct scion_loop *loop)
{
        const struct scion_training *training = loop->training;
        struct scion_state state = { 0 };

        loop->stage.resumed = training->recovery->epoch;
        if (!scion_loop_replay_epochs(loop, loop->stage.resumed))
                return false;
        loop_add_state(loop, &state);
        bool good = scion_recovery_restore(training->recovery, &state);

        scion_state_finish(&state);
        if (!good || !scion_update_apply_flags(loop->stage.update))
                return false;
        loop->epoch.number = loop->stage.resumed;
        if (training->log)
                fprintf(training->log, "%s: resumed after epoch %lld\n", loop->stage.name,
                        (long long)loop->epoch.number);
        return true;
}

/* --- A stage -------------------------------------------------------------------------------------------- */

/* Ends the training early. Returns false, with a message. */
static bool stage_stop(const struct scion_loop *loop)
{
        if (loop->training->stopped)
                *loop->training->stopped = true;
        return scion_fail("stopped before epoch %lld of the %s's %lld", (long long)loop->epoch.number,
                          loop->stage.name, (long long)loop->stage.epochs);
}

static bool stage_train_epochs(struct scion_loop *loop)
{
        for (loop->epoch.number++; loop->epoch.number <= loop->stage.epochs; loop->epoch.number++) {
                double start = scion_clock();

                if (scion_observer_stopping(loop->training->observer))
                        return stage_stop(loop);
                if (!epoch_train(loop) || !epoch_validate(loop) || !epoch_report(loop, scion_clock() - start))
                        return false;
                progress_tell(loop, SCION_AT_EPOCH);
                if (scion_recovery_due(loop->training->recovery) ||
                    scion_observer_stopping(loop->training->observer))
                        loop_save(loop);
        }
        return true;
}

/* Trains the stage that has begun, from its beginning or from its checkpoint. */
static bool stage_train(struct scion_loop *loop)
{
        const struct scion_recovery *recovery = loop->training->recovery;
        bool good = scion_loop_create_update(loop) &&
                    (!scion_recovery_found(recovery, loop->stage.name) || stage_resume(loop)) &&
                    stage_train_epochs(loop) && (loop->stage.epochs > 0 || scion_loop_settle(loop));

        scion_update_destroy(loop->stage.update);
        loop->stage.update = NULL;
        return good;
}

/* Sets *stage to the stage in which the checkpoint was written; -1: there is no checkpoint. */
static bool stage_find_resumed(const struct scion_training *training, int *stage)
{
        struct scion_transfer *transfer = training->transfer;
        int *at = &transfer->position.stage;

        *stage = -1;
        if (!scion_recovery_found(training->recovery, NULL))
                return true;
        for (*at = 0; *at <= transfer->added.stages; ++*at)
                if (scion_recovery_found(training->recovery,
                                         scion_transfer_stage_name(transfer, training->stage)))
                        *stage = *at;
        return *stage >= 0 || scion_recovery_refuse(training->recovery, "there is no such stage any more");
}

/* --- All of it ------------------------------------------------------------------------------------------ */

/* Stages before the resumed one are replayed: only the strategy's callbacks are called. */
static bool stages_train(struct scion_loop *loop)
{
        int resumed;

        if (!stage_find_resumed(loop->training, &resumed))
                return false;
        for (int stage = 0; stage <= loop->training->transfer->added.stages; stage++)
                if (!scion_loop_begin_stage(loop, stage, stage <= resumed) ||
                    !(stage < resumed ? scion_loop_replay_epochs(loop, loop->stage.epochs)
                                      : stage_train(loop)))
                        return false;
        return true;
}

/* The best epoch is one of the main stage, which is the last. */
static bool loop_train(struct scion_loop *loop)
{
        struct scion_model *model = loop->training->transfer->target;

        if (scion_data_size(loop->training->data, SCION_VALID) > 0 &&
            !(loop->best.values = scion_model_snapshot(model)))
                return false;
        if (!stages_train(loop))
                return false;
        return !loop->best.values || loop->best.epoch == 0 || scion_model_restore(model, loop->best.values);
}

bool scion_train(const struct scion_training *training, struct scion_trained *trained)
{
        const struct scion_transfer *transfer = training->transfer;
        struct scion_tape *before = scion_tape_use(training->tape);
        struct scion_loop loop;
        bool good = scion_loop_init(&loop, training) && loop_train(&loop);

        *trained = (struct scion_trained){ .best_epoch = loop.best.epoch };
        if (good)
                trained->epochs = loop.stage.epochs;
        else if (transfer->position.stage == transfer->added.stages && loop.epoch.number > 0)
                trained->epochs = loop.epoch.number - 1;
        scion_tape_use(before);
        scion_loop_finish(&loop);
        return good;
}
