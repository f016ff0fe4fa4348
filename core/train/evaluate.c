/* Evaluation: the target's outputs and the task's loss, without gradients. */
#include <scion/error.h>
#include <scion/tape.h>

#include "nn/model.h"
#include "tensor/trace.h"
#include "train/train.h"

/* Adds the batch to the scores, and reads them. */
static bool batch_score(struct scion_transfer *transfer, struct scion_scores *scores,
                        struct scion_tensor *loss, struct scion_tensor *outputs,
                        const struct scion_batch *batch)
{
        struct scion_readings *readings = &transfer->step.readings;

        scion_readings_clear(readings);
        if (!scion_scores_add(scores, readings, loss, batch->size, outputs, batch) ||
            !scion_readings_read(readings))
                return false;
        scion_scores_read(scores, readings);
        return true;
}

enum scion_next scion_evaluate_next(const struct scion_training *training, struct scion_batches *batches,
                                    struct scion_scores *scores)
{
        struct scion_transfer *transfer = training->transfer;
        struct scion_batch batch;

        scion_trace_part(SCION_PART_BATCH);
        scion_tape_reset(training->tape);
        scion_tape_set_training(training->tape, false);
        enum scion_next next = scion_batches_next(batches, &batch);

        scion_trace_part(SCION_PART_OUTSIDE);
        if (next != SCION_NEXT_BATCH)
                return next;
        scion_no_grad_begin();
        scion_trace_part(SCION_PART_FORWARD);
        struct scion_tensor *outputs = scion_model_forward(transfer->target, batch.inputs);

        scion_trace_part(SCION_PART_LOSS);
        struct scion_tensor *loss = scion_task_loss(transfer, outputs, &batch);

        scion_trace_part(SCION_PART_SCORES);
        if (!loss || !batch_score(transfer, scores, loss, outputs, &batch))
                next = SCION_NEXT_FAILED;
        scion_trace_part(SCION_PART_OUTSIDE);
        scion_no_grad_end();
        return next;
}

bool scion_evaluate(const struct scion_training *training, enum scion_split split,
                    struct scion_scores *scores)
{
        struct scion_batches *batches = scion_batches_create(training->data, split, SCION_EVALUATION_BATCH);
        enum scion_next next;

        if (!batches)
                return false;
        do
                next = scion_evaluate_next(training, batches, scores);
        while (next == SCION_NEXT_BATCH);
        scion_tape_reset(training->tape);
        scion_batches_destroy(batches);
        return next == SCION_NEXT_END;
}

bool scion_test(const struct scion_training *training, const char *prefix, bool with_loss,
                struct scion_row *results)
{
        struct scion_scores scores = { 0 };
        enum scion_split split = (enum scion_split)training->stage->test_split;
        const struct scion_progress progress = { .phase = SCION_AT_TEST, .stage = training->stage->name };

        scion_observer_tell(training->observer, &progress);
        bool good = scion_data_size(training->data, split) == 0 || scion_evaluate(training, split, &scores);

        good = good && scion_scores_row(&scores, prefix, with_loss, results);
        scion_scores_finish(&scores);
        return good;
}
