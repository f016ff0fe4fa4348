/* What is looked at in the steps of a strategy's run. */
#ifndef SCION_CONFORM_LOOK_H
#define SCION_CONFORM_LOOK_H

#include "conform/growth.h"
#include "conform/trial.h"

/* Gradients are finite. */
bool scion_look_at_gradients(struct scion_look *look, const struct scion_moment *moment);

/* What is frozen keeps its values, to the last bit, from one step of an epoch to the next. */
struct scion_frozen_look {
        struct scion_look look;
        float *values, *before; /* of the model in the last step that was seen, and in the one before it */
        unsigned char *frozen;  /* of each parameter: it was frozen in the last step */
};

struct scion_look *scion_look_at_frozen(struct scion_frozen_look *frozen);

/* The source has the values that setup() found. */
bool scion_look_at_source(struct scion_look *look, const struct scion_moment *moment);

/* What is logged is logged once in each step of an epoch, and finite. */
struct scion_log_look {
        struct scion_look look;
        int64_t examples; /* of the epoch so far */
};

struct scion_look *scion_look_at_log(struct scion_log_look *log);

/* A step leaves nothing behind: the second step of an epoch against the first, in each stage. */
struct scion_memory_look {
        struct scion_look look;
        struct scion_usage before;
        struct scion_growth growth[SCION_MAX_STAGES + 1];
};

struct scion_look *scion_look_at_memory(struct scion_memory_look *memory);

#endif
