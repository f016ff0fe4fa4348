/* Growing strings, and suggestions for misspelt names. */
#ifndef SCION_BASE_TEXT_H
#define SCION_BASE_TEXT_H

#include <scion/api.h>

/* A string that grows. Initialise with { 0 }; free(text) releases it. `text` is NULL until something is
 * added. */
struct scion_text {
        char *text;
        size_t length;
        size_t room;
        bool failed; /* memory ran out; later additions do nothing */
};

void scion_text_add(struct scion_text *text, const char *format, ...) SCION_PRINTF(2, 3);

/* Adds the names, separated by commas: "a, b, c". */
void scion_text_add_names(struct scion_text *text, const char *const *names, size_t count);

/*
 * Replaces in place what could control a terminal by `?`, a byte each: control characters (C0, DEL, and C1
 * in UTF-8 or as single bytes), and bytes that are not UTF-8. Tabs remain, and with `lines` also newlines.
 * Every text of a file, a plugin or a user passes through this before it is printed for people. Returns text.
 */
char *scion_text_make_printable(char *text, bool lines);

/* Returns the name nearest to `word` by insertions, deletions, substitutions and transpositions of
 * neighbours, or NULL if none is near enough to be meant. */
const char *scion_nearest(const char *word, const char *const *names, size_t count);

/* Adds " (did you mean 'NAME'?)" if scion_nearest() finds a name. Returns whether it did; the caller may
 * list the valid names otherwise. */
bool scion_suggest(struct scion_text *text, const char *word, const char *const *names, size_t count);

#endif
