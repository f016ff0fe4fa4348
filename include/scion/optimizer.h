/*
 * Optimizer plugins: one loop over spans of parameters. An optimizer has a parameter called `lr`; the engine
 * scales it by the schedule and by each parameter's own factor. step() runs on the host: on another device, whose back
 * end has no kernel for the optimizer, the engine copies the spans to the host and back in every step.
 */
#ifndef SCION_OPTIMIZER_H
#define SCION_OPTIMIZER_H

#include <scion/plugin.h>
#include <scion/tensor.h>

SCION_BEGIN

#define SCION_MAX_STATES 4

/* One parameter's values. The arrays may be longer than the parameter: the padding holds zeros and must stay zero, so
 * an update of 0 by a gradient of 0 with a state of 0 must give 0. Arrays do not overlap. */
struct scion_span {
        const char *name;
        struct scion_shape
                shape; /* of the parameter; the arrays may hold it in another order than row-major */
        int64_t count; /* of each array, padding included */
        float *value;
        const float *gradient;
        float *state[SCION_MAX_STATES]; /* as many as states() says; zero before the first step */
        int64_t step;                   /* of this parameter: 1 at its first update */
        float lr_scale;                 /* the schedule's factor times the parameter's own */
        bool decay;                     /* weight decay applies */
};

struct scion_optimizer_plugin {
        SCION_PLUGIN_FIELDS
        /* Returns how many floats of state each value needs with these parameters: 0 .. SCION_MAX_STATES. Called at the
         * beginning of each stage of training; it returns the same number each time, and cannot fail. */
        int (*states)(const void *self);
        /* Updates every span's values. Called once after each backward pass with the parameters that are not frozen and
         * have a gradient. The spans and their arrays are the engine's and may move between calls: keep no pointer to
         * them. What must last between steps belongs in their states, which are saved with the run. Makes no tensors,
         * and cannot fail. */
        void (*step)(void *self, const struct scion_span *spans, int count);
};

#define SCION_PLUGIN_OPTIMIZER(name, ...) \
        SCION_PLUGIN(scion_optimizer_plugin, SCION_OPTIMIZER, name, __VA_ARGS__)

SCION_END

#endif
