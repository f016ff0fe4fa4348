#include "support/folder.h"

#include <math.h>

#include "compare/groups.h"
#include "compare/results.h"

#define HEAD "run,status,strategy,seed,target.dataset.per_class,test_accuracy,seconds,error\n"
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void write_results(const char *folder, const char *text)
{
        char path[256];

        mkdir(folder, 0777);
        snprintf(path, sizeof path, "%s/results.csv", folder);
        write_text(path, text);
}

static void results_read_all(struct scion_results *results, const char *a, const char *b)
{
        const char *const paths[] = { a, b };

        if (!scion_results_read(paths, b ? 2 : 1, results))
                fail_msg("%s", scion_error());
}

static void assert_value(const struct scion_results *results, size_t run, const char *column,
                         const char *expected)
{
        for (size_t i = 0; i < results->columns; i++)
                if (strcmp(results->column[i].name, column) == 0) {
                        assert_string_equal(scion_results_value(results, run, i), expected);
                        return;
                }
        fail_msg("no column %s", column);
}

static void one_file(void **state)
{
        struct scion_results results = { 0 };

        (void)state;
        write_results("one", HEAD "a-1,done,a,1,10,0.5,1.5,\n"
                                  "a-2,failed,a,2,10,,0.1,\"killed, by \"\"signal\"\" 9\n(at once)\"\n"
                                  "\xc3\xa4-1,done,\xc3\xa4,1,10,0.75,2,\n");
        results_read_all(&results, "one/results.csv", NULL);
        assert_int_equal(results.runs, 3);
        assert_int_equal(results.task, SCION_NO_COLUMN);
        assert_string_equal(results.file[0].folder, "one");
        assert_string_equal(results.file[0].task, "one");
        assert_true(results.run[0].done);
        assert_false(results.run[1].done);
        assert_value(&results, 1, "error", "killed, by \"signal\" 9\n(at once)");
        assert_value(&results, 2, "strategy", "\xc3\xa4");

        size_t accuracy = scion_results_find(&results, "test_accuracy", SCION_COLUMN_MEASURE, "--metric");

        assert_true(scion_results_number(&results, 2, accuracy) == 0.75);
        assert_true(isnan(scion_results_number(&results, 1, accuracy)));
        size_t labels = scion_results_find(&results, "per_class", SCION_COLUMN_AXIS, "--by");

        assert_string_equal(results.column[labels].name, "target.dataset.per_class");
        assert_int_equal(scion_results_find(&results, "dataset.per_class", SCION_COLUMN_AXIS, ""), labels);
        assert_string_equal(scion_results_heading(&results, labels), "per_class");
        scion_results_finish(&results);

        results_read_all(&results, "one", NULL); /* a folder stands for its results.csv */
        assert_int_equal(results.runs, 3);
        scion_results_finish(&results);
        assert_int_equal(chdir("one"), 0); /* the task is not part of this path */
        results_read_all(&results, "results.csv", NULL);
        assert_string_equal(results.file[0].task, "one");
        assert_string_equal(results.file[0].folder, ".");
        assert_int_equal(chdir(".."), 0);
        scion_results_finish(&results);
}

static void files_of_other_axes(void **state)
{
        struct scion_results results = { 0 };

        (void)state;
        write_results("one", HEAD "a-1,done,a,1,10,0.5,1.5,\n");
        write_results("two",
                      "run,status,strategy,seed,target.model,source.model,test_loss,test_accuracy,best_"
                      "epoch\n"
                      "a-1,done,a,1,mlp,cnn,2,0.25,3\n");
        results_read_all(&results, "one/results.csv", "two/results.csv");
        static const char *const order[] = { "strategy",     "task",         "target.dataset.per_class",
                                             "target.model", "source.model", "seed" };

        for (size_t i = 0; i < COUNT(order); i++) {
                assert_string_equal(results.column[i].name, order[i]);
                assert_int_equal(results.column[i].kind, SCION_COLUMN_AXIS);
        }
        assert_int_equal(results.column[6].kind, SCION_COLUMN_MEASURE);
        assert_int_equal(results.runs, 2); /* same id, different tasks */
        assert_value(&results, 0, "task", "one");
        assert_value(&results, 1, "task", "two");
        assert_value(&results, 0, "target.model", "");
        assert_value(&results, 1, "target.model", "mlp");
        assert_value(&results, 1, "test_accuracy", "0.25");
        assert_string_equal(scion_results_heading(&results, 3), "target.model");
        assert_int_equal(scion_results_find(&results, "model", SCION_COLUMN_AXIS, "--by"), SCION_NO_COLUMN);
        assert_error_has("--by", "target.model", "source.model", NULL);
        assert_int_equal(scion_results_find(&results, "per_clas", SCION_COLUMN_AXIS, "--by"),
                         SCION_NO_COLUMN);
        assert_error_has("did you mean 'per_class'", NULL);
        assert_int_equal(scion_results_find(&results, "test_acuracy", SCION_COLUMN_MEASURE, "--metric"),
                         SCION_NO_COLUMN);
        assert_error_has("--metric", "did you mean 'test_accuracy'", "best_epoch", NULL);
        scion_results_finish(&results);
}

