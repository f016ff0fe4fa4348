/*
 * Steps whole vectors from the aligned address at or before a span, as if each array were aligned to a vector.
 *
 * FAILED: it writes to values and states alone, and not past them
 * says: step() writes outside a span: to element -1 of its values; the span has 1 element
 */
#include <scion/optimizer.h>
#include <stdint.h>

struct state {
        float lr;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct state, lr, 0.001, "learning rate", .min = 0),
        SCION_PARAMS_END,
};

static int states(const void *self)
{
        (void)self;
        return 0;
}

static void step(void *self, const struct scion_span *spans, int count)
{
        const struct state *state = self;

        for (const struct scion_span *s = spans; s < spans + count; s++) {
                const int64_t before = (int64_t)((uintptr_t)s->value / sizeof(float) % 4);

                for (int64_t i = -before; i < s->count; i++)
                        s->value[i] -= state->lr * s->lr_scale * s->gradient[i];
        }
}

SCION_PLUGIN_OPTIMIZER("optimizer-aligned", .summary = "descent by aligned vectors", .params = params,
                       .size = sizeof(struct state), .states = states, .step = step);
