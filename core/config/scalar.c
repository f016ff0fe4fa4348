#include "config/scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

static bool text_is_one_of(const char *text, const char *const *words)
{
        for (; *words; words++)
                if (strcmp(text, *words) == 0)
                        return true;
        return false;
}

bool scion_scalar_null(const char *text)
{
        static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };

        return text_is_one_of(text, words);
}

enum scion_scalar scion_scalar_bool(const char *text, bool *value)
{
        static const char *const yes[] = { "true", "True", "TRUE", NULL };
        static const char *const no[] = { "false", "False", "FALSE", NULL };

        *value = text_is_one_of(text, yes);
        return *value || text_is_one_of(text, no) ? SCION_SCALAR_OK : SCION_SCALAR_OTHER;
}

static const char *digits_skip(const char *text)
{
        while (*text >= '0' && *text <= '9')
                text++;
        return text;
}

enum scion_scalar scion_scalar_int(const char *text, int64_t *value)
{
        const char *digits = text + (*text == '-' || *text == '+');

        if (!*digits || *digits_skip(digits) || (digits[0] == '0' && digits[1]))
                return SCION_SCALAR_OTHER;
        errno = 0;
        intmax_t number = strtoimax(text, NULL, 10);
        if (errno == ERANGE || number < INT64_MIN || number > INT64_MAX)
                return SCION_SCALAR_OUTSIDE;
        *value = number;
        return SCION_SCALAR_OK;
}

/* Matches [-+]? ( [0-9]+ ( . [0-9]* )? | . [0-9]+ ) ( [eE] [-+]? [0-9]+ )? */
static bool text_is_decimal(const char *text)
{
        const char *start = text + (*text == '-' || *text == '+');
        const char *end = digits_skip(start);
        size_t digits = (size_t)(end - start);

        if (*end == '.') {
                start = end + 1;
                end = digits_skip(start);
                digits += (size_t)(end - start);
        }
        if (digits == 0)
                return false;
        if (*end == 'e' || *end == 'E') {
                start = end + 1;
                start += *start == '-' || *start == '+';
                end = digits_skip(start);
                if (end == start)
                        return false;
        }
        return *end == '\0';
}

/* Calls strtod() with the '.' replaced by the locale's decimal point. Returns infinity if the number is too
 * large. */
static double decimal_to_double(const char *text)
{
        const char *point = nl_langinfo(RADIXCHAR);
        const char *dot = strchr(text, '.');
        struct scion_text copy = { 0 };
        double value;

        if (!dot || strcmp(point, ".") == 0)
                return strtod(text, NULL);
        scion_text_add(&copy, "%.*s%s%s", (int)(dot - text), text, point, dot + 1);
        value = copy.failed ? (double)INFINITY : strtod(copy.text, NULL);
        free(copy.text);
        return value;
}

enum scion_scalar scion_scalar_float(const char *text, double *value)
{
        static const char *const infinite[] = { ".inf", ".Inf", ".INF", NULL };
        static const char *const nan_words[] = { ".nan", ".NaN", ".NAN", NULL };

        if (text_is_one_of(text + (*text == '-' || *text == '+'), infinite)) {
                *value = *text == '-' ? -(double)INFINITY : (double)INFINITY;
                return SCION_SCALAR_OK;
        }
        if (text_is_one_of(text, nan_words)) {
                *value = (double)NAN;
                return SCION_SCALAR_OK;
        }
        if (!text_is_decimal(text))
                return SCION_SCALAR_OTHER;
        *value = decimal_to_double(text);
        return isfinite(*value) ? SCION_SCALAR_OK : SCION_SCALAR_OUTSIDE;
}

bool scion_scalar_typed(const char *text)
{
        bool truth;
        double number;

        return scion_scalar_null(text) || scion_scalar_bool(text, &truth) == SCION_SCALAR_OK ||
               scion_scalar_float(text, &number) != SCION_SCALAR_OTHER;
}

/* --- YAML 1.1 ------------------------------------------------------------------------------------------- */

