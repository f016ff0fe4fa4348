/* Simulates a processor without bfloat16 arithmetic, as reported by the kernels' library. */
#include <stdlib.h>

#include "experiment/experiment.h"
#include "support/test.h"

static void is_refused(void **state)
{
        struct scion_config *config = scion_config_parse("name: x\nprecision: bf16\n", "x.yaml");
        struct scion_experiment experiment;

        (void)state;
        assert_non_null(config);
        assert_false(scion_experiment_read(config, &experiment));
        assert_non_null(strstr(scion_error(), "x.yaml:2:12: "));
        assert_non_null(strstr(scion_error(), "this processor has no bfloat16 arithmetic"));
        scion_config_destroy(config);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(is_refused) };

        setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1); /* before the library is first queried */
        return cmocka_run_group_tests(tests, NULL, NULL);
}
