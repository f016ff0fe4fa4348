/*
 * my-plugin: divides each step by the root of a running mean of the squared gradients.
 *
 * Tieleman, Hinton. Lecture 6.5, Coursera 2012 (RMSprop)
 */
#include <math.h>
#include <scion/scion.h>

struct my_plugin {
        float lr, decay, epsilon, weight_decay;
};

/* The parameters that experiment.yaml can set. The engine checks names, types and ranges by this table. An optimizer
 * must have the parameter lr. */
static const struct scion_param params[] = {
        SCION_FLOAT(struct my_plugin, lr, 0.001, "learning rate", .min = 0),
        SCION_FLOAT(struct my_plugin, decay, 0.9, "decay of the running mean square", .min = 0, .max = 1,
                    .below_max = true),
        SCION_FLOAT(struct my_plugin, epsilon, 1e-8, "added to the divisor, to keep it above 0",
                    .above_min = true),
        SCION_FLOAT(struct my_plugin, weight_decay, 0, "L2 penalty, added to the gradient", .min = 0),
        SCION_PARAMS_END,
};

/* Returns how many floats of state the engine keeps for each value: here one, the running mean square. */
static int states(const void *self)
{
        (void)self;
        return 1;
}

/* m = decay m + (1 - decay) g^2; x = x - lr g / (sqrt(m) + epsilon). SCION_CLONES compiles the loop for several
 * instruction sets. */
SCION_CLONES
static void values_update(int64_t n, float *restrict x, const float *restrict gradient, float *restrict mean,
                          const struct my_plugin *plugin, float lr, float weight_decay)
{
        const float decay = plugin->decay, epsilon = plugin->epsilon;

        for (int64_t i = 0; i < n; i++) {
                float g = gradient[i] + weight_decay * x[i];

                mean[i] = decay * mean[i] + (1 - decay) * g * g;
                x[i] -= lr * g / (sqrtf(mean[i]) + epsilon);
        }
}

/* A span is a parameter of the model. Its lr_scale contains the schedule's factor and the strategy's. */
static void step(void *self, const struct scion_span *spans, int count)
{
        const struct my_plugin *plugin = self;

        for (const struct scion_span *s = spans; s < spans + count; s++)
                values_update(s->count, s->value, s->gradient, s->state[0], plugin, plugin->lr * s->lr_scale,
                              s->decay ? plugin->weight_decay : 0);
}

/* clang-format off */
SCION_PLUGIN_OPTIMIZER("my-plugin",
        .summary   = "steps divided by the root of a running mean square of the gradients",
        .reference = "Tieleman, Hinton. Lecture 6.5, Coursera 2012",
        .params    = params,
        .size      = sizeof(struct my_plugin),
        .states    = states,
        .step      = step);
