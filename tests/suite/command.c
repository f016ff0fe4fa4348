/* The command from end to end, on generated data: what is written, and that runs are reproducible. */
#include "support/runs.h"

#include <math.h>

/* Two strategies and two seeds, on data that is learned quickly. */
static const char suite[] =
        "name: small\n"
        "source:\n"
        "  dataset: { use: random, shape: [1, 28, 28], num_classes: 3, train_size: 40, valid_size: 10, "
        "test_size: 20 }\n"
        "  model: { use: lenet5 }\n"
        "  optimizer: { use: sgd, lr: 0.05, momentum: 0.9 }\n"
        "  train: { epochs: 2, batch_size: 16 }\n"
        "target:\n"
        "  dataset: { use: random, shape: [1, 28, 28], num_classes: 4, train_size: 40, test_size: 20, valid: "
        "0.25 }\n"
        "  optimizer: { use: adam, lr: 0.01 }\n"
        "  schedule: { use: cosine, warmup: 1 }\n"
        "  train: { epochs: 3, batch_size: 16 }\n"
        "matrix:\n"
        "  strategy: [scratch, { use: fine-tune, freeze: [conv1], label: 'tuned, \"frozen\"' }, "
        "linear-probe]\n"
        "  seed: [1, 2]\n";

static void file_first_line(const char *path, char *line, int bytes)
{
        FILE *file = fopen(path, "r");

        assert_non_null(file);
        assert_non_null(fgets(line, bytes, file));
        fclose(file);
        line[strcspn(line, "\r\n")] = '\0';
}

static int run_suite(void **state)
{
        if (enter_folder(state))
                return -1;
        setenv("SCION_CACHE", "", 1); /* every source is trained, with the same result each time */
        write_text("suite.yaml", suite);
        return run_scion("run suite.yaml --out a -j 1")->status;
}

static void files_of_a_suite(void **state)
{
        static const char *const files[] = { "config.yaml", "inputs.txt", "metrics.csv", "model.safetensors",
                                             "log.txt" };
        char run[1024], path[4096], line[1024];

        (void)state;
        file_first_line("a/small/results.csv", line, sizeof line);
        assert_string_equal(
                line, "run,status,strategy,seed,source_test_accuracy,test_loss,test_accuracy,best_epoch,"
                      "epochs,parameters,trainable,seconds,peak_mib,error");
        assert_int_equal(count_entries("a/small"), 7); /* six runs and the results */
        find_run("a/small", "linear-probe-seed2-", run, sizeof run);
        for (size_t i = 0; i < 5; i++) {
                snprintf(path, sizeof path, "%s/%s", run, files[i]);
                assert_int_equal(access(path, R_OK), 0);
        }
        assert_int_equal(count_entries(run), 5);
        snprintf(path, sizeof path, "%s/metrics.csv", run);
        file_first_line(path, line, sizeof line);
        assert_string_equal(
                line, "stage,epoch,step,seconds,lr,train_loss,train_accuracy,valid_loss,valid_accuracy");
}

static void results_of_a_suite(void **state)
{
        struct scion_csv_table table;

        (void)state;
        read_table("a/small/results.csv", &table);
        assert_int_equal(table.rows, 6);
        int strategy = scion_csv_column(&table, "strategy"),
            trainable = scion_csv_column(&table, "trainable"),
            source = scion_csv_column(&table, "source_test_accuracy"),
            seed = scion_csv_column(&table, "seed"), status = scion_csv_column(&table, "status"),
            parameters = scion_csv_column(&table, "parameters");

        for (size_t i = 0; i < 6; i++) { /* in the order of the plan */
                static const char *const strategies[] = { "scratch", "tuned, \"frozen\"", "linear-probe" };
                static const char *const trained[] = {
                        "61196", "61040", "340"
                }; /* 61706 parameters minus six rows of the head */

                assert_string_equal(scion_csv_field(&table, i, (size_t)status), "done");
                assert_string_equal(scion_csv_field(&table, i, (size_t)strategy), strategies[i / 2]);
                assert_string_equal(scion_csv_field(&table, i, (size_t)seed), i % 2 ? "2" : "1");
                assert_string_equal(scion_csv_field(&table, i, (size_t)parameters), trained[0]);
                assert_string_equal(scion_csv_field(&table, i, (size_t)trainable), trained[i / 2]);
                /* Training from scratch trains no source. */
                assert_true((scion_csv_field(&table, i, (size_t)source)[0] == '\0') == (i < 2));
        }
        scion_csv_table_finish(&table);
}

