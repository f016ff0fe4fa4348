/* Expanding a matrix to runs. */
#include "support/test.h"

#include "config/config.h"

static struct scion_config *text_parse(const char *text)
{
        struct scion_config *root = scion_config_parse(text, "x.yaml");

        if (!root)
                fail_msg("%s", scion_error());
        return root;
}

static void text_expand(const char *text, struct scion_config_runs *runs)
{
        struct scion_config *root = text_parse(text);

        if (!scion_config_expand(root, false, runs))
                fail_msg("%s", scion_error());
        scion_config_destroy(root); /* the runs must not refer to it */
}

static void assert_refused(const char *text, const char *message)
{
        struct scion_config *root = text_parse(text);
        struct scion_config_runs runs;

        scion_error_clear();
        assert_false(scion_config_expand(root, false, &runs));
        assert_string_equal(scion_error(), message);
        assert_int_equal(runs.count, 0);
        assert_null(runs.run);
        scion_config_destroy(root);
}

/* Fails the test unless the matrix is valid, but its first value cannot be set at its path. */
static void assert_unresolvable(const char *text, const char *message)
{
        struct scion_config_runs runs;

        text_expand(text, &runs);
        scion_error_clear();
        assert_null(scion_config_resolve(&runs.run[0]));
        assert_string_equal(scion_error(), message);
        scion_config_runs_finish(&runs);
}

static void assert_run(const struct scion_config_run *run, const char *expected)
{
        struct scion_config *other = text_parse(expected), *config = scion_config_resolve(run);

        if (!config)
                fail_msg("%s", scion_error());
        if (!scion_config_equal(config, other))
                fail_msg("the run is not %s but\n%s", expected, scion_config_text(config));
        scion_config_destroy(config);
        scion_config_destroy(other);
}

static void no_matrix(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        text_expand("a: 1\n", &runs);
        assert_int_equal(runs.count, 1);
        assert_int_equal(runs.run[0].axes, 0);
        assert_run(&runs.run[0], "a: 1");
        scion_config_runs_finish(&runs);
        assert_int_equal(runs.count, 0);
        scion_config_runs_finish(&runs);
        assert_refused("a: 1\nexclude: [{a: 1}]\n",
                       "x.yaml:2:10: exclude needs a matrix to leave runs out of, and there is none");
}

static void all_combinations(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        text_expand("name: four\n"
                    "seed: 9\n"
                    "strategy: {use: old, gamma: 1}\n"
                    "target: {dataset: {use: idx, root: /x}}\n"
                    "matrix:\n"
                    "  strategy:\n"
                    "    - scratch\n"
                    "    - {use: l2-sp, alpha: 0.1, label: strong}\n"
                    "    - {use: l2-sp, alpha: 0.01}\n"
                    "  target.dataset.per_class: [10, 100]\n"
                    "  seed: [1, 2, 3]\n"
                    "exclude:\n"
                    "  - {strategy: scratch, seed: 3}\n"
                    "  - {strategy: strong, target.dataset.per_class: 100}\n",
                    &runs);
        assert_int_equal(runs.count, 18 - 2 - 3);
        assert_run(&runs.run[0], "{name: four, seed: 1, strategy: scratch,"
                                 " target: {dataset: {use: idx, root: /x, per_class: 10}}}");
        assert_run(&runs.run[1], "{name: four, seed: 2, strategy: scratch,"
                                 " target: {dataset: {use: idx, root: /x, per_class: 10}}}");
        assert_run(&runs.run[4], "{name: four, seed: 1, strategy: {use: l2-sp, alpha: 0.1},"
                                 " target: {dataset: {use: idx, root: /x, per_class: 10}}}");
        assert_run(&runs.run[12], "{name: four, seed: 3, strategy: {use: l2-sp, alpha: 0.01},"
                                  " target: {dataset: {use: idx, root: /x, per_class: 100}}}");
        for (size_t i = 0; i < runs.count; i++) {
                assert_int_equal(runs.run[i].axes, 3);
                assert_string_equal(runs.run[i].point[0].path, "strategy");
                assert_string_equal(runs.run[i].point[1].path, "target.dataset.per_class");
                assert_string_equal(runs.run[i].point[2].path, "seed");
        }
        assert_string_equal(runs.run[0].point[0].label, "scratch");
        assert_string_equal(runs.run[4].point[0].label, "strong");
        assert_string_equal(runs.run[12].point[0].label, "l2-sp");
        assert_string_equal(runs.run[12].point[1].label, "100");
        assert_string_equal(runs.run[12].point[2].label, "3");
        scion_config_runs_finish(&runs);
}

