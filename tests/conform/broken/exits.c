/*
 * Ends the process from validate().
 *
 * FAILED: an instance with these parameters is made and ended
 * says: ended with status 3
 * says: in validate()
 */
#include <scion/scion.h>
#include <stdlib.h>

static bool validate(void *self)
{
        (void)self;
        _Exit(3);
}

SCION_PLUGIN_STRATEGY("exits", .summary = "a strategy that ends the process", .validate = validate);
