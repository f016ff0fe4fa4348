/* Setting values at paths, and overrides from the command line. */
#include "support/test.h"

#include "config/config.h"

static const char run[] = "name: x\n"
                          "seed: 1\n"
                          "strategy: {use: l2-sp, alpha: 0.1, beta: 0.2}\n"
                          "target:\n"
                          "  dataset: {use: idx, classes: [1, 2]}\n"
                          "  train: {epochs: 20}\n"
                          "  note:\n"
                          "matrix:\n"
                          "  target.dataset.per_class: [10, 100]\n";

static struct scion_config *text_parse(const char *text)
{
        struct scion_config *root = scion_config_parse(text, "x.yaml");

        if (!root)
                fail_msg("%s", scion_error());
        return root;
}

static const struct scion_config *value_at(const struct scion_config *map, const char *a, const char *b,
                                           const char *c)
{
        map = scion_config_get(map, a);
        if (b)
                map = scion_config_get(map, b);
        return c ? scion_config_get(map, c) : map;
}

static void root_override(struct scion_config *root, const char *assignment)
{
        if (!scion_config_override(root, assignment))
                fail_msg("%s", scion_error());
}

static void overrides(void **state)
{
        struct scion_config *root = text_parse(run);
        const struct scion_config *value;

        (void)state;
        root_override(root, "target.train.epochs=5");
        value = value_at(root, "target", "train", "epochs");
        assert_string_equal(value->text, "5");
        assert_false(value->quoted);
        assert_false(scion_config_fail(value, "here"));
        assert_string_equal(scion_error(), "--set target.train.epochs=5: here");
        assert_false(scion_config_fail_key(value_at(root, "target", "train", NULL), 0, "here"));
        assert_string_equal(scion_error(), "--set target.train.epochs=5: here");

        root_override(root, "target.dataset.classes=[3, 4, 5]");
        assert_int_equal(value_at(root, "target", "dataset", "classes")->count, 3);
        root_override(root, "target.optimizer.lr=0.1"); /* creates missing maps */
        assert_string_equal(value_at(root, "target", "optimizer", "lr")->text, "0.1");
        root_override(root, "target.note.text=a=b"); /* the first '=' ends the path */
        assert_string_equal(value_at(root, "target", "note", "text")->text, "a=b");
        root_override(root, "name=\"007\"");
        assert_true(scion_config_get(root, "name")->quoted);
        root_override(root, "name=");
        assert_string_equal(scion_config_get(root, "name")->text, "");
        root_override(root, "matrix.target.dataset.per_class=[5]"); /* the path of an axis is one name */
        assert_int_equal(value_at(root, "matrix", "target.dataset.per_class", NULL)->count, 1);
        root_override(root, "matrix.seed=[1, 2]");
        assert_int_equal(value_at(root, "matrix", "seed", NULL)->count, 2);
        root_override(root, "matrix.strategy=[scratch]");
        assert_int_equal(scion_config_get(root, "matrix")->count, 3);
        scion_config_destroy(root);
}

static void another_plugin(void **state)
{
        struct scion_config *root = text_parse(run);

        (void)state;
        root_override(root, "strategy.alpha=0.5");
        root_override(root, "strategy.use=kd"); /* beta was for the old plugin; alpha is an override */
        assert_string_equal(value_at(root, "strategy", "use", NULL)->text, "kd");
        assert_string_equal(value_at(root, "strategy", "alpha", NULL)->text, "0.5");
        assert_null(value_at(root, "strategy", "beta", NULL));
        scion_config_destroy(root);

        root = text_parse(run);
        root_override(root, "strategy.use=l2-sp"); /* the same plugin */
        assert_string_equal(value_at(root, "strategy", "beta", NULL)->text, "0.2");
        root_override(root, "strategy={use: kd, temperature: 3}");
        assert_int_equal(scion_config_get(root, "strategy")->count, 2);
        root_override(root, "strategy=scratch"); /* the short form */
        assert_string_equal(value_at(root, "strategy", "use", NULL)->text, "scratch");
        assert_int_equal(scion_config_get(root, "strategy")->count, 1);
        root_override(root, "target.model=lenet5");
        assert_string_equal(value_at(root, "target", "model", "use")->text, "lenet5");
        root_override(root, "source={dataset: idx}");
        assert_string_equal(value_at(root, "source", "dataset", "use")->text, "idx");
        scion_config_destroy(root);
}

