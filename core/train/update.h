/* An optimizer plugin at work on a model: spans, state, learning rates. */
#ifndef SCION_TRAIN_UPDATE_H
#define SCION_TRAIN_UPDATE_H

#include "nn/model.h"
#include "plugin/plugin.h"

struct scion_update;

/* State for every parameter of the model, all zero. Both must outlive it. */
struct scion_update *scion_update_create(struct scion_instance *optimizer, struct scion_model *model);
void scion_update_destroy(struct scion_update *update); /* takes NULL */

/* One step over the parameters that are not frozen and have a gradient, at `factor` times the optimizer's
 * rate. */
void scion_update_step(struct scion_update *update, double factor);

/* The optimizer's own learning rate: its parameter `lr`. */
double scion_update_rate(const struct scion_update *update);

#endif
