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

SCION_API int scion_model_parameter_count(const struct scion_model *model);
/* In the order of construction; NULL when there is no such index. */
SCION_API struct scion_parameter *scion_model_parameter(struct scion_model *model, int index);
/* NULL, with near names in the message, when there is none of that name. */
SCION_API struct scion_parameter *scion_model_find(struct scion_model *model, const char *name);

/* Does the parameter belong to the head? */
SCION_API bool scion_model_in_head(const struct scion_model *model, const struct scion_parameter *parameter);

/* Does the parameter match the pattern? */
SCION_API bool scion_parameter_matches(const struct scion_parameter *parameter, const char *pattern);

/* Freezes what matches: it gets no gradient and no update. Fails, naming what there is, when nothing matches.
 */
SCION_API bool scion_model_freeze(struct scion_model *model, const char *pattern);

/* Multiplies the learning rate of what matches by `scale`, on top of earlier factors. Fails on a scale that
 * is negative or not finite, and when nothing matches. */
SCION_API bool scion_model_scale_lr(struct scion_model *model, const char *pattern, float scale);

/*
 * Copies every parameter of `source` that `target` has under the same name and shape; the head's too if
 * `head`. Returns how many were copied; -1, with a message, when a parameter outside the head, or a head's
 * that was asked for, is missing from the other model or of another shape; nothing is copied then.
 */
SCION_API int scion_model_copy(struct scion_model *target, struct scion_model *source, bool head);

SCION_API const char *scion_parameter_name(const struct scion_parameter *parameter);
SCION_API struct scion_shape scion_parameter_shape(const struct scion_parameter *parameter);

/* The parameter as a tensor to calculate with. It stays valid as long as the model. */
SCION_API struct scion_tensor *scion_parameter_tensor(struct scion_parameter *parameter);

SCION_API bool scion_parameter_frozen(const struct scion_parameter *parameter);
SCION_API void scion_parameter_freeze(struct scion_parameter *parameter, bool frozen);
/* Sets the learning rate's factor, 1 at first; not negative. */
SCION_API void scion_parameter_scale_lr(struct scion_parameter *parameter, float scale);
/* Whether the optimizer's weight decay applies; true at first. */
SCION_API void scion_parameter_decay(struct scion_parameter *parameter, bool decay);

/* Plain row-major values out of and into the parameter; `values` holds as many as its shape says. */
SCION_API bool scion_parameter_read(struct scion_parameter *parameter, float *values);
SCION_API bool scion_parameter_write(struct scion_parameter *parameter, const float *values);

SCION_END

#endif
