/* A matrix to runs. */
#include "support/test.h"

#include "config/config.h"

static struct scion_config *parse(const char *text)
{
        struct scion_config *root = scion_config_parse(text, "x.yaml");

        if (!root)
                fail_msg("%s", scion_error());
        return root;
}

static void expand(const char *text, struct scion_config_runs *runs)
{
        struct scion_config *root = parse(text);

        if (!scion_config_expand(root, runs))
                fail_msg("%s", scion_error());
        scion_config_destroy(root); /* the runs do not need it any more */
}

static void refuse(const char *text, const char *message)
{
        struct scion_config *root = parse(text);
        struct scion_config_runs runs;

        scion_error_clear();
        assert_false(scion_config_expand(root, &runs));
        assert_string_equal(scion_error(), message);
        assert_int_equal(runs.count, 0);
        assert_null(runs.run);
        scion_config_destroy(root);
}

/* The matrix is right, but its first value cannot be put in its place. */
static void refuse_to_resolve(const char *text, const char *message)
{
        struct scion_config_runs runs;

        expand(text, &runs);
        scion_error_clear();
        assert_null(scion_config_resolve(&runs.run[0]));
        assert_string_equal(scion_error(), message);
        scion_config_runs_finish(&runs);
}

static void run_is(const struct scion_config_run *run, const char *expected)
{
        struct scion_config *other = parse(expected), *config = scion_config_resolve(run);

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
        expand("a: 1\n", &runs);
        assert_int_equal(runs.count, 1);
        assert_int_equal(runs.run[0].axes, 0);
        run_is(&runs.run[0], "a: 1");
        scion_config_runs_finish(&runs);
        assert_int_equal(runs.count, 0);
        scion_config_runs_finish(&runs);
        refuse("a: 1\nexclude: [{a: 1}]\n",
               "x.yaml:2:10: exclude says what to leave out of a matrix, and there is none");
}

