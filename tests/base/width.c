/* The width of texts, and cutting them. */
#include "base/width.h"

#include "support/test.h"

static void widths(void **state)
{
        (void)state;
        assert_int_equal(scion_width(""), 0);
        assert_int_equal(scion_width("seed 1"), 6);
        assert_int_equal(scion_width("Grün"), 4);
        assert_int_equal(scion_width("学習"), 4);
        assert_int_equal(scion_width("e\xCC\x81"), 1);     /* a combining accent */
        assert_int_equal(scion_width("\033[2J\n"), 5);     /* control characters */
        assert_int_equal(scion_width("a\xFF\xE5\xAD"), 4); /* invalid UTF-8, and a truncated character */
}

static void assert_cut(const char *text, int columns, const char *expected)
{
        struct scion_text line = { 0 };
        int taken = scion_width_add(&line, text, columns);

        assert_string_equal(line.text ? line.text : "", expected);
        assert_int_equal(taken, scion_width(expected));
        assert_true(taken <= columns || columns < 0);
        free(line.text);
}

static void cuts(void **state)
{
        (void)state;
        assert_cut("seed", 4, "seed");
        assert_cut("seed", 9, "seed");
        assert_cut("seeds", 4, "see…");
        assert_cut("seeds", 1, "…");
        assert_cut("seeds", 0, "");
        assert_cut("seeds", -1, "");
        assert_cut("学習する", 8, "学習する");
        assert_cut("学習する", 7, "学習す…");
        assert_cut("学習する", 6, "学習…"); /* a wide character is not split */
        assert_cut("e\xCC\x81t\xC3\xA9s", 4, "e\xCC\x81t\xC3\xA9s");
        assert_cut("\033[31mred", 20, "?[31mred");
        assert_cut("a\xFF", 2, "a?");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(widths),
                cmocka_unit_test(cuts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
