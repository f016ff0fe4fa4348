/* The engine's keys of sections: core/config repeats them, and the code that reads them has the same ones. */
#include "support/test.h"

#include "config/config.h"
#include "data/data.h"
#include "experiment/schedule.h"
#include "plugin/params.h"

static void datasets(void **state)
{
        const char *const *keys = scion_config_engine_keys("target", "dataset");
        size_t i = 0;

        (void)state;
        for (; scion_data_keys[i] && keys[i]; i++)
                assert_string_equal(keys[i], scion_data_keys[i]);
        assert_null(scion_data_keys[i]);
        assert_null(keys[i]);
}

/* Returns whether every kind of schedule has the parameter. */
static bool schedules_share(const char *name)
{
        for (const struct scion_schedule_kind *kind = scion_schedule_kinds; kind->name; kind++)
                if (!scion_params_find(kind->params, name))
                        return false;
        return true;
}

static void schedules(void **state)
{
        const char *const *keys = scion_config_engine_keys("source", "schedule");
        size_t shared = 0, count = 0;

        (void)state;
        for (const struct scion_param *p = scion_schedule_kinds[0].params; p->type != SCION_PARAM_END; p++)
                shared += schedules_share(p->name);
        for (; keys[count]; count++)
                assert_true(schedules_share(keys[count]));
        assert_int_equal(count, shared);
}

static void others(void **state)
{
        (void)state;
        assert_string_equal(scion_config_engine_keys("target", "optimizer")[0], "lr");
        assert_null(scion_config_engine_keys("target", "model")[0]);
        assert_null(scion_config_engine_keys("limits", "dataset")[0]);
        assert_null(scion_config_engine_keys("", "")[0]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(datasets),
                cmocka_unit_test(schedules),
                cmocka_unit_test(others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
