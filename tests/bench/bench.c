/* Tests of scion bench: the counted operations, and the output. Times are not compared. */
#include "support/command.h"

#include <jansson.h>
#include <math.h>

#include "backend/backend.h"

static const char file[] =
        "name: small\n"
        "matrix: { strategy: [scratch, linear-probe] }\n"
        "source:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 40, test_size: 0 }\n"
        "  model: { use: mlp, hidden: [8, 6] }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 1 }\n"
        "target:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 40, test_size: 50 }\n"
        "  optimizer: { use: sgd, lr: 0.01 }\n"
        "  train: { epochs: 2, batch_size: 16 }\n";

static int write_files(void **state)
{
        if (enter_folder(state))
                return -1;
        write_text("small.yaml", file);
        return 0;
}

static json_t *bench(const char *arguments)
{
        json_error_t error;
        json_t *found = json_loads(
                run_scion_expecting(0, "bench small.yaml --format json -n 7 -b 20 %s", arguments)->output, 0,
                &error);

        if (!found)
                fail_msg("line %d: %s", error.line, error.text);
        return found;
}

static double number(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_number(value))
                fail_msg("no number \"%s\"", key);
        return json_number_value(value);
}

/* Multiplications and additions of the products that layers of 4-8, 8-6 and 6-2 are, for so many examples. */
static double products(int examples, int first, int second, int third)
{
        return 2e-9 * examples * (4 * 8 * first + 8 * 6 * second + 6 * 2 * third);
}

static void counts(void **state)
{
        json_t *found = bench("");

        (void)state;
        assert_string_equal(json_string_value(json_object_get(found, "strategy")), "scratch");
        assert_string_equal(json_string_value(json_object_get(found, "model")), "mlp");
        assert_string_equal(json_string_value(json_object_get(found, "stage")), "target");
        assert_float_equal(number(found, "threads"), 1, 0);
        assert_float_equal(number(found, "steps"), 7, 0);
        assert_float_equal(number(found, "batch_size"), 16, 0);
        assert_float_equal(number(found, "evaluation_batch_size"), 20, 0);
        /* The forward pass, the gradients of the weights, and those of the inputs of all layers but the first. */
        assert_float_equal(number(found, "gflop"), products(16, 2, 3, 3), 1e-9);
        assert_float_equal(number(found, "evaluation_gflop"), products(20, 1, 1, 1), 1e-9);
        assert_true(number(found, "ms_p10") > 0);
        assert_true(number(found, "ms_p10") <= number(found, "ms"));
        assert_true(number(found, "ms") <= number(found, "ms_p90"));
        assert_true(number(found, "peak_gflops") > 0);
        assert_float_equal(number(found, "tape_allocations"), 0, 0);
        assert_float_equal(number(found, "allocated_bytes"), 0, 0);
        json_decref(found);
}

/* The outputs of frozen layers are computed once, unless --recompute is given. */
static void reuse(void **state)
{
        json_t *found = bench("--set 'matrix.strategy=[linear-probe]'");

        (void)state;
        assert_float_equal(number(found, "gflop"), products(16, 0, 0, 2), 1e-9);
        json_decref(found);
        found = bench("--set 'matrix.strategy=[linear-probe]' --recompute");
        assert_float_equal(number(found, "gflop"), products(16, 1, 1, 2), 1e-9);
        json_decref(found);
}

/* When layers are unfrozen in training, steps differ; the count is that of one step, not a mean. */
static void thawing(void **state)
{
        json_t *found =
                bench("--set 'matrix.strategy=[gradual-unfreeze]' --set target.dataset.train_size=320");
        double counted = number(found, "gflop"), head = products(16, 0, 0, 2), above = products(16, 0, 2, 3);

        (void)state;
        assert_true(fabs(counted - head) < 1e-9 || fabs(counted - above) < 1e-9);
        json_decref(found);
}

