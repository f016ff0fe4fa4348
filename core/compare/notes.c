#include "compare/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text_print(const char *format, va_list values)
{
        va_list again;

        va_copy(again, values);
        int length = vsnprintf(NULL, 0, format, again);

        va_end(again);
        char *text = length < 0 ? NULL : malloc((size_t)length + 1);

        if (text)
                vsnprintf(text, (size_t)length + 1, format, values);
        return text;
}

void scion_notes_add(struct scion_notes *notes, const char *format, ...)
{
        va_list values;

        if (notes->failed)
                return;
        va_start(values, format);
        char *text = text_print(format, values);

        va_end(values);
        for (size_t i = 0; text && i < notes->count; i++)
                if (strcmp(notes->text[i], text) == 0) {
                        free(text);
                        return;
                }
        char **larger = text ? realloc(notes->text, (notes->count + 1) * sizeof *larger) : NULL;

        if (!larger) {
                free(text);
                notes->failed = true;
                return;
        }
        notes->text = larger;
        notes->text[notes->count++] = text;
}

void scion_notes_finish(struct scion_notes *notes)
{
        for (size_t i = 0; i < notes->count; i++)
                free(notes->text[i]);
        free(notes->text);
        *notes = (struct scion_notes){ 0 };
}
