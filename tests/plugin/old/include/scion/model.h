/*
 * Models: a tree of named modules, and their parameters, which lie in one block of memory.
 *
 * A parameter's name is the path of its module and its own name: "layer1.0.conv1.weight". A pattern is a
 * shell pattern ('*' '?' '[...]'; '*' crosses dots) that matches a parameter's name, or the path of a module:
 * then it stands for all parameters below that module. "conv1" and "conv1.*" are the same.
 */
#ifndef SCION_MODEL_H
#define SCION_MODEL_H

#include <scion/nn.h>
#include <scion/param.h>

SCION_BEGIN

struct scion_model;
struct scion_parameter;

/* The outputs for inputs [N, ...]; with gradients for the parameters that are not frozen. */
SCION_API struct scion_tensor *scion_model_forward(struct scion_model *model, struct scion_tensor *inputs);

/* The shape of one input, without the batch axis, and the number of outputs. */
SCION_API struct scion_shape scion_model_input_shape(const struct scion_model *model);
SCION_API int64_t scion_model_outputs(const struct scion_model *model);

/* The path of the module that makes the outputs from features: the last linear layer, if the plugin says no
 * other. */
SCION_API const char *scion_model_head(const struct scion_model *model);

/* --- Modules -------------------------------------------------------------------------------------------- */

/* The module at a path: "layer1.0.conv1"; "" is the root. NULL, with near names in the message. */
SCION_API struct scion_module *scion_model_module(struct scion_model *model, const char *path);

/* All modules in the order of construction, a parent before what is below it; the root is the first. */
SCION_API int scion_model_module_count(const struct scion_model *model);
SCION_API struct scion_module *scion_model_module_at(struct scion_model *model, int index);

/* Of a model's module; valid as long as the model. NULL before the model is built. */
SCION_API const char *scion_module_path(const struct scion_module *module);
/* "conv2d" */
SCION_API const char *scion_module_kind(const struct scion_module *module);
/* The module that it is below; NULL for the root. */
SCION_API struct scion_module *scion_module_parent(const struct scion_module *module);
/* The module's own parameter, or buffer, of that name: "weight". NULL, without a message, when it has none. */
SCION_API struct scion_parameter *scion_module_parameter(const struct scion_module *module, const char *name);

/*
 * The paths of the modules that match one of the shell patterns, each once, in the order of construction. Here
 * '*' does not cross dots: "layer*" is layer1 and layer2, "layer*.0" what is called 0 in each of them; the root
 * is only "". Fails, with near names, when a pattern matches nothing. The result is the model's, and valid as
 * long as it.
 */
SCION_API bool scion_model_select(struct scion_model *model, const struct scion_strings *patterns,
                                  struct scion_strings *paths);

/*
 * The shape of what the module at that path makes of one example, without the batch axis; the last time, when it
 * runs several times. NULL: of what the head takes, the features. A scalar's shape, with a message, where there
 * is none: no such module, it never runs, or what it makes has no axis of examples.
 */
SCION_API struct scion_shape scion_model_feature_shape(struct scion_model *model, const char *path);

/* Where a graft goes. */
enum scion_place {
        SCION_BEFORE,  /* runs on the module's input, the module on what it makes */
        SCION_AFTER,   /* runs on the module's output, in whose place its own goes on */
        SCION_INSTEAD, /* runs in its place */
};

/*
 * Puts a module before, after, or in the place of the module at `path`, whoever runs that one. Its own path is
 * PATH.NAME (NAME, at the root); with SCION_INSTEAD it is PATH, `name` is not used, and what the old module had
 * is gone from the model, but for the grafts before and after it, which stay. Several grafts at one place run in
 * the order in which they were put there. What a module takes and makes, as features, is its own: after the
 * grafts before it, and before those after it.
 *
 * The model is laid out anew and tried out. What stays keeps its values and settings, but no gradients; what is
 * new is drawn as if the model had been built with it. Pointers to parameters (struct scion_parameter, and their
 * tensors) got before are stale, those to modules stay. The head's path stays: what is below it belongs to the
 * head. Fails, with the shapes in the message, when it does not fit; the model is then as it was. The model owns
 * the module, also when this fails. So graft before anything is computed with the model, in setup().
 */
SCION_API bool scion_model_graft(struct scion_model *model, const char *path, enum scion_place place,
                                 const char *name, struct scion_module *module);

/* --- Parameters ----------------------------------------------------------------------------------------- */

