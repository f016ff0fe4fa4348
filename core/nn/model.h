/* Inside a model: its flat parameters, and its buffers. */
#ifndef SCION_NN_MODEL_H
#define SCION_NN_MODEL_H

#include <scion/model.h>
#include <scion/model_plugin.h>

#include "config/config.h"
#include "nn/module.h"
#include "tensor/tensor.h"

/* A parameter; or a buffer, which is frozen for good and has no gradient. */
struct scion_parameter {
        char *name;
        struct scion_init init;
        struct scion_tensor value;         /* row-major, in the model's values */
        struct scion_tensor slot;          /* its gradient's, in the model's gradients; not a buffer's */
        struct scion_declared *declared;   /* by its module */
        float *mask;                       /* row-major, zeros and ones, on the host; NULL: none */
        struct scion_storage *device_mask; /* the same on the device */
        struct scion_tensor *substitute;   /* what it is in this step, of the step's tape; NULL: itself */
        bool frozen;                       /* value.requires_grad is its opposite */
        bool buffer;
        bool decay;
        float lr_scale;
};

struct scion_instance;

struct scion_model {
        struct scion_instance *instance; /* of the plugin that built it; NULL when none did */
        struct scion_module *root;       /* as it was made: a replacement may run in its place */
        struct scion_modules modules;    /* all, parents first, as scion_module_below() has them */
        bool part;                       /* of a strategy's own: no head, any inputs and outputs */
        const char *closed;              /* why nothing can be grafted now; NULL: it can */
        struct scion_shape input;
        int64_t outputs;
        uint64_t seed;
        char *head;  /* path; NULL of a part */
        int count;   /* of parameters */
        int buffers; /* which come after them */
        struct scion_parameter *parameter;
        size_t length;                   /* floats of all parameters; every one starts at a multiple of 16 */
        size_t extent;                   /* with the buffers */
        struct scion_storage *values;    /* extent floats */
        struct scion_storage *gradients; /* length floats */
        struct scion_selection *selections; /* what scion_model_select() returned */
};

/*
 * Builds the model that `map` ({ use: NAME, ...parameters }) describes, and draws its parameters' values:
 * each from a stream of its own, keyed by the seed and the parameter's name. `input` is one input's shape.
 */
struct scion_model *scion_model_create(const struct scion_config *map, const struct scion_shape *input,
                                       int64_t outputs, uint64_t seed);

/* The same with the plugin's widths multiplied (scion_params_scale()). */
struct scion_model *scion_model_create_scaled(const struct scion_config *map, const struct scion_shape *input,
                                              int64_t outputs, uint64_t seed, double width);

/*
 * The same from a tree of modules that is there already, which the model owns from now on, also when this
 * fails. `head` is the path of the head; NULL: the last linear layer. NULL, with a message, for NULL, for a
 * tree that something went wrong with, and for one that does not make [N, outputs] of inputs of that shape.
 */
struct scion_model *scion_model_assemble(struct scion_module *root, const char *head,
                                         const struct scion_shape *input, int64_t outputs, uint64_t seed);
void scion_model_destroy(struct scion_model *model); /* takes NULL */

/*
 * A model of a module that stands for itself: what a strategy trains beside the target. It has no head, takes
 * whatever its module takes, and is not tried out. The module may do nothing but hold parameters. The model owns
 * it, also when this fails.
 */
struct scion_model *scion_model_assemble_part(struct scion_module *root, uint64_t seed);

/* Freezes or thaws every parameter. */
void scion_model_set_frozen(struct scion_model *model, bool frozen);

/* Elements in all parameters, padding not counted; and in those not frozen. */
int64_t scion_model_size(const struct scion_model *model, bool trainable_only);

/* --- All values at once: parameters and buffers ---------------------------------------------------------- */

/* Bytes of the model's values, the gaps between parameters, which hold zeros, included. */
size_t scion_model_bytes(const struct scion_model *model);

/* A copy of the values, on the device. The caller destroys it by scion_storage_destroy(). NULL, with a message, when
 * memory is out. */
struct scion_storage *scion_model_snapshot(const struct scion_model *model);

/* Copies the values into a storage of scion_model_bytes() bytes or more, and back. Neither counts as a write of
 * scion_parameter_writes(). False, with a message, when the device fails. */
bool scion_model_save_values(const struct scion_model *model, struct scion_storage *into);
bool scion_model_restore(struct scion_model *model, struct scion_storage *snapshot);

/* --- Modules (modules.c) -------------------------------------------------------------------------------- */

/* The module at that path; NULL, without a message, when there is none. */
struct scion_module *scion_model_look_up_module(struct scion_model *model, const char *path);

void scion_model_drop_selections(struct scion_model *model);

/* Goes up whenever somebody (not an optimizer, and not a module that moves its buffers) writes values into parameters
 * of any model. */
uint64_t scion_parameter_writes(void);
void scion_parameter_written(void);

/* --- What parameters are in a step (substitutes.c) ------------------------------------------------------ */

/* Values, or the gradient, become 0 where the parameter's mask is 0. Without a mask they stay. False, with a message,
 * when the device fails. */
bool scion_parameter_mask_values(struct scion_parameter *parameter);
bool scion_parameter_mask_gradient(struct scion_parameter *parameter);

/* Frees the mask, if there is one. */
void scion_parameter_free_mask(struct scion_parameter *parameter);

/* The model's parameters are themselves again. Before the tape is reset on which the stand-ins are. */
void scion_model_clear_substitutes(struct scion_model *model);

/* The same, but first the values of each stand-in become the parameter's own: for evaluation, and at the end. */
bool scion_model_write_substitutes(struct scion_model *model);

/* --- Flags of parameters (flags.c) ---------------------------------------------------------------------- */

/* Which parameters are frozen, decayed and masked, their learning rates' factors and their masks, as that many bytes;
 * and the parameters set from such bytes. */
size_t scion_model_flags_bytes(const struct scion_model *model);
void scion_model_read_flags(const struct scion_model *model, unsigned char *bytes);
bool scion_model_write_flags(struct scion_model *model, const unsigned char *bytes);

/* --- Layout (layout.c) ---------------------------------------------------------------------------------- */

/*
 * Numbers the modules of the tree and gives each parameter its place in the model's storages. Parameters that modules
 * have from an earlier layout of the same model keep their values and settings; new ones are drawn. The model's fields
 * are overwritten: `model` is a copy of the earlier one, or fresh. When this fails, the caller finishes it.
 */
bool scion_model_lay_out(struct scion_model *model);

/* Makes the modules refer to this layout of the model. */
void scion_model_link(struct scion_model *model);

/* Frees a layout. Modules that refer to it refer to no layout afterwards. */
void scion_model_finish_layout(struct scion_model *model);

/* Removes the tensors of the last forward pass from the modules, before their tape is reset or destroyed. */
void scion_model_forget_tensors(struct scion_model *model);

/* Runs two examples of zeros through the model, and notes the shapes that modules take and make. */
bool scion_model_try_out(struct scion_model *model);

#endif
