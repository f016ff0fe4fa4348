/*
 * The dry run: before anything is trained, the strategy is set up and the losses of first batches are computed and
 * thrown away, so that whatever does not fit together is refused at once.
 */
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>

#include "run/prepare.h"
#include "tensor/tensor.h"

static bool loss_check(const struct scion_tensor *loss, const struct scion_transfer *transfer,
                       const struct scion_stage *stage)
{
        if (scion_size(loss) != 1)
                return scion_fail("the loss has %lld elements, not one", (long long)scion_size(loss));
        return loss->requires_grad || scion_transfer_stage_epochs(transfer, stage) == 0 ||
               scion_fail("there is nothing to train: the loss depends on no parameter that is not frozen");
}

/* Computes the loss of a batch of `size` examples. A strategy that writes into parameters as it does so turns the reuse
 * of outputs off, because stored ones would be out of date in each step. */
static bool batch_dry_run(const struct scion_run *run, const struct scion_training *training, int64_t size)
{
        struct scion_batches *batches = scion_batches_create(training->data, SCION_TRAIN, size);
        struct scion_transfer *transfer = training->transfer;
        struct scion_batch batch;
        bool good = false;

        if (!batches)
                return false;
        scion_tape_reset(run->tape);
        scion_tape_set_training(run->tape, true);
        if (scion_batches_next(batches, &batch) == SCION_NEXT_BATCH) {
                scion_transfer_begin_step(transfer, &batch);
                uint64_t writes = scion_parameter_writes();
                struct scion_tensor *loss = scion_transfer_loss(transfer);

                good = loss && loss_check(loss, transfer, training->stage);
                if (writes != scion_parameter_writes())
                        scion_reuse_disable(run->reuse);
        }
        scion_transfer_clear_substitutes(transfer);
        scion_transfer_end_step(transfer);
        scion_tape_reset(run->tape);
        scion_batches_destroy(batches);
        return good;
}

/* Computes the losses of a full batch, and of the smaller one at the end of an epoch if there is one. */
static bool batches_dry_run(struct scion_run *run, bool target, struct scion_transfer *transfer)
{
        struct scion_training training = scion_run_training(run, target, transfer);
        const struct scion_config *map = training.stage->map;
        int64_t examples = scion_data_size(training.data, SCION_TRAIN), size = training.stage->batch_size;
        int64_t last = examples > size && !training.stage->drop_last ? examples % size : 0;
        bool good = batch_dry_run(run, &training, size);

        if (good && last > 0 && !batch_dry_run(run, &training, last))
                good = scion_fail_prefix("the last batch of an epoch, of %lld", (long long)last);
        if (transfer->step.loss_failed)
                map = scion_config_get(map, "loss");
        return good || scion_config_fail(map, "%s: %s", training.stage->name, scion_error());
}

/* Begins every stage and its first epoch, and computes the losses of batches in it. */
static bool stages_dry_run(struct scion_run *run, const struct scion_config *map,
                           struct scion_transfer *transfer)
{
        for (int stage = 0; stage <= transfer->added.stages; stage++) {
                if (!scion_transfer_begin_stage(transfer, stage) || !scion_transfer_begin_epoch(transfer, 1))
                        return scion_config_fail(map, "%s", scion_error());
                if (!batches_dry_run(run, true, transfer))
                        return false;
        }
        return true;
}

/* The strategy and the target are instances for the dry run alone. */
static bool target_dry_run(struct scion_run *run)
{
        const struct scion_config *map = scion_config_get(run->config, "strategy");
        struct scion_instance *strategy = scion_instance_create(SCION_STRATEGY, map, NULL);
        struct scion_model *target = strategy ? scion_run_create_target(run) : NULL;
        bool good = false;

        if (target) {
                struct scion_transfer transfer = scion_run_target_transfer(run, target, strategy);

                transfer.mode = SCION_TRANSFER_DRY_RUN;
                good = scion_transfer_setup(&transfer) || scion_config_fail(map, "%s", scion_error());
                good = good && stages_dry_run(run, map, &transfer);
                target = transfer.target;
                scion_transfer_finish(&transfer);
        }
        scion_tape_reset(run->tape);
        scion_model_destroy(target);
        scion_instance_destroy(strategy);
        return good;
}

static bool source_dry_run(struct scion_run *run)
{
        struct scion_transfer transfer = scion_run_source_transfer(run);
        bool good = batches_dry_run(run, false, &transfer);

        scion_transfer_finish(&transfer);
        return good;
}

/* The dry run of a run with a source. Afterwards the source is as it was: a batch changes buffers, and setup() may have
 * written into the source and set its flags. */
static bool both_dry_run(struct scion_run *run)
{
        struct scion_storage *values = scion_model_snapshot(run->source);
        unsigned char *handling = values ? malloc(scion_model_flags_bytes(run->source) + 1) : NULL;
        bool good = true;

        if (!handling) {
                scion_storage_destroy(values);
                return values ? scion_fail("out of memory") : false;
        }
        scion_model_read_flags(run->source, handling);
        if (!run->experiment.source.weights)
                good = source_dry_run(run);
        good = good && target_dry_run(run);
        /* Flags first: removing a mask does not bring back the values that it has set to 0. */
        if (good)
                good = scion_model_write_flags(run->source, handling);
        good = scion_model_restore(run->source, values) && good;
        scion_storage_destroy(values);
        free(handling);
        return good;
}

bool scion_run_dry_run(struct scion_run *run)
{
        struct scion_tape *before = scion_tape_use(run->tape);
        bool good = run->source ? both_dry_run(run) : target_dry_run(run);

        scion_tape_use(before);
        return good;
}
