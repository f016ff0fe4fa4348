#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DIGITS 17 /* enough to distinguish any two doubles */

/* The decimal number 0.DIGITS * 10^point. */
struct decimal {
        int count;
        char digit[MOST_DIGITS + 2];
        int point;
};

/* Sets decimal to the nearest decimal number with `count` digits. Copies only the digits of the text that
 * printf writes, because the decimal separator depends on the locale. */
static void decimal_round(struct decimal *decimal, double value, int count)
{
        char text[64];
        char *exponent;

        snprintf(text, sizeof text, "%.*e", count - 1, value);
        decimal->count = 0;
        for (exponent = text; *exponent != 'e'; exponent++)
                if (*exponent >= '0' && *exponent <= '9')
                        decimal->digit[decimal->count++] = *exponent;
        decimal->digit[decimal->count] = '\0';
        decimal->point = atoi(exponent + 1) + 1;
}

/* Advances to the next larger decimal number with the same count of digits. */
static void decimal_increment(struct decimal *decimal)
{
        int i = decimal->count - 1;

        while (i >= 0 && decimal->digit[i] == '9')
                decimal->digit[i--] = '0';
        if (i >= 0) {
                decimal->digit[i]++;
        } else { /* 0.99 becomes 0.10 * 10 */
                decimal->digit[0] = '1';
                decimal->point++;
        }
}

static bool decimal_reads_back(const struct decimal *decimal, double value, bool is_float)
{
        char text[64]; /* without a separator, so that it reads the same in every locale */

        snprintf(text, sizeof text, "%se%d", decimal->digit, decimal->point - decimal->count);
        return is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/*
 * Finds the fewest digits that read back to value. Tries two candidates for each count of digits, the
 * nearest decimal and the next one above it. The second is needed at powers of two: the floating-point
 * values below one are twice as dense as those above it, so the nearest decimal may lie below the power and
 * read back to a neighbour, while the one above does not.
 */
static void decimal_shorten(struct decimal *decimal, double value, bool is_float)
{
        for (int count = 1; count <= MOST_DIGITS; count++) {
                decimal_round(decimal, value, count);
                if (decimal_reads_back(decimal, value, is_float))
                        break;
                decimal_increment(decimal);
                if (decimal_reads_back(decimal, value, is_float))
                        break;
        }
        while (decimal->count > 1 && decimal->digit[decimal->count - 1] == '0')
                decimal->digit[--decimal->count] = '\0';
}

static const char *number_text(double value, bool is_float, char *text)
{
        static const char zeros[] = "0000000000000000";
        struct decimal d;
        const char *sign = signbit(value) ? "-" : "";

        if (isnan(value))
                return strcpy(text, "nan");
        if (isinf(value))
                return strcpy(text, value < 0 ? "-inf" : "inf");
        decimal_shorten(&d, fabs(value), is_float);
        if (value == 0)
                sprintf(text, "%s0", sign);
        else if (d.point < -3 || d.point > 16)
                sprintf(text, "%s%c%s%se%+03d", sign, d.digit[0], d.count > 1 ? "." : "", d.digit + 1,
                        d.point - 1);
        else if (d.point <= 0)
                sprintf(text, "%s0.%.*s%s", sign, -d.point, zeros, d.digit);
        else if (d.point >= d.count)
                sprintf(text, "%s%s%.*s", sign, d.digit, d.point - d.count, zeros);
        else
                sprintf(text, "%s%.*s.%s", sign, d.point, d.digit, d.digit + d.point);
        return text;
}

const char *scion_float_text(float value, char *text)
{
        return number_text((double)value, true, text);
}

const char *scion_double_text(double value, char *text)
{
        return number_text(value, false, text);
}
