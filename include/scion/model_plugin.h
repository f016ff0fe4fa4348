/* Model plugins: a network for any input shape and number of outputs. */
#ifndef SCION_MODEL_PLUGIN_H
#define SCION_MODEL_PLUGIN_H

#include <scion/nn.h>
#include <scion/plugin.h>

SCION_BEGIN

struct scion_model_plugin {
        SCION_PLUGIN_FIELDS
        /*
         * The network, as a tree of named modules, for inputs of shape `input` (without the batch axis) and
         * `outputs` outputs. Called once for an instance, with no tape to be used; parameters have no values yet.
         * The engine owns the tree from then on, and tries it out on two examples of zeros. The same arguments
         * give the same tree. NULL, with a message, for shapes it cannot take.
         */
        struct scion_module *(*build)(void *self, const struct scion_shape *input, int64_t outputs);
        /* The path of the head, the module that makes outputs from features: "fc3". NULL: the last linear
         * layer. */
        const char *head;
};

#define SCION_PLUGIN_MODEL(name, ...) SCION_PLUGIN(scion_model_plugin, SCION_MODEL, name, __VA_ARGS__)

SCION_END

#endif
