/* The fields of a model, and the engine's own functions on models, parameters and buffers. */
#ifndef SCION_NN_MODEL_H
#define SCION_NN_MODEL_H

#include <scion/model.h>
#include <scion/model_plugin.h>

#include "config/config.h"
#include "nn/module.h"
#include "tensor/tensor.h"

/* A parameter or a buffer. A buffer is always frozen and has no gradient. */
struct scion_parameter {
        char *name;
        struct scion_init init;
        struct scion_tensor value;         /* row-major, in model->values */
        struct scion_tensor slot;          /* its gradient, in model->gradients; unused for a buffer */
        struct scion_declared *declared;   /* its declaration in its module */
        float *mask;                       /* row-major zeros and ones on the host; NULL: no mask */
        struct scion_storage *device_mask; /* the same on the device */
        struct scion_tensor *substitute;   /* its value in this step, or NULL */
        bool frozen;                       /* !value.requires_grad */
        bool buffer;
        bool decay;
        float lr_scale;
};

struct scion_instance;

struct scion_model {
        struct scion_instance *instance; /* of the plugin that built it; NULL for scion_model_assemble() */
        struct scion_module *root;       /* the original root; a replacement may run instead of it */
        struct scion_modules modules;    /* all modules in depth-first order (scion_module_below()) */
        bool part;                       /* built by scion_model_assemble_part() */
        const char *closed;              /* the reason why grafts are refused now, or NULL */
        struct scion_shape input;
        int64_t outputs;
        uint64_t seed;
        char *head;  /* the head's path; NULL for a part */
        int count;   /* number of parameters */
        int buffers; /* number of buffers, which follow the parameters in the array */
        struct scion_parameter *parameter;
        size_t length;                /* floats of all parameters, each of which starts at a multiple of 16 */
        size_t extent;                /* floats of all parameters and buffers */
        struct scion_storage *values; /* extent floats */
        struct scion_storage *gradients;    /* length floats */
        struct scion_selection *selections; /* the results of scion_model_select(), freed with the model */
};

/*
 * Builds the model that `map` ({ use: NAME, ...parameters }) describes for inputs of shape `input`, without the batch
 * axis. The values of each parameter are drawn from a separate stream, which the seed and the parameter's name determine.
 * NULL, with a message that gives the plugin and the place in the file, on failure.
 */
struct scion_model *scion_model_create(const struct scion_config *map, const struct scion_shape *input,
                                       int64_t outputs, uint64_t seed);

/* scion_model_create() with the plugin's widths multiplied by `width` (scion_params_scale()). */
struct scion_model *scion_model_create_scaled(const struct scion_config *map, const struct scion_shape *input,
                                              int64_t outputs, uint64_t seed, double width);

/*
 * Builds a model from a tree of modules. Takes ownership of `root`, also on failure, unless another model owns it already. `head` is the path of the head; NULL
 * means the last linear layer. Fails with a message when a module could not be built, and when the outputs for inputs
 * [N, ...input] are not [N, outputs]. Fails for a NULL root, keeping the earlier message.
 */
struct scion_model *scion_model_assemble(struct scion_module *root, const char *head,
                                         const struct scion_shape *input, int64_t outputs, uint64_t seed);
void scion_model_destroy(struct scion_model *model); /* takes NULL */

/*
 * Builds a part: a model without a head, such as a discriminator that a strategy trains together with the target. Its
 * inputs and outputs are not checked, and a module that only holds parameters is enough. Takes ownership of `root`, also
 * on failure. NULL, with a message, on failure.
 */
struct scion_model *scion_model_assemble_part(struct scion_module *root, uint64_t seed);

/* Freezes or unfreezes every parameter. */
void scion_model_set_frozen(struct scion_model *model, bool frozen);

/* Returns the number of elements in all parameters, or only in those that are not frozen; without padding. */
int64_t scion_model_size(const struct scion_model *model, bool trainable_only);

