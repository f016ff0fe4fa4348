/* The meaning of plain scalars, and formatting numbers, in any locale. */
#include "support/test.h"

#include <float.h>
#include <locale.h>
#include <math.h>

#include "config/scalar.h"

static void integers(void **state)
{
        static const char *const others[] = { "",     "-",   "+",   "1.0",  "1e3",   "1_000",
                                              "0x10", "0o7", "07",  "-01",  "1 000", "one",
                                              " 1",   "1 ",  "--1", "true", ".inf" };
        int64_t value;

        (void)state;
        assert_int_equal(scion_scalar_int("0", &value), SCION_SCALAR_OK);
        assert_int_equal(value, 0);
        assert_int_equal(scion_scalar_int("-17", &value), SCION_SCALAR_OK);
        assert_int_equal(value, -17);
        assert_int_equal(scion_scalar_int("+17", &value), SCION_SCALAR_OK);
        assert_int_equal(value, 17);
        assert_int_equal(scion_scalar_int("9223372036854775807", &value), SCION_SCALAR_OK);
        assert_true(value == INT64_MAX);
        assert_int_equal(scion_scalar_int("-9223372036854775808", &value), SCION_SCALAR_OK);
        assert_true(value == INT64_MIN);
        assert_int_equal(scion_scalar_int("9223372036854775808", &value), SCION_SCALAR_OUTSIDE);
        assert_int_equal(scion_scalar_int("-99999999999999999999", &value), SCION_SCALAR_OUTSIDE);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                if (scion_scalar_int(others[i], &value) != SCION_SCALAR_OTHER)
                        fail_msg("'%s' counts as an integer", others[i]);
}

static void assert_float(const char *text, double expected)
{
        double value = 0;

        if (scion_scalar_float(text, &value) != SCION_SCALAR_OK || value != expected)
                fail_msg("'%s' counts as %g, not %g", text, value, expected);
}

static void floats(void **state)
{
        static const char *const others[] = { "",    ".",    "-",   "+.",       "1e",   "1e+",
                                              "e5",  "inf",  "nan", "0x1p3",    "1,5",  "1.5.",
                                              "1_0", "1.5 ", "-.",  "Infinity", "-.nan" };
        double value;

        (void)state;
        assert_float("1", 1);
        assert_float("-1.5", -1.5);
        assert_float("+1.5", 1.5);
        assert_float(".5", 0.5);
        assert_float("5.", 5);
        assert_float("1e-3", 1e-3);
        assert_float("1E+3", 1000);
        assert_float("-2.5e2", -250);
        assert_float("007", 7);
        assert_float(".inf", (double)INFINITY);
        assert_float("-.INF", -(double)INFINITY);
        assert_float("+.Inf", (double)INFINITY);
        assert_float("1e-400", 0);
        assert_int_equal(scion_scalar_float(".nan", &value), SCION_SCALAR_OK);
        assert_true(isnan(value));
        assert_int_equal(scion_scalar_float("1e400", &value), SCION_SCALAR_OUTSIDE);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                if (scion_scalar_float(others[i], &value) != SCION_SCALAR_OTHER)
                        fail_msg("'%s' counts as a number", others[i]);
}

static void words(void **state)
{
        bool truth = false;

        (void)state;
        assert_int_equal(scion_scalar_bool("true", &truth), SCION_SCALAR_OK);
        assert_true(truth);
        assert_int_equal(scion_scalar_bool("FALSE", &truth), SCION_SCALAR_OK);
        assert_false(truth);
        assert_int_equal(scion_scalar_bool("yes", &truth), SCION_SCALAR_OTHER);
        assert_int_equal(scion_scalar_bool("tRue", &truth), SCION_SCALAR_OTHER);
        assert_true(scion_scalar_null("") && scion_scalar_null("~") && scion_scalar_null("null"));
        assert_false(scion_scalar_null("none") || scion_scalar_null("nUll"));
        assert_true(scion_scalar_ambiguous("1e5") && scion_scalar_ambiguous("on") &&
                    scion_scalar_ambiguous("True") && scion_scalar_ambiguous("") &&
                    scion_scalar_ambiguous("1e999"));
        static const char *const elsewhere[] = { "yes",   "Off", "0x1F",       "0b10", "0o17",
                                                 "010",   "1_0", "12:30",      "=",    "1:2:3.5",
                                                 "-1:30", "+1",  "2001-01-01", ".5_0", "2001-1-1t1:2:3" };
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
                assert_true(scion_scalar_ambiguous(elsewhere[i]));
        assert_false(scion_scalar_ambiguous("10.0.0.1") || scion_scalar_ambiguous("3x3") ||
                     scion_scalar_ambiguous("2001-01") || scion_scalar_ambiguous("_1") ||
                     scion_scalar_ambiguous("1-2") || scion_scalar_ambiguous(".a") ||
                     scion_scalar_ambiguous("0xy") || scion_scalar_ambiguous("a:1"));
        assert_false(scion_scalar_ambiguous("idx") || scion_scalar_ambiguous("1.2.3") ||
                     scion_scalar_ambiguous("./x"));
}

static void float_texts(void **state)
{
        char text[SCION_SCALAR_BYTES];

        (void)state;
        assert_string_equal(scion_scalar_float_text(0.1f, text), "0.1");
        assert_string_equal(scion_scalar_float_text((float)0.1, text), "0.1");
        assert_string_equal(scion_scalar_float_text(0, text), "0");
        assert_string_equal(scion_scalar_float_text(100, text), "100");
        assert_string_equal(scion_scalar_float_text(64, text), "64");
        assert_string_equal(scion_scalar_float_text(-1.5f, text), "-1.5");
        assert_string_equal(scion_scalar_float_text(123456.5f, text), "123456.5");
        assert_string_equal(scion_scalar_float_text(1e-8f, text), "1e-08");
        assert_string_equal(scion_scalar_float_text(0.999f, text), "0.999");
        assert_string_equal(scion_scalar_float_text((float)INFINITY, text), ".inf");
        assert_string_equal(scion_scalar_float_text((float)NAN, text), ".nan");
        assert_string_equal(scion_scalar_double_text(0.1, text), "0.1");
        assert_string_equal(scion_scalar_double_text(-(double)INFINITY, text), "-.inf");
        assert_string_equal(scion_scalar_double_text(1.0 / 3, text), "0.3333333333333333");
}

/* Every text reads back to the same float: all exponents, and mantissas spread over their range. */
static void float_texts_read_back(void **state)
{
        (void)state;
        for (uint32_t i = 0; i < 40000; i++) {
                uint32_t bits = i * 107351u;
                char text[SCION_SCALAR_BYTES];
                double back = 0;
                float value;

                memcpy(&value, &bits, sizeof value);
                if (!isfinite(value))
                        continue;
                scion_scalar_float_text(value, text);
                assert_int_equal(scion_scalar_float(text, &back), SCION_SCALAR_OK);
                if ((float)back != value)
                        fail_msg("%a became %s", (double)value, text);
        }
}

static void other_locales(void **state)
{
        static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR" };
        bool found = false;

        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
                found = setlocale(LC_NUMERIC, names[i]) != NULL;
        if (!found)
                skip();
        floats(NULL);
        float_texts(NULL);
        float_texts_read_back(NULL);
        setlocale(LC_NUMERIC, "C");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(integers),
                cmocka_unit_test(floats),
                cmocka_unit_test(words),
                cmocka_unit_test(float_texts),
                cmocka_unit_test(float_texts_read_back),
                cmocka_unit_test(other_locales),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
