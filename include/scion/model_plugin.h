/* Model plugins: they build a network for a given input shape and number of outputs. */
#ifndef SCION_MODEL_PLUGIN_H
#define SCION_MODEL_PLUGIN_H

#include <scion/nn.h>
#include <scion/plugin.h>

SCION_BEGIN

struct scion_model_plugin {
        SCION_PLUGIN_FIELDS
        /*
         * Returns the network, a tree of named modules (scion/nn.h), for inputs of shape `input` (without the batch
         * axis) and `outputs` outputs. The engine takes ownership of the tree, and runs it once on two examples of
         * zeros. Called once for each instance, without a current tape; parameters have no values yet. Equal arguments
         * must give equal trees. Returns NULL, with a message, for shapes that it does not support.
         */
        struct scion_module *(*build)(void *self, const struct scion_shape *input, int64_t outputs);
        /* The path of the head, the module that computes the outputs from the features, as "fc3". NULL: the last
         * linear layer. */
        const char *head;
};

#define SCION_PLUGIN_MODEL(name, ...) SCION_PLUGIN(scion_model_plugin, SCION_MODEL, name, __VA_ARGS__)

SCION_END

#endif