static void metrics_of_a_run(void **state)
{
        char run[1024], path[4096];
        struct scion_csv_table table;

        (void)state;
        find_run("a/small", "linear-probe-seed1-", run, sizeof run);
        snprintf(path, sizeof path, "%s/metrics.csv", run);
        read_table(path, &table);
        assert_int_equal(table.rows, 5); /* two epochs on the source, three on the target */
        for (size_t i = 0; i < 5; i++) {
                static const char *const steps[] = { "3", "6", "2", "4", "6" };
                char epoch[2] = { (char)('1' + (i < 2 ? i : i - 2)), '\0' };

                assert_string_equal(scion_csv_field(&table, i, 0), i < 2 ? "source" : "target");
                assert_string_equal(scion_csv_field(&table, i, 1), epoch);
                assert_string_equal(scion_csv_field(&table, i, 2), steps[i]);
                for (size_t column = 3; column < 9; column++)
                        assert_string_not_equal(scion_csv_field(&table, i, column), "");
        }
        assert_string_equal(scion_csv_field(&table, 0, 4), "0.05");
        assert_string_equal(scion_csv_field(&table, 2, 4),
                            "0.01"); /* the last step of warm-up has the full learning rate */
        scion_csv_table_finish(&table);
}

static void same_again(void **state)
{
        static const char *const runs[] = { "scratch-seed1-", "tuned-frozen-seed2-", "linear-probe-seed1-" };

        (void)state;
        run_scion_expecting(0, "run suite.yaml --out b -j 3");
        assert_same("a/small/results.csv", "b/small/results.csv");
        for (size_t i = 0; i < 3; i++) {
                char a[1024], b[1024];

                find_run("a/small", runs[i], a, sizeof a);
                find_run("b/small", runs[i], b, sizeof b);
                assert_string_equal(a + 1, b + 1); /* the same id */
                assert_same_folders(a, b);
        }
}

static void config_repeats_the_run(void **state)
{
        char run[1024], again[1024], command[4096];

        (void)state;
        find_run("a/small", "tuned-frozen-seed1-", run, sizeof run);
        run_scion_expecting(0, "run %s/config.yaml --out again", run);
        find_run("again/small", "fine-tune-seed1-", again, sizeof again);
        assert_same_folders(run, again);
        snprintf(command, sizeof command, "cmp %s/config.yaml %s/config.yaml", run, again);
        assert_int_equal(system(command), 0);
}

static void finished_runs_are_kept(void **state)
{
        (void)state;
        char *before = read_text("a/small/results.csv");

        assert_output_has(run_scion_expecting(0, "run suite.yaml --out a"), "6 of 6 runs were done before",
                          NULL);
        assert_file_is("a/small/results.csv", before); /* seconds as well */
        free(before);

        /* Other runs replace results.csv; the old rows are kept in results.old.csv. */
        run_scion_expecting(0, "run suite.yaml --out b --set target.train.epochs=1 --quiet");
        assert_same("a/small/results.csv", "b/small/results.old.csv");
}

static void model_read(const char *run_start, struct scion_safetensors *file)
{
        char run[1024], path[4096];

        find_run("a/small", run_start, run, sizeof run);
        snprintf(path, sizeof path, "%s/model.safetensors", run);
        read_model(path, file);
}

