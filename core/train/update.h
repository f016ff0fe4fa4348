/* An optimizer plugin at work on models: spans, state, learning rates. */
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

/* No parameter of the models has a gradient any more. Before each backward pass. */
void scion_update_clear_gradients(struct scion_update *update);

/* One step over the parameters that are not frozen and have a gradient, at `factor` times the optimizer's
 * rate. Where a parameter is masked the optimizer sees a gradient of 0, and the value stays 0. */
void scion_update_step(struct scion_update *update, double factor);

/* Adds what is trained and how: the models' values, the optimizer's own, and what is frozen, scaled or masked by
 * now. */
void scion_update_describe(struct scion_update *update, struct scion_state *state);
/* After that state was restored: freezes, scales and masks the models' parameters as it says. */
bool scion_update_restored(struct scion_update *update);

/* The optimizer's own learning rate: its parameter `lr`. */
double scion_update_rate(const struct scion_update *update);

#endif
