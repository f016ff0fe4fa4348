/*
 * Its finish() uses memory that validate() allocates only when it succeeds.
 *
 * FAILED: values at the ends of the ranges are taken, or refused with a reason
 * says: in finish(), after validate() has refused
 */
#include <scion/scion.h>
#include <stdlib.h>

struct state {
        bool soft;
        int *count;
};

static const struct scion_param params[] = {
        SCION_BOOL(struct state, soft, false, "cannot be had"),
        SCION_PARAMS_END,
};

static bool validate(void *self)
{
        struct state *state = self;

        if (state->soft)
                return scion_fail("soft: cannot be had");
        state->count = malloc(sizeof *state->count);
        if (state->count)
                *state->count = 1;
        return state->count || scion_fail("out of memory");
}

static void finish(void *self)
{
        struct state *state = self;

        if (--*state->count == 0)
                free(state->count);
}

SCION_PLUGIN_STRATEGY("finish-crashes", .summary = "a strategy that ends what did not begin",
                      .params = params, .size = sizeof(struct state), .validate = validate, .finish = finish);
