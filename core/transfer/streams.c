/* Batches beside the target's, and visits to all of them. */
#include <scion/error.h>
#include <scion/tape.h>

#include "transfer/transfer.h"

/* Evaluation keeps nothing for a backward pass, so its batches can be larger than training's. */
#define VISIT_BATCH 256

/* They are a step's, and so is their memory. */
static bool can_draw(const struct scion_transfer *transfer, enum scion_needs need, const char *name)
{
        const struct scion_strategy_plugin *plugin =
                transfer->plan.strategy
                        ? (const struct scion_strategy_plugin *)transfer->plan.strategy->plugin
                        : NULL;

        if (!plugin || !(plugin->needs & need))
                return scion_fail("a strategy that uses such batches has %s among its needs", name);
        return transfer->step.batch || scion_fail("batches beside the target's are there in loss() only");
}

static const struct scion_batch *draw(const struct scion_transfer *transfer, struct scion_stream *beside,
                                      const char *stream)
{
        uint64_t seed = scion_seed(transfer->plan.seed, stream);

        beside->drawn =
                scion_batches_at(beside->batches, seed, (uint64_t)transfer->position.step, &beside->batch);
        return beside->drawn ? &beside->batch : NULL;
}

const struct scion_batch *scion_source_batch(struct scion_transfer *transfer)
{
        struct scion_stream *beside = &transfer->step.source_stream;

        if (!can_draw(transfer, SCION_NEEDS_SOURCE_BATCHES, "SCION_NEEDS_SOURCE_BATCHES"))
                return NULL;
        if (beside->drawn)
                return &beside->batch;
        if (!transfer->plan.source_data)
                return scion_fail_null("the run has no data of the source");
        if (!beside->batches)
                beside->batches = scion_batches_create(transfer->plan.source_data, SCION_TRAIN,
                                                       transfer->plan.batch_size);
        return beside->batches ? draw(transfer, beside, "source batches") : NULL;
}

const struct scion_batch *scion_unlabelled_batch(struct scion_transfer *transfer)
{
        struct scion_stream *beside = &transfer->step.unlabelled_stream;

        if (!can_draw(transfer, SCION_NEEDS_UNLABELLED, "SCION_NEEDS_UNLABELLED"))
                return NULL;
        if (beside->drawn)
                return &beside->batch;
        if (!transfer->plan.target_data || scion_data_unlabelled(transfer->plan.target_data) == 0)
                return scion_fail_null("the run has no unlabelled examples of the target");
        if (!beside->batches)
                beside->batches = scion_batches_create_unlabelled(transfer->plan.target_data,
                                                                  transfer->plan.batch_size);
        return beside->batches ? draw(transfer, beside, "unlabelled batches") : NULL;
}

bool scion_visit(struct scion_transfer *transfer,
                 bool (*visit)(void *context, struct scion_transfer *transfer,
                               const struct scion_batch *batch),
                 void *context)
{
        struct scion_batches *batches =
                transfer->plan.target_data
                        ? scion_batches_create(transfer->plan.target_data, SCION_TRAIN, VISIT_BATCH)
                        : NULL;
        struct scion_tape *tape = batches ? scion_tape_create() : NULL;
        struct scion_tape *before = NULL;
        enum scion_next next = SCION_NEXT_FAILED;
        struct scion_batch batch;

        if (!tape)
                goto out;
        before = scion_tape_use(tape);
        do {
                scion_tape_reset(tape);
                transfer->step.forward_passes = 0;
                next = scion_batches_next(batches, &batch);
                if (next == SCION_NEXT_BATCH && !visit(context, transfer, &batch))
                        next = SCION_NEXT_FAILED;
        } while (next == SCION_NEXT_BATCH && transfer->mode == SCION_TRANSFER_TRAINING);
        scion_tape_use(before);
out:
        transfer->step.forward_passes = 0;
        scion_tape_destroy(tape);
        scion_batches_destroy(batches);
        return next != SCION_NEXT_FAILED;
}
