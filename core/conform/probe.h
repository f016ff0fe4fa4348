/* Builds and runs models for the tests. Random inputs depend on their index alone. */
#ifndef SCION_CONFORM_PROBE_H
#define SCION_CONFORM_PROBE_H

#include <scion/random.h>

#include "conform/tests.h"
#include "nn/model.h"

#define SCION_PROBE_OUTPUTS 10
#define SCION_PROBE_SEED 1

/* The input shapes that models are built for, ended by one without axes. */
extern const struct scion_shape scion_probe_shapes[];

enum scion_probe_verdict {
        SCION_PROBE_WRONG,   /* an error that does not depend on the inputs and outputs */
        SCION_PROBE_REFUSED, /* these inputs or outputs are not supported; with a message */
        SCION_PROBE_BUILT,
};

/*
 * Builds a model as the engine does. Returns NULL with a message, and sets the verdict. It is a refusal as well when the
 * engine finds that the modules that build() returned do not fit the inputs.
 */
struct scion_model *scion_probe_build(struct scion_conform *conform, const struct scion_shape *input,
                                      int64_t outputs, uint64_t seed, enum scion_probe_verdict *verdict);

/* Builds a model for the first inputs that the plugin supports. Returns NULL with a message that lists what was refused
 * and why. */
struct scion_model *scion_probe_any(struct scion_conform *conform);

/* The inputs that were refused, and why. Starts as { 0 }; free text.text at the end. */
struct scion_refusals {
        struct scion_text text;
        char reason[512]; /* of the last refusal, which is not in the text yet */
};

/* Adds inputs that were refused for the reason in scion_error(). */
void scion_refusals_add(struct scion_refusals *refusals, const struct scion_shape *input);
/* Fails with a message that lists all refusals. Returns false. */
bool scion_refusals_fail(const struct scion_refusals *refusals);

/* Copies a storage of floats to the host. The caller frees it. NULL, with a message, when memory is out. */
float *scion_probe_values(struct scion_storage *storage);
/* Returns the values of x in `values`, a copy of its whole storage. */
const float *scion_probe_values_of(const struct scion_tensor *x, const float *values);

/* Returns normally distributed values from the stream, on the current tape, or NULL with a message. */
struct scion_tensor *scion_probe_random(struct scion_shape shape, struct scion_random *random);

/* Returns random inputs of the model, [examples, ...], on the current tape, or NULL with a message. */
struct scion_tensor *scion_probe_inputs(const struct scion_model *model, int64_t examples, uint64_t index);

/* Returns the outputs, row-major, which belong to the tape. NULL with a message unless their shape is [examples,
 * outputs] and all are finite. */
const float *scion_probe_run(struct scion_model *model, struct scion_tensor *x);
/* The same in evaluation, after a reset of the tape, with the random inputs of that index. */
const float *scion_probe_evaluate(struct scion_model *model, struct scion_tape *tape, int64_t examples,
                                  uint64_t index);
/* The same in training, with random draws from `seed`; updates buffers. */
const float *scion_probe_train(struct scion_model *model, struct scion_tape *tape, int64_t examples,
                               uint64_t index, uint64_t seed);

#endif
