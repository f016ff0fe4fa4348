/*
 * Conformance: does a plugin hold to the contract of its kind (include/scion/)? Each test runs in a process of
 * its own: a plugin that crashes, hangs or exits fails that test, with the reason, and no other.
 */
#ifndef SCION_CONFORM_CONFORM_H
#define SCION_CONFORM_CONFORM_H

#include "process/process.h"

struct scion_conform_wish {
        const char *path;       /* of the plugin */
        const char *const *set; /* its parameters: "KEY=VALUE" */
        size_t sets;
        double seconds; /* that one test may take */
};

enum scion_conform_verdict {
        SCION_CONFORM_GOOD,
        SCION_CONFORM_WRONG,
        SCION_CONFORM_SKIPPED, /* it does not apply to this plugin */
};

/* What came of one test. */
struct scion_conform_outcome {
        const char *test; /* what is to hold, in plain words */
        enum scion_conform_verdict verdict;
        const char
                *text; /* lines: what is wrong, why it does not apply, or what is worth knowing; may be "" */
};

struct scion_conform_counts {
        int good, wrong, skipped;
};

/*
 * Checks one plugin; tells the outcome of each test, one after the other. SCION_GOOD: it holds to all.
 * SCION_BAD_INPUT: it does not, when `counts->wrong` is above 0; else it cannot be checked with the parameters
 * given, and there is a message. SCION_FAILED: the checking itself failed; SCION_STOPPED: a signal came; both with a
 * message.
 */
enum scion_status scion_conform_check(const struct scion_conform_wish *wish,
                                      void (*tell)(void *context,
                                                   const struct scion_conform_outcome *outcome),
                                      void *context, struct scion_conform_counts *counts);

#endif
