/*
 * Vectors: what PyTorch computed, and the inputs it computed from (README.md here). A file holds a list of
 * cases, objects with a "name"; a member that is missing or of the wrong kind fails the test.
 */
#ifndef SCION_TESTS_PARITY_VECTORS_H
#define SCION_TESTS_PARITY_VECTORS_H

#include <jansson.h>

#include "support/test.h"

/* Runs `test` once for each case of vectors/SUBJECT.json, as a test of the case's name, with the case (a
 * const json_t *) in *state and a fresh tape current. Returns what main() returns. */
int vectors_run(const char *subject, CMUnitTestFunction test);

/* --- Members of an object
 * --------------------------------------------------------------------------------------------- */

const json_t *vectors_member(const json_t *object, const char *key);
const char *vectors_text(const json_t *object, const char *key);
double vectors_number(const json_t *object, const char *key);
int64_t vectors_integer(const json_t *object, const char *key);
bool vectors_flag(const json_t *object, const char *key); /* false when it is missing */
struct scion_shape vectors_shape(const json_t *object, const char *key);

/* --- The inputs
 * ------------------------------------------------------------------------------------------------------- */

/* Uniform in [low, high), from stream `index` of the seed. */
void vectors_fill(uint64_t seed, uint64_t index, double low, double high, float *values, size_t count);
void vectors_fill_labels(uint64_t seed, uint64_t index, int64_t classes, int32_t *values, size_t count);

/* The same as a tensor on the current tape; labels are [count]. */
struct scion_tensor *vectors_uniform(uint64_t seed, uint64_t index, struct scion_shape shape, double low,
                                     double high);
struct scion_tensor *vectors_labels(uint64_t seed, uint64_t index, int64_t count, int64_t classes);

/* A list of numbers as a tensor. */
struct scion_tensor *vectors_tensor(const json_t *list, struct scion_shape shape);

/* --- Comparing
 * -------------------------------------------------------------------------------------------------------- */

/*
 * An element may differ from the one wanted by relative * (|wanted| + floor * root mean square of all
 * wanted). With a floor of 0 the error is relative to the element. Where terms cancel, the error of float32
 * is relative to the terms, whose size the root mean square estimates.
 */
struct vectors_tolerance {
        double relative, floor;
};

/* Returns the case's tolerance: its members "relative" and "floor". */
struct vectors_tolerance vectors_tolerance(const json_t *test_case);

/* Fails the test, naming the worst element, when one of `got` differs by more. */
void vectors_compare(const char *what, const float *got, size_t count, const json_t *wanted,
                     struct vectors_tolerance tolerance);

/* The same for a tensor; NULL fails with the last error. */
void vectors_compare_tensor(const char *what, struct scion_tensor *got, const json_t *wanted,
                            struct vectors_tolerance tolerance);

/* The same for a description of a large tensor: every "step"th of the values, and the "norm" of all. */
void vectors_compare_sample(const char *what, const float *got, size_t count, const json_t *sample,
                            struct vectors_tolerance tolerance);

#endif
