/* Small helpers for words: near names for hints, growing strings. */
#ifndef SCION_BASE_TEXT_H
#define SCION_BASE_TEXT_H

#include <scion/api.h>

/* The name nearest to `word` by edits (insertion, deletion, substitution, exchange of neighbours), when it is
 * near enough to be meant; NULL otherwise. */
const char *scion_nearest(const char *word, const char *const *names, size_t count);

/* A string that grows. Starts as { 0 }; free(text) ends it. `text` is NULL while nothing was added. */
struct scion_text {
        char *text;
        size_t length;
        size_t room;
        bool failed; /* memory ran out; later additions do nothing */
};

void scion_text_add(struct scion_text *text, const char *format, ...) SCION_PRINTF(2, 3);

#endif
