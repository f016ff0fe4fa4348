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
        struct scion_parameter *parameter; /* the model's, once it is built and as long as it has it */
};

struct scion_modules {
        size_t count;
        struct scion_module **module;
};

struct scion_module {
        const struct scion_module_impl *impl;
        struct scion_module *parent;
        char *name;      /* among its siblings; NULL for a root */
        bool leaf;       /* takes no children */
        bool built;      /* belongs to a model: takes no more children and parameters */
        bool unusable;   /* something went wrong while it was put together */
        char *complaint; /* the first thing that did; NULL when memory was out */
        struct scion_modules child;
        struct scion_modules refused; /* what was appended in vain, kept only to be freed */
        int declared;
        struct scion_declared *parameter;
        /* Of one that belongs to a model: */
        int index;  /* among the model's modules; -1: it is none of them any more */
        char *path; /* from the root: "layer1.0.conv1" */
        struct scion_shape takes,
                makes;               /* of one example, seen when the model was tried out; ndim -1: unknown */
        struct scion_tensor *input;  /* its own, of the last call; they are the tape's, and go with it */
        struct scion_tensor *output; /* NULL when it failed */
        struct scion_modules before; /* grafts that run before it on its input, in order */
        struct scion_modules after;  /* and after it on its output */
        struct scion_module *replacement; /* runs in its place; only its parent knows this one still */
        _Alignas(max_align_t) unsigned char self[];
};

void scion_module_destroy(struct scion_module *module); /* with all below it; takes NULL */

/* Adds the module's path from the root to the text; nothing for a root. */
struct scion_text;
void scion_module_write_path(const struct scion_module *module, struct scion_text *text);

/* What runs where the module was: itself, or the last of its replacements. */
struct scion_module *scion_module_effective(struct scion_module *module);

/* The modules right below, grafts too, as they run: those before it, children, those after it. NULL when there
 * is no such index. */
struct scion_module *scion_module_below(const struct scion_module *module, size_t index);

/* Can something below the module be called so? `what` it is is for the message. */
bool scion_module_check_name(const struct scion_module *module, const char *what, const char *name);

bool scion_modules_push(struct scion_modules *list, struct scion_module *module);

/* True when nothing went wrong in the making of the module and of all below it; else what did, with the path. */
bool scion_module_check(const struct scion_module *module);

/* Does it have parameters, or something below it? */
bool scion_module_has_parameters(const struct scion_module *module);

/* Is it one of scion_nn_linear()'s? */
bool scion_module_is_linear(const struct scion_module *module);

/* Is it one of scion_nn_sequential()'s? */
bool scion_module_is_sequential(const struct scion_module *module);

/* --- First values (init.c) ------------------------------------------------------------------------------ */

/* Fails on an unknown kind, on a gain that is negative or not finite, on a negative fan_in, and when values of
 * that shape cannot be drawn so. */
bool scion_init_check(const struct scion_init *init, const struct scion_shape *shape);

/* Draws row-major values from the stream of the seed and the parameter's full name, whatever other parameters
 * there are. */
void scion_init_draw(const struct scion_init *init, const struct scion_shape *shape, uint64_t seed,
                     const char *name, float *values);

#endif
