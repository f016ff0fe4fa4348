#define _XOPEN_SOURCE 700 /* wcwidth */
#include "base/width.h"

#include <limits.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

/* One character of a text, or its substitute `?` if it cannot be printed. */
struct character {
        const char *text;
        size_t bytes;    /* of `text`, to print */
        size_t consumed; /* bytes of the string */
        int columns;
};

static locale_t locale_utf8(void)
{
        static locale_t locale;

        if (!locale)
                locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        return locale;
}

static struct character character_next(const char *text)
{
        struct character one = { text, 1, 1, 1 };
        mbstate_t state = { 0 };
        wchar_t wide;

        if (*text >= ' ' && *text < 127)
                return one;
        locale_t before = locale_utf8() ? uselocale(locale_utf8()) : (locale_t)0;
        size_t bytes = mbrtowc(&wide, text, strlen(text), &state);
        int columns = bytes <= MB_LEN_MAX ? wcwidth(wide) : -1;

        if (before)
                uselocale(before);
        if (bytes <= MB_LEN_MAX && bytes > 0)
                one.bytes = one.consumed = bytes;
        if (columns < 0) {
                one.text = "?";
                one.bytes = 1;
        } else {
                one.columns = columns;
        }
        return one;
}

int scion_width(const char *text)
{
        int columns = 0;

        while (*text && columns < INT_MAX - 2) {
                struct character one = character_next(text);

                columns += one.columns;
                text += one.consumed;
        }
        return columns;
}

int scion_utf8_count(const char *text, size_t length)
{
        int count = 0;

        for (size_t i = 0; i < length; i++) /* all bytes but those that continue a character */
                count += ((unsigned char)text[i] & 0xC0) != 0x80;
        return count;
}

int scion_width_add(struct scion_text *line, const char *text, int columns)
{
        bool cut = scion_width(text) > columns;
        int used = 0, room = columns - cut;

        if (columns <= 0)
                return 0;
        while (*text) {
                struct character one = character_next(text);

                if (used + one.columns > room)
                        break;
                scion_text_add(line, "%.*s", (int)one.bytes, one.text);
                used += one.columns;
                text += one.consumed;
        }
        if (cut)
                scion_text_add(line, "…");
        return used + cut;
}
