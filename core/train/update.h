/* Updates of models by an optimizer plugin: spans, state, learning rates. */
#ifndef SCION_TRAIN_UPDATE_H
#define SCION_TRAIN_UPDATE_H

#include "nn/model.h"
#include "plugin/plugin.h"
#include "state/checkpoint.h"

struct scion_update;

/* State for every parameter of the models, all zero. Optimizer and models must outlive it. */
struct scion_update *scion_update_create(struct scion_instance *optimizer, struct scion_model *const *models,
                                         int count);
void scion_update_destroy(struct scion_update *update); /* takes NULL */

/* Clears the gradients of all parameters of the models. Before each backward pass. */
void scion_update_clear_gradients(struct scion_update *update);

/* One step over the parameters that are not frozen and have a gradient, at `factor` times the optimizer's rate. Where a
 * parameter is masked the optimizer sees a gradient of 0, and the value stays 0. On a device that does not have the
 * optimizer the step runs on the host, on copies. False, with a message, when the device fails. */
bool scion_update_step(struct scion_update *update, double factor);

/* Adds the models' values, the optimizer's state, and the flags of the parameters at the time of the call: what is
 * frozen, scaled, decayed and masked. */
void scion_update_add_state(struct scion_update *update, struct scion_state *state);
/* After that state was restored: sets the flags of the models' parameters from it. */
bool scion_update_apply_flags(struct scion_update *update);

/* The optimizer's own learning rate: its parameter `lr`. */
double scion_update_rate(const struct scion_update *update);

#endif