static void all_combinations(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        expand("name: four\n"
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
        run_is(&runs.run[0], "{name: four, seed: 1, strategy: scratch,"
                             " target: {dataset: {use: idx, root: /x, per_class: 10}}}");
        run_is(&runs.run[1], "{name: four, seed: 2, strategy: scratch,"
                             " target: {dataset: {use: idx, root: /x, per_class: 10}}}");
        run_is(&runs.run[4], "{name: four, seed: 1, strategy: {use: l2-sp, alpha: 0.1},"
                             " target: {dataset: {use: idx, root: /x, per_class: 10}}}");
        run_is(&runs.run[12], "{name: four, seed: 3, strategy: {use: l2-sp, alpha: 0.01},"
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

/* How many of the 3 x 3 runs are left, and the label that the first of them has on the first axis. */
static void excluded(const char *exclude, size_t left, const char *first)
{
        struct scion_config_runs runs;
        char text[1024];

        snprintf(text, sizeof text,
                 "matrix:\n"
                 "  strategy: [scratch, {use: l2-sp, alpha: 0.1, label: strong}, {use: l2-sp, alpha: 0.01}]\n"
                 "  classes: [[1, 2], [3, 4], all]\n"
                 "exclude: %s\n",
                 exclude);
        expand(text, &runs);
        assert_int_equal(runs.count, left);
        assert_string_equal(runs.run[0].point[0].label, first);
        scion_config_runs_finish(&runs);
}

static void what_exclude_matches(void **state)
{
        (void)state;
        excluded("[]", 9, "scratch");
        excluded("[{strategy: scratch}]", 6, "strong");
        excluded("[{strategy: strong}]", 6, "scratch");
        excluded("[{strategy: l2-sp}]", 3, "scratch"); /* by `use`: both */
        excluded("[{strategy: {alpha: 0.01}}]", 6, "scratch");
        excluded("[{strategy: {use: l2-sp, alpha: 0.1}}]", 6, "scratch");
        excluded("[{strategy: {label: strong}}]", 6, "scratch");
        excluded("[{strategy: {use: scratch}}]", 6, "strong");
        excluded("[{classes: [3, 4]}]", 6, "scratch");
        excluded("[{classes: all, strategy: scratch}]", 8, "scratch");
        excluded("[{classes: '[3, 4]', strategy: scratch}]", 8, "scratch"); /* as the label has it */
        excluded("[{strategy: scratch}, {strategy: strong}, {classes: all}]", 2, "l2-sp");
}

static void labels(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        expand("matrix: {a: [[1, 2], {b: 1, c: [x]}, {use: {d: 1}}, 'two words', 1.0, {label: named}]}",
               &runs);
        assert_int_equal(runs.count, 6);
        assert_string_equal(runs.run[0].point[0].label, "[1, 2]");
        assert_string_equal(runs.run[1].point[0].label, "{b: 1, c: [x]}");
        assert_string_equal(runs.run[2].point[0].label, "{use: {d: 1}}");
        assert_string_equal(runs.run[3].point[0].label, "two words");
        assert_string_equal(runs.run[4].point[0].label, "1.0");
        assert_string_equal(runs.run[5].point[0].label, "named");
        run_is(&runs.run[5], "{a: {}}");
        scion_config_runs_finish(&runs);
}

static void axes_inside_of_axes(void **state)
{
        struct scion_config_runs runs;

        (void)state;
        expand("matrix: {target: [{dataset: a}, {dataset: {use: b, limit: 3}}], target.dataset.limit: [1, "
               "2]}\n",
               &runs);
        assert_int_equal(runs.count, 4);
        run_is(&runs.run[0], "target: {dataset: {use: a, limit: 1}}");
        run_is(&runs.run[3], "target: {dataset: {use: b, limit: 2}}");
        scion_config_runs_finish(&runs);
        expand("strategy: {use: a, x: 1}\nmatrix: {strategy.use: [a, b], strategy.y: [2]}\n", &runs);
        run_is(&runs.run[0], "strategy: {use: a, x: 1, y: 2}");
        run_is(&runs.run[1], "strategy: {use: b, y: 2}");
        scion_config_runs_finish(&runs);
        refuse("matrix:\n  target.dataset.limit: [1, 2]\n  target.dataset: [a]\n",
               "x.yaml:3:3: the axis 'target.dataset' would undo the axis 'target.dataset.limit': put it "
               "before "
               "that one");
        refuse("matrix:\n  strategy.alpha: [1, 2]\n  strategy.use: [a]\n",
               "x.yaml:3:3: the axis 'strategy.use' would undo the axis 'strategy.alpha': put it before that "
               "one");
}

static void bad_axes(void **state)
{
        (void)state;
        refuse("matrix: [1]", "x.yaml:1:9: matrix must be a map of paths to lists of values, got a list");
        refuse("matrix:", "x.yaml:1:8: matrix must be a map of paths to lists of values, got nothing");
        refuse("matrix: {}", "x.yaml:1:9: the matrix has no axes: leave it out for a single run");
        refuse("matrix: {seed: 3}", "x.yaml:1:16: the axis 'seed' must be a list of values, got '3'");
        refuse("matrix: {seed: {a: 3}}", "x.yaml:1:16: the axis 'seed' must be a list of values, got a map");
        refuse("matrix: {seed: []}", "x.yaml:1:16: the axis 'seed' has no values");
        refuse("matrix: {seed: [1, ~]}", "x.yaml:1:20: the axis 'seed' has an empty value");
        refuse("matrix: {a..b: [1]}", "x.yaml:1:10: the path 'a..b' has an empty name");
        refuse("matrix: {name: [a]}", "x.yaml:1:10: 'name' cannot be an axis of the matrix");
        refuse("matrix: {matrix.seed: [a]}", "x.yaml:1:10: 'matrix.seed' cannot be an axis of the matrix");
        refuse_to_resolve("seed: 1\nmatrix: {seed.x: [1]}",
                          "x.yaml:2:19: seed.x: 'seed' has nothing below it: it is '1'");
        refuse_to_resolve("a: [1]\nmatrix: {a.b: [1]}",
                          "x.yaml:2:16: a.b: 'a' is a list: set it whole, as [a, b]");
}

static void labels_twice(void **state)
{
        (void)state;
        refuse("matrix:\n"
               "  strategy:\n"
               "    - {use: l2-sp, alpha: 0.1}\n"
               "    - {use: kd}\n"
               "    - {use: l2-sp, alpha: 0.2}\n",
               "x.yaml:5:7: two values of the axis 'strategy' are called 'l2-sp', this one and that at line "
               "3: "
               "give one of them a `label`");
        refuse("matrix: {seed: [1, 2, 1]}", "x.yaml:1:23: the axis 'seed' has the value 1 twice");
        refuse("matrix: {s: [{use: a, label: [x]}]}", "x.yaml:1:30: a label must be a word");
        refuse("matrix: {s: [{use: a, label: ''}]}", "x.yaml:1:30: a label must be a word");
}

static void bad_exclude(void **state)
{
#define MATRIX "matrix: {strategy: [scratch, {use: l2-sp, label: strong}], seed: [1, 2]}\n"
        (void)state;
        refuse(MATRIX "exclude: {seed: 1}",
               "x.yaml:2:10: exclude must be a list of maps of axes to values, as "
               "in `- { strategy: scratch, seed: 3 }`");
        refuse(MATRIX "exclude: [seed]",
               "x.yaml:2:11: each entry of exclude must be a map of axes to values, "
               "as in `- { strategy: scratch, seed: 3 }`");
        refuse(MATRIX "exclude: [{}]",
               "x.yaml:2:11: each entry of exclude must be a map of axes to values, as "
               "in `- { strategy: scratch, seed: 3 }`");
        refuse(MATRIX "exclude: [{seeds: 1}]",
               "x.yaml:2:12: exclude: the matrix has no axis 'seeds' (did you mean 'seed'?)");
        refuse(MATRIX "exclude: [{seed: 1, target.train.epochs: 1}]",
               "x.yaml:2:21: exclude: the matrix has no axis 'target.train.epochs' (it has strategy, seed)");
        refuse(MATRIX "exclude: [{strategy: scrach}]",
               "x.yaml:2:22: exclude: the axis 'strategy' has no value 'scrach' (did you mean 'scratch'?)");
        refuse(MATRIX "exclude: [{seed: 37}]",
               "x.yaml:2:18: exclude: the axis 'seed' has no value '37' (it has 1, 2)");
        refuse(MATRIX "exclude: [{strategy: {alpha: 1}}]",
               "x.yaml:2:22: exclude: the axis 'strategy' has no value like this (it has scratch, strong)");
        refuse(MATRIX "exclude: [{seed: [1]}]",
               "x.yaml:2:18: exclude: the axis 'seed' has no value like this (it has 1, 2)");
        refuse(MATRIX "exclude: [{seed: 1}, {seed: 2}]", "x.yaml:2:10: exclude leaves no run of the matrix");
#undef MATRIX
}

/* An axis of the numbers from 1 to `count`. */
static void add_axis(char *text, size_t bytes, const char *path, int count)
{
        size_t length = strlen(text);

        length += (size_t)snprintf(text + length, bytes - length, "  %s: [", path);
        for (int i = 1; i <= count; i++)
                length += (size_t)snprintf(text + length, bytes - length, "%d%s", i, i < count ? "," : "]\n");
}

static void too_many_runs(void **state)
{
        static char text[100000];

        (void)state;
        snprintf(text, sizeof text, "matrix:\n");
        add_axis(text, sizeof text, "a", 400);
        add_axis(text, sizeof text, "b", 251);
        refuse(text, "x.yaml:2:3: more than 100000 runs");
        snprintf(text, sizeof text, "matrix:\n");
        for (int i = 0; i < 64; i++) { /* 2^64 would be 0 */
                char path[8];

                snprintf(path, sizeof path, "p%d", i);
                add_axis(text, sizeof text, path, 2);
        }
        refuse(text, "x.yaml:2:3: more than 100000 runs");
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
                cmocka_unit_test(too_many_runs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
