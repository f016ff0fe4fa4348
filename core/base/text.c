#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WORD 64

/* Returns the optimal string alignment distance. Words longer than LONGEST_WORD count as entirely different. */
static size_t word_distance(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b);
        size_t row[3][LONGEST_WORD + 1];

        if (n > LONGEST_WORD || m > LONGEST_WORD)
                return LONGEST_WORD;
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
        size_t least = strlen(word) / 3 + 2; /* a larger distance is not taken for a typing error */

        for (size_t i = 0; i < count; i++) {
                size_t d = word_distance(word, names[i]);

                if (d < least && d < strlen(names[i])) {
                        least = d;
                        best = names[i];
                }
        }
        return best;
}

bool scion_suggest(struct scion_text *text, const char *word, const char *const *names, size_t count)
{
        const char *near = scion_nearest(word, names, count);

        if (near)
                scion_text_add(text, " (did you mean '%s'?)", near);
        return near != NULL;
}

/* Returns the bytes of the UTF-8 character at text, 1 to 4; 0 if there is none. */
static size_t utf8_length(const unsigned char *text)
{
        size_t length = text[0] < 0x80   ? 1
                        : text[0] < 0xC2 ? 0
                        : text[0] < 0xE0 ? 2
                        : text[0] < 0xF0 ? 3
                        : text[0] < 0xF5 ? 4
                                         : 0;

        for (size_t i = 1; i < length; i++)
                if ((text[i] & 0xC0) != 0x80)
                        return 0;
        return length;
}

static bool character_is_control(const unsigned char *text)
{
        return text[0] < ' ' || text[0] == 0x7F || (text[0] == 0xC2 && text[1] < 0xA0);
}

char *scion_text_make_printable(char *text, bool lines)
{
        for (char *c = text; *c;) {
                size_t length = utf8_length((const unsigned char *)c);

                if (*c == '\t' || (lines && *c == '\n')) {
                        c++;
                } else if (length == 0) {
                        *c++ = '?';
                } else if (character_is_control((const unsigned char *)c)) {
                        memset(c, '?', length);
                        c += length;
                } else {
                        c += length;
                }
        }
        return text;
}

void scion_text_add_names(struct scion_text *text, const char *const *names, size_t count)
{
        for (size_t i = 0; i < count; i++)
                scion_text_add(text, "%s%s", i ? ", " : "", names[i]);
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
