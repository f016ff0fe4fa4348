/* Filling a struct from a map: valid and invalid values, and how tables are printed. */
#include "support/test.h"

#include <float.h>
#include <math.h>

#include "plugin/params.h"

enum mode { SLOW, FAST, WARP };

struct thing {
        float lr;
        float keep;
        float temperature;
        float cap;
        int64_t epochs;
        float clip;
        int64_t step;
        int64_t limit;
        bool nesterov;
        const char *root;
        const char *note;
        int mode;
        struct scion_floats weights;
        struct scion_ints sizes;
        struct scion_strings names;
        struct scion_ints none;
};

static const char *const modes[] = { "slow", "fast", "warp", NULL };

static const struct scion_param params[] = {
        SCION_FLOAT(struct thing, lr, 0.1, "step size", .min = 0),
        SCION_FLOAT(struct thing, keep, 0.5, "share kept", .min = 0, .max = 1, .above_min = true,
                    .below_max = true),
        SCION_FLOAT(struct thing, temperature, 1, "of the softmax"),
        SCION_FLOAT(struct thing, cap, INFINITY, "most there may be", .min = -INFINITY, .max = INFINITY),
        SCION_INT(struct thing, epochs, 10, "passes", .min = 1, .max = 1000),
        SCION_FLOAT(struct thing, clip, INFINITY, "none unless given", .above_min = true),
        SCION_INT(struct thing, step, 3, "anything"),
        SCION_INT(struct thing, limit, 0, "at most so many", .min = 1),
        SCION_BOOL(struct thing, nesterov, true, "look ahead"),
        SCION_STRING(struct thing, root, NULL, "folder"),
        SCION_STRING(struct thing, note, "7", "text"),
        SCION_CHOICE(struct thing, mode, modes, FAST, "how"),
        SCION_FLOATS(struct thing, weights, "[0.5, 1]", "of the classes", .min = 0),
        SCION_INTS(struct thing, sizes, "[16, 32]", "of the layers", .min = 1),
        SCION_STRINGS(struct thing, names, "[a, 'b c']", "of things"),
        SCION_INTS(struct thing, none, NULL, "left out"),
        SCION_PARAMS_END
};

static const char *const others[] = { "use", "classes", NULL };

static bool thing_fill(const char *yaml, struct thing *thing)
{
        struct scion_config *map = scion_config_parse(yaml, "x.yaml");
        bool good;

        if (!map)
                fail_msg("%s: %s", yaml, scion_error());
        memset(thing, 0xA5, sizeof *thing); /* the result must not depend on the old contents */
        good = scion_params_fill(params, map, "optimizer 'sgd'", others, thing);
        scion_config_destroy(map); /* the struct must not refer to it */
        return good;
}

static struct thing thing_filled(const char *yaml)
{
        struct thing thing;

        if (!thing_fill(yaml, &thing))
                fail_msg("%s: %s", yaml, scion_error());
        return thing;
}

static void assert_refused(const char *yaml, const char *message)
{
        struct thing thing;

        scion_error_clear();
        if (thing_fill(yaml, &thing))
                fail_msg("%s is taken", yaml);
        assert_string_equal(scion_error(), message);
        scion_params_release(params, &thing); /* releasing again does no harm */
}

static void defaults(void **state)
{
        struct thing thing;

        (void)state;
        memset(&thing, 0xA5, sizeof thing);
        assert_true(scion_params_fill(params, NULL, "optimizer 'sgd'", NULL, &thing));
        assert_true(isinf(thing.clip));
        assert_true(thing.lr == 0.1f && thing.keep == 0.5f && thing.temperature == 1 && isinf(thing.cap));
        assert_true(thing.epochs == 10 && thing.step == 3 && thing.limit == 0);
        assert_true(thing.nesterov);
        assert_null(thing.root);
        assert_string_equal(thing.note, "7");
        assert_int_equal(thing.mode, FAST);
        assert_int_equal(thing.weights.count, 2);
        assert_true(thing.weights.value[0] == 0.5f && thing.weights.value[1] == 1);
        assert_int_equal(thing.sizes.count, 2);
        assert_int_equal(thing.sizes.value[1], 32);
        assert_int_equal(thing.names.count, 2);
        assert_string_equal(thing.names.value[0], "a");
        assert_string_equal(thing.names.value[1], "b c");
        assert_int_equal(thing.none.count, 0);
        scion_params_release(params, &thing);
        assert_null(thing.note);
        assert_int_equal(thing.names.count, 0);
        scion_params_release(params, &thing);
}

