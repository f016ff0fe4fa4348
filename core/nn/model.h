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
        struct scion_tensor
                value; /* over the model's block of values; its gradient slot over the other block */
        struct scion_tensor slot;
        struct scion_declared *declared; /* by its module */
        float *mask;                     /* row-major, zeros and ones; NULL: none */
        struct scion_tensor *stand_in;   /* what it is in this step, of the step's tape; NULL: itself */
        bool frozen;                     /* value.requires_grad is its opposite */
        bool buffer;
        bool decay;
        float lr_scale;
};

struct scion_instance;

struct scion_model {
        struct scion_instance *instance; /* of the plugin that built it; NULL when none did */
        struct scion_module *root;       /* as it was made: a substitute may run in its place */
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
        size_t length;    /* floats of all parameters; every one starts at a multiple of 16 */
        size_t extent;    /* with the buffers */
        float *values;    /* extent */
        float *gradients; /* length */
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

/* --- Modules (modules.c) -------------------------------------------------------------------------------- */

/* The module at that path; NULL, without a message, when there is none. */
struct scion_module *scion_model_look_up_module(struct scion_model *model, const char *path);

void scion_model_drop_selections(struct scion_model *model);

/* Goes up whenever somebody (not an optimizer, and not a module that moves its buffers) writes values into parameters
 * of any model. */
uint64_t scion_parameter_writes(void);
void scion_parameter_written(void);

/* --- What parameters are in a step (values.c) ----------------------------------------------------------- */

/* Values, or the gradient, become 0 where the parameter's mask is. Without a mask they stay. */
void scion_parameter_mask_values(struct scion_parameter *parameter);
void scion_parameter_mask_gradient(struct scion_parameter *parameter);

/* The model's parameters are themselves again. Before the tape is reset on which the stand-ins are. */
void scion_model_clear_stand_ins(struct scion_model *model);

/* The same, but first the values of each stand-in become the parameter's own: for evaluation, and at the end. */
bool scion_model_settle(struct scion_model *model);

/* --- What was said of parameters (handling.c) ----------------------------------------------------------- */

/* What is frozen, scaled, decayed and masked, as so many bytes; and the other way. */
size_t scion_model_handling_bytes(const struct scion_model *model);
void scion_model_read_handling(const struct scion_model *model, unsigned char *bytes);
bool scion_model_write_handling(struct scion_model *model, const unsigned char *bytes);

/* --- Layout (layout.c) ---------------------------------------------------------------------------------- */

/*
 * Numbers the modules of the tree and gives each parameter its place in the flat blocks. What modules have from
 * an earlier layout of the same model keeps its values and settings; what is new is drawn. The model's fields
 * are overwritten: `model` is a copy of the earlier one, or fresh. When this fails, the caller finishes it.
 */
bool scion_model_lay_out(struct scion_model *model);

/* Makes the model's layout the one that its modules know. */
void scion_model_link(struct scion_model *model);

/* Frees a layout. What modules know is no more theirs when it is this one's. */
void scion_model_finish_layout(struct scion_model *model);

/* What a forward pass has left in the modules is of a tape that goes. */
void scion_model_forget_tensors(struct scion_model *model);

/* Runs two examples of zeros through the model, and notes the shapes that modules take and make. */
bool scion_model_try_out(struct scion_model *model);

#endif