static void frozen_is_bit_identical(void **state)
{
        struct scion_safetensors probe, tuned;

        (void)state;
        model_read("linear-probe-seed1-", &probe);
        model_read("tuned-frozen-seed1-", &tuned);
        /*
         * Both strategies carry over the same source; the probe freezes all but the head, the other one only
         * conv1.
         */
        assert_true(same_tensor(&probe, &tuned, "conv1.weight"));
        assert_true(same_tensor(&probe, &tuned, "conv1.bias"));
        assert_false(same_tensor(&probe, &tuned, "conv2.weight"));
        assert_false(same_tensor(&probe, &tuned, "fc3.weight"));
        scion_safetensors_finish(&probe);
        scion_safetensors_finish(&tuned);
}

/* The epoch with the best validation score is the one that is tested and saved. */
static void best_epoch_by_validation(void **state)
{
        char run[1024], text[4096];
        struct scion_csv_table metrics, results, again;
        size_t best = 0;

        (void)state;
        find_run("a/small", "scratch-seed2-", run, sizeof run);
        snprintf(text, sizeof text, "%s/metrics.csv", run);
        read_table(text, &metrics);
        read_table("a/small/results.csv", &results);
        for (size_t i = 1; i < metrics.rows; i++) {
                double gain = number_of(&metrics, i, "valid_accuracy") -
                              number_of(&metrics, best, "valid_accuracy");

                if (gain > 0 || (gain == 0 && number_of(&metrics, i, "valid_loss") <
                                                      number_of(&metrics, best, "valid_loss")))
                        best = i;
        }
        assert_int_equal((int)number_of(&results, 1, "best_epoch"), best + 1);

        /* The saved model, loaded without training, has the same score. */
        snprintf(text, sizeof text,
                 "name: saved\nseed: 2\nsource: { model: lenet5, weights: %s/model.safetensors }\n"
                 "strategy: { use: fine-tune, head: keep }\ntarget:\n"
                 "  dataset: { use: random, shape: [1, 28, 28], num_classes: 4, train_size: 40, test_size: "
                 "20, valid: "
                 "0.25 }\n"
                 "  optimizer: sgd\n  train: { epochs: 0 }\n",
                 run);
        write_text("saved.yaml", text);
        run_scion_expecting(0, "run saved.yaml --out saved");
        read_table("saved/saved/results.csv", &again);
        assert_true(number_of(&again, 0, "test_loss") == number_of(&results, 1, "test_loss"));
        assert_true(number_of(&again, 0, "test_accuracy") == number_of(&results, 1, "test_accuracy"));
        assert_int_equal((int)number_of(&again, 0, "epochs"), 0);
        scion_csv_table_finish(&metrics);
        scion_csv_table_finish(&results);
        scion_csv_table_finish(&again);
}

/* A run's model is loaded as the source of the next run. */
static void weights_go_on(void **state)
{
        char run[1024], text[4096];

        (void)state;
        find_run("a/small", "scratch-seed1-", run, sizeof run);
        snprintf(text, sizeof text,
                 "name: next\nsource:\n  model: { use: lenet5 }\n  weights: %s/model.safetensors\n"
                 "strategy: { use: linear-probe }\ntarget:\n"
                 "  dataset: { use: random, shape: [1, 28, 28], num_classes: 2, train_size: 10, test_size: "
                 "10 }\n"
                 "  optimizer: { use: sgd }\n  train: { epochs: 1 }\n",
                 run);
        write_text("next.yaml", text);
        assert_output_has(run_scion_expecting(0, "check next.yaml"),
                          "all parameters outside the head 'fc3' loaded", NULL);
        assert_output_has(run_scion_expecting(0, "run next.yaml --out next"),
                          "all parameters outside the head 'fc3' loaded, and the head", NULL);
        run_scion_expecting(0, "run next.yaml --out next"); /* done before */
        assert_int_equal(
                system("cat next/next/*/log.txt | grep -q 'all parameters outside the head .fc3. loaded, and "
                       "the head'"),
                0);
}