static void runs_given_twice(void **state)
{
        struct scion_results results = { 0 };
        const char *const paths[] = { "x/one/results.csv", "y/one/results.csv" };

        (void)state;
        mkdir("x", 0777);
        mkdir("y", 0777);
        write_results("x/one", HEAD "a-1,done,a,1,10,0.5,1.5,\na-2,failed,a,2,10,,1.5,oh\n");
        write_results("y/one", HEAD "a-1,done,a,1,10,0.5,1.7,\na-2,done,a,2,10,0.25,1.5,\n"
                                    "a-3,done,a,3,10,0.125,1.7,\n");
        results_read_all(&results, paths[0], paths[1]);
        assert_int_equal(results.runs, 3);
        assert_value(&results, 0, "seconds", "1.5");
        assert_true(results.run[1].done);
        assert_value(&results, 1, "test_accuracy", "0.25");
        assert_int_equal(results.notes.count, 2);
        assert_non_null(strstr(results.notes.text[0], "run a-2 failed in x/one/results.csv"));
        assert_non_null(strstr(results.notes.text[1], "y/one/results.csv: 1 of its 3 runs was given before"));
        scion_results_finish(&results);

        write_results("y/one", HEAD "a-3,done,a,3,10,0.5,1.7,\na-1,done,a,1,10,0.625,1.5,\n");
        assert_false(scion_results_read(paths, 2, &results));
        assert_error_has("run a-1", "x/one/results.csv (row 1)", "y/one/results.csv (row 2)", "0.5", "0.625",
                         NULL);
}

static void incomplete_last_row(void **state)
{
        struct scion_results results = { 0 };

        (void)state;
        write_results("one", HEAD "a-1,done,a,1,10,0.5,1.5,\na-2,done,a,2,10,0.2");
        results_read_all(&results, "one", NULL);
        assert_int_equal(results.runs, 1);
        assert_int_equal(results.notes.count, 1);
        assert_non_null(strstr(results.notes.text[0], "one/results.csv: its last row is incomplete"));
        scion_results_finish(&results);
}

static void what_is_no_file_of_results(void **state)
{
        static const struct {
                const char *text, *says;
        } bad[] = {
                { "", "is empty" },
                { "\n\n", "is empty" },
                { HEAD, "no run yet" },
                { "a,b\n1,2\n", "no column 'run'" },
                { "run,status,strategy,sed\nx,done,a,1\n", "no column 'seed' (but 'sed')" },
                { "stage,epoch,step\ntarget,1,2\n", "metrics.csv" },
                { "run,status,strategy,seed,seed\n", "two columns have the name 'seed'" },
                { HEAD "a,done\na,done,a,1,10,0.5,1.5,\n", ":2: 2 fields in a row" },
                { HEAD "a,done,a,1,10,0.5,1.5,\"x\na,done,a,1,10,0.5,1.5,\n", "no run yet" },
                { "\x7f"
                  "ELF\x02\x01",
                  "no column 'run'" },
        };
        struct scion_results results = { 0 };
        const char *const path[] = { "bad/results.csv" };

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++) {
                write_results("bad", bad[i].text);
                assert_false(scion_results_read(path, 1, &results));
                assert_error_has("bad/results.csv", bad[i].says, NULL);
        }
        write_bytes("bad/results.csv", "run\0\x01,x\n", 8);
        assert_false(scion_results_read(path, 1, &results));
        assert_error_has("bad/results.csv:1: a zero byte", NULL);
        assert_false(scion_results_read((const char *const[]){ "nowhere.csv" }, 1, &results));
        assert_error_has("nowhere.csv", NULL);
}

static void groups_by_columns(void **state)
{
        struct scion_results results = { 0 };
        struct scion_groups groups = { 0 };

        (void)state;
        write_results("one", HEAD "1,done,a,1,10,0.5,1,\n2,done,b,1,10,0.5,1,\n3,failed,a,1,20,,1,\n"
                                  "4,done,a,2,10,0.5,1,\n5,done,b,2,20,0.5,1,\n");
        results_read_all(&results, "one", NULL);
        const size_t by[] = { results.strategy, 1 };

        assert_true(scion_groups_make(&results, by, 2, &groups));
        assert_int_equal(groups.count, 4);
        static const size_t of[] = { 0, 1, 2, 0, 3 };

        assert_memory_equal(groups.group_of, of, sizeof of);
        assert_string_equal(scion_groups_value(&groups, &results, 3, 0), "b");
        assert_string_equal(scion_groups_value(&groups, &results, 3, 1), "20");
        scion_groups_finish(&groups);
        assert_true(scion_groups_make(&results, NULL, 0, &groups));
        assert_int_equal(groups.count, 1);
        scion_groups_finish(&groups);
        scion_results_finish(&results);
}

/* More groups than the initial size of the hash table. */
static void thousands_of_groups(void **state)
{
        struct scion_results results = { 0 };
        struct scion_groups groups = { 0 };
        FILE *file = fopen("many.csv", "w");

        (void)state;
        assert_non_null(file);
        fputs("run,status,strategy,seed,test_loss\n", file);
        for (int i = 0; i < 5000; i++)
                fprintf(file, "%d,done,s%d,%d,1\n", i, i % 1250, i / 1250);
        assert_int_equal(fclose(file), 0);
        results_read_all(&results, "many.csv", NULL);
        assert_string_equal(results.file[0].task, "many");
        assert_int_equal(results.runs, 5000);
        assert_true(scion_groups_make(&results, &results.strategy, 1, &groups));
        assert_int_equal(groups.count, 1250);
        for (size_t i = 0; i < 5000; i++)
                assert_int_equal(groups.group_of[i], i % 1250);
        scion_groups_finish(&groups);
        scion_results_finish(&results);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_file),
                cmocka_unit_test(files_of_other_axes),
                cmocka_unit_test(runs_given_twice),
                cmocka_unit_test(incomplete_last_row),
                cmocka_unit_test(what_is_no_file_of_results),
                cmocka_unit_test(groups_by_columns),
                cmocka_unit_test(thousands_of_groups),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
