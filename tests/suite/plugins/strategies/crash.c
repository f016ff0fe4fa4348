/* A plugin that says what it is about to do, and does it. */
#include <scion/scion.h>
#include <stdio.h>
#include <stdlib.h>

static bool setup(void *self, struct scion_transfer *transfer)
{
        (void)self;
        (void)transfer;
        printf("one step to the edge\n");
        return true;
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        (void)self;
        (void)transfer;
        (void)batch;
        abort();
}

SCION_PLUGIN_STRATEGY("crash", .summary = "a strategy for a test", .setup = setup, .loss = loss);
