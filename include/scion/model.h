/*
 * Models: a tree of named modules, and their parameters, which lie in one block of the device's memory.
 *
 * A parameter's name is the path of its module followed by its own name: "layer1.0.conv1.weight". A pattern is a
 * shell pattern with '*', '?' and '[...]', in which '*' also matches dots. A pattern that matches a module's path
 * selects all parameters below that module, so "conv1" and "conv1.*" select the same.
 */
#ifndef SCION_MODEL_H
#define SCION_MODEL_H

#include <scion/nn.h>
#include <scion/param.h>

SCION_BEGIN

struct scion_model;
struct scion_parameter;

/* Returns the model's outputs for inputs [N, ...], on the current tape. Gradients flow into the parameters that are
 * not frozen, and into the inputs if they require one. NULL on failure. */
SCION_API struct scion_tensor *scion_model_forward(struct scion_model *model, struct scion_tensor *inputs);

/* Return the shape of one input, without the batch axis, and the number of outputs. */
SCION_API struct scion_shape scion_model_input_shape(const struct scion_model *model);
SCION_API int64_t scion_model_outputs(const struct scion_model *model);

/* Returns the path of the head, the module that computes the outputs from the features: the one that the model plugin
 * names, else the last linear layer. Belongs to the model. */
SCION_API const char *scion_model_head(const struct scion_model *model);

/* --- Modules -------------------------------------------------------------------------------------------- */

/* Returns the module at a path, as "layer1.0.conv1"; "" is the root. NULL, with similar names in the message, if
 * there is none. */
SCION_API struct scion_module *scion_model_module(struct scion_model *model, const char *path);

/* The modules in the order of construction, each parent before its children; the root has index 0. NULL for an index
 * out of range. */
SCION_API int scion_model_module_count(const struct scion_model *model);
SCION_API struct scion_module *scion_model_module_at(struct scion_model *model, int index);

/* Returns the path of a model's module. Belongs to the model. NULL before the model is built. */
SCION_API const char *scion_module_path(const struct scion_module *module);
/* Returns the kind of a module, as "conv2d". */
SCION_API const char *scion_module_kind(const struct scion_module *module);
/* Returns the parent of a module; NULL for the root. */
SCION_API struct scion_module *scion_module_parent(const struct scion_module *module);
/* Returns the module's own parameter or buffer of that name, as "weight". NULL, without a message, if there is
 * none. */
SCION_API struct scion_parameter *scion_module_parameter(const struct scion_module *module, const char *name);

/*
 * Finds the paths of the modules that match at least one of the shell patterns, each once, in the order of
 * construction. Here '*' does not match dots: "layer*" selects layer1 and layer2, "layer*.0" the child 0 of each.
 * Only "" selects the root. Returns false, with similar names in the message, if a pattern matches no module. The
 * result belongs to the model.
 */
SCION_API bool scion_model_select(struct scion_model *model, const struct scion_strings *patterns,
                                  struct scion_strings *paths);

/*
 * Returns the shape of the output of the module at `path` for one example, without the batch axis; of its last run,
 * if it runs several times in a forward pass. A path of NULL stands for the features, the head's input. Returns a
 * scalar's shape, with a message, if there is no such module, it does not run, or its output has no batch axis.
 */
SCION_API struct scion_shape scion_model_feature_shape(struct scion_model *model, const char *path);

/* Where a module is grafted. */
enum scion_place {
        SCION_BEFORE,  /* its input is the old module's input; its output becomes the old module's input */
        SCION_AFTER,   /* its input is the old module's output; its own output takes the place of that */
        SCION_INSTEAD, /* it replaces the old module */
};

/*
 * Grafts a module onto the model: before, after, or in the place of the module at `path`. Takes ownership of
 * `module`, also on failure. The new module's path is PATH.NAME, or NAME at the root. With SCION_INSTEAD it is PATH
 * and `name` is not used; the old module's parameters are removed, while other grafts before and after it remain.
 * Several grafts at one place run in the order in which they were added. The features of a module
 * (scion_target_features()) are its own input and output: after the grafts before it, and before the grafts after it.
 *
 * Lays out the parameters anew and runs the model once. Existing parameters keep their values and settings, but lose
 * their gradients; new ones are drawn as if the model had been built with them. Pointers to parameters (struct
 * scion_parameter, and their tensors) become invalid, so graft in setup(), before the model is used. Pointers to
 * modules stay valid. The head's path does not change, and everything below it belongs to the head. Returns false,
 * with the shapes in the message, if the module does not fit; the model is then unchanged.
 */
SCION_API bool scion_model_graft(struct scion_model *model, const char *path, enum scion_place place,
                                 const char *name, struct scion_module *module);

/* --- Parameters ----------------------------------------------------------------------------------------- */