/* Checks how many of 3 x 3 runs are left, and the label of the first run on the first axis. */
static void assert_excluded(const char *exclude, size_t left, const char *first)
{
        struct scion_config_runs runs;
        char text[1024];

        snprintf(text, sizeof text,
                 "matrix:\n"
                 "  strategy: [scratch, {use: l2-sp, alpha: 0.1, label: strong}, {use: l2-sp, alpha: 0.01}]\n"
                 "  classes: [[1, 2], [3, 4], all]\n"
                 "exclude: %s\n",
                 exclude);
        text_expand(text, &runs);
        assert_int_equal(runs.count, left);
        assert_string_equal(runs.run[0].point[0].label, first);
        scion_config_runs_finish(&runs);
}

static void what_exclude_matches(void **state)
{
        (void)state;
        assert_excluded("[]", 9, "scratch");
        assert_excluded("[{strategy: scratch}]", 6, "strong");
        assert_excluded("[{strategy: strong}]", 6, "scratch");
        assert_excluded("[{strategy: l2-sp}]", 3, "scratch"); /* `use` matches both */
        assert_excluded("[{strategy: {alpha: 0.01}}]", 6, "scratch");
        assert_excluded("[{strategy: {use: l2-sp, alpha: 0.1}}]", 6, "scratch");
        assert_excluded("[{strategy: {label: strong}}]", 6, "scratch");
        assert_excluded("[{strategy: {use: scratch}}]", 6, "strong");
        assert_excluded("[{classes: [3, 4]}]", 6, "scratch");
        assert_excluded("[{classes: all, strategy: scratch}]", 8, "scratch");
        /* by the label of a list */
        assert_excluded("[{classes: '[3, 4]', strategy: scratch}]", 8, "scratch");
        assert_excluded("[{strategy: scratch}, {strategy: strong}, {classes: all}]", 2, "l2-sp");
}

static void labels(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        text_expand("matrix: {a: [[1, 2], {b: 1, c: [x]}, {use: {d: 1}}, 'two words', 1.0, {label: named}]}",
                    &runs);
        assert_int_equal(runs.count, 6);
        assert_string_equal(runs.run[0].point[0].label, "[1, 2]");
        assert_string_equal(runs.run[1].point[0].label, "{b: 1, c: [x]}");
        assert_string_equal(runs.run[2].point[0].label, "{use: {d: 1}}");
        assert_string_equal(runs.run[3].point[0].label, "two words");
        assert_string_equal(runs.run[4].point[0].label, "1.0");
        assert_string_equal(runs.run[5].point[0].label, "named");
        assert_run(&runs.run[5], "{a: {}}");
        scion_config_runs_finish(&runs);
}

static void axes_inside_of_axes(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        text_expand(
                "matrix: {target: [{dataset: a}, {dataset: {use: b, limit: 3}}], target.dataset.limit: [1, "
                "2]}\n",
                &runs);
        assert_int_equal(runs.count, 4);
        assert_run(&runs.run[0], "target: {dataset: {use: a, limit: 1}}");
        assert_run(&runs.run[3], "target: {dataset: {use: b, limit: 2}}");
        scion_config_runs_finish(&runs);
        text_expand("strategy: {use: a, x: 1}\nmatrix: {strategy.use: [a, b], strategy.y: [2]}\n", &runs);
        assert_run(&runs.run[0], "strategy: {use: a, x: 1, y: 2}");
        assert_run(&runs.run[1], "strategy: {use: b, y: 2}");
        scion_config_runs_finish(&runs);
        assert_refused(
                "matrix:\n  target.dataset.limit: [1, 2]\n  target.dataset: [a]\n",
                "x.yaml:3:3: the axis 'target.dataset' would undo the axis 'target.dataset.limit': put it "
                "before "
                "that one");
        assert_refused("matrix:\n  strategy.alpha: [1, 2]\n  strategy.use: [a]\n",
                       "x.yaml:3:3: the axis 'strategy.use' would undo the axis 'strategy.alpha': put it "
                       "before that "
                       "one");
}

