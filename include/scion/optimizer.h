/*
 * Optimizer plugins: they update parameters by their gradients. An optimizer must have a parameter `lr`, the learning
 * rate, a float; its step() multiplies it by the span's lr_scale. step() runs on the host. On a device whose back end
 * has no kernel for the optimizer, the engine copies the spans to the host and back in every step.
 */
#ifndef SCION_OPTIMIZER_H
#define SCION_OPTIMIZER_H

#include <scion/plugin.h>
#include <scion/tensor.h>

SCION_BEGIN

#define SCION_MAX_STATES 4

/* A parameter of the model, with its gradient and state: arrays of `count` floats that do not overlap. They may have
 * padding, which is 0 and must stay 0: a value of 0 with a gradient of 0 and a state of 0 must be updated to 0. They are
 * aligned to a float, and to nothing larger. */
struct scion_span {
        const char *name;
        struct scion_shape
                shape; /* of the parameter; the elements in the arrays need not be in row-major order */
        int64_t count; /* length of each array, padding included */
        float *value;
        const float *gradient;
        float *state[SCION_MAX_STATES]; /* states() arrays; zero before the first step */
        int64_t step;                   /* number of this update of the parameter, from 1 */
        float lr_scale;                 /* factor for lr: the schedule's times the parameter's */
        bool decay;                     /* weight decay applies to this parameter */
};

struct scion_optimizer_plugin {
        SCION_PLUGIN_FIELDS
        /* Returns the number of floats of state for each value, 0 .. SCION_MAX_STATES; it may depend on the plugin's
         * parameters. Called at the beginning of each stage of training; must return the same number each time. Cannot
         * fail. */
        int (*states)(const void *self);
        /* Updates the values of all spans. Called once after each backward pass, with the parameters that are not
         * frozen and have a gradient. The spans and their arrays belong to the engine and may move between calls, so
         * do not keep pointers to them. Keep what must last between steps in the states, which are saved in
         * checkpoints. Creates no tensors, and cannot fail. */
        void (*step)(void *self, const struct scion_span *spans, int count);
};

#define SCION_PLUGIN_OPTIMIZER(name, ...) \
        SCION_PLUGIN(scion_optimizer_plugin, SCION_OPTIMIZER, name, __VA_ARGS__)

SCION_END

#endif
