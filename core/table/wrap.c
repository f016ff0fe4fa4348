#include "table/wrap.h"

#include <string.h>

/* Counts UTF-8 characters: the bytes that are not continuation bytes. */
static int text_width(const char *text, size_t length)
{
        int count = 0;

        for (size_t i = 0; i < length; i++)
                count += ((unsigned char)text[i] & 0xC0) != 0x80;
        return count;
}

void scion_wrap(const char *text, size_t length, int column, int indent, int width, FILE *file)
{
        const char *end = text + length;
        bool first = true; /* word of its line */

        while (text < end) {
                size_t word = 0;

                for (; text < end && *text == ' '; text++)
                        ;
                while (text + word < end && text[word] != ' ')
                        word++;
                int wide = text_width(text, word);

                if (!first && column + 1 + wide > width) {
                        fprintf(file, "\n%*s", indent, "");
                        column = indent;
                } else if (!first && word > 0) {
                        fputc(' ', file);
                        column++;
                }
                fwrite(text, 1, word, file);
                column += wide;
                first = false;
                text += word;
        }
        fputc('\n', file);
}
