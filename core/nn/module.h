/* Inside a module: its place in the tree and the parameters it declares. */
#ifndef SCION_NN_MODULE_H
#define SCION_NN_MODULE_H

#include <scion/nn.h>

/* A parameter, or a buffer, that a module has declared. */
struct scion_declared {
        char *name; /* within the module: "weight" */
        struct scion_shape shape;
        struct scion_init init;
        bool buffer;
        bool no_decay;
        struct scion_tensor *tensor; /* the model's, once it is built */
};

struct scion_module {
        const struct scion_module_impl *impl;
        struct scion_module *parent;
        char *name;      /* among its siblings; NULL for a root */
        bool leaf;       /* takes no children */
        bool built;      /* belongs to a model: takes no more children and parameters */
        bool unusable;   /* something went wrong while it was put together */
        char *complaint; /* the first thing that did; NULL when memory was out */
        size_t children;
        struct scion_module **child;
        size_t refused; /* what was appended in vain, kept only to be freed */
        struct scion_module **refusal;
        int declared;
        struct scion_declared *parameter;
        _Alignas(max_align_t) unsigned char self[];
};

void scion_module_destroy(struct scion_module *module); /* with all below it; takes NULL */

/* Adds the module's path from the root, "layer1.0.conv1", to the text; nothing for a root. */
struct scion_text;
void scion_module_path(const struct scion_module *module, struct scion_text *text);

/* True when nothing went wrong in the making of the module and of all below it; else what did, with the path. */
bool scion_module_check(const struct scion_module *module);

/* Is it one of scion_nn_linear()'s? */
bool scion_module_is_linear(const struct scion_module *module);

/* --- First values (init.c) ------------------------------------------------------------------------------ */

/* Fails on an unknown kind, on a gain that is negative or not finite, on a negative fan_in. */
bool scion_init_check(const struct scion_init *init);

/* Draws row-major values from the stream of the seed and the parameter's full name, whatever other parameters
 * there are. */
void scion_init_draw(const struct scion_init *init, const struct scion_shape *shape, uint64_t seed,
                     const char *name, float *values);

#endif
