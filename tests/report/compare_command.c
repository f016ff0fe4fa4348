/* The command `scion compare`: each format, and what is refused. */
#include "support/command.h"
#include "support/results.h"

#include <jansson.h>
#include <math.h>

#define HEAD "run,status,strategy,seed,target.dataset.per_class,test_loss,test_accuracy,seconds,error\n"

static const char good[] = HEAD "a-1,done,scratch,1,10,1.5,0.5,1.25,\n"
                                "a-2,done,scratch,2,10,1.25,0.625,1.5,\n"
                                "a-3,done,scratch,1,100,1,0.75,2,\n"
                                "a-4,done,scratch,2,100,1,0.875,2,\n"
                                "a-5,done,scratch,3,10,1.25,0.625,2,\n"
                                "a-6,done,scratch,3,100,1,0.75,2,\n"
                                "b-1,done,fine-tune,1,10,1,0.75,3,\n"
                                "b-2,done,fine-tune,2,10,0.75,0.875,3,\n"
                                "b-3,done,fine-tune,1,100,0.5,0.8125,4,\n"
                                "b-4,failed,fine-tune,2,100,,,4,\"killed, by \"\"signal\"\" 9\"\n"
                                "b-5,done,fine-tune,3,10,0.75,0.75,3,\n"
                                "b-6,done,fine-tune,3,100,0.75,0.75,4,\n";

/* Names with characters that are special in one format or another. */
static const char odd[] = HEAD "a,done,\"50% {of} $x_1 & #2|3\\^~*[`<\",1,10,1,0.5,1,\n"
                               "b,done,\"two\nlines, \"\"\x1b[31mred\"\"\",1,10,1,0.25,1,\n"
                               "c,done,\xff no UTF-8,1,10,1,0.25,1,\n";

/* A task with a single seed; and a strategy with a single seed. */
static const char thin[] = HEAD "a,done,a,1,10,1,0.5,1,\nb,done,a,2,10,1,0.25,1,\nc,done,a,1,100,1,0.25,1,\n"
                                "d,done,b,1,10,1,0.75,1,\ne,done,b,1,100,1,0.5,1,\n";

static int write_files(void **state)
{
        if (enter_folder(state))
                return -1;
        mkdir("good", 0777);
        write_text("good/results.csv", good);
        write_text("odd.csv", odd);
        write_text("thin.csv", thin);
        return 0;
}

static void a_table(void **state)
{
        (void)state;
        assert_output_has(
                run_scion_expecting(0, "compare good/results.csv --baseline scratch"),
                "test_accuracy (more is better), 2 tasks: per_class\n\n"
                "strategy   runs  failed     mean     sd   95 % interval     best   median  seconds\n"
                "scratch       6       0  68.75 %  13.11  [53.22, 84.28]  87.50 %  68.75 %     1.79\n"
                "fine-tune     5       1  78.65 %   5.59  [62.53, 94.76]  87.50 %  75.00 %     3.40\n\n"
                "These means are over unequal sets of runs, so that pairs of runs and ranks may say "
                "otherwise: "
                "fine-tune lacks 1 of 6 results.\n\n"
                "test_accuracy against scratch, over pairs of runs that share seed and task\n\n"
                "strategy   pairs  seeds  difference    95 % interval     p  Holm  wins/ties/losses  "
                "transfer "
                "ratio\n"
                "fine-tune      5      3      +11.98  [-9.83, +33.79]  0.25  0.25             4/1/0          "
                " "
                "0.688\n\n"
                "test_accuracy over 2 tasks\n\n"
                "strategy   average rank  transfer ratio\n"
                "fine-tune          1.00           0.688\n"
                "scratch            2.00           1.000\n\n"
                "Friedman's test: chi-squared 2",
                "strategy   per_class of scratch  test_accuracy      needed  times fewer\n"
                "fine-tune                    10        58.33 %  at most 10   at least 1\n",
                "1 of 12 runs failed", "With 3 seeds, p cannot be less than 0.25; at least 6", NULL);
        assert_output_has(
                run_scion_expecting(0, "compare -b strategy,per_class -m test_loss,seconds good"),
                "test_loss (less is better)", "seconds (less is better)",
                "fine-tune  100           2       1   0.625  0.18  [-0.9633, 2.213]   0.5   0.625     4.00",
                NULL);
        assert_output_has(run_scion_expecting(0, "compare odd.csv"), "A single seed has no interval.", NULL);
        assert_output_has(
                run_scion_expecting(0, "compare thin.csv -B a"),
                "There is no interval if one of the tasks has a result of one seed only.\n"
                "A single seed has no interval.\n"
                "These means are over unequal sets of runs, so that pairs of runs and ranks may say "
                "otherwise: b lacks 1 of 3 results.",
                "A single seed has no interval and no test.", NULL);
}

static json_t *json_member(json_t *object, const char *key)
{
        json_t *value = json_object_get(object, key);

        if (!value)
                fail_msg("no \"%s\"", key);
        return value;
}