/* Those that are trained, or frozen; buffers are not counted. 0 for NULL. */
SCION_API int scion_model_parameter_count(const struct scion_model *model);
/* In the order of construction; NULL when there is no such index. */
SCION_API struct scion_parameter *scion_model_parameter(struct scion_model *model, int index);
/* NULL, with near names in the message, when there is none of that name. */
SCION_API struct scion_parameter *scion_model_find(struct scion_model *model, const char *name);

/* The buffers (scion_nn_buffer()), in the order of construction. What is said of parameters below holds for them
 * too, but that they are frozen for good: a strategy that makes one model of another reads and writes both. */
SCION_API int scion_model_buffer_count(const struct scion_model *model);
SCION_API struct scion_parameter *scion_model_buffer(struct scion_model *model, int index);

/* No parameter has a gradient any more. The engine does so before each backward pass of its own. */
SCION_API void scion_model_clear_gradients(struct scion_model *model);

/* Does the parameter belong to the head? */
SCION_API bool scion_model_in_head(const struct scion_model *model, const struct scion_parameter *parameter);

/* Does the parameter match the pattern? */
SCION_API bool scion_parameter_matches(const struct scion_parameter *parameter, const char *pattern);

/* Does any parameter match? False, with a message that says what there is, when none does. */
SCION_API bool scion_model_has_match(struct scion_model *model, const char *pattern);

/* Freezes what matches: it gets no gradient and no update. Fails, naming what there is, when nothing matches. */
SCION_API bool scion_model_freeze(struct scion_model *model, const char *pattern);

/* Multiplies the learning rate of what matches by `scale`, on top of earlier factors. Fails on a scale that
 * is negative or not finite, and when nothing matches. */
SCION_API bool scion_model_scale_lr(struct scion_model *model, const char *pattern, float scale);

/*
 * Copies every parameter of `source` that `target` has under the same name and shape, and every buffer; the
 * head's too if `head`. Returns how many parameters were copied; -1, with a message, when a parameter outside
 * the head, or a head's that was asked for, is missing from the other model or of another shape; nothing is
 * copied then.
 */
SCION_API int scion_model_copy(struct scion_model *target, struct scion_model *source, bool head);

/* "layer1.0.conv1.weight": the module's path, and its name there. It is the model's, and lasts as long. NULL for NULL. */
SCION_API const char *scion_parameter_name(const struct scion_parameter *parameter);
SCION_API struct scion_shape scion_parameter_shape(const struct scion_parameter *parameter);

/* The parameter as a tensor to calculate with. It stays valid as long as the model. */
SCION_API struct scion_tensor *scion_parameter_tensor(struct scion_parameter *parameter);

/* A frozen parameter gets no gradient and no update; the gradient it has goes. Buffers are frozen for good. */
SCION_API bool scion_parameter_frozen(const struct scion_parameter *parameter);
SCION_API void scion_parameter_freeze(struct scion_parameter *parameter, bool frozen);
/* Sets the learning rate's factor, 1 at first; not negative. */
SCION_API void scion_parameter_scale_lr(struct scion_parameter *parameter, float scale);
/* Whether the optimizer's weight decay applies; true at first. */
SCION_API void scion_parameter_decay(struct scion_parameter *parameter, bool decay);

/*
 * Holds values at 0, from now on and through training: `mask` has a 0 for each of those and a 1 for each of the
 * others, row-major, as many as the parameter's shape says; it is copied. Writing and copying into the parameter
 * keep to it; gradients there do not reach the optimizer. NULL takes the mask away. Fails for a buffer and on
 * other numbers.
 */
SCION_API bool scion_parameter_mask(struct scion_parameter *parameter, const float *mask);
/* The mask; NULL when there is none. */
SCION_API const float *scion_parameter_masked(const struct scion_parameter *parameter);

/*
 * For this step the parameter's value is `value`, a float tensor of its shape: modules calculate with it, and
 * gradients flow into it, not into the parameter, which is best frozen. For evaluation and at the end the engine
 * writes the values that such a tensor has into the parameter. The parameter's own tensor is still what
 * scion_parameter_tensor() gives. False for NULL, which keeps its message, for a buffer, and for another shape.
 */
SCION_API bool scion_parameter_make(struct scion_parameter *parameter, struct scion_tensor *value);

/* Plain row-major values out of and into the parameter; `values` holds as many as its shape says. */
SCION_API bool scion_parameter_read(struct scion_parameter *parameter, float *values);
SCION_API bool scion_parameter_write(struct scion_parameter *parameter, const float *values);

SCION_END

#endif
