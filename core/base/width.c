#define _XOPEN_SOURCE 700 /* wcwidth */
#include "base/width.h"

#include <limits.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

/* One character of a text, or what stands for it. */
struct character {
        const char *text;
        size_t bytes; /* of `text` */
        size_t taken; /* of the string that it is from */
        int columns;
};

static locale_t utf8(void)
{
        static locale_t locale;

        if (!locale)
                locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        return locale;
}

static struct character next(const char *text)
{
        struct character one = { text, 1, 1, 1 };
        mbstate_t state = { 0 };
        wchar_t wide;

        if (*text >= ' ' && *text < 127)
                return one;
        locale_t before = utf8() ? uselocale(utf8()) : (locale_t)0;
        size_t bytes = mbrtowc(&wide, text, strlen(text), &state);
        int columns = bytes <= MB_LEN_MAX ? wcwidth(wide) : -1;

        if (before)
                uselocale(before);
        if (bytes <= MB_LEN_MAX && bytes > 0)
                one.bytes = one.taken = bytes;
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
                struct character one = next(text);

                columns += one.columns;
                text += one.taken;
        }
        return columns;
}

int scion_width_add(struct scion_text *line, const char *text, int columns)
{
        bool cut = scion_width(text) > columns;
        int taken = 0, room = columns - cut;

        if (columns <= 0)
                return 0;
        while (*text) {
                struct character one = next(text);

                if (taken + one.columns > room)
                        break;
                scion_text_add(line, "%.*s", (int)one.bytes, one.text);
                taken += one.columns;
                text += one.taken;
        }
        if (cut)
                scion_text_add(line, "…");
        return taken + cut;
}
