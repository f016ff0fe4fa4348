#include <scion/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define MESSAGE_BYTES 4096

static _Thread_local char message[MESSAGE_BYTES];

static void message_set(const char *format, va_list arguments)
{
        char text[MESSAGE_BYTES]; /* because an argument may point into the old message */

        vsnprintf(text, sizeof text, format, arguments);
        memcpy(message, text, sizeof message);
        scion_text_make_printable(message, true);
}

bool scion_fail(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        message_set(format, arguments);
        va_end(arguments);
        return false;
}

void *scion_fail_null(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        message_set(format, arguments);
        va_end(arguments);
        return NULL;
}

bool scion_fail_prefix(const char *format, ...)
{
        char prefix[MESSAGE_BYTES];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(prefix, sizeof prefix, format, arguments);
        va_end(arguments);
        return scion_fail("%s: %s", prefix, *message ? message : "failed, and gave no reason");
}

const char *scion_error(void)
{
        return message;
}

void scion_error_clear(void)
{
        message[0] = '\0';
}
