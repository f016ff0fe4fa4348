#include <scion/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 4096

static _Thread_local char message[LONGEST];

static void record(const char *format, va_list arguments)
{
        char text[LONGEST]; /* an argument may be the old message */

        vsnprintf(text, sizeof text, format, arguments);
        memcpy(message, text, sizeof message);
}

bool scion_fail(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        record(format, arguments);
        va_end(arguments);
        return false;
}

void *scion_fail_null(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        record(format, arguments);
        va_end(arguments);
        return NULL;
}

bool scion_fail_prefix(const char *format, ...)
{
        char prefix[LONGEST];
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