static const char sections[] = "strategy: {use: l2-sp, lr: 1}\n"
                               "target:\n"
                               "  dataset: {use: random, shape: [8], per_class: 4, valid: 0.25}\n"
                               "  optimizer: {use: sgd, lr: 0.1, momentum: 0.9}\n"
                               "  schedule: {use: cosine, floor: 0.1, warmup: 1}\n"
                               "  extra:\n"
                               "    dataset: {use: random, per_class: 4}\n";

static void assert_tree(struct scion_config *root, const char *text)
{
        struct scion_config *wanted = text_parse(text);

        assert_true(scion_config_equal(root, wanted));
        scion_config_destroy(wanted);
        scion_config_destroy(root);
}

static void engine_keys_stay(void **state)
{
        struct scion_config *root = text_parse(sections);

        (void)state;
        root_override(root, "target.dataset.use=blobs");
        root_override(root, "target.optimizer=adam"); /* the short form */
        root_override(root, "target.schedule.use=constant");
        root_override(root, "target.extra.dataset.use=blobs"); /* not a section */
        root_override(root, "strategy.use=kd");                /* has no keys of the engine */
        assert_tree(root, "strategy: {use: kd}\n"
                          "target:\n"
                          "  dataset: {use: blobs, per_class: 4, valid: 0.25}\n"
                          "  optimizer: {use: adam, lr: 0.1}\n"
                          "  schedule: {use: constant, warmup: 1}\n"
                          "  extra:\n"
                          "    dataset: {use: blobs}\n");

        root = text_parse(sections);
        root_override(root, "target.dataset={use: blobs, limit: 3}"); /* a map replaces the section */
        assert_int_equal(value_at(root, "target", "dataset", NULL)->count, 2);
        scion_config_destroy(root);
}

static void assert_refused(const char *assignment, const char *message)
{
        struct scion_config *root = text_parse(run), *before = text_parse(run);

        scion_error_clear();
        assert_false(scion_config_override(root, assignment));
        assert_string_equal(scion_error(), message);
        assert_true(scion_config_equal(root, before));
        scion_config_destroy(root);
        scion_config_destroy(before);
}

static void bad_overrides(void **state)
{
        (void)state;
        assert_refused("target.train.epochs",
                       "--set target.train.epochs: no '=': write PATH=VALUE, such as target.train.epochs=5");
        assert_refused("=5", "--set =5: the path '' has an empty name");
        assert_refused("a..b=5", "--set a..b=5: the path 'a..b' has an empty name");
        assert_refused(".a=5", "--set .a=5: the path '.a' has an empty name");
        assert_refused("a.=5", "--set a.=5: the path 'a.' has an empty name");
        assert_refused("a.<<=5", "--set a.<<=5: the path 'a.<<' has a '<<', which cannot be a key");
        assert_refused("a=[1, 2", "--set a=[1, 2: a ',' or ']' is missing in the list");
        assert_refused("a={x: 1, x: 2}", "--set a={x: 1, x: 2}: the key 'x' is given twice");
        assert_refused("a=\xFF", "--set a=?: not UTF-8: invalid leading UTF-8 octet 0xFF");
        assert_refused("a=# x", "--set a=# x: empty: there are only blanks and comments");
        assert_refused("seed.x=5", "--set seed.x=5: seed.x: 'seed' is '1', not a map");
        assert_refused("target.dataset.classes.0=5",
                       "--set target.dataset.classes.0=5: target.dataset.classes.0: "
                       "'classes' is a list: set all of it, as [a, b]");
        assert_refused("extends=b.yaml",
                       "--set extends=b.yaml: extends cannot be set here: the files have been read already");
        assert_refused(
                "target.dataset.per_class=5",
                "--set target.dataset.per_class=5: 'target.dataset.per_class' is an axis of the matrix: "
                "set matrix.target.dataset.per_class=[...]");
}

