/*
 * Uses a source model that it has not asked for.
 *
 * FAILED: it is set up, and has a loss of batches of every size it takes
 * says: in setup(), or the loss of a first batch
 */
#include <scion/scion.h>

static bool setup(void *self, struct scion_transfer *transfer)
{
        const int *number = (const void *)scion_source(transfer);

        (void)self;
        return *(const volatile int *)number >= 0;
}

SCION_PLUGIN_STRATEGY("unsaid-source", .summary = "a strategy for a test", .setup = setup);
