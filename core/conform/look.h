/* Checks that are made in each step of a strategy's run. */
#ifndef SCION_CONFORM_LOOK_H
#define SCION_CONFORM_LOOK_H

#include "conform/growth.h"
#include "conform/trial.h"

/* Checks that all gradients are finite. */
bool scion_look_at_gradients(struct scion_look *look, const struct scion_moment *moment);

/* Checks that frozen parameters keep their bits from one step of an epoch to the next. */
struct scion_frozen_look {
        struct scion_look look;
        float *values, *before; /* of the model in the last step, and in the one before it */
        unsigned char *frozen;  /* for each parameter: whether it was frozen in the last step */
};

struct scion_look *scion_look_at_frozen(struct scion_frozen_look *frozen);

/* Checks that the source model has the values that it had before setup(). */
bool scion_look_at_source(struct scion_look *look, const struct scion_moment *moment);

/* Checks that each logged scalar is finite, and logged once in each step of an epoch. */
struct scion_log_look {
        struct scion_look look;
        int64_t examples; /* of the epoch so far */
};

struct scion_look *scion_look_at_log(struct scion_log_look *log);

/* Checks that a step keeps no memory: compares the second step of an epoch with the first, in each stage. */
struct scion_memory_look {
        struct scion_look look;
        struct scion_usage before;
        struct scion_growth growth[SCION_MAX_STAGES + 1];
};

struct scion_look *scion_look_at_memory(struct scion_memory_look *memory);

#endif
