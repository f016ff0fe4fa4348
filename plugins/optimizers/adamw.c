/* Adam with decoupled weight decay: values are multiplied by 1 - lr decay, independently of the gradient. */
#include "adam.h"

static const struct scion_param params[] = { ADAM_PARAMS(
        0.01, "values are multiplied by 1 - lr * weight_decay in each step") };

static void step(void *self, const struct scion_span *spans, int count)
{
        adam_update_spans(self, spans, count, true);
}

SCION_PLUGIN_OPTIMIZER("adamw", .summary = "Adam with decoupled weight decay",
                       .reference = "Loshchilov, Hutter. ICLR 2019. arXiv:1711.05101", .params = params,
                       .size = sizeof(struct adam), .states = states, .step = step);
