/* Adam with decoupled weight decay: the values shrink apart from the gradient's step. */
#include "adam.h"

static const struct scion_param params[] = { ADAM_PARAMS(0.01,
                                                         "shrinks the values by lr times this, each step") };

static void step(void *self, const struct scion_span *spans, int count)
{
        adam_run(self, spans, count, true);
}

SCION_PLUGIN_OPTIMIZER("adamw", .summary = "Adam with decoupled weight decay",
                       .reference = "Loshchilov, Hutter. ICLR 2019. arXiv:1711.05101", .params = params,
                       .size = sizeof(struct adam), .states = states, .step = step);
