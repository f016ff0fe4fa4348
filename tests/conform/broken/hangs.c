/*
 * Its validate() never returns.
 *
 * FAILED: an instance with these parameters is made and ended
 * says: hangs: it had not finished after 1.5 seconds, in validate()
 * options: --time 1.5
 */
#include <scion/scion.h>

static bool validate(void *self)
{
        volatile bool *going = self;

        *going = true;
        while (*going)
                ;
        return true;
}

SCION_PLUGIN_STRATEGY("hangs", .summary = "a strategy that never comes back", .size = sizeof(bool),
                      .validate = validate);
