#include "support/test.h"

#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>

static void numbers_as_they_print(void **state)
{
        static const struct {
                double value;
                const char *text;
        } doubles[] = {
                { 0, "0" },
                { -0.0, "-0" },
                { 1, "1" },
                { -1, "-1" },
                { 100, "100" },
                { 12000, "12000" },
                { 0.1, "0.1" },
                { 0.02, "0.02" },
                { -0.5, "-0.5" },
                { 1.0 / 3, "0.3333333333333333" },
                { 3.141592653589793, "3.141592653589793" },
                { 123.456, "123.456" },
                { 0.0001, "0.0001" },
                { 0.00012345678901234567, "0.00012345678901234567" },
                { 0.00001, "1e-05" },
                { 1.5e-7, "1.5e-07" },
                { 1e15, "1000000000000000" },
                { 9007199254740993.0, "9007199254740992" },
                { 1e16, "1e+16" },
                { 1.25e20, "1.25e+20" },
                { 1e100, "1e+100" },
                { 9.5, "9.5" },
                { 0.95, "0.95" },
                { 5e-324, "5e-324" },
                { DBL_MIN, "2.2250738585072014e-308" },
                { DBL_MAX, "1.7976931348623157e+308" },
                { -DBL_MAX, "-1.7976931348623157e+308" },
                { 0x1p-44,
                  "5.684341886080802e-14" }, /* 16 digits suffice, but not the nearest 16-digit decimal */
                { NAN, "nan" },
                { -NAN, "nan" },
                { INFINITY, "inf" },
                { -INFINITY, "-inf" },
        };
        static const struct {
                float value;
                const char *text;
        } floats[] = {
                { 0.1f, "0.1" },          { 1.0f / 3, "0.33333334" },    { 16777216.0f, "16777216" },
                { 1e10f, "10000000000" }, { FLT_MAX, "3.4028235e+38" },  { FLT_MIN, "1.1754944e-38" },
                { 0x1p-149f, "1e-45" },   { 0.99999994f, "0.99999994" }, { NAN, "nan" },
                { -INFINITY, "-inf" },
        };
        char text[32];

        (void)state;
        for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
                assert_string_equal(scion_double_text(doubles[i].value, text), doubles[i].text);
        for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++)
                assert_string_equal(scion_float_text(floats[i].value, text), floats[i].text);
}

static int digits(const char *text)
{
        int count = 0;

        for (; *text && *text != 'e'; text++)
                count += *text >= '0' && *text <= '9';
        return count;
}

/* Bit patterns spread over the whole range, and powers of two with their neighbours. */
static void all_read_back(void **state)
{
        char text[32], precise[64];

        (void)state;
        for (uint32_t i = 0; i < 20000; i++) {
                uint32_t bits = i * 2654435761u;
                uint64_t wide = i * 11400714819323198485u;
                float value;
                double large;

                if (i < 3 * 254) {
                        bits = (i / 3 + 1) << 23;
                        bits += i % 3 - 1;
                }
                if (i < 3 * 2046) {
                        wide = (uint64_t)(i / 3 + 1) << 52;
                        wide += (uint64_t)(i % 3) - 1;
                }
                memcpy(&value, &bits, sizeof value);
                memcpy(&large, &wide, sizeof large);
                if (isfinite(value)) {
                        assert_in_range(strlen(scion_float_text(value, text)), 1, 31);
                        assert_true(strtof(text, NULL) == value);
                        snprintf(precise, sizeof precise, "%.8e", (double)value);
                        assert_true(digits(text) <= digits(precise) || !strchr(text, 'e'));
                }
                if (isfinite(large)) {
                        assert_in_range(strlen(scion_double_text(large, text)), 1, 31);
                        assert_true(strtod(text, NULL) == large);
                }
        }
}

static void the_locale_does_not_matter(void **state)
{
        static const char *const commas[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8",
                                              "es_ES.UTF-8" };
        bool found = false;
        char text[32], usual[32];

        (void)state;
        for (size_t i = 0; i < sizeof commas / sizeof commas[0] && !found; i++)
                found = setlocale(LC_ALL, commas[i]) != NULL;
        if (!found)
                skip(); /* no locale with a decimal comma is installed */
        snprintf(usual, sizeof usual, "%g", 1234.5);
        assert_string_equal(usual, "1234,5");
        assert_string_equal(scion_double_text(1234.5, text), "1234.5");
        assert_string_equal(scion_double_text(1.0 / 3, text), "0.3333333333333333");
        assert_string_equal(scion_float_text(-1.5e-7f, text), "-1.5e-07");
        setlocale(LC_ALL, "C");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_as_they_print),
                cmocka_unit_test(all_read_back),
                cmocka_unit_test(the_locale_does_not_matter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
