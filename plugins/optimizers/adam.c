/* Adam, with weight decay as an L2 penalty in the gradient. */
#include "adam.h"

static const struct scion_param params[] = { ADAM_PARAMS(0, "L2 penalty, added to the gradient") };

static void step(void *self, const struct scion_span *spans, int count)
{
        adam_update_spans(self, spans, count, false);
}

SCION_PLUGIN_OPTIMIZER("adam", .summary = "Adam: steps scaled by running moments of the gradient",
                       .reference = "Kingma, Ba. ICLR 2015. arXiv:1412.6980", .params = params,
                       .size = sizeof(struct adam), .states = states, .step = step);
