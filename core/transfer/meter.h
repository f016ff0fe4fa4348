/* Where the time of a step goes: one part at a time. */
#ifndef SCION_TRANSFER_METER_H
#define SCION_TRANSFER_METER_H

#include "base/clock.h"

enum scion_part {
        SCION_PART_OUTSIDE, /* between steps, and an epoch's beginning and end */
        SCION_PART_BATCH,   /* taking it from the data */
        SCION_PART_FORWARD, /* of the models */
        SCION_PART_LOSS,    /* what the strategy and the loss make of that */
        SCION_PART_SCORES,  /* the numbers for the metrics */
        SCION_PART_BACKWARD,
        SCION_PART_UPDATE, /* by the optimizer */
        SCION_PARTS
};

/* Starts as { 0 }: outside. */
struct scion_meter {
        enum scion_part part;
        double since;
        double seconds[SCION_PARTS];
};

/* From now on it is this part. The one before, to go back to. NULL: nobody measures. */
static inline enum scion_part scion_meter_turn(struct scion_meter *meter, enum scion_part part)
{
        if (!meter)
                return SCION_PART_OUTSIDE;
        enum scion_part before = meter->part;
        double now = scion_clock();

        meter->seconds[before] += now - meter->since;
        meter->since = now;
        meter->part = part;
        return before;
}

#endif
