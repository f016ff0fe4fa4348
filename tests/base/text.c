#include "support/test.h"

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

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(nearest_word), cmocka_unit_test(growing_text) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