static void long_overrides_are_cut_in_messages(void **state)
{
        struct scion_config *root = text_parse(run);
        char text[400] = "name=";

        (void)state;
        memset(text + 5, 'x', sizeof text - 6);
        root_override(root, text);
        assert_int_equal(strlen(scion_config_get(root, "name")->text), sizeof text - 6);
        scion_config_fail(scion_config_get(root, "name"), "here");
        assert_int_equal(strlen(scion_error()), strlen("--set ") + 117 + strlen("...: here"));
        memset(text, 'a', 100);
        for (int i = 1; i < 100; i += 2)
                text[i] = '.';
        text[99] = '=';
        assert_false(scion_config_override(root, text));
        assert_error_has("too many names in the path", NULL);
        scion_config_destroy(root);
}

static void setting(void **state)
{
        struct scion_config *root = text_parse(run), *value = text_parse("{a: [1, 2], b: x}"),
                            *list = text_parse("[1]");

        (void)state;
        assert_true(scion_config_set(root, "target.train", value)); /* replaced, not merged */
        assert_true(scion_config_equal(value_at(root, "target", "train", NULL), value));
        assert_true(scion_config_set(root, "new.deep.down", value));
        assert_string_equal(value_at(value_at(root, "new", NULL, NULL), "deep", "down", "b")->text, "x");
        assert_false(scion_config_set(list, "a", value));
        assert_error_has("x.yaml:1:1: a: there is no map to set it in", NULL);
        scion_config_remove(root, "target");
        assert_null(scion_config_get(root, "target"));
        assert_non_null(scion_config_get(root, "matrix"));
        scion_config_remove(root, "target");
        scion_config_remove(list, "target");
        scion_config_destroy(root);
        scion_config_destroy(value);
        scion_config_destroy(list);
}

static bool texts_equal(const char *a, const char *b)
{
        struct scion_config *x = text_parse(a), *y = text_parse(b), *copy = scion_config_copy(x);
        bool same = scion_config_equal(x, y);

        assert_int_equal(scion_config_equal(y, x), same);
        assert_true(scion_config_equal(x, copy));
        assert_int_equal(scion_config_hash(x) == scion_config_hash(y), same);
        scion_config_destroy(x);
        scion_config_destroy(y);
        scion_config_destroy(copy);
        return same;
}

static void equality(void **state)
{
        (void)state;
        assert_true(texts_equal("{a: 1, b: [x, y]}", "b:\n- x\n- y\na: 1\n"));
        assert_true(texts_equal("a: idx", "a: 'idx'"));
        assert_false(texts_equal("a: 1", "a: '1'"));
        assert_false(texts_equal("a: true", "a: 'true'"));
        assert_false(texts_equal("a:", "a: ''"));
        assert_false(texts_equal("[1, 2]", "[2, 1]"));
        assert_false(texts_equal("[1, 2]", "[1, 2, 3]"));
        assert_false(texts_equal("{a: 1}", "{b: 1}"));
        assert_false(texts_equal("{}", "[]"));
        assert_false(texts_equal("[a]", "{a: a}"));
        assert_true(texts_equal("1", "1.0"));
        assert_true(texts_equal("[+1, 1e-1, True, -.5]", "[1, 0.10, true, -0.50]"));
        assert_true(texts_equal("a: no", "a: 'no'")); /* a string here, quoted or not */
        assert_false(texts_equal("9007199254740993", "9007199254740992"));
        assert_false(texts_equal("a: '1'", "a: '1.0'"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(overrides),
                cmocka_unit_test(another_plugin),
                cmocka_unit_test(engine_keys_stay),
                cmocka_unit_test(bad_overrides),
                cmocka_unit_test(long_overrides_are_cut_in_messages),
                cmocka_unit_test(setting),
                cmocka_unit_test(equality),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
