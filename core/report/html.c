#include "report/html.h"

#include <stdarg.h>
#include <string.h>

/* Returns the number of bytes of the UTF-8 character (RFC 3629) that begins here, or 0 if it is invalid. */
static size_t character_length(const unsigned char *text)
{
        static const struct {
                unsigned char first, last, low, high; /* range of the first byte; of the second byte */
                size_t bytes;
        } kinds[] = {
                { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
                { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
                { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
        };

        if (text[0] < 0x80)
                return 1;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
                if (text[0] < kinds[i].first || text[0] > kinds[i].last)
                        continue;
                if (text[1] < kinds[i].low || text[1] > kinds[i].high)
                        return 0;
                for (size_t j = 2; j < kinds[i].bytes; j++)
                        if ((text[j] & 0xc0) != 0x80)
                                return 0;
                return kinds[i].bytes;
        }
        return 0;
}

/* Returns the replacement of a character, or NULL if it is kept. */
static const char *character_substitute(const unsigned char *text, size_t bytes)
{
        switch (text[0]) {
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '&':
                return "&amp;";
        case '"':
                return "&quot;";
        case '\'':
                return "&#39;";
        case '\t':
        case '\n':
                return NULL;
        }
        if (bytes == 0)
                return "\xef\xbf\xbd";
        /* 0xc2 0x80 to 0xc2 0x9f are control characters too. */
        return text[0] < ' ' || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0) ? " " : NULL;
}

void scion_html_text(struct scion_text *page, const char *text)
{
        const char *kept = text;

        while (*text) {
                size_t bytes = character_length((const unsigned char *)text);
                const char *other = character_substitute((const unsigned char *)text, bytes);

                if (other) {
                        scion_text_add(page, "%.*s%s", (int)(text - kept), kept, other);
                        kept = text + (bytes ? bytes : 1);
                }
                text += bytes ? bytes : 1;
        }
        scion_text_add(page, "%s", kept);
}

void scion_html_add(struct scion_text *page, const char *format, ...)
{
        va_list values;

        va_start(values, format);
        for (const char *at; (at = strchr(format, '%')); format = at + 2) {
                scion_text_add(page, "%.*s", (int)(at - format), format);
                if (at[1] == 's')
                        scion_html_text(page, va_arg(values, const char *));
                else
                        scion_text_add(page, "%%");
        }
        va_end(values);
        scion_text_add(page, "%s", format);
}
