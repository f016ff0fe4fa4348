/* Training a step at a time, as long as the caller wants: for measuring. */
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>

#include "train/loop.h"

struct scion_steps {
        struct scion_loop loop;
        bool in_epoch; /* an epoch has begun and not ended */
};

/* Returns the last stage that has epochs; -1: there is none. */
static int stage_find_last(const struct scion_training *training)
{
        struct scion_transfer *transfer = training->transfer;
        int *at = &transfer->position.stage;

        for (*at = transfer->added.stages; *at >= 0; --*at)
                if (scion_transfer_stage_epochs(transfer, training->stage) > 0)
                        break;
        return *at;
}

/* Begins the last stage. Those before it are replayed, as if they had been trained. */
static bool steps_begin(struct scion_steps *steps, const struct scion_training *training)
{
        struct scion_loop *loop = &steps->loop;
        bool good = scion_loop_init(loop, training);
        int last = stage_find_last(training);

        if (good && last < 0)
                return scion_fail("there is nothing to train: no stage has an epoch");
        for (int stage = 0; good && stage < last; stage++)
                good = scion_loop_begin_stage(loop, stage, true) &&
                       scion_loop_replay_epochs(loop, loop->stage.epochs);
        return good && scion_loop_begin_stage(loop, last, false) && scion_loop_create_update(loop);
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
        scion_loop_end_epoch(&steps->loop);
        scion_tape_reset(steps->loop.training->tape);
        scion_loop_finish(&steps->loop);
        free(steps);
}

const char *scion_steps_stage(const struct scion_steps *steps)
{
        return steps->loop.stage.name;
}

bool scion_steps_rest(struct scion_steps *steps)
{
        if (!steps->in_epoch)
                return true;
        steps->in_epoch = false;
        scion_loop_end_epoch(&steps->loop);
        return scion_loop_settle(&steps->loop);
}

/* Ends the epoch and begins the next one; after the last one, the first one. */
static bool steps_begin_epoch(struct scion_steps *steps)
{
        struct scion_loop *loop = &steps->loop;

        if (!scion_steps_rest(steps))
                return false;
        if (loop->epoch.number++ == loop->stage.epochs) {
                loop->epoch.number = 1;
                loop->stage.step = 0;
        }
        steps->in_epoch = true;
        return scion_loop_begin_epoch(loop);
}

int64_t scion_steps_take(struct scion_steps *steps)
{
        struct scion_loop *loop = &steps->loop;

        if ((!steps->in_epoch || loop->epoch.step == loop->steps) && !steps_begin_epoch(steps))
                return 0;
        return scion_loop_step(loop);
}
