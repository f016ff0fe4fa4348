/* The key `device`: which back end computes, what is refused, and that the results do not depend on it. */
#include "support/command.h"

#define MIRROR "-P " BUILD_DIR "/tests/backend "

static const char file[] = "name: device\n"
                           "strategy: { use: l2-sp, alpha: 0.1 }\n"
                           "source: &it\n"
                           "  dataset: { use: random, shape: [1, 12, 12], num_classes: 3, train_size: 48, "
                           "test_size: 12, valid: 0.25 }\n"
                           "  model: { use: lenet5 }\n"
                           "  optimizer: { use: adam, lr: 0.01 }\n"
                           "  train: { epochs: 2, batch_size: 16 }\n"
                           "target: *it\n";

static int begin(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("device.yaml", file);
        return 0;
}

/* Runs the file into the folder `out` and drops the columns of seconds from its metrics. */
static void run_into(const char *out, const char *environment, const char *options)
{
        char command[1024];

        snprintf(command, sizeof command,
                 "%s %s/scion run " MIRROR "device.yaml --cache '' --quiet --out %s %s >log 2>&1 && "
                 "cut -d, -f1-3,5- %s/device/*/metrics.csv >%s.csv && cp %s/device/*/model.safetensors "
                 "%s.model && "
                 "cp %s/device/*/config.yaml %s.yaml",
                 environment, BUILD_DIR, out, options, out, out, out, out, out, out);
        if (system(command) != 0)
                fail_msg("%s: %s", out, read_text("log"));
}

static void results_are_those_of_the_processor(void **state)
{
        (void)state;
        run_into("cpu", "", "");
        run_into("mirror", "", "--set device=mirror");
        assert_int_equal(system("cmp cpu.csv mirror.csv && cmp cpu.model mirror.model"), 0);
        assert_int_equal(system("grep -q '^device: cpu$' cpu.yaml && grep -q '^device: mirror$' mirror.yaml"),
                         0);
}

static void environment_gives_the_default(void **state)
{
        (void)state;
        run_into("environment", "SCION_DEVICE=mirror", "");
        assert_int_equal(system("grep -q '^device: mirror$' environment.yaml"), 0);
        run_into("file", "SCION_DEVICE=mirror", "--set device=cpu");
        assert_int_equal(system("grep -q '^device: cpu$' file.yaml"), 0);
}

/* The id of a run tells devices apart, but is on the processor what it was before there were others. */
static void ids_tell_devices_apart(void **state)
{
        (void)state;
        run_scion_expecting(0, "run " MIRROR "device.yaml --cache '' --quiet --out ids");
        assert_output_has(run_scion_expecting(0, "run device.yaml --out ids --set device=cpu"), "1 of 1",
                          NULL);
        run_scion_expecting(0, "run " MIRROR "device.yaml --cache '' --quiet --out ids --set device=mirror");
        assert_int_equal(system("test $(ls -d ids/device/*/ | wc -l) = 2"), 0);
}

static void wrong_devices_are_refused(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "run device.yaml --set device=cuda"),
                          "--set device=cuda: no backend 'cuda'", NULL);
        assert_output_has(run_scion_expecting(2, "run " MIRROR "device.yaml --set device=miror"),
                          "no backend 'miror'", "did you mean 'mirror'?", NULL);
        assert_output_has(run_scion_expecting(2, "check device.yaml --set device=lenet5"), "lenet5", "model",
                          NULL);
        setenv("SCION_DEVICE", "nothing", 1);
        assert_output_has(run_scion_expecting(2, "run device.yaml"), "no backend 'nothing'", NULL);
        unsetenv("SCION_DEVICE");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(results_are_those_of_the_processor),
                cmocka_unit_test(environment_gives_the_default),
                cmocka_unit_test(ids_tell_devices_apart),
                cmocka_unit_test(wrong_devices_are_refused),
        };

        return cmocka_run_group_tests(tests, begin, leave_folder);
}