/* --- All values at once: parameters and buffers ---------------------------------------------------------- */

/* Returns the bytes of model->values, including the gaps between parameters, which hold zeros. */
size_t scion_model_bytes(const struct scion_model *model);

/* Returns a copy of the values on the device, which the caller destroys by scion_storage_destroy(). NULL, with a message,
 * when memory is out. */
struct scion_storage *scion_model_snapshot(const struct scion_model *model);

/* Copy the values into a storage of at least scion_model_bytes() bytes, and back. Neither increases the counter of
 * scion_parameter_writes(). False, with a message, when the device fails. */
bool scion_model_save_values(const struct scion_model *model, struct scion_storage *into);
bool scion_model_restore(struct scion_model *model, struct scion_storage *snapshot);

/* --- Modules (modules.c) -------------------------------------------------------------------------------- */

/* Returns the module at that path; NULL, without a message, when there is none. */
struct scion_module *scion_model_look_up_module(struct scion_model *model, const char *path);

/* Frees the results of scion_model_select(). */
void scion_model_drop_selections(struct scion_model *model);

/* A counter of writes into parameters of any model, except those by optimizers and those of modules into their buffers.
 * scion_parameter_written() increases it. */
uint64_t scion_parameter_writes(void);
void scion_parameter_written(void);

/* --- Masks and substitutes (substitutes.c) -------------------------------------------------------------- */

/* Set the values, or the gradient, to 0 where the parameter's mask is 0. Do nothing without a mask. False, with a message,
 * when the device fails. */
bool scion_parameter_mask_values(struct scion_parameter *parameter);
bool scion_parameter_mask_gradient(struct scion_parameter *parameter);

/* Frees the mask, if there is one. */
void scion_parameter_free_mask(struct scion_parameter *parameter);

/* Removes the substitutes of all parameters. Must be called before the tape that holds the substitutes is reset. */
void scion_model_clear_substitutes(struct scion_model *model);

/* Copies the values of each substitute into its parameter, then removes the substitute. Used before evaluation and at the
 * end of training. False, with a message, when the device fails. */
bool scion_model_write_substitutes(struct scion_model *model);

/* --- Flags of parameters (flags.c) ---------------------------------------------------------------------- */

/* Serialise the flags of all parameters (frozen, lr scale, decay, mask) into scion_model_flags_bytes() bytes, so that a
 * resumed training can restore them. scion_model_write_flags() restores them; false, with a message, when memory is out
 * or the device fails. */
size_t scion_model_flags_bytes(const struct scion_model *model);
void scion_model_read_flags(const struct scion_model *model, unsigned char *bytes);
bool scion_model_write_flags(struct scion_model *model, const unsigned char *bytes);

/* --- Layout (layout.c) ---------------------------------------------------------------------------------- */

/*
 * Numbers the modules of the tree, allocates the model's storages and assigns each parameter an offset in them. Parameters
 * that modules have from an earlier layout of the same model keep their values and flags; the values of new ones are
 * drawn. Overwrites the layout's fields without freeing them, so `model` is a new model or a copy of the earlier one. On
 * failure the caller must still call scion_model_finish_layout().
 */
bool scion_model_lay_out(struct scion_model *model);

/* Makes the modules and their declarations point into this layout of the model. */
void scion_model_link(struct scion_model *model);

/* Frees a layout. Declarations that point into it point to no parameter afterwards. */
void scion_model_finish_layout(struct scion_model *model);

/* Sets the modules' pointers to the tensors of the last forward pass to NULL. Must be called before the tape that holds
 * them is reset or destroyed. */
void scion_model_forget_tensors(struct scion_model *model);

/* Runs the model on two examples of zeros, checks the shape of the outputs and records the shapes of the inputs and
 * outputs of all modules. False, with a message, on failure. */
bool scion_model_try_out(struct scion_model *model);

#endif
