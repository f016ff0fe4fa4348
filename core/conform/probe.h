/* Models that are built and run to see what comes of it. Random inputs are the same for the same index. */
#ifndef SCION_CONFORM_PROBE_H
#define SCION_CONFORM_PROBE_H

#include <scion/random.h>

#include "conform/tests.h"
#include "nn/model.h"

#define SCION_PROBE_OUTPUTS 10
#define SCION_PROBE_SEED 1

/* What models are built for, ended by one without axes. */
extern const struct scion_shape scion_probe_shapes[];

enum scion_probe_verdict {
        SCION_PROBE_WRONG,   /* whatever it is built for */
        SCION_PROBE_REFUSED, /* these inputs or outputs, with a message */
        SCION_PROBE_BUILT,
};

/*
 * As the engine builds a model; NULL, with a message. What build() returns may turn out not to fit the inputs only
 * when the engine tries it out: that is a refusal too.
 */
struct scion_model *scion_probe_build(struct scion_conform *conform, const struct scion_shape *input,
                                      int64_t outputs, uint64_t seed, enum scion_probe_verdict *verdict);

/* A model for the first inputs that the plugin takes; NULL, with all that was refused and why. */
struct scion_model *scion_probe_any(struct scion_conform *conform);

/* Which inputs were refused, and why. Starts as { 0 }; free(text.text) ends it. */
struct scion_refusals {
        struct scion_text text;
        char reason[512]; /* of the last, which is not in the text yet */
};

/* Adds inputs that were refused just now. */
void scion_refusals_add(struct scion_refusals *refusals, const struct scion_shape *input);
/* Records that nothing was taken, and all reasons. Returns false. */
bool scion_refusals_fail(const struct scion_refusals *refusals);

/* Copies a storage of floats to the host. The caller frees it. NULL, with a message, when memory is out. */
float *scion_probe_values(struct scion_storage *storage);
/* The values of x in a copy of the whole storage that it lies in. */
const float *scion_probe_values_of(const struct scion_tensor *x, const float *values);

/* Normally distributed values from the stream, on the current tape. NULL, with a message, when memory is out. */
struct scion_tensor *scion_probe_random(struct scion_shape shape, struct scion_random *random);

/* A batch for the model, on the current tape. */
struct scion_tensor *scion_probe_inputs(const struct scion_model *model, int64_t examples, uint64_t index);

/* The outputs as plain values, which are the tape's; NULL, with a message, unless they are [examples, outputs], and
 * numbers. */
const float *scion_probe_run(struct scion_model *model, struct scion_tensor *x);
/* In evaluation, and on a tape just reset. */
const float *scion_probe_evaluate(struct scion_model *model, struct scion_tape *tape, int64_t examples,
                                  uint64_t index);
/* In training, with draws that `seed` gives; buffers move. */
const float *scion_probe_train(struct scion_model *model, struct scion_tape *tape, int64_t examples,
                               uint64_t index, uint64_t seed);

#endif
