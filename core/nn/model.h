/* Inside a model: its flat parameters, and its buffers. */
#ifndef SCION_NN_MODEL_H
#define SCION_NN_MODEL_H

#include <scion/model.h>
#include <scion/model_plugin.h>

#include "config/config.h"
#include "tensor/tensor.h"

/* A parameter; or a buffer, which is frozen for good and has no gradient. */
struct scion_parameter {
        char *name;
        struct scion_init init;
        struct scion_tensor
                value; /* over the model's block of values; its gradient slot over the other block */
        struct scion_tensor slot;
        bool frozen; /* value.requires_grad is its opposite */
        bool buffer;
        bool decay;
        float lr_scale;
};

struct scion_instance;

struct scion_model {
        struct scion_instance *instance; /* of the plugin that built it; NULL when none did */
        struct scion_module *root;
        struct scion_shape input;
        int64_t outputs;
        char *head;  /* path */
        int count;   /* of parameters */
        int buffers; /* which come after them */
        struct scion_parameter *parameter;
        size_t length;    /* floats of all parameters; every one starts at a multiple of 16 */
        size_t extent;    /* with the buffers */
        float *values;    /* extent */
        float *gradients; /* length */
};

/*
 * Builds the model that `map` ({ use: NAME, ...parameters }) describes, and draws its parameters' values:
 * each from a stream of its own, keyed by the seed and the parameter's name. `input` is one input's shape.
 */
struct scion_model *scion_model_create(const struct scion_config *map, const struct scion_shape *input,
                                       int64_t outputs, uint64_t seed);

/*
 * The same from a tree of modules that is there already, which the model owns from now on, also when this
 * fails. `head` is the path of the head; NULL: the last linear layer. NULL, with a message, for NULL, for a
 * tree that something went wrong with, and for one that does not make [N, outputs] of inputs of that shape.
 */
struct scion_model *scion_model_assemble(struct scion_module *root, const char *head,
                                         const struct scion_shape *input, int64_t outputs, uint64_t seed);
void scion_model_destroy(struct scion_model *model); /* takes NULL */

/* Freezes or thaws every parameter. */
void scion_model_set_frozen(struct scion_model *model, bool frozen);

/* No parameter has a gradient any more. Before each backward pass. */
void scion_model_clear_gradients(struct scion_model *model);

/* Elements in all parameters, padding not counted; and in those not frozen. */
int64_t scion_model_size(const struct scion_model *model, bool trainable_only);

/* Called for every module, parents first: path ("" for the root), kind. */
void scion_model_each_module(const struct scion_model *model,
                             void (*call)(void *context, const char *path, const char *kind), void *context);

#endif