static void given_values(void **state)
{
        struct thing thing =
                thing_filled("{use: sgd, classes: 5, lr: 1e-3, keep: .25, temperature: -2, epochs: 1000,\n"
                             " step: -7, limit: 5, nesterov: False, root: 12, note: '', mode: warp,\n"
                             " weights: [1, 2.5, .5], sizes: [], names: ['', 5, true], none: [-1]}");

        (void)state;
        assert_true(thing.lr == 1e-3f && thing.keep == 0.25f && thing.temperature == -2);
        assert_true(thing.epochs == 1000 && thing.step == -7 && thing.limit == 5);
        assert_false(thing.nesterov);
        assert_string_equal(thing.root, "12");
        assert_string_equal(thing.note, "");
        assert_int_equal(thing.mode, WARP);
        assert_int_equal(thing.weights.count, 3);
        assert_true(thing.weights.value[1] == 2.5f);
        assert_int_equal(thing.sizes.count, 0);
        assert_int_equal(thing.names.count, 3);
        assert_string_equal(thing.names.value[0], "");
        assert_string_equal(thing.names.value[2], "true");
        assert_int_equal(thing.none.value[0], -1);
        scion_params_release(params, &thing);
}

static void one_value_is_a_list_of_one(void **state)
{
        struct thing thing = thing_filled("{weights: 3, sizes: 64, names: x}");

        (void)state;
        assert_int_equal(thing.weights.count, 1);
        assert_true(thing.weights.value[0] == 3);
        assert_int_equal(thing.sizes.value[0], 64);
        assert_string_equal(thing.names.value[0], "x");
        scion_params_release(params, &thing);
        assert_refused("sizes: 0", "x.yaml:1:8: optimizer 'sgd': each of sizes must be at least 1, got 0");
        assert_refused("sizes: {a: 1}",
                       "x.yaml:1:8: optimizer 'sgd': each of sizes must be an integer, got a map");
        assert_refused("sizes:",
                       "x.yaml:1:7: optimizer 'sgd': each of sizes must be an integer, got nothing");
}

static void unknown_parameters(void **state)
{
        static const struct scion_param none[] = { SCION_PARAMS_END };
        struct scion_config *map = scion_config_parse("{use: x, alpha: 1}", "x.yaml");
        const char *const use[] = { "use", NULL };

        (void)state;
        assert_refused("use: sgd\nepoch: 3\n",
                       "x.yaml:2:1: optimizer 'sgd': unknown parameter 'epoch' (did you mean 'epochs'?)");
        assert_refused("lr: 1\nclases: [1]\n",
                       "x.yaml:2:1: optimizer 'sgd': unknown parameter 'clases' (did you mean 'classes'?)");
        assert_refused(
                "momentum_of_it_all: 1",
                "x.yaml:1:1: optimizer 'sgd': unknown parameter 'momentum_of_it_all' (it takes lr, keep, "
                "temperature, cap, epochs, clip, step, limit, nesterov, root, note, mode, weights, sizes, "
                "names, "
                "none, "
                "classes)");
        assert_false(scion_params_fill(none, map, "loss 'x'", use, NULL));
        assert_string_equal(scion_error(),
                            "x.yaml:1:10: loss 'x': unknown parameter 'alpha' (it takes none)");
        assert_false(scion_params_fill(NULL, map, "loss 'x'", use, NULL));
        assert_false(scion_params_fill(none, map, "loss 'x'", NULL, NULL));
        assert_error_has("unknown parameter 'use'", NULL);
        scion_config_destroy(map);
        assert_refused("[1]", "x.yaml:1:1: optimizer 'sgd': parameters must be a map, got a list");
        assert_refused("sgd", "x.yaml:1:1: optimizer 'sgd': parameters must be a map, got 'sgd'");
}