static void rounded(void **state)
{
        json_t *found;

        (void)state;
        if (!scion_backend_cpu()->has_bf16(NULL))
                skip();
        found = bench("--set precision=bf16");
        assert_string_equal(json_string_value(json_object_get(found, "precision")), "bf16");
        assert_float_equal(number(found, "gflop"), products(16, 2, 3, 3), 1e-9);
        assert_true(number(found, "peak_gflops") > 0);
        json_decref(found);
}

static void other_data(void **state)
{
        json_t *found = bench("--random");

        (void)state;
        assert_float_equal(number(found, "gflop"), products(16, 2, 3, 3), 1e-9);
        json_decref(found);
        found = bench(
                "--random=4:2 --threads 2 --set target.dataset.use=idx --set target.dataset.root=nowhere");
        assert_float_equal(number(found, "threads"), 2, 0);
        assert_float_equal(number(found, "gflop"), products(16, 2, 3, 3), 1e-9);
        json_decref(found);
        assert_output_has(run_scion_expecting(2,
                                              "bench small.yaml --random --set target.dataset.use=idx --set "
                                              "target.dataset.root=nowhere"),
                          "nowhere", "--random=3x32x32:10", NULL);
        for (const char *const *bad =
                     (const char *const[]){ "4", "4:", ":4", "4x:2", "x4:2", "4:2x", "0:2", "1x1x1x1x1x1:2",
                                            "4:2:2", "65536x65536x65536x65536:2", NULL };
             *bad; bad++)
                assert_output_has(run_scion_expecting(2, "bench small.yaml --random=%s", *bad),
                                  "is no shape of data", *bad, NULL);
}

static bool waits_briefly(const char *arguments)
{
        return strstr(run_scion_expecting(0, "%s", arguments)->output, "GOMP_SPINCOUNT = '10000'");
}

/* Waiting threads give up the processor, unless the environment asks them not to. */
static void waiting(void **state)
{
        (void)state;
        setenv("OMP_DISPLAY_ENV", "verbose", 1);
        assert_false(waits_briefly("bench small.yaml -n 1"));
        assert_true(waits_briefly("bench small.yaml -n 1 --threads 2"));
        assert_true(waits_briefly("run small.yaml --quiet --out waiting --set threads=2"));
        setenv("OMP_WAIT_POLICY", "active", 1);
        assert_false(waits_briefly("bench small.yaml -n 1 --threads 2"));
        unsetenv("OMP_WAIT_POLICY");
        unsetenv("OMP_DISPLAY_ENV");
}

static void for_people(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "bench small.yaml -n 3"), "strategy scratch, model mlp",
                          "ms/step", "\ntraining  ", "\nevaluation  ", "\nof a training step: batch ",
                          "GFLOP/s, in products of large matrices", "0 bytes a step from the system", NULL);
        assert_output_has(
                run_scion_expecting(0, "bench small.yaml -n 3 --format csv"),
                "file,run,strategy,model,stage,precision,threads,batch_size,steps,ms,ms_p10,ms_p90,cpu_ms,",
                "\nsmall.yaml,scratch-", ",scratch,mlp,target,fp32,1,16,3,", NULL);
}

/* The calls and the operations of one line of a profile; the calls are 0 when there is no such line. */
static void find_line(json_t *found, const char *operation, const char *pass, const char *shapes,
                      double *calls, double *gflop)
{
        json_t *list = json_object_get(found, "profile"), *line;
        size_t i;

        *calls = *gflop = 0;
        json_array_foreach(list, i, line)
        {
                if (strcmp(json_string_value(json_object_get(line, "operation")), operation) == 0 &&
                    strcmp(json_string_value(json_object_get(line, "pass")), pass) == 0 &&
                    strcmp(json_string_value(json_object_get(line, "shapes")), shapes) == 0) {
                        *calls = number(line, "calls");
                        *gflop = number(line, "gflop");
                }
        }
}