static void json_has_everything(void **state)
{
        json_error_t error;
        json_t *all = json_loads(
                run_scion_expecting(0, "compare good/results.csv -B scratch -f json")->output, 0, &error);

        (void)state;
        if (!all)
                fail_msg("line %d: %s", error.line, error.text);
        json_t *metric = json_array_get(json_member(all, "metrics"), 0);
        json_t *tuned = json_array_get(json_member(metric, "groups"), 1),
               *versus = json_member(tuned, "versus");

        assert_string_equal(json_string_value(json_member(all, "baseline")), "scratch");
        assert_int_equal(json_integer_value(json_member(all, "runs")), 12);
        assert_string_equal(json_string_value(json_member(json_member(tuned, "group"), "strategy")),
                            "fine-tune");
        assert_int_equal(json_integer_value(json_member(tuned, "failed")), 1);
        assert_true(fabs(json_real_value(json_member(tuned, "mean")) - (2.375 / 3 + 0.78125) / 2) < 1e-12);
        assert_true(json_real_value(json_member(versus, "p")) == 0.25);
        assert_true(json_is_true(json_member(versus, "exact")));
        assert_int_equal(json_array_size(json_member(versus, "interval")), 2);
        assert_int_equal(json_integer_value(json_member(json_member(metric, "over_tasks"), "tasks")), 2);
        assert_int_equal(json_array_size(json_member(metric, "labels")), 2);
        assert_true(json_array_size(json_member(all, "notes")) >= 2);
        json_decref(all);

        all = json_loads(run_scion_expecting(0, "compare odd.csv -f json")->output, 0, &error);
        assert_non_null(all); /* the output is UTF-8 for any name */
        metric = json_array_get(json_member(all, "metrics"), 0);
        tuned = json_array_get(json_member(metric, "groups"), 1);
        assert_string_equal(json_string_value(json_member(json_member(tuned, "group"), "strategy")),
                            "two\nlines, \"\x1b[31mred\"");
        assert_true(json_is_null(json_member(tuned, "sd")));
        json_decref(all);
}

static void csv_has_a_row_for_each_group(void **state)
{
        struct scion_csv_table table;

        (void)state;
        run_scion_expecting(
                0,
                "compare good odd.csv -B scratch -m test_accuracy,test_loss -f csv >all.csv 2>notes && true");
        read_table("all.csv", &table);
        assert_int_equal(table.rows, 10);
        assert_string_equal(field_of(&table, 3, "strategy"), "two\nlines, \"\x1b[31mred\"");
        assert_string_equal(field_of(&table, 0, "difference"), "");
        assert_string_equal(field_of(&table, 1, "p"), "0.25");
        assert_string_equal(field_of(&table, 1, "p_holm"), "0.25");
        assert_string_equal(field_of(&table, 9, "metric"), "test_loss");
        scion_csv_table_finish(&table);
        assert_output_has(run_scion_expecting(0, "compare good -f csv"), "scion: 1 of 12 runs failed", NULL);
}

static void names_are_escaped(void **state)
{
        const struct command_result *result;

        (void)state;
        result = run_scion_expecting(0, "compare odd.csv -f table");
        assert_output_has(result, "two lines, \" [31mred\"", NULL);
        assert_null(strchr(result->output, '\x1b')); /* no name can move the cursor */
        assert_output_has(
                run_scion_expecting(0, "compare odd.csv -f latex"),
                "50\\% \\{of\\} \\$x\\_1 \\& \\#2|3\\textbackslash{}\\textasciicircum{}\\textasciitilde{}"
                "*{[}`\\textless{} & 1 & 0 & 50.00 \\% & - & - &",
                "\\begin{tabular}{lrrrrrrrr}\n\\toprule\nstrategy & runs", "\\bottomrule\n\\end{tabular}",
                "two lines, \" {[}31mred\" & 1", NULL);
        assert_output_has(run_scion_expecting(0, "compare odd.csv -f markdown"),
                          "| strategy | runs | failed |", "| --- | ---: | ---: |",
                          "| 50% {of} $x\\_1 & \\#2\\|3\\\\^\\~\\*\\[\\`&lt; | 1 | 0 | 50.00 % |", NULL);
        assert_output_has(run_scion_expecting(0, "compare good -b strategy -B fine-tune -f latex"),
                          "& $-$11.98 &", "{[}$-$33.79, +9.83{]}", NULL);
}

static void options(void **state)
{
        static const struct {
                const char *arguments, *says;
        } bad[] = {
                { "", "no file given; see 'scion compare --help'" },
                { "good --baseline", "option '--baseline' needs a value" },
                { "good --bassline x", "unknown option '--bassline'" },
                { "good --format tabel", "no format 'tabel' (did you mean 'table'?)" },
                { "good --metric test_loss,", "--metric takes names separated by commas" },
                { "good --by ''", "--by takes names separated by commas" },
                { "good --by per_clas", "--by: no axis 'per_clas' (did you mean 'per_class'?)" },
                { "good --baseline scrach",
                  "no strategy 'scrach' (did you mean 'scratch'?); there are scratch, fine-tune" },
                { "good --metric acuracy", "--metric: no column of results 'acuracy'" },
                { "nothing.csv", "nothing.csv" },
                { ".", "./results.csv" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                assert_output_has(run_scion_expecting(2, "compare %s", bad[i].arguments), bad[i].says, NULL);
        assert_output_has(run_scion_expecting(0, "compare --help"), "Usage: scion compare", NULL);
        assert_output_has(run_scion_expecting(0, "--help"), "\n  compare ", NULL);
}

static void full_disk_is_a_failure(void **state)
{
        static const char *const formats[] = { "table", "markdown", "latex", "csv", "json" };

        (void)state;
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
                run_scion_expecting(1, "compare good -f %s >/dev/full", formats[i]);
}

static void the_same_each_time(void **state)
{
        char *first;

        (void)state;
        first = strdup(run_scion_expecting(0, "compare good odd.csv -B scratch -f json")->output);
        assert_string_equal(run_scion_expecting(0, "compare good odd.csv -B scratch -f json")->output, first);
        free(first);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_table),
                cmocka_unit_test(json_has_everything),
                cmocka_unit_test(csv_has_a_row_for_each_group),
                cmocka_unit_test(names_are_escaped),
                cmocka_unit_test(options),
                cmocka_unit_test(full_disk_is_a_failure),
                cmocka_unit_test(the_same_each_time),
        };

        return cmocka_run_group_tests(tests, write_files, leave_folder);
}