static void bad_axes(void **state)
{
        (void)state;
        assert_refused("matrix: [1]",
                       "x.yaml:1:9: matrix must be a map of paths to lists of values, got a list");
        assert_refused("matrix:",
                       "x.yaml:1:8: matrix must be a map of paths to lists of values, got nothing");
        assert_refused("matrix: {seeds: [3]}",
                       "x.yaml:1:10: 'seeds' cannot be an axis of the matrix: the axis is 'seed'");
        assert_refused("matrix: {a: {b: [3]}}",
                       "x.yaml:1:13: the axis 'a' must be a list of values, got a map (the "
                       "key of an axis is its full path, such as target.train.epochs)");
        assert_refused("matrix: {}", "x.yaml:1:9: the matrix has no axes: leave it out for a single run");
        assert_refused("matrix: {seed: 3}", "x.yaml:1:16: the axis 'seed' must be a list of values, got '3'");
        assert_refused("matrix: {seed: {a: 3}}",
                       "x.yaml:1:16: the axis 'seed' must be a list of values, got a map "
                       "(the key of an axis is its full path, such as target.train.epochs)");
        assert_refused("matrix: {seed: []}", "x.yaml:1:16: the axis 'seed' has no values");
        assert_refused("matrix: {seed: [1, ~]}", "x.yaml:1:20: the axis 'seed' has an empty value");
        assert_refused("matrix: {a..b: [1]}", "x.yaml:1:10: the path 'a..b' has an empty name");
        assert_refused("matrix: {name: [a]}", "x.yaml:1:10: 'name' cannot be an axis of the matrix");
        assert_refused("matrix: {matrix.seed: [a]}",
                       "x.yaml:1:10: 'matrix.seed' cannot be an axis of the matrix");
        assert_unresolvable("seed: 1\nmatrix: {seed.x: [1]}",
                            "x.yaml:2:19: seed.x: 'seed' is '1', not a map");
        assert_unresolvable("a: [1]\nmatrix: {a.b: [1]}",
                            "x.yaml:2:16: a.b: 'a' is a list: set all of it, as [a, b]");
}

static void labels_twice(void **state)
{
        (void)state;
        assert_refused(
                "matrix:\n"
                "  strategy:\n"
                "    - {use: l2-sp, alpha: 0.1}\n"
                "    - {use: kd}\n"
                "    - {use: l2-sp, alpha: 0.2}\n",
                "x.yaml:5:7: two values of the axis 'strategy' are called 'l2-sp', this one and that at line "
                "3: "
                "give one of them a `label`");
        assert_refused("matrix: {seed: [1, 2, 1]}", "x.yaml:1:23: the axis 'seed' has the value 1 twice");
        assert_refused("matrix: {seed: [1, +1]}",
                       "x.yaml:1:20: the axis 'seed' has the same value twice: +1 equals 1 at line 1");
        assert_refused("matrix:\n  lr:\n    - 0.1\n    - 0.01\n    - 1e-1\n",
                       "x.yaml:5:7: the axis 'lr' has the same value twice: 1e-1 equals 0.1 at line 3");
        assert_refused(
                "matrix: {classes: [[1, 2], [1, +2]]}",
                "x.yaml:1:28: the axis 'classes' has the same value twice: [1, +2] equals [1, 2] at line 1");
        assert_refused("matrix: {s: [{use: a, label: [x]}]}", "x.yaml:1:30: a label must be a word");
        assert_refused("matrix: {s: [{use: a, label: ''}]}", "x.yaml:1:30: a label must be a word");
}

