/*
 * Conformance: checks that a plugin keeps the contract of its kind (include/scion/). Each test runs in a process of
 * its own, so that a plugin that crashes, hangs or exits fails only that test.
 */
#ifndef SCION_CONFORM_CONFORM_H
#define SCION_CONFORM_CONFORM_H

#include "process/process.h"

struct scion_conform_request {
        const char *path;       /* of the plugin */
        const char *const *set; /* its parameters: "KEY=VALUE" */
        size_t sets;
        double seconds; /* the time limit of one test */
};

enum scion_conform_verdict {
        SCION_CONFORM_GOOD,
        SCION_CONFORM_WRONG,
        SCION_CONFORM_SKIPPED, /* the test does not apply to this plugin */
};

/* The outcome of one test. */
struct scion_conform_outcome {
        const char *test; /* the requirement, in plain words */
        enum scion_conform_verdict verdict;
        const char
                *text; /* lines: what is wrong, why it does not apply, or what is worth knowing; may be "" */
};

struct scion_conform_counts {
        int good, wrong, skipped;
};

/*
 * Checks one plugin, and calls report() with the outcome of each test, in order. Returns SCION_GOOD when all tests
 * passed; SCION_BAD_INPUT when `counts->wrong` tests failed or, with 0 of them, when the plugin cannot be checked with
 * the given parameters; SCION_FAILED when the checking itself failed; SCION_STOPPED after a signal. scion_error() has a
 * message in all cases but the first two.
 */
enum scion_status scion_conform_check(const struct scion_conform_request *request,
                                      void (*report)(void *context,
                                                     const struct scion_conform_outcome *outcome),
                                      void *context, struct scion_conform_counts *counts);

#endif
