/* Loss plugins: outputs and targets to one number. */
#ifndef SCION_LOSS_H
#define SCION_LOSS_H

#include <scion/batch.h>
#include <scion/plugin.h>

SCION_BEGIN

struct scion_loss_plugin {
        SCION_PLUGIN_FIELDS
        /*
         * The mean loss over the batch, a float scalar, of `outputs` [N, K], by differentiable operations.
         * Called with a tape current: in training once a step, or as often as the strategy asks for it; in
         * evaluation once a batch, of another size, with gradients off; and in the rehearsal before. The same
         * arguments give the same loss. What it returns is the tape's. NULL, with a message, when it cannot take
         * such outputs or targets.
         */
        struct scion_tensor *(*loss)(void *self, struct scion_tensor *outputs,
                                     const struct scion_batch *batch);
        /* Parts of the outputs count as constants on purpose (scion_detach()), so that the gradient is not the
         * derivative of the value. */
        bool detaches;
};

#define SCION_PLUGIN_LOSS(name, ...) SCION_PLUGIN(scion_loss_plugin, SCION_LOSS, name, __VA_ARGS__)

SCION_END

#endif