static void bad_exclude(void **state)
{
#define MATRIX "matrix: {strategy: [scratch, {use: l2-sp, label: strong}], seed: [1, 2]}\n"
        (void)state;
        assert_refused(MATRIX "exclude: {seed: 1}",
                       "x.yaml:2:10: exclude must be a list of maps of axes to values, as "
                       "in `- { strategy: scratch, seed: 3 }`");
        assert_refused(MATRIX "exclude: [seed]",
                       "x.yaml:2:11: each entry of exclude must be a map of axes to values, "
                       "as in `- { strategy: scratch, seed: 3 }`");
        assert_refused(MATRIX "exclude: [{}]",
                       "x.yaml:2:11: each entry of exclude must be a map of axes to values, as "
                       "in `- { strategy: scratch, seed: 3 }`");
        assert_refused(MATRIX "exclude: [{seeds: 1}]",
                       "x.yaml:2:12: exclude: the matrix has no axis 'seeds' (did you mean 'seed'?)");
        assert_refused(
                MATRIX "exclude: [{seed: 1, target.train.epochs: 1}]",
                "x.yaml:2:21: exclude: the matrix has no axis 'target.train.epochs' (it has strategy, seed)");
        assert_refused(
                MATRIX "exclude: [{strategy: scrach}]",
                "x.yaml:2:22: exclude: the axis 'strategy' has no value 'scrach' (did you mean 'scratch'?)");
        assert_refused(MATRIX "exclude: [{seed: 37}]",
                       "x.yaml:2:18: exclude: the axis 'seed' has no value '37' (it has 1, 2)");
        assert_refused(
                MATRIX "exclude: [{strategy: {alpha: 1}}]",
                "x.yaml:2:22: exclude: the axis 'strategy' has no value like this (it has scratch, strong)");
        assert_refused(MATRIX "exclude: [{seed: [1]}]",
                       "x.yaml:2:18: exclude: the axis 'seed' has no value like this (it has 1, 2)");
        assert_refused(MATRIX "exclude: [{seed: 1}, {seed: 2}]",
                       "x.yaml:2:10: exclude leaves no run of the matrix");
#undef MATRIX
}

/* Adds an axis with the values 1 to `count`. */
static void text_add_axis(char *text, size_t bytes, const char *path, int count)
{
        size_t length = strlen(text);

        length += (size_t)snprintf(text + length, bytes - length, "  %s: [", path);
        for (int i = 1; i <= count; i++)
                length += (size_t)snprintf(text + length, bytes - length, "%d%s", i, i < count ? "," : "]\n");
}

static void too_many_runs(void **state)
{
        static char text[100000];
        struct scion_config_runs runs;
        struct scion_config *root;

        (void)state;
        snprintf(text, sizeof text, "matrix:\n");
        text_add_axis(text, sizeof text, "a", 400);
        text_add_axis(text, sizeof text, "b", 251);
        assert_refused(text, "x.yaml:2:3: 100400 runs: more than 100000 are only run with --force");
        root = text_parse(text);
        assert_true(scion_config_expand(root, true, &runs));
        assert_int_equal(runs.count, 100400);
        scion_config_runs_finish(&runs);
        scion_config_destroy(root);
        strcat(text,
               "exclude: [{a: 400, b: 1}, {a: 1}, {a: 2}]\n"); /* runs are counted without the excluded ones */
        text_expand(text, &runs);
        assert_int_equal(runs.count, 100400 - 1 - 2 * 251);
        scion_config_runs_finish(&runs);
        strcat(text, "include: [{a: 401}, {a: 402}, {a: 2}]\n");
        assert_refused(text, "x.yaml:2:3: 100650 runs: more than 100000 are only run with --force");
        snprintf(text, sizeof text, "matrix:\n");
        for (int i = 0; i < 64; i++) { /* 2^64 would overflow to 0 */
                char path[8];

                snprintf(path, sizeof path, "p%d", i);
                text_add_axis(text, sizeof text, path, 2);
        }
        assert_refused(text, "x.yaml:2:3: more than 10000000 combinations");
        assert_refused("seeds: 100001\n",
                       "x.yaml:1:8: 100001 runs: more than 100000 are only run with --force");
        assert_refused("seeds: 10000001\n", "x.yaml:1:8: more than 10000000 combinations");
        assert_refused("matrix: {a: [1, 2]}\nseeds: 50001\n",
                       "x.yaml:1:9: 100002 runs: more than 100000 are only run with --force");
        snprintf(text, sizeof text, "matrix:\n");
        for (int i = 0; i < 101; i++) {
                char path[8];

                snprintf(path, sizeof path, "p%d", i);
                text_add_axis(text, sizeof text, path, 1);
        }
        assert_refused(text, "x.yaml:2:3: more than 100 axes");
}

