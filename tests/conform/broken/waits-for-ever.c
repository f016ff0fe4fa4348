/*
 * Waits for ever in its loss, when the folder of its trial has been created.
 *
 * FAILED: it is set up, and has a loss of batches of every size it takes
 * says: hangs: it had not finished after 1.5 seconds, in
 * options: --time 1.5
 */
#include <scion/scion.h>
#include <unistd.h>

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        (void)self;
        (void)transfer;
        (void)batch;
        while (pause() != 0) /* which it never is */
                ;
        return NULL;
}

SCION_PLUGIN_STRATEGY("waits-for-ever", .summary = "a strategy that waits for ever", .loss = loss);
