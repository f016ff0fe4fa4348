/* A list of sentences that the reader of a comparison should know besides the numbers. */
#ifndef SCION_COMPARE_NOTES_H
#define SCION_COMPARE_NOTES_H

#include <scion/api.h>

/* Starts as { 0 }. */
struct scion_notes {
        size_t count;
        char **text;
        bool failed; /* memory ran out; further additions are ignored */
};

/* Adds a sentence, unless the list has it already. */
void scion_notes_add(struct scion_notes *notes, const char *format, ...) SCION_PRINTF(2, 3);

/* Frees the contents, and resets them to { 0 }. */
void scion_notes_finish(struct scion_notes *notes);

#endif
