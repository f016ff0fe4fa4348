/*
 * Its setup() fails without a reason.
 *
 * FAILED: it is set up, and has a loss of batches of every size it takes
 * says: strategy 'unwilling': its setup() gives no reason
 * says: the trial: lenet5 on images of 1x12x12
 */
#include <scion/scion.h>

static bool setup(void *self, struct scion_transfer *transfer)
{
        (void)self;
        (void)transfer;
        return false;
}

SCION_PLUGIN_STRATEGY("unwilling", .summary = "a strategy for a test", .setup = setup);