/* Checks the labels of all runs on all axes, in order. */
static void assert_runs(const char *text, const char *expected)
{
        struct scion_config_runs runs;
        char all[4096] = "";
        size_t length = 0;

        text_expand(text, &runs);
        for (size_t i = 0; i < runs.count; i++)
                for (size_t a = 0; a < runs.run[i].axes; a++) {
                        const struct scion_config_point *point = &runs.run[i].point[a];

                        assert_true(point->value < scion_config_values(&runs, a));
                        length += (size_t)snprintf(all + length, sizeof all - length, "%s%s", point->label,
                                                   a + 1 < runs.run[i].axes ? " "
                                                   : i + 1 < runs.count     ? "; "
                                                                            : "");
                        assert_in_range(length, 1, sizeof all - 1);
                }
        assert_string_equal(all, expected);
        scion_config_runs_finish(&runs);
}

static void axes_that_go_together(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        assert_runs("matrix:\n"
                    "  strategy: [a, b]\n"
                    "  target.train.epochs, per_class :\n"
                    "    - [100, 10]\n"
                    "    - [20, 100]\n"
                    "    - [20, 1000]\n",
                    "a 100 10; a 20 100; a 20 1000; b 100 10; b 20 100; b 20 1000");
        text_expand(
                "matrix: {'model,data , seed': [[{use: m, k: 1, label: big}, d, 1], [{use: m}, e, 2]], x: "
                "[1]}\n"
                "seed: 3\n",
                &runs);
        assert_int_equal(runs.count, 2);
        assert_int_equal(runs.run[1].axes, 4);
        assert_string_equal(runs.run[0].point[0].path, "model");
        assert_string_equal(runs.run[0].point[0].label, "big");
        assert_string_equal(runs.run[0].point[1].path, "data");
        assert_string_equal(runs.run[1].point[2].path, "seed");
        assert_string_equal(runs.run[1].point[2].label, "2");
        assert_string_equal(runs.run[1].point[3].path, "x");
        assert_run(&runs.run[0], "{seed: 1, model: {use: m, k: 1}, data: d, x: 1}");
        assert_run(&runs.run[1], "{seed: 2, model: {use: m}, data: e, x: 1}");
        scion_config_runs_finish(&runs);

        /* A value has the same number in every row. */
        text_expand("matrix: {'a, b': [[1, {use: s}], [2, s], [3, {use: t}]]}", &runs);
        assert_int_equal(scion_config_values(&runs, 0), 3);
        assert_int_equal(scion_config_values(&runs, 1), 2);
        assert_int_equal(runs.run[1].point[1].value, 0);
        assert_int_equal(runs.run[2].point[1].value, 1);
        scion_config_runs_finish(&runs);

        /* 0.10 and 0.1 are one value, in a row, in exclude and in include. */
        assert_runs("matrix: {'lr, b': [[0.1, x], [0.10, y]]}", "0.1 x; 0.1 y");
        assert_runs("matrix: {lr: [0.1, 1], s: [a, b]}\nexclude: [{lr: 1e-1, s: a}]\n", "0.1 b; 1 a; 1 b");
        assert_runs("matrix: {lr: [0.1, 1], s: [a]}\ninclude: [{lr: 0.10, s: b}]\n", "0.1 a; 1 a; 0.1 b");
        assert_runs("matrix: {'a, b': [[1, x], [2, y], [2, z]], c: [5, 6]}\n"
                    "exclude: [{a: 2, c: 5}, {a: 2, b: z}]\n",
                    "1 x 5; 1 x 6; 2 y 6");
}

