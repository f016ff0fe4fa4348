/* Models out of and into safetensors files. */
#ifndef SCION_STATE_WEIGHTS_H
#define SCION_STATE_WEIGHTS_H

#include "base/text.h"
#include "nn/model.h"

struct scion_safetensors;

/* Saves every parameter and every buffer, plain, under its name. */
bool scion_weights_save(struct scion_model *model, const char *path);

/* The same into a file that is still to be written, for scion_safetensors_finish(). */
bool scion_weights_take(struct scion_model *model, struct scion_safetensors *file);

/* Is it what scion_weights_take() takes of a model like this one: the same parameters and buffers, by name and shape,
 * no more and no less? The message says what differs. */
bool scion_weights_fit(const struct scion_model *model, const struct scion_safetensors *file);
/* Writes what fits back into the model. */
bool scion_weights_put_back(struct scion_model *model, const struct scion_safetensors *file);

/*
 * Writes the file's tensors into the parameters and buffers of the same name and shape. The head may be missing or of
 * another shape, it keeps its fresh values then; anything else must be there. `report` gets a line that
 * says what was loaded and what was not, on both sides. False, with a message, when the file does not fit;
 * the model may then have been written in part.
 */
bool scion_weights_load(struct scion_model *model, const struct scion_safetensors *file, const char *path,
                        struct scion_text *report);

/* The number of outputs that the file's head has: rows of HEAD.weight; 0 when it has none. */
int64_t scion_weights_outputs(const struct scion_safetensors *file, const char *head);

#endif
