/* Auxiliary batches: of the source, and of the target's unlabelled examples. Visits to all of the target's examples. */
#include <scion/error.h>
#include <scion/tape.h>

#include "transfer/transfer.h"

#define VISIT_BATCH 256 /* examples; larger than training's, because there is no backward pass */

static bool stream_check(const struct scion_transfer *transfer, enum scion_needs need, const char *name)
{
        const struct scion_instance *strategy = transfer->plan.strategy;

        if (!strategy || !(((const struct scion_strategy_plugin *)strategy->plugin)->needs & need))
                return scion_fail("a strategy that uses such batches has %s among its needs", name);
        return transfer->step.batch || scion_fail("auxiliary batches are available in loss() only");
}

/* Draws the stream's batch of this step: it depends on the seed and the number of the step alone. */
static const struct scion_batch *stream_draw(const struct scion_transfer *transfer,
                                             struct scion_stream *stream, const char *name)
{
        uint64_t seed = scion_seed(transfer->plan.seed, name);

        stream->drawn =
                scion_batches_at(stream->batches, seed, (uint64_t)transfer->position.step, &stream->batch);
        return stream->drawn ? &stream->batch : NULL;
}

const struct scion_batch *scion_source_batch(struct scion_transfer *transfer)
{
        const struct scion_transfer_plan *plan = &transfer->plan;
        struct scion_stream *stream = &transfer->step.source_stream;

        if (!stream_check(transfer, SCION_NEEDS_SOURCE_BATCHES, "SCION_NEEDS_SOURCE_BATCHES"))
                return NULL;
        if (stream->drawn)
                return &stream->batch;
        if (!plan->source_data)
                return scion_fail_null("the run has no data of the source");
        if (!stream->batches)
                stream->batches = scion_batches_create(plan->source_data, SCION_TRAIN, plan->batch_size);
        return stream->batches ? stream_draw(transfer, stream, "source batches") : NULL;
}

const struct scion_batch *scion_unlabelled_batch(struct scion_transfer *transfer)
{
        const struct scion_transfer_plan *plan = &transfer->plan;
        struct scion_stream *stream = &transfer->step.unlabelled_stream;

        if (!stream_check(transfer, SCION_NEEDS_UNLABELLED, "SCION_NEEDS_UNLABELLED"))
                return NULL;
        if (stream->drawn)
                return &stream->batch;
        if (!plan->target_data || scion_data_unlabelled(plan->target_data) == 0)
                return scion_fail_null("the run has no unlabelled examples of the target");
        if (!stream->batches)
                stream->batches = scion_batches_create_unlabelled(plan->target_data, plan->batch_size);
        return stream->batches ? stream_draw(transfer, stream, "unlabelled batches") : NULL;
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
