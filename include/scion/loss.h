/* Loss plugins: they compute one number from a model's outputs and a batch's targets. */
#ifndef SCION_LOSS_H
#define SCION_LOSS_H

#include <scion/batch.h>
#include <scion/plugin.h>

SCION_BEGIN

struct scion_loss_plugin {
        SCION_PLUGIN_FIELDS
        /*
         * Returns the mean loss over the batch, a float32 scalar, of `outputs` [N, K], computed by differentiable
         * operations on the current tape. Called in training once a step, or each time that the strategy asks for it;
         * in evaluation once a batch, with gradients off and another N; and in the rehearsal before training. Equal
         * arguments must give equal losses. Returns NULL, with a message, for outputs or targets that it does not
         * support.
         */
        struct scion_tensor *(*loss)(void *self, struct scion_tensor *outputs,
                                     const struct scion_batch *batch);
        /* Set if the loss treats parts of the outputs as constants (scion_detach()), so that its gradient is not the
         * derivative of its value. `scion check` then does not compare the two. */
        bool detaches;
};

#define SCION_PLUGIN_LOSS(name, ...) SCION_PLUGIN(scion_loss_plugin, SCION_LOSS, name, __VA_ARGS__)

SCION_END

#endif