static void wrong_floats(void **state)
{
        (void)state;
        assert_refused("lr: fast", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got 'fast'");
        assert_refused(
                "lr: \"0.1\"",
                "x.yaml:1:5: optimizer 'sgd': lr must be a number, got \"0.1\" (in quotes it is a text)");
        assert_refused("lr: [0.1]", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got a list");
        assert_refused("lr: {a: 1}", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got a map");
        assert_refused("lr:", "x.yaml:1:4: optimizer 'sgd': lr must be a number, got nothing");
        assert_refused("lr: 0,1", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got '0,1'");
        assert_refused("lr: 1_0", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got '1_0'");
        assert_refused("lr: 0x1p3", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got '0x1p3'");
        assert_refused("lr: true", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got 'true'");
        assert_refused("lr: .nan", "x.yaml:1:5: optimizer 'sgd': lr must be a number, got '.nan'");
        assert_refused("lr: .inf", "x.yaml:1:5: optimizer 'sgd': lr must be finite, got '.inf'");
        assert_refused(
                "lr: 1e39",
                "x.yaml:1:5: optimizer 'sgd': lr must be a number that a 32-bit float can hold, got '1e39'");
        assert_refused(
                "lr: 1e999",
                "x.yaml:1:5: optimizer 'sgd': lr must be a number that a 32-bit float can hold, got '1e999'");
        assert_refused("lr: 1e-60",
                       "x.yaml:1:5: optimizer 'sgd': lr must be a number that a 32-bit float can hold, got "
                       "'1e-60' (it would become 0)");
        assert_refused("weights: [1, x]",
                       "x.yaml:1:14: optimizer 'sgd': each of weights must be a number, got 'x'");
        assert_refused("weights: [1, -1]",
                       "x.yaml:1:14: optimizer 'sgd': each of weights must be at least 0, got -1");
        assert_refused("weights: [[1]]",
                       "x.yaml:1:11: optimizer 'sgd': each of weights must be a number, got a list");
}

static void ranges(void **state)
{
        struct thing thing = thing_filled("{lr: 0, epochs: 1, cap: -.inf}");

        (void)state;
        assert_true(thing.lr == 0 && thing.epochs == 1 && isinf(thing.cap) && thing.cap < 0);
        scion_params_release(params, &thing);
        assert_refused("lr: -1", "x.yaml:1:5: optimizer 'sgd': lr must be at least 0, got -1");
        assert_refused("lr: -1e-30", "x.yaml:1:5: optimizer 'sgd': lr must be at least 0, got -1e-30");
        assert_refused("keep: 0", "x.yaml:1:7: optimizer 'sgd': keep must be above 0 and below 1, got 0");
        assert_refused("keep: 1", "x.yaml:1:7: optimizer 'sgd': keep must be above 0 and below 1, got 1");
        assert_refused("keep: 0.999999999", /* rounds to 1 as a float */
                       "x.yaml:1:7: optimizer 'sgd': keep must be above 0 and below 1, got 0.999999999");
        assert_refused("epochs: 0",
                       "x.yaml:1:9: optimizer 'sgd': epochs must be at least 1 and at most 1000, got 0");
        assert_refused("epochs: 1001",
                       "x.yaml:1:9: optimizer 'sgd': epochs must be at least 1 and at most 1000, got 1001");
        assert_refused("sizes: [5,\n  0]",
                       "x.yaml:2:3: optimizer 'sgd': each of sizes must be at least 1, got 0");
        assert_refused("limit: 0", "x.yaml:1:8: optimizer 'sgd': limit must be at least 1, got 0");
}

static void wrong_integers(void **state)
{
        (void)state;
        assert_refused("step: 1.5", "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '1.5'");
        assert_refused("step: 1e3",
                       "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '1e3' (write 1000)");
        assert_refused("step: 5.0",
                       "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '5.0' (write 5)");
        assert_refused("step: 007",
                       "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '007' (write 7)");
        assert_refused("step: 1_000",
                       "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '1_000' (write 1000)");
        assert_refused(
                "step: '5'",
                "x.yaml:1:7: optimizer 'sgd': step must be an integer, got \"5\" (in quotes it is a text)");
        assert_refused("step: 0x10", "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '0x10'");
        assert_refused("step: many", "x.yaml:1:7: optimizer 'sgd': step must be an integer, got 'many'");
        assert_refused("step: 1e300", "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '1e300'");
        assert_refused("step: .inf", "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '.inf'");
        assert_refused("step: _", "x.yaml:1:7: optimizer 'sgd': step must be an integer, got '_'");
        assert_refused(
                "step: 9223372036854775808",
                "x.yaml:1:7: optimizer 'sgd': step must be an integer of 64 bits, got '9223372036854775808'");
        assert_refused("step: yes", "x.yaml:1:7: optimizer 'sgd': step must be an integer, got 'yes'");
        struct thing thing = thing_filled("step: -9223372036854775808");

        assert_true(thing.step == INT64_MIN);
        scion_params_release(params, &thing);
        thing = thing_filled("step: 9007199254740993"); /* not representable as a double */
        assert_true(thing.step == 9007199254740993);
        scion_params_release(params, &thing);
}

static void wrong_words(void **state)
{
        (void)state;
        assert_refused(
                "nesterov: yes",
                "x.yaml:1:11: optimizer 'sgd': nesterov must be true or false, got 'yes' (write true)");
        assert_refused(
                "nesterov: Off",
                "x.yaml:1:11: optimizer 'sgd': nesterov must be true or false, got 'Off' (write false)");
        assert_refused("nesterov: 1",
                       "x.yaml:1:11: optimizer 'sgd': nesterov must be true or false, got '1' (write true)");
        assert_refused("nesterov: 'true'",
                       "x.yaml:1:11: optimizer 'sgd': nesterov must be true or false, got \"true\" "
                       "(in quotes it is a text)");
        assert_refused("nesterov: maybe",
                       "x.yaml:1:11: optimizer 'sgd': nesterov must be true or false, got 'maybe'");
        assert_refused("nesterov: []",
                       "x.yaml:1:11: optimizer 'sgd': nesterov must be true or false, got a list");
        assert_refused("mode: fats",
                       "x.yaml:1:7: optimizer 'sgd': mode must be one of slow, fast, warp, got 'fats' (did "
                       "you mean 'fast'?)");
        assert_refused("mode: sideways",
                       "x.yaml:1:7: optimizer 'sgd': mode must be one of slow, fast, warp, got 'sideways'");
        assert_refused("mode: [fast]",
                       "x.yaml:1:7: optimizer 'sgd': mode must be one of slow, fast, warp, got a list");
        assert_refused("root: [a]", "x.yaml:1:7: optimizer 'sgd': root must be a text, got a list");
        assert_refused("root:", "x.yaml:1:6: optimizer 'sgd': root must be a text, got nothing (an empty "
                                "text is written '')");
        assert_refused("names: [a, {b: c}]",
                       "x.yaml:1:12: optimizer 'sgd': each of names must be a text, got a map");
        assert_refused("note: x\nnames: [a]\nlr: x", /* the fields filled before are released */
                       "x.yaml:3:5: optimizer 'sgd': lr must be a number, got 'x'");
        assert_refused("note: x\nnames: [a]\nnone: x",
                       "x.yaml:3:7: optimizer 'sgd': each of none must be an integer, got 'x'");
}

struct needy {
        const char *root;
        float alpha;
};

static const struct scion_param needy[] = {
        SCION_STRING(struct needy, root, NULL, "folder of the files", .required = true),
        SCION_FLOAT(struct needy, alpha, 0, NULL, .required = true, .min = -1, .max = 1), SCION_PARAMS_END
};

static void required(void **state)
{
        struct scion_config *map = scion_config_parse("use: idx\ntarget:\n  alpha: 1", "x.yaml");
        struct needy state_of = { 0 };

        (void)state;
        assert_false(
                scion_params_fill(needy, scion_config_get(map, "target"), "dataset 'idx'", NULL, &state_of));
        assert_string_equal(scion_error(),
                            "x.yaml:3:3: dataset 'idx': root is required (folder of the files)");
        assert_false(scion_params_fill(needy, NULL, "dataset 'idx'", NULL, &state_of));
        assert_string_equal(scion_error(), "dataset 'idx': root is required (folder of the files)");
        scion_config_destroy(map);
        map = scion_config_parse("root: x", "x.yaml");
        assert_false(scion_params_fill(needy, map, "dataset 'idx'", NULL, &state_of));
        assert_string_equal(scion_error(), "x.yaml:1:1: dataset 'idx': alpha is required");
        scion_config_destroy(map);
        map = scion_config_parse("{root: x, alpha: -1}", "x.yaml");
        assert_true(scion_params_fill(needy, map, "dataset 'idx'", NULL, &state_of));
        scion_params_release(needy, &state_of);
        scion_config_destroy(map);
}

static void a_bad_default_is_no_crash(void **state)
{
        static const struct scion_param bad[] = {
                SCION_INTS(struct thing, sizes, "[1, x]", "of layers"),
                SCION_PARAMS_END,
        };
        static const struct scion_param worse[] = {
                SCION_INTS(struct thing, sizes, "[1, 2", "of layers"),
                SCION_PARAMS_END,
        };
        struct scion_config *map = scion_config_parse("{}", "x.yaml");
        struct scion_text text = { 0 };
        struct thing thing;

        (void)state;
        assert_false(scion_params_fill(bad, map, "model 'm'", NULL, &thing));
        assert_string_equal(scion_error(),
                            "the default: model 'm': each of sizes must be an integer, got 'x'");
        assert_false(scion_params_fill(worse, map, "model 'm'", NULL, &thing));
        assert_string_equal(scion_error(), "the default: a ',' or ']' is missing in the list");
        assert_false(scion_params_complete(worse, map));
        scion_param_default_text(worse, &text);
        assert_string_equal(text.text, "[1, 2");
        free(text.text);
        scion_config_destroy(map);
}

static void completing(void **state)
{
        struct scion_config *map = scion_config_parse("{use: sgd, lr: 0.02, mode: slow}", "x.yaml");
        struct thing a, b;
        char *text;

        (void)state;
        assert_true(scion_params_complete(params, map));
        text = scion_config_text(map);
        assert_string_equal(text, "use: sgd\n"
                                  "lr: 0.02\n"
                                  "mode: slow\n"
                                  "keep: 0.5\n"
                                  "temperature: 1\n"
                                  "cap: .inf\n"
                                  "epochs: 10\n"
                                  "step: 3\n"
                                  "nesterov: true\n"
                                  "note: '7'\n"
                                  "weights: [0.5, 1]\n"
                                  "sizes: [16, 32]\n"
                                  "names: [a, b c]\n");
        assert_true(thing_fill("{lr: 0.02, mode: slow}", &a));
        assert_true(thing_fill(text, &b)); /* it has the same meaning */
        assert_true(a.lr == b.lr && a.keep == b.keep && a.cap == b.cap && a.epochs == b.epochs &&
                    a.limit == b.limit && a.nesterov == b.nesterov && a.mode == b.mode);
        assert_string_equal(a.note, b.note);
        assert_int_equal(a.names.count, b.names.count);
        assert_true(scion_params_complete(params, map));
        scion_params_release(params, &a);
        scion_params_release(params, &b);
        free(text);
        scion_config_destroy(map);
}

static void assert_text(void (*print)(const struct scion_param *, struct scion_text *),
                        const struct scion_param *table, const char *name, const char *expected)
{
        struct scion_text text = { 0 };

        assert_non_null(scion_params_find(table, name));
        print(scion_params_find(table, name), &text);
        assert_string_equal(text.text ? text.text : "", expected);
        free(text.text);
}

static void tables_as_text(void **state)
{
        (void)state;
        assert_null(scion_params_find(params, "use"));
        assert_null(scion_params_find(NULL, "use"));
        assert_text(scion_param_type_text, params, "lr", "float");
        assert_text(scion_param_type_text, params, "epochs", "int");
        assert_text(scion_param_type_text, params, "nesterov", "bool");
        assert_text(scion_param_type_text, params, "root", "string");
        assert_text(scion_param_type_text, params, "mode", "one of slow, fast, warp");
        assert_text(scion_param_type_text, params, "weights", "list of float");
        assert_text(scion_param_type_text, params, "sizes", "list of int");
        assert_text(scion_param_type_text, params, "names", "list of string");
        assert_text(scion_param_range_text, params, "lr", "x >= 0");
        assert_text(scion_param_range_text, params, "keep", "0 < x < 1");
        assert_text(scion_param_range_text, params, "temperature", "");
        assert_text(scion_param_range_text, params, "epochs", "1 <= x <= 1000");
        assert_text(scion_param_range_text, params, "sizes", "x >= 1");
        assert_text(scion_param_range_text, params, "note", "");
        assert_text(scion_param_range_text, needy, "root", "");
        assert_text(scion_param_range_text, needy, "alpha", "-1 <= x <= 1");
        assert_text(scion_param_default_text, params, "lr", "0.1");
        assert_text(scion_param_default_text, params, "cap", ".inf");
        assert_text(scion_param_default_text, params, "epochs", "10");
        assert_text(scion_param_default_text, params, "limit", "-");
        assert_text(scion_param_default_text, params, "clip", "-");
        assert_text(scion_param_default_text, params, "nesterov", "true");
        assert_text(scion_param_default_text, params, "root", "-");
        assert_text(scion_param_default_text, params, "note", "'7'");
        assert_text(scion_param_default_text, params, "mode", "fast");
        assert_text(scion_param_default_text, params, "sizes", "[16, 32]");
        assert_text(scion_param_default_text, params, "names", "[a, b c]");
        assert_text(scion_param_default_text, params, "none", "-");
        assert_text(scion_param_default_text, needy, "root", "required");
}

/* --- Widths --------------------------------------------------------------------------------------------- */

struct widths {
        int64_t width, depth;
        float factor;
        struct scion_ints hidden;
        struct scion_floats shares;
};

static const struct scion_param widths[] = {
        SCION_INT(struct widths, width, 10, "channels", .min = 1, .max = 100, .scales = true),
        SCION_INT(struct widths, depth, 3, "layers", .min = 1),
        SCION_FLOAT(struct widths, factor, 1, "of the width", .min = 0, .max = 8, .scales = true),
        SCION_INTS(struct widths, hidden, "[3, 7]", "units", .min = 1, .scales = true),
        SCION_FLOATS(struct widths, shares, "[0.5]", "shares", .min = 0, .scales = true),
        SCION_PARAMS_END
};

static void scaling(void **state)
{
        struct widths s;

        (void)state;
        assert_true(scion_params_fill(widths, NULL, "model 'w'", NULL, &s));
        assert_true(scion_params_scale(widths, &s, 1.5));
        assert_int_equal(s.width, 15);
        assert_int_equal(s.depth, 3);
        assert_true(s.factor == 1.5f);
        assert_int_equal(s.hidden.value[0], 5); /* 4.5 */
        assert_int_equal(s.hidden.value[1], 11);
        assert_true(s.shares.value[0] == 0.75f);
        assert_true(scion_params_scale(widths, &s, 0.01));
        assert_int_equal(s.width, 1);
        assert_int_equal(s.hidden.value[1], 1);
        assert_true(scion_params_scale(widths, &s, 1));
        assert_false(scion_params_scale(widths, &s, 1000));
        assert_error_has("width: 1, multiplied, would be 1000", "range", NULL);
        s.width = 0;
        assert_false(scion_params_scale(widths, &s, 2));
        assert_error_has("width is not given", NULL);
        assert_false(scion_params_scale(widths, &s, 0));
        assert_error_has("above 0, got 0", NULL);
        assert_false(scion_params_scale(widths, &s, NAN));
        assert_false(scion_params_scale(widths, &s, INFINITY));
        scion_params_release(widths, &s);
        assert_true(scion_params_scale(needy, &s, 1));
        assert_false(scion_params_scale(needy, &s, 2));
        assert_error_has("no width", NULL);
        assert_false(scion_params_scale(NULL, &s, 2));
}

/* The table of a plugin compiled before `scales` existed: each flag was a byte, 0 or 1. */
static void earlier_tables(void **state)
{
        struct earlier {
                const char *name;
                size_t offset;
                enum scion_param_type type;
                bool bounded, required, above_min, below_max;
                double number;
                const char *text;
                const char *const *choices;
                double min, max;
                const char *help;
        } before = { .type = SCION_PARAM_FLOAT, .bounded = true, .below_max = true, .max = 1, .help = "it" };
        struct scion_param now;

        (void)state;
        assert_int_equal(sizeof before, sizeof now);
        memcpy(&now, &before, sizeof now);
        assert_true(now.bounded && !now.required && !now.above_min && now.below_max && !now.scales);
        assert_true(now.max == 1);
        assert_string_equal(now.help, "it");
        before.below_max = false;
        memcpy(&now, &before, sizeof now);
        assert_true(!now.below_max && !now.scales);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults),
                cmocka_unit_test(given_values),
                cmocka_unit_test(one_value_is_a_list_of_one),
                cmocka_unit_test(unknown_parameters),
                cmocka_unit_test(wrong_floats),
                cmocka_unit_test(ranges),
                cmocka_unit_test(wrong_integers),
                cmocka_unit_test(wrong_words),
                cmocka_unit_test(required),
                cmocka_unit_test(a_bad_default_is_no_crash),
                cmocka_unit_test(completing),
                cmocka_unit_test(tables_as_text),
                cmocka_unit_test(scaling),
                cmocka_unit_test(earlier_tables),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