static void bad_axes_that_go_together(void **state)
{
        (void)state;
        assert_refused("matrix: {'a, b': [[1, 2], [3]]}",
                       "x.yaml:1:27: the axes 'a, b' vary together: each entry "
                       "must be a list of their 2 values, got a list of 1");
        assert_refused("matrix: {'a, b': [1, 2]}",
                       "x.yaml:1:19: the axes 'a, b' vary together: each entry must be a "
                       "list of their 2 values, got '1'");
        assert_refused("matrix: {'a, b': [{a: 1, b: 2}]}",
                       "x.yaml:1:19: the axes 'a, b' vary together: each entry "
                       "must be a list of their 2 values, got a map");
        assert_refused("matrix: {'a, b': [[1, ]]}",
                       "x.yaml:1:19: the axes 'a, b' vary together: each entry must be "
                       "a list of their 2 values, got a list of 1");
        assert_refused("matrix: {'a, b': [[1, ~]]}", "x.yaml:1:23: the axis 'b' has an empty value");
        assert_refused("matrix: {'a, b': [[1, 2], [2, 1], [1, 2]]}",
                       "x.yaml:1:35: the axes 'a, b' have these values twice");
        assert_refused(
                "matrix: {'a, b': [[1, {use: s}], [2, {use: s, k: 1}]]}",
                "x.yaml:1:38: two values of the axis 'b' are called 's', this one and that at line 1: give "
                "one "
                "of them a `label`");
        assert_refused("matrix: {'a, b': []}", "x.yaml:1:18: the axis 'a, b' has no values");
        assert_refused("matrix: {'a, ': [[1, 2]]}", "x.yaml:1:10: the path '' has an empty name");
        assert_refused("matrix: {',a': [[1, 2]]}", "x.yaml:1:10: the path '' has an empty name");
        assert_refused("matrix: {'a, a': [[1, 2]]}", "x.yaml:1:10: the axis 'a' is given twice");
        assert_refused("matrix: {a: [1], 'b, a': [[1, 2]]}", "x.yaml:1:18: the axis 'a' is given twice");
        assert_refused("matrix: {'a.b, a': [[1, 2]]}",
                       "x.yaml:1:10: the axis 'a' would undo the axis 'a.b': put it before that one");
        assert_refused("matrix: {'a, name': [[1, 2]]}",
                       "x.yaml:1:10: 'name' cannot be an axis of the matrix");
        assert_refused("matrix: {'a, b': [[1, 2], [3, 4]]}\nexclude: [{a: 1, b: 4}]",
                       "x.yaml:2:21: exclude: no entry of 'a, b' has these values together");
}

static void numbers_of_seeds(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        assert_runs("seeds: 3\nmatrix: {s: [a, b]}", "a 1; a 2; a 3; b 1; b 2; b 3");
        assert_runs("seeds: 1", "1");
        assert_runs("seeds: 2\nmatrix: {s: [a, b]}\nexclude: [{seed: 2, s: a}]\ninclude: [{seed: 7}]",
                    "a 1; b 1; b 2; a 7; b 7");
        assert_runs("seeds: ~\nmatrix: {seed: [5]}", "5");
        text_expand("seed: ~\nseeds: 2\na: 1", &runs);
        assert_int_equal(runs.count, 2);
        assert_string_equal(runs.run[0].point[0].path, "seed");
        assert_run(&runs.run[1], "{seed: 2, a: 1}");
        scion_config_runs_finish(&runs);
        text_expand("seeds: ~\nmatrix: ~\nexclude: null\ninclude: null\na: 1", &runs);
        assert_int_equal(runs.count, 1);
        assert_run(&runs.run[0], "a: 1");
        scion_config_runs_finish(&runs);
        assert_refused("seed: 4\nseeds: 3\n",
                       "x.yaml:2:8: 'seeds' and 'seed' (x.yaml:1) are both given: remove one of "
                       "them, with `seed: null` if it is in an extended file");
        assert_refused(
                "seeds: 3\nmatrix: {'a, seed': [[1, 2]]}\n",
                "x.yaml:1:8: 'seeds' and the axis 'seed' of the matrix are both given: remove one of them, "
                "with `seeds: null` if it is in an extended file");
#define WANTS "x.yaml:1:8: seeds must be the number of seeds, such as 5 for the seeds 1 to 5, got "
#define ELSE " (for other seeds write an axis: matrix: { seed: [7, 11] })"
        assert_refused("seeds: 0", WANTS "'0'" ELSE);
        assert_refused("seeds: -3", WANTS "'-3'" ELSE);
        assert_refused("seeds: few", WANTS "'few'" ELSE);
        assert_refused("seeds: '3'", WANTS "\"3\"" ELSE);
        assert_refused("seeds: [1, 2]", WANTS "a list" ELSE);
        assert_refused("seeds: 99999999999999999999", WANTS "'99999999999999999999'" ELSE);
#undef WANTS
#undef ELSE
}