/* Checks that two tensors with that name are equal up to rounding. */
static bool assert_tensors_near(const struct scion_safetensors *a, const struct scion_safetensors *b,
                                const char *name)
{
        const struct scion_safetensor *x = tensor_of(a, name), *y = tensor_of(b, name);

        assert_true(scion_shape_equal(&x->shape, &y->shape));
        for (size_t i = 0; i < size_of(x); i++)
                if (!(fabsf(x->values[i] - y->values[i]) < 1e-5f))
                        return false;
        return true;
}

/*
 * A learning-rate factor of 0 for carried-over parameters is equivalent to freezing them; the head still
 * learns. Outputs of frozen modules are computed once for all epochs, in other batches.
 */
static void learning_rate_of_the_body(void **state)
{
        struct scion_safetensors probe, still;
        char command[4096], run[1024];

        (void)state;
        run_scion_expecting(0, "run suite.yaml --out g --quiet --set "
                               "'matrix={strategy: [{use: fine-tune, lr_scale: 0}], seed: [1]}'");
        find_run("g/small", "fine-tune-seed1-", run, sizeof run);
        snprintf(command, sizeof command, "%s/model.safetensors", run);
        read_model(command, &still);
        model_read("linear-probe-seed1-", &probe);
        for (size_t i = 0; i < probe.count; i++) /* the head learns the same in both */
                assert_true(assert_tensors_near(&probe, &still, probe.tensor[i].name));
        scion_safetensors_finish(&probe);
        scion_safetensors_finish(&still);
}

/* A failing run does not affect the others. */
static void others_go_on(void **state)
{
        (void)state;
        const struct command_result *result =
                run_scion_expecting(1, "run suite.yaml --out c --set 'matrix={strategy: [scratch], "
                                       "target.optimizer: [{use: sgd, lr: 1e30}, {use: adam}]}'");

        assert_output_has(result, "1 of 2 runs failed", "the loss became", "1 failed", NULL);
        char *results = read_text("c/small/results.csv");

        assert_non_null(strstr(results, ",done,scratch,"));
        assert_non_null(strstr(results, ",failed,scratch,"));
        assert_non_null(strstr(results, "target.optimizer"));
        free(results);
}

static void dry_run_writes_nothing(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(0, "run suite.yaml --out d --dry-run"), "small, in d/small",
                          "scratch-seed1-", "linear-probe-seed2-", "6 runs: 6 waiting", NULL);
        assert_int_equal(access("d", F_OK), -1);

        /* Ids are readable and valid as names of folders. */
        assert_output_has(
                run_scion_expecting(0, "run suite.yaml -n --set 'matrix={strategy: [{use: scratch, label: "
                                       "\"größe: 3/4, l'\\''été\"}], target.train.epochs: [2], "
                                       "target.dataset.classes: [[0, 1]]}'"),
                "  größe-3-4-l-été-epochs2-classes-0-1-seed1-", NULL);
        char label[256] = "a";

        while (strlen(label) <
               200) /* characters of two bytes at odd offsets: cutting at 120 would split one */
                strcat(label, "ü");
        const char *id =
                strstr(run_scion_expecting(0,
                                           "run suite.yaml -n --set 'matrix.strategy=[{use: scratch, "
                                           "label: %s}]'",
                                           label)
                               ->output,
                       "  a");

        assert_non_null(id);
        assert_int_equal(strspn(id + 3, "ü"), 118);
        assert_int_equal(id[3 + 118], '-');
}