static void profile(void **state)
{
        /* An epoch has two batches of 16 and one of 8. */
        json_t *found = bench("--profile --set target.train.drop_last=true");
        double calls, gflop;

        (void)state;
        find_line(found, "linear", "forward", "", &calls, &gflop);
        assert_float_equal(calls, 3, 0);
        assert_float_equal(gflop, products(16, 1, 1, 1), 1e-9);
        find_line(found, "linear", "backward", "", &calls, &gflop);
        assert_float_equal(calls, 3, 0);
        assert_float_equal(gflop, products(16, 1, 2, 2), 1e-9);
        find_line(found, "batch", "", "", &calls, &gflop);
        assert_float_equal(calls, 1, 0);
        find_line(found, "update", "", "", &calls, &gflop);
        assert_float_equal(calls, 1, 0);
        json_decref(found);
        found = bench("--profile=shapes --set target.train.drop_last=true");
        find_line(found, "linear", "forward", "16x8 6x8 6 -> 16x6", &calls, &gflop);
        assert_float_equal(calls, 1, 0);
        assert_float_equal(gflop, products(16, 0, 1, 0), 1e-9);
        json_decref(found);
        assert_output_has(run_scion_expecting(0, "bench small.yaml -n 2 --profile"),
                          "\noperation             pass      calls/step  ms/step  ",
                          "\nlinear                backward  ", "\n(between operations)", NULL);
        assert_output_has(run_scion_expecting(0, "bench small.yaml -n 2 --profile --format csv"),
                          "operation,pass,calls,ms,percent,gflops,shapes\n", "\nlinear,backward,3,", NULL);
        assert_output_has(run_scion_expecting(2, "bench small.yaml --profile=shape"),
                          "no profile 'shape' (did you mean 'shapes'?)", NULL);
}

static void turns(void **state)
{
        int lines = 0;

        (void)state;
        for (const char *const *phase = (const char *const[]){ "training", "evaluation", NULL }; *phase;
             phase++) {
                const char *output =
                        run_scion_expecting(0, "bench small.yaml -n 2 --turns %s <<'END'\n\n\nEND", *phase)
                                ->output;

                assert_memory_equal(output, "seconds,cpu_seconds\n", 20);
                for (lines = 0; (output = strchr(output, '\n')); output++)
                        lines++;
                assert_int_equal(lines, 3);
        }
}

static void what_is_wrong(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "bench"), "no file", "scion bench --help", NULL);
        assert_output_has(run_scion_expecting(2, "bench a b"), "'b' is one file too many", NULL);
        assert_output_has(run_scion_expecting(2, "bench nowhere.yaml"), "nowhere.yaml", NULL);
        assert_output_has(run_scion_expecting(2, "bench small.yaml -n 0"), "--steps takes a number from 1",
                          "not '0'", NULL);
        assert_output_has(run_scion_expecting(2, "bench small.yaml --format jsn"),
                          "no format 'jsn' (did you mean 'json'?)", NULL);
        assert_output_has(run_scion_expecting(2, "bench small.yaml --turns both"), "no phase 'both'", NULL);
        assert_output_has(run_scion_expecting(2, "bench small.yaml --run scratch"),
                          "small.yaml: no run 'scratch'", NULL);
        assert_output_has(run_scion_expecting(2, "bench small.yaml --set 'matrix.strategy=[scrath]'"),
                          "'scrath' (did you mean 'scratch'?)", NULL);
        assert_output_has(run_scion_expecting(1, "bench small.yaml --set target.train.epochs=0"),
                          "there is nothing to train", NULL);
        run_scion_expecting(1, "bench small.yaml -n 1 >/dev/full");
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(counts),     cmocka_unit_test(reuse),
                                            cmocka_unit_test(thawing),    cmocka_unit_test(rounded),
                                            cmocka_unit_test(other_data), cmocka_unit_test(waiting),
                                            cmocka_unit_test(for_people), cmocka_unit_test(profile),
                                            cmocka_unit_test(turns),      cmocka_unit_test(what_is_wrong) };

        return cmocka_run_group_tests(tests, write_files, leave_folder);
}
