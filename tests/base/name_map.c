#include "support/test.h"

#include "base/name_map.h"

static void names_are_found(void **state)
{
        static char names[5000][12];
        struct scion_name_map index = { 0 };

        (void)state;
        assert_true(scion_name_map_find(&index, "none") == SCION_NAME_NONE);
        for (size_t i = 0; i < 5000; i++) {
                snprintf(names[i], sizeof names[i], "run-%zu", i);
                assert_true(scion_name_map_add(&index, names[i], 2 * i));
        }
        assert_int_equal(index.count, 5000);
        for (size_t i = 0; i < 5000; i++) {
                char again[12];

                snprintf(again, sizeof again, "run-%zu", i);
                assert_int_equal(scion_name_map_find(&index, again), 2 * i);
        }
        assert_true(scion_name_map_find(&index, "run-5000") == SCION_NAME_NONE);
        assert_true(scion_name_map_find(&index, "") == SCION_NAME_NONE);
        scion_name_map_finish(&index);
        assert_true(scion_name_map_find(&index, "run-1") == SCION_NAME_NONE);
        scion_name_map_finish(&index);
}

static void the_first_of_a_name_stays(void **state)
{
        struct scion_name_map index = { 0 };

        (void)state;
        assert_true(scion_name_map_add(&index, "a", 1));
        assert_true(scion_name_map_add(&index, "", 2));
        assert_true(scion_name_map_add(&index, "a", 3));
        assert_int_equal(index.count, 2);
        assert_int_equal(scion_name_map_find(&index, "a"), 1);
        assert_int_equal(scion_name_map_find(&index, ""), 2);
        scion_name_map_finish(&index);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_found),
                cmocka_unit_test(the_first_of_a_name_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