static void regression_has_its_own_columns(void **state)
{
        char line[1024];

        (void)state;
        write_text("values.yaml", "name: values\nstrategy: scratch\ntarget:\n"
                                  "  dataset: { use: random, shape: [5], num_classes: 0, targets: 2, "
                                  "train_size: 30, test_size: 10 }\n"
                                  "  model: { use: mlp }\n  loss: { use: mse }\n  optimizer: { use: adam }\n"
                                  "  train: { epochs: 2 }\n");
        run_scion_expecting(0, "run values.yaml --out e");
        file_first_line("e/values/results.csv", line, sizeof line);
        assert_string_equal(
                line,
                "run,status,strategy,seed,source_test_mae,source_test_mse,source_test_r2,test_loss,test_mae,"
                "test_mse,test_r2,best_epoch,epochs,parameters,trainable,seconds,peak_mib,error");

        /* Also when the first run that ends has failed. */
        run_scion_expecting(
                1,
                "run values.yaml --out g -j 1 --set 'matrix.target.optimizer=[{use: sgd, lr: 1e30}, adam]'");
        file_first_line("g/values/results.csv", line, sizeof line);
        assert_string_equal(
                line,
                "run,status,strategy,seed,target.optimizer,source_test_mae,source_test_mse,source_test_r2,"
                "test_loss,test_mae,test_mse,test_r2,best_epoch,epochs,parameters,trainable,seconds,peak_mib,"
                "error");
        assert_output_has(
                run_scion_expecting(2, "run values.yaml --out f --set target.loss.use=cross-entropy"),
                "target", "cross-entropy", NULL);
        assert_int_equal(access("f", F_OK), -1);
}

/* Fine-tuning: all parameters are carried over, and training must change those that it trains. */
static void textbook(void **state)
{
        struct scion_csv_table table;

        (void)state;
        setenv("SCION_CACHE", "cache", 1); /* compressed images are read repeatedly */
        run_scion_expecting(0, "check %s/experiments/*.yaml", SOURCE_DIR);
        setenv("SCION_CACHE", "", 1);
        run_scion_expecting(0, "run %s/experiments/textbook.yaml --out t", SOURCE_DIR);
        FILE *find = popen("ls -d t/textbook/*/metrics.csv", "r");
        char path[1024] = "";

        assert_non_null(find);
        assert_non_null(fgets(path, sizeof path, find));
        pclose(find);
        path[strcspn(path, "\n")] = '\0';
        read_table(path, &table);
        assert_int_equal(table.rows, 20);
        size_t loss = (size_t)scion_csv_column(&table, "train_loss");

        for (size_t stage = 0; stage < 20; stage += 10)
                assert_true(strtod(scion_csv_field(&table, stage + 9, loss), NULL) <
                            strtod(scion_csv_field(&table, stage, loss), NULL));
        assert_int_equal(scion_csv_column(&table, "step"), 2);
        assert_string_equal(scion_csv_field(&table, 19, 2), "10"); /* one batch per epoch */
        scion_csv_table_finish(&table);
        read_table("t/textbook/results.csv", &table);
        assert_string_not_equal(scion_csv_field(&table, 0, (size_t)scion_csv_column(&table, "test_accuracy")),
                                "");
        scion_csv_table_finish(&table);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_of_a_suite),
                cmocka_unit_test(results_of_a_suite),
                cmocka_unit_test(metrics_of_a_run),
                cmocka_unit_test(same_again),
                cmocka_unit_test(config_repeats_the_run),
                cmocka_unit_test(frozen_is_bit_identical),
                cmocka_unit_test(weights_go_on),
                cmocka_unit_test(best_epoch_by_validation),
                cmocka_unit_test(finished_runs_are_kept),
                cmocka_unit_test(others_go_on),
                cmocka_unit_test(learning_rate_of_the_body),
                cmocka_unit_test(dry_run_writes_nothing),
                cmocka_unit_test(textbook),
                cmocka_unit_test(regression_has_its_own_columns),
        };

        return cmocka_run_group_tests(tests, run_suite, leave_folder);
}