static const char *digits_skip_spaced(const char *text)
{
        return text + strspn(text, "0123456789_");
}

/* Matches the numbers of YAML 1.1 without their sign: with underscores (1_000), leading zeros, a base (0x1F,
 * 0b1; also 0o17 of YAML 1.2), to the base 60 (12:30), and with an exponent. */
static bool text_is_number_elsewhere(const char *text)
{
        const char *start = digits_skip_spaced(text), *end;

        if (text[0] == '0' && text[1] && strchr("xob", text[1]))
                return text[2] && !text[2 + strspn(text + 2, "0123456789abcdefABCDEF_")];
        if (*text == '_' || (start == text && (text[0] != '.' || text[1] < '0' || text[1] > '9')))
                return false;
        while (*start == ':' && digits_skip(start + 1) > start + 1)
                start = digits_skip(start + 1);
        end = *start == '.' ? digits_skip_spaced(start + 1) : start;
        if (*end == 'e' || *end == 'E')
                end = digits_skip(end + 1 + (end[1] == '-' || end[1] == '+'));
        return *end == '\0';
}

/* Matches 2001-01-31, also with a time after it. */
static bool text_is_date(const char *text)
{
        const char *month = digits_skip(text), *day, *end;

        if (month != text + 4 || *month != '-')
                return false;
        day = digits_skip(month + 1);
        if (day == month + 1 || *day != '-')
                return false;
        end = digits_skip(day + 1);
        return end > day + 1 && (*end == '\0' || strchr("Tt \t", *end));
}

bool scion_scalar_ambiguous(const char *text)
{
        static const char *const words[] = { "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off",
                                             "Off", "OFF", "y",   "Y",  "n",  "N",  "=",  "<<", NULL };

        return scion_scalar_typed(text) || text_is_one_of(text, words) || text_is_date(text) ||
               text_is_number_elsewhere(text + (*text == '-' || *text == '+'));
}

bool scion_scalar_add_number(struct scion_text *out, const char *text)
{
        const char *digits = text + (*text == '-' || *text == '+');
        const char *whole, *point, *exponent;

        if (!text_is_decimal(text))
                return false;
        whole = digits + strspn(digits, "0");
        point = digits_skip(whole);
        exponent = *point == '.' ? digits_skip(point + 1) : point;
        if (!*exponent && *digits != '.' && (whole == digits || (whole == digits + 1 && point == whole))) {
                scion_text_add(out, "%s", text);
                return true;
        }
        scion_text_add(out, "%s%s%.*s", *text == '-' ? "-" : "", point == whole ? "0" : "",
                       (int)(exponent - whole), whole);
        if (*exponent)
                scion_text_add(out, "%se%s%s", *point == '.' ? "" : ".0",
                               exponent[1] == '-' || exponent[1] == '+' ? "" : "+", exponent + 1);
        return true;
}

/* --- Writing -------------------------------------------------------------------------------------------- */

const char *scion_scalar_meaning(const char *text, char buffer[SCION_SCALAR_BYTES])
{
        int64_t integer;
        double number;
        bool truth;

        if (scion_scalar_bool(text, &truth) == SCION_SCALAR_OK)
                return truth ? "true" : "false";
        if (scion_scalar_int(text, &integer) == SCION_SCALAR_OK) {
                snprintf(buffer, SCION_SCALAR_BYTES, "%" PRId64, integer);
                return buffer;
        }
        if (scion_scalar_float(text, &number) == SCION_SCALAR_OK)
                return scion_scalar_double_text(number, buffer);
        return text;
}

static const char *non_finite_text(double value)
{
        return isnan(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
}

const char *scion_scalar_float_text(float value, char text[SCION_SCALAR_BYTES])
{
        return isfinite(value) ? scion_float_text(value, text) : strcpy(text, non_finite_text((double)value));
}

const char *scion_scalar_double_text(double value, char text[SCION_SCALAR_BYTES])
{
        return isfinite(value) ? scion_double_text(value, text) : strcpy(text, non_finite_text(value));
}
