/* Updates the parameters of models by an optimizer plugin: its spans, its state, its learning rates. */
#ifndef SCION_TRAIN_UPDATE_H
#define SCION_TRAIN_UPDATE_H

#include "nn/model.h"
#include "plugin/plugin.h"
#include "state/checkpoint.h"

struct scion_update;

/* Allocates the optimizer's state for every parameter of the models, all zero. Optimizer and models must outlive it.
 * Returns NULL, with a message, on failure. */
struct scion_update *scion_update_create(struct scion_instance *optimizer, struct scion_model *const *models,
                                         int count);
void scion_update_destroy(struct scion_update *update); /* takes NULL */

/* Clears the gradients of all parameters of the models. Called before each backward pass. */
void scion_update_clear_gradients(struct scion_update *update);

/* Updates the parameters that are not frozen and have a gradient, at `factor` times the optimizer's learning rate. Masked
 * elements of a parameter have a gradient of 0 for the optimizer, and stay 0. If the device does not implement the
 * optimizer, the step runs on the host, on copies. Returns false, with a message, when the device fails. */
bool scion_update_step(struct scion_update *update, double factor);

/* Adds to the state of a checkpoint: the models' values, the optimizer's state, and the flags of the parameters (frozen,
 * scale, decay, mask) as they are now. */
void scion_update_add_state(struct scion_update *update, struct scion_state *state);
/* Sets the flags of the models' parameters from the state, which has just been restored. Returns false, with a
 * message, on failure. */
bool scion_update_apply_flags(struct scion_update *update);

/* Returns the optimizer's learning rate, its parameter `lr`. */
double scion_update_rate(const struct scion_update *update);

#endif
