#include "table/wrap.h"

#include "base/width.h"

void scion_wrap(const char *text, size_t length, int column, int indent, int width, FILE *file)
{
        const char *end = text + length;
        bool first = true; /* the next word is the first of its line */

        while (text < end) {
                size_t word = 0;

                for (; text < end && *text == ' '; text++)
                        ;
                while (text + word < end && text[word] != ' ')
                        word++;
                int wide = scion_utf8_count(text, word);

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
