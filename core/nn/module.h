/* The fields of a module: its position in the tree and the parameters it declares. */
#ifndef SCION_NN_MODULE_H
#define SCION_NN_MODULE_H

#include <scion/nn.h>

/* A parameter, or a buffer, that a module has declared. */
struct scion_declared {
        char *name; /* the name within the module: "weight" */
        struct scion_shape shape;
        struct scion_init init;
        bool buffer;
        bool no_decay;
        struct scion_parameter
                *parameter; /* the model's parameter; NULL when the module belongs to no layout */
};

struct scion_modules {
        size_t count;
        struct scion_module **module;
};

struct scion_module {
        const struct scion_module_impl *impl;
        struct scion_module *parent;
        char *name;    /* unique among its siblings; NULL for a root */
        bool leaf;     /* cannot have children */
        bool built;    /* belongs to a model; children and parameters can no longer be added */
        bool unusable; /* an error occurred while it was built */
        char *error;   /* the message of the first such error; NULL when memory was out */
        struct scion_modules child;
        struct scion_modules refused; /* appended in error; destroyed with the module */
        int declared;
        struct scion_declared *parameter;
        /* The fields below are used once the module belongs to a model. */
        int index;  /* in model->modules; -1 after a replacement has removed it */
        char *path; /* the path from the root: "layer1.0.conv1" */
        /* The shapes of one example, recorded by scion_model_try_out(); ndim -1: unknown. */
        struct scion_shape input_shape, output_shape;
        struct scion_tensor *input;       /* of the last call, after the grafts before it; on the tape */
        struct scion_tensor *output;      /* of the last call; NULL when it failed */
        struct scion_modules before;      /* grafts that run on its input, in order */
        struct scion_modules after;       /* grafts that run on its output, in order */
        struct scion_module *replacement; /* runs instead of it; the parent still lists this one */
        _Alignas(max_align_t) unsigned char self[];
};

void scion_module_destroy(struct scion_module *module); /* with its descendants; accepts NULL */

struct scion_text;
/* Adds the module's path from the root to the text. The path of a root is empty. */
void scion_module_write_path(const struct scion_module *module, struct scion_text *text);

/* Returns the module that runs in this position: the last replacement if there is one, else the module itself. */
struct scion_module *scion_module_effective(struct scion_module *module);

/* Returns the module's child of that index, counting the grafts before it, then its children, then the grafts after it.
 * NULL when there is none. */
struct scion_module *scion_module_below(const struct scion_module *module, size_t index);

/* Checks that `name` is valid and not yet used for a child, graft, parameter or buffer of the module. `what` ("child",
 * "parameter") is used in the message. */
bool scion_module_check_name(const struct scion_module *module, const char *what, const char *name);

/* Appends the module to the list. False, with a message, when memory is out. */
bool scion_modules_push(struct scion_modules *list, struct scion_module *module);

/* Checks that the module and its descendants were built without errors. If not, the message is the first error with the
 * path of its module. */
bool scion_module_check(const struct scion_module *module);

/* Returns whether the module or one of its descendants has parameters. */
bool scion_module_has_parameters(const struct scion_module *module);

/* Returns whether scion_nn_linear() created the module. */
bool scion_module_is_linear(const struct scion_module *module);

/* Returns whether scion_nn_sequential() created the module. */
bool scion_module_is_sequential(const struct scion_module *module);

/* --- First values (init.c) ------------------------------------------------------------------------------ */

/* Checks an initialisation for a parameter of that shape. Fails, with a message, for an unknown kind, for a gain that is
 * negative or not finite, for a negative fan_in, and for a shape that the kind does not support. */
bool scion_init_check(const struct scion_init *init, const struct scion_shape *shape);

/* Draws the row-major values of a parameter. The stream depends only on the seed and on `name`, the parameter's full name,
 * so other parameters have no influence. */
void scion_init_draw(const struct scion_init *init, const struct scion_shape *shape, uint64_t seed,
                     const char *name, float *values);

#endif
