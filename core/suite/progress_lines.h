/* The lines that show on a terminal how a suite goes. They say more the more room there is. */
#ifndef SCION_SUITE_PROGRESS_LINES_H
#define SCION_SUITE_PROGRESS_LINES_H

#include "base/text.h"
#include "suite/forecast.h"

/* A run at work. */
struct scion_block_run {
        const char *id;
        const struct scion_work *work;
        double left; /* seconds; NaN: not known */
        bool more;   /* there are stages after this one, and `left` is of this one alone */
};

struct scion_block {
        const char *name; /* of the suite */
        size_t count, done, failed, waiting;
        double left;
        const struct scion_block_run *run;
        size_t runs;
};

/*
 * Adds the lines, with "\n" between them: at most `height`, at least one, none wider than `width`. With `colours`,
 * few, by escape sequences. Returns how many they are.
 */
int scion_block_add(const struct scion_block *block, int width, int height, bool colours,
                    struct scion_text *text);

#endif