static void what_include_adds(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        /* A new value for all values of the other axes; an existing value by its label; both, without
         * duplicates. */
        assert_runs("matrix: {s: [a, b], n: [1, 2]}\ninclude: [{n: 9}]", "a 1; a 2; b 1; b 2; a 9; b 9");
        assert_runs("matrix: {s: [a, b], n: [1, 2]}\ninclude: [{n: 9, s: b}]", "a 1; a 2; b 1; b 2; b 9");
        assert_runs("matrix: {s: [a, b], n: [1]}\ninclude: [{s: c, n: 5}, {s: c}]", "a 1; b 1; c 5; c 1");
        assert_runs("matrix: {s: [a, b], n: [1]}\ninclude: [{s: c}, {n: 5}, {s: c, n: 5}]",
                    "a 1; b 1; c 1; a 5; b 5; c 5");
        assert_runs("matrix: {s: [a, b], n: [1, 2]}\ninclude: [{n: 3, s: a}, {n: 3}]",
                    "a 1; a 2; b 1; b 2; a 3; b 3");
        /* include applies after exclude. */
        assert_runs("matrix: {s: [a, b], n: [1, 2]}\nexclude: [{s: a}]\ninclude: [{s: a, n: 1}]",
                    "b 1; b 2; a 1");
        assert_runs("matrix: {s: [a], n: [1]}\nexclude: [{s: a}]\ninclude: [{s: b}]", "b 1");
        assert_runs("matrix: {s: [a]}\ninclude: []", "a");

        text_expand("matrix: {strategy: [{use: f, k: 1, label: slow}, {use: g, k: 2}], n: [1]}\n"
                    "include:\n"
                    "  - {strategy: slow, n: 2}\n"
                    "  - {strategy: g, n: 3}\n"
                    "  - {strategy: {use: g, k: 2}, n: 4}\n"
                    "  - {strategy: {use: g, k: 3, label: other}, n: 5}\n"
                    "  - {strategy: {use: f, k: 1}, n: 6}\n"
                    "  - {strategy: {use: other, label: o}, n: 7}\n"
                    "  - {strategy: f, n: 8}\n",
                    &runs);
        assert_int_equal(runs.count, 9);
        assert_run(&runs.run[2], "{strategy: {use: f, k: 1}, n: 2}");
        assert_run(&runs.run[3], "{strategy: {use: g, k: 2}, n: 3}");
        assert_run(&runs.run[4], "{strategy: {use: g, k: 2}, n: 4}");
        assert_run(&runs.run[5], "{strategy: {use: g, k: 3}, n: 5}");
        assert_run(&runs.run[6], "{strategy: {use: f, k: 1}, n: 6}");
        assert_run(&runs.run[7], "{strategy: {use: other}, n: 7}");
        assert_run(&runs.run[8], "{strategy: {use: f}, n: 8}");
        assert_string_equal(runs.run[6].point[0].label, "slow");
        assert_string_equal(runs.run[5].point[0].label, "other");
        assert_int_equal(runs.run[2].point[0].value, 0);
        assert_int_equal(scion_config_values(&runs, 0), 5); /* slow, g, other, o, f */
        scion_config_runs_finish(&runs);
}

