/* Saves models to safetensors files, and loads them. */
#ifndef SCION_STATE_WEIGHTS_H
#define SCION_STATE_WEIGHTS_H

#include "base/text.h"
#include "nn/model.h"

struct scion_safetensors;

/* Writes every parameter and every buffer to a file, row-major, under its name. False, with a message. */
bool scion_weights_save(struct scion_model *model, const char *path);

/* Copies every parameter and every buffer into `file`, for scion_safetensors_write() and scion_safetensors_finish().
 * False, with a message; `file` is then finished. */
bool scion_weights_copy(struct scion_model *model, struct scion_safetensors *file);

/* Checks that the file has the model's parameters and buffers, by name, shape and order, and nothing else. The message
 * says what differs. */
bool scion_weights_check(const struct scion_model *model, const struct scion_safetensors *file);
/* Writes the tensors of such a file into the model. False, with a message. */
bool scion_weights_restore(struct scion_model *model, const struct scion_safetensors *file);

/*
 * Writes the file's tensors into the parameters and buffers of the same name and shape. Parameters of the head that are
 * missing or have another shape keep their initial values; everything else must be there. Adds to `report` a line that
 * says what was loaded, what was not, and which tensors of the file were not used. False, with a message, when the file
 * does not fit; part of the model may then have been written.
 */
bool scion_weights_load(struct scion_model *model, const struct scion_safetensors *file, const char *path,
                        struct scion_text *report);

/* Returns the number of outputs of the file's head, the rows of HEAD.weight; 0 when it has no such tensor. */
int64_t scion_weights_outputs(const struct scion_safetensors *file, const char *head);

#endif
