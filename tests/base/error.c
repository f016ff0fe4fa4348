#include "support/test.h"

static void message_is_kept(void **state)
{
        (void)state;
        scion_error_clear();
        assert_string_equal(scion_error(), "");
        assert_false(scion_fail("alpha must be positive, got %g", -1.5));
        assert_string_equal(scion_error(), "alpha must be positive, got -1.5");
}

static void prefixes_pile_up(void **state)
{
        (void)state;
        scion_fail("no such file");
        assert_false(scion_fail_prefix("line %d", 3));
        assert_false(scion_fail_prefix("%s", "a.yaml"));
        assert_string_equal(scion_error(), "a.yaml: line 3: no such file");
        assert_null(scion_fail_null("again: %s", scion_error())); /* the old message as an argument */
        assert_string_equal(scion_error(), "again: a.yaml: line 3: no such file");
        scion_error_clear();
        scion_fail_prefix("strategy 'mine'");
        assert_string_equal(scion_error(), "strategy 'mine': failed, and gave no reason");
}

static void long_messages_are_cut(void **state)
{
        char text[10000];

        (void)state;
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        scion_fail("%s", text);
        size_t length = strlen(scion_error());
        assert_in_range(length, 1000, sizeof text - 2);
        scion_fail_prefix("front");
        assert_int_equal(strncmp(scion_error(), "front: xxx", 10), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(message_is_kept),
                cmocka_unit_test(prefixes_pile_up),
                cmocka_unit_test(long_messages_are_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