/* Returns the number of parameters, frozen ones included, buffers excluded. 0 for NULL. */
SCION_API int scion_model_parameter_count(const struct scion_model *model);
/* Returns a parameter by its index, in the order of construction. NULL for an index out of range. */
SCION_API struct scion_parameter *scion_model_parameter(struct scion_model *model, int index);
/* Returns a parameter by its name. NULL, with similar names in the message, if there is none. */
SCION_API struct scion_parameter *scion_model_find(struct scion_model *model, const char *name);

/* The buffers (scion_nn_buffer()), in the order of construction. The functions on parameters below take buffers too. A
 * buffer is always frozen. A strategy that computes one model's values from another's must handle buffers as well. */
SCION_API int scion_model_buffer_count(const struct scion_model *model);
SCION_API struct scion_parameter *scion_model_buffer(struct scion_model *model, int index);

/* Clears the gradients of all parameters. The engine does this before each of its backward passes. */
SCION_API void scion_model_clear_gradients(struct scion_model *model);

/* Returns whether the parameter belongs to the head. */
SCION_API bool scion_model_in_head(const struct scion_model *model, const struct scion_parameter *parameter);

/* Returns whether the pattern selects the parameter. */
SCION_API bool scion_parameter_matches(const struct scion_parameter *parameter, const char *pattern);

/* Returns whether the pattern selects any parameter. If not, sets a message that lists the modules. */
SCION_API bool scion_model_has_match(struct scion_model *model, const char *pattern);

/* Freezes the parameters that the pattern selects: they get no gradient and no update. Returns false, with the
 * modules in the message, if there are none. */
SCION_API bool scion_model_freeze(struct scion_model *model, const char *pattern);

/* Multiplies the learning rate of the parameters that the pattern selects by `scale`, in addition to earlier factors.
 * Returns false if there are none, or if scale is negative or not finite. */
SCION_API bool scion_model_scale_lr(struct scion_model *model, const char *pattern, float scale);

/*
 * Copies the values of all parameters and buffers of `source` to those of the same name in `target`; those of the head
 * only if `head` is true. Returns the number of parameters that were copied. If one that must be copied is missing in
 * either model, or has another shape, copies nothing and returns -1, with a message.
 */
SCION_API int scion_model_copy(struct scion_model *target, struct scion_model *source, bool head);

/* Returns the full name, as "layer1.0.conv1.weight". Belongs to the model. NULL for NULL. */
SCION_API const char *scion_parameter_name(const struct scion_parameter *parameter);
SCION_API struct scion_shape scion_parameter_shape(const struct scion_parameter *parameter);

/* Returns the parameter as a tensor for operations. Belongs to the model, and is valid as long as the model. */
SCION_API struct scion_tensor *scion_parameter_tensor(struct scion_parameter *parameter);

/* Return and set whether a parameter is frozen: it then gets no gradient and no update, and loses its present
 * gradient. A buffer is always frozen. */
SCION_API bool scion_parameter_frozen(const struct scion_parameter *parameter);
SCION_API void scion_parameter_freeze(struct scion_parameter *parameter, bool frozen);
/* Sets the parameter's factor of the learning rate, initially 1. It must not be negative. */
SCION_API void scion_parameter_scale_lr(struct scion_parameter *parameter, float scale);
/* Sets whether the optimizer's weight decay applies; initially it does. */
SCION_API void scion_parameter_decay(struct scion_parameter *parameter, bool decay);

/*
 * Masks a parameter: from now on, the values where `mask` is 0 are held at 0, also during training, when values are
 * written or copied into the parameter, and the optimizer sees gradients of 0 there. `mask` has a 0 or 1 for each
 * element, row-major; it is copied. NULL removes the mask. Returns false, with a message, for a buffer, and for a mask
 * with other numbers.
 */
SCION_API bool scion_parameter_mask(struct scion_parameter *parameter, const float *mask);
/* Returns the mask, on the host; NULL if there is none. Belongs to the parameter. */
SCION_API const float *scion_parameter_masked(const struct scion_parameter *parameter);

/*
 * Substitutes `value`, a float32 tensor of the parameter's shape, for the parameter in this step: modules compute
 * with it, and gradients flow into it instead of the parameter, which should be frozen. Called by a strategy's
 * make(). Before an evaluation and at the end of training the engine writes such a tensor's values into the
 * parameter. scion_parameter_tensor() still returns the parameter itself. Returns false for NULL, whose message it
 * keeps, for a buffer, and for another shape.
 */
SCION_API bool scion_parameter_make(struct scion_parameter *parameter, struct scion_tensor *value);

/* Copy the parameter's values to and from `values`, row-major, as many as its shape has elements. On a device that the
 * host cannot address these are transfers; reading waits for the device. Return false with a message. */
SCION_API bool scion_parameter_read(struct scion_parameter *parameter, float *values);
SCION_API bool scion_parameter_write(struct scion_parameter *parameter, const float *values);

SCION_END

#endif
