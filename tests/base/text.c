#include "support/test.h"

#include <scion/error.h>

#include "base/text.h"

static void nearest_word(void **state)
{
        static const char *const names[] = { "alpha", "beta", "momentum", "lr" };

        (void)state;
        assert_string_equal(scion_nearest("alhpa", names, 4), "alpha");
        assert_string_equal(scion_nearest("momentun", names, 4), "momentum");
        assert_string_equal(scion_nearest("bet", names, 4), "beta");
        assert_null(scion_nearest("temperature", names, 4));
        assert_null(scion_nearest("x", names, 4));
        assert_null(scion_nearest("", names, 4));
        assert_null(scion_nearest("alpha", names, 0));
}

static void growing_text(void **state)
{
        struct scion_text text = { 0 };

        (void)state;
        for (int i = 0; i < 1000; i++)
                scion_text_add(&text, "%03d,", i);
        assert_false(text.failed);
        assert_int_equal(text.length, 4000);
        assert_int_equal(strlen(text.text), 4000);
        assert_string_equal(text.text + 3996, "999,");
        free(text.text);
}

static const char *printable(const char *text, bool lines)
{
        static char copy[64];

        snprintf(copy, sizeof copy, "%s", text);
        return scion_text_make_printable(copy, lines);
}

static void printable_text(void **state)
{
        (void)state;
        assert_string_equal(printable("\x1b[2Ja\a\x7f\r", false), "?[2Ja???");
        assert_string_equal(printable("a\tb\nc", false), "a\tb?c");
        assert_string_equal(printable("a\tb\nc", true), "a\tb\nc");
        assert_string_equal(printable("\xC2\x9B"
                                      "31m\x9B"
                                      "1m",
                                      false),
                            "??31m?1m"); /* C1 */
        assert_string_equal(printable("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82", false),
                            "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82");
        assert_string_equal(printable("\xC3\xE2\x82", false), "???"); /* cut characters */
        assert_false(scion_fail("no \x1b[31m"));
        assert_string_equal(scion_error(), "no ?[31m");
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(nearest_word), cmocka_unit_test(growing_text),
                                            cmocka_unit_test(printable_text) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
