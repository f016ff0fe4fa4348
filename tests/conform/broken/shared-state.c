/*
 * Keeps memory of an instance in a variable of the file, so that two instances free it twice.
 *
 * FAILED: several instances do not disturb one another
 * says: in finish()
 */
#include <scion/scion.h>
#include <stdlib.h>

static float *scratch;

static bool validate(void *self)
{
        (void)self;
        scratch = malloc(sizeof *scratch);
        return scratch || scion_fail("out of memory");
}

static void finish(void *self)
{
        (void)self;
        if (!scratch)
                abort();
        free(scratch);
        scratch = NULL;
}

SCION_PLUGIN_STRATEGY("shared-state", .summary = "a strategy with one scratch for all", .validate = validate,
                      .finish = finish);
