/*
 * Optimizer plugins: one loop over spans of parameters. An optimizer has a parameter called `lr`; the engine
 * scales it by the schedule and by each parameter's own factor.
 */
#ifndef SCION_OPTIMIZER_H
#define SCION_OPTIMIZER_H

#include <scion/plugin.h>
#include <scion/tensor.h>

SCION_BEGIN

#define SCION_MAX_STATES 4

/* One parameter's values. The arrays may be longer than the parameter, padded with values that are zero and
 * must stay so: an update of a zero by a zero gradient and zero state must be zero. Arrays do not overlap. */
struct scion_span {
        const char *name;
        struct scion_shape shape; /* of the parameter; the arrays may hold it in a layout of the kernels' */
        int64_t count;            /* of each array, padding included */
        float *value;
        const float *gradient;
        float *state[SCION_MAX_STATES]; /* as many as states() says; zero before the first step */
        int64_t step;                   /* of this parameter: 1 at its first update */
        float lr_scale;                 /* the schedule's factor times the parameter's own */
        bool decay;                     /* weight decay applies */
};

struct scion_optimizer_plugin {
        SCION_PLUGIN_FIELDS
        /* How many floats of state each value needs with these parameters: 0 .. SCION_MAX_STATES. Called at the
         * beginning of each stage of training; it always says the same, and cannot fail. */
        int (*states)(const void *self);
        /* Updates every span's values: those of the parameters that are not frozen and have a gradient, once after
         * each backward pass. The spans, and what they point to, are the engine's: nothing of them is kept, all that
         * is to be remembered goes into their states, which are saved with the run. It makes no tensors, and cannot
         * fail. */
        void (*step)(void *self, const struct scion_span *spans, int count);
};

#define SCION_PLUGIN_OPTIMIZER(name, ...) \
        SCION_PLUGIN(scion_optimizer_plugin, SCION_OPTIMIZER, name, __VA_ARGS__)

SCION_END

#endif
