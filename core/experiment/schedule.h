/*
 * Learning rate schedules: a factor of the optimizer's rate for each step. { use: NAME, ...parameters },
 * where NAME is constant, step, cosine, slanted-triangular or inverse; all begin, when asked, with a linear
 * warm-up.
 */
#ifndef SCION_EXPERIMENT_SCHEDULE_H
#define SCION_EXPERIMENT_SCHEDULE_H

#include <scion/param.h>

#include "config/config.h"

struct scion_schedule;

/* All there are; the last has no name. */
extern const struct scion_schedule_kind {
        const char *name, *summary;
        const struct scion_param *params;
        double (*factor)(const struct scion_schedule *schedule, double epoch, double epochs);
} scion_schedule_kinds[];

/* NULL map: constant. NULL, with the place in the message, on a bad one. */
struct scion_schedule *scion_schedule_create(const struct scion_config *map);
void scion_schedule_destroy(struct scion_schedule *schedule); /* takes NULL */

/* Writes the defaults into a schedule's map. */
bool scion_schedule_complete(struct scion_config *map);

/* The factor at `step` (from 0) of a training of `epochs` epochs of `steps` steps each. */
double scion_schedule_factor(const struct scion_schedule *schedule, int64_t step, int64_t steps,
                             int64_t epochs);

#endif
