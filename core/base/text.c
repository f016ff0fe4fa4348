#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 64

/* Optimal string alignment distance; words longer than LONGEST are not compared. */
static size_t distance(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b);
        size_t row[3][LONGEST + 1];

        if (n > LONGEST || m > LONGEST)
                return LONGEST;
        for (size_t j = 0; j <= m; j++)
                row[0][j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

                now[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

                        if (last[j] + 1 < best)
                                best = last[j] + 1;
                        if (now[j - 1] + 1 < best)
                                best = now[j - 1] + 1;
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            before[j - 2] + 1 < best)
                                best = before[j - 2] + 1;
                        now[j] = best;
                }
        }
        return row[n % 3][m];
}

const char *scion_nearest(const char *word, const char *const *names, size_t count)
{
        const char *best = NULL;
        size_t least = strlen(word) / 3 + 2; /* farther than this is another word */

        for (size_t i = 0; i < count; i++) {
                size_t d = distance(word, names[i]);

                if (d < least && d < strlen(names[i])) {
                        least = d;
                        best = names[i];
                }
        }
        return best;
}

void scion_text_add(struct scion_text *text, const char *format, ...)
{
        va_list arguments;

        if (text->failed)
                return;
        va_start(arguments, format);
        int needed = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (needed < 0) {
                text->failed = true;
                return;
        }
        if (text->length + (size_t)needed + 1 > text->room) {
                size_t room = 2 * text->room + (size_t)needed + 64;
                char *larger = realloc(text->text, room);

                if (!larger) {
                        text->failed = true;
                        return;
                }
                text->text = larger;
                text->room = room;
        }
        va_start(arguments, format);
        vsnprintf(text->text + text->length, (size_t)needed + 1, format, arguments);
        va_end(arguments);
        text->length += (size_t)needed;
}
