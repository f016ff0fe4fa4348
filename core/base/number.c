#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DIGITS 17 /* that any double needs */

/* A decimal number: 0.DIGITS times ten to the power `point`. */
struct decimal {
        int count;
        char digit[MOST_DIGITS + 2];
        int point;
};

/* The nearest decimal of so many digits. Only digits are taken from the text: the separator is the locale's. */
static void round_to(struct decimal *decimal, double value, int count)
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

/* The next decimal of as many digits, upwards. */
static void step_up(struct decimal *decimal)
{
        int i = decimal->count - 1;

        while (i >= 0 && decimal->digit[i] == '9')
                decimal->digit[i--] = '0';
        if (i >= 0) {
                decimal->digit[i]++;
        } else { /* 99 becomes 10, with the point one further */
                decimal->digit[0] = '1';
                decimal->point++;
        }
}

static bool reads_back(const struct decimal *decimal, double value, bool is_float)
{
        char text[64]; /* with no separator in it, every locale reads it */

        snprintf(text, sizeof text, "%se%d", decimal->digit, decimal->point - decimal->count);
        return is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/*
 * The fewest digits that read back. The nearest decimal is tried, and the next above: below a power of two
 * the values lie twice as dense, so that one farther above may be the power's where the nearest is not.
 */
static void shorten(struct decimal *decimal, double value, bool is_float)
{
        for (int count = 1; count <= MOST_DIGITS; count++) {
                round_to(decimal, value, count);
                if (reads_back(decimal, value, is_float))
                        break;
                step_up(decimal);
                if (reads_back(decimal, value, is_float))
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
        shorten(&d, fabs(value), is_float);
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