/* For axes that vary together, some values can select entries, and all values can define a new one. */
static void including_entries(void **state)
{
#define MATRIX "matrix: {'e, n': [[100, 10], [20, 50], [20, 80]], s: [a, b]}\nexclude: [{s: b}]\n"
        (void)state;
        assert_runs(MATRIX "include: [{e: 20, s: b}]", "100 10 a; 20 50 a; 20 80 a; 20 50 b; 20 80 b");
        assert_runs(MATRIX "include: [{e: 20, n: 80, s: b}]", "100 10 a; 20 50 a; 20 80 a; 20 80 b");
        assert_runs(MATRIX "include: [{e: 20, n: 10, s: c}, {n: 10, s: d}]",
                    "100 10 a; 20 50 a; 20 80 a; 20 10 c; 100 10 d; 20 10 d");
        assert_refused(
                MATRIX "include: [{e: 5, s: b}]",
                "x.yaml:3:11: include: no entry of 'e, n' has these values: give the values of all its axes");
#undef MATRIX
}

static void bad_include(void **state)
{
#define MATRIX "matrix: {strategy: [scratch, {use: l2-sp, label: strong}], seed: [1, 2]}\n"
        (void)state;
        assert_refused("a: 1\ninclude: [{a: 1}]\n",
                       "x.yaml:2:10: include needs a matrix to add runs to, and there is none");
        assert_refused(MATRIX "include: {seed: 1}", "x.yaml:2:10: include must be a list of maps of axes to "
                                                    "values, as in `- { strategy: scratch, "
                                                    "seed: 3 }`");
        assert_refused(
                MATRIX "include: [{}]",
                "x.yaml:2:11: each entry of include must be a map of axes to values, as in `- { strategy: "
                "scratch, seed: 4 }`");
        assert_refused(MATRIX "include: [{sed: 1}]",
                       "x.yaml:2:12: include: the matrix has no axis 'sed' (did you mean 'seed'?)");
        assert_refused(MATRIX "include: [{seed: ~}]", "x.yaml:2:18: the axis 'seed' has an empty value");
        assert_refused(MATRIX "include: [{seed: 2}]",
                       "x.yaml:2:11: include: the suite has these runs already");
        assert_refused(MATRIX
                       "include: [{seed: 3}, {seed: 4, strategy: strong}, {seed: 4, strategy: strong}]",
                       "x.yaml:2:51: include: the suite has these runs already");
        assert_refused(MATRIX "include: [{seed: 3}, {seed: 3, strategy: scratch}]",
                       "x.yaml:2:22: include: the suite has these runs already");
        assert_refused(
                MATRIX "include: [{strategy: {use: kd, label: strong}}]",
                "x.yaml:2:22: two values of the axis 'strategy' are called 'strong', this one and that at "
                "line "
                "1: give one of them a `label`");
        assert_refused(MATRIX "include: [{strategy: {use: kd, label: []}}]",
                       "x.yaml:2:39: a label must be a word");
#undef MATRIX
}

/* Finding duplicate runs must not take quadratic time. */
static void many_runs(void **state)
{
        static char text[1200000];
        struct scion_config_runs runs;
        size_t length;

        (void)state;
        length = (size_t)snprintf(text, sizeof text, "matrix: {s: [a], n: [0]}\ninclude:\n");
        for (int i = 1; i <= 30000; i++)
                length += (size_t)snprintf(text + length, sizeof text - length, "  - {s: s%d, n: %d}\n",
                                           i / 2, i);
        text_expand(text, &runs);
        assert_int_equal(runs.count, 30001);
        assert_string_equal(runs.run[30000].point[0].label, "s15000");
        scion_config_runs_finish(&runs);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_matrix),
                cmocka_unit_test(all_combinations),
                cmocka_unit_test(what_exclude_matches),
                cmocka_unit_test(labels),
                cmocka_unit_test(axes_inside_of_axes),
                cmocka_unit_test(bad_axes),
                cmocka_unit_test(labels_twice),
                cmocka_unit_test(bad_exclude),
                cmocka_unit_test(axes_that_go_together),
                cmocka_unit_test(bad_axes_that_go_together),
                cmocka_unit_test(numbers_of_seeds),
                cmocka_unit_test(what_include_adds),
                cmocka_unit_test(including_entries),
                cmocka_unit_test(bad_include),
                cmocka_unit_test(too_many_runs),
                cmocka_unit_test(many_runs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
