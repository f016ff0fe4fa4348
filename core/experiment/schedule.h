/*
 * Learning rate schedules: a factor of the optimizer's learning rate for each step. Written { use: NAME, ...parameters },
 * where NAME is constant, step, cosine, slanted-triangular or inverse. Each can begin with a linear warm-up.
 */
#ifndef SCION_EXPERIMENT_SCHEDULE_H
#define SCION_EXPERIMENT_SCHEDULE_H

#include <scion/param.h>

#include "config/config.h"

struct scion_schedule;

/* All schedules, ended by one without a name. */
extern const struct scion_schedule_kind {
        const char *name, *summary;
        const struct scion_param *params;
        double (*factor)(const struct scion_schedule *schedule, double epoch, double epochs);
} scion_schedule_kinds[];

/* Creates the schedule of the map; for a NULL map, a constant one. NULL, with the place in the message. */
struct scion_schedule *scion_schedule_create(const struct scion_config *map);
void scion_schedule_destroy(struct scion_schedule *schedule); /* takes NULL */

/* Writes the defaults into a schedule's map. False, with the place in the message. */
bool scion_schedule_complete(struct scion_config *map);

/* Returns the factor at `step` (from 0) of a stage of `epochs` epochs with `steps` steps each. */
double scion_schedule_factor(const struct scion_schedule *schedule, int64_t step, int64_t steps,
                             int64_t epochs);

#endif
