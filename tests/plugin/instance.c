#include "support/test.h"

#include "plugin/plugin.h"

static struct scion_instance *instance_make(const char *yaml, const char *const *others)
{
        struct scion_config *map = scion_config_parse(yaml, "run.yaml");
        struct scion_instance *instance;

        assert_non_null(map);
        unsetenv("PROBE_VALIDATED");
        unsetenv("PROBE_FINISHED");
        scion_error_clear();
        instance = scion_instance_create(SCION_LOSS, map, others);
        scion_config_destroy(map); /* the instance must not refer to it */
        return instance;
}

static int variable_count(const char *variable)
{
        return getenv(variable) ? atoi(getenv(variable)) : 0;
}

/* The first fields of the state of the plugin in good/losses/probe.c. */
struct probe {
        int64_t verdict;
        const char *text;
        struct scion_ints list;
};

static void parameters_are_filled_in(void **state)
{
        struct scion_instance *instance = instance_make("{ use: probe, text: hello, list: [7, 8, 9] }", NULL);
        const struct probe *probe;

        (void)state;
        assert_non_null(instance);
        probe = instance->self;
        assert_string_equal(instance->plugin->name, "probe");
        assert_string_equal(probe->text, "hello");
        assert_int_equal(probe->list.count, 3);
        assert_int_equal(probe->list.value[2], 9);
        assert_int_equal(variable_count("PROBE_VALIDATED"), 1);
        assert_int_equal(variable_count("PROBE_FINISHED"), 0);
        scion_instance_destroy(instance);
        assert_int_equal(variable_count("PROBE_FINISHED"), 1);
        scion_instance_destroy(NULL);
}

static void defaults_and_other_keys(void **state)
{
        static const char *const others[] = { "classes", NULL };
        struct scion_instance *instance = instance_make("{ use: probe, classes: 5 }", others);
        const struct probe *probe;

        (void)state;
        assert_non_null(instance);
        probe = instance->self;
        assert_string_equal(probe->text, "none");
        assert_int_equal(probe->list.count, 2);
        scion_instance_destroy(instance);
        assert_null(instance_make("{ use: probe, classes: 5 }", NULL));
        assert_error_has("run.yaml:1:", "loss 'probe'", "classes", NULL);
}

static void a_plugin_without_state(void **state)
{
        struct scion_instance *instance = instance_make("{ use: stateless }", NULL);

        (void)state;
        assert_non_null(instance);
        assert_non_null(instance->self);
        scion_instance_destroy(instance);
        assert_null(instance_make("{ use: stateless, alpha: 1 }", NULL));
        assert_error_has("run.yaml:1:", "loss 'stateless'", "alpha", NULL);
}

static void validation_fails_with_the_position(void **state)
{
        (void)state;
        assert_null(instance_make("{ use: probe, verdict: 1, text: hi }", NULL));
        assert_error_has("run.yaml:1:", "loss 'probe'", "the text is 'hi' and there are 2 numbers", NULL);
        assert_int_equal(variable_count("PROBE_FINISHED"), 1); /* finish() was called */
        assert_null(instance_make("{ use: probe, verdict: 2 }", NULL));
        assert_error_has("run.yaml:1:", "loss 'probe'", "no reason", NULL);
        assert_null(instance_make("{ use: probe, verdict: 3 }", NULL));
        assert_error_has("run.yaml:1:", "verdict", "3", NULL);
        assert_int_equal(variable_count("PROBE_VALIDATED"), 0);
        assert_int_equal(variable_count("PROBE_FINISHED"), 0); /* no callback has run */
}

static void use_names_a_plugin(void **state)
{
        (void)state;
        assert_null(instance_make("text: hi\n", NULL));
        assert_error_has("run.yaml:1:", "no 'use'", "scion plugins loss", NULL);
        assert_null(instance_make("use: [probe]\n", NULL));
        assert_error_has("run.yaml:1:6:", "must be the name of a loss", NULL);
        assert_null(instance_make("use:\n", NULL));
        assert_error_has("run.yaml:1:", "must be the name of a loss", NULL);
        assert_null(instance_make("text: hi\nuse: prob\n", NULL));
        assert_error_has("run.yaml:2:6:", "no loss 'prob' (did you mean 'probe'?)", "looked in", NULL);
        assert_null(instance_make("use: ../losses/probe\n", NULL));
        assert_error_has("run.yaml:1:6:", "has only letters, digits", NULL);
        assert_null(scion_instance_create(SCION_LOSS, NULL, NULL));
        assert_error_has("no loss is given", NULL);
}

static void a_map_is_needed(void **state)
{
        struct scion_config *map = scion_config_parse("loss: probe\n", "run.yaml");

        (void)state;
        assert_non_null(map);
        assert_null(scion_instance_create(SCION_LOSS, scion_config_get(map, "loss"), NULL));
        assert_error_has("run.yaml:1:7:", "{ use: NAME }", NULL);
        scion_config_destroy(map);
}

static int add_path(void **state)
{
        (void)state;
        return scion_plugins_add_path(BUILD_DIR "/tests/plugin/good") ? 0 : -1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parameters_are_filled_in),
                cmocka_unit_test(defaults_and_other_keys),
                cmocka_unit_test(a_plugin_without_state),
                cmocka_unit_test(validation_fails_with_the_position),
                cmocka_unit_test(use_names_a_plugin),
                cmocka_unit_test(a_map_is_needed),
        };

        return cmocka_run_group_tests(tests, add_path, NULL);
}
