/* Values at paths, and overrides from the command line. */
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

static struct scion_config *parse(const char *text)
{
        struct scion_config *root = scion_config_parse(text, "x.yaml");

        if (!root)
                fail_msg("%s", scion_error());
        return root;
}

static const struct scion_config *at(const struct scion_config *map, const char *a, const char *b,
                                     const char *c)
{
        map = scion_config_get(map, a);
        if (b)
                map = scion_config_get(map, b);
        return c ? scion_config_get(map, c) : map;
}

static void override(struct scion_config *root, const char *assignment)
{
        if (!scion_config_override(root, assignment))
                fail_msg("%s", scion_error());
}

static void overrides(void **state)
{
        struct scion_config *root = parse(run);
        const struct scion_config *value;

        (void)state;
        override(root, "target.train.epochs=5");
        value = at(root, "target", "train", "epochs");
        assert_string_equal(value->text, "5");
        assert_false(value->quoted);
        assert_false(scion_config_fail(value, "here"));
        assert_string_equal(scion_error(), "--set target.train.epochs=5: here");
        assert_false(scion_config_fail_key(at(root, "target", "train", NULL), 0, "here"));
        assert_string_equal(scion_error(), "--set target.train.epochs=5: here");

        override(root, "target.dataset.classes=[3, 4, 5]");
        assert_int_equal(at(root, "target", "dataset", "classes")->count, 3);
        override(root, "target.optimizer.lr=0.1"); /* makes what is missing */
        assert_string_equal(at(root, "target", "optimizer", "lr")->text, "0.1");
        override(root, "target.note.text=a=b"); /* the first '=' counts; an empty value can be filled */
        assert_string_equal(at(root, "target", "note", "text")->text, "a=b");
        override(root, "name=\"007\"");
        assert_true(scion_config_get(root, "name")->quoted);
        override(root, "name=");
        assert_string_equal(scion_config_get(root, "name")->text, "");
        override(root, "matrix.target.dataset.per_class=[5]"); /* an axis is one name */
        assert_int_equal(at(root, "matrix", "target.dataset.per_class", NULL)->count, 1);
        override(root, "matrix.seed=[1, 2]");
        assert_int_equal(at(root, "matrix", "seed", NULL)->count, 2);
        override(root, "matrix.strategy=[scratch]");
        assert_int_equal(scion_config_get(root, "matrix")->count, 3);
        scion_config_destroy(root);
}

static void another_plugin(void **state)
{
        struct scion_config *root = parse(run);

        (void)state;
        override(root, "strategy.alpha=0.5");
        override(root, "strategy.use=kd"); /* beta was said to the old one, alpha on this command line */
        assert_string_equal(at(root, "strategy", "use", NULL)->text, "kd");
        assert_string_equal(at(root, "strategy", "alpha", NULL)->text, "0.5");
        assert_null(at(root, "strategy", "beta", NULL));
        scion_config_destroy(root);

        root = parse(run);
        override(root, "strategy.use=l2-sp"); /* the same */
        assert_string_equal(at(root, "strategy", "beta", NULL)->text, "0.2");
        override(root, "strategy={use: kd, temperature: 3}");
        assert_int_equal(scion_config_get(root, "strategy")->count, 2);
        override(root, "strategy=scratch"); /* the short form */
        assert_string_equal(at(root, "strategy", "use", NULL)->text, "scratch");
        assert_int_equal(scion_config_get(root, "strategy")->count, 1);
        override(root, "target.model=lenet5");
        assert_string_equal(at(root, "target", "model", "use")->text, "lenet5");
        override(root, "source={dataset: idx}");
        assert_string_equal(at(root, "source", "dataset", "use")->text, "idx");
        scion_config_destroy(root);
}

static void refuse(const char *assignment, const char *message)
{
        struct scion_config *root = parse(run), *before = parse(run);

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
        refuse("target.train.epochs",
               "--set target.train.epochs: no '=': write PATH=VALUE, such as target.train.epochs=5");
        refuse("=5", "--set =5: the path '' has an empty name");
        refuse("a..b=5", "--set a..b=5: the path 'a..b' has an empty name");
        refuse(".a=5", "--set .a=5: the path '.a' has an empty name");
        refuse("a.=5", "--set a.=5: the path 'a.' has an empty name");
        refuse("a.<<=5", "--set a.<<=5: the path 'a.<<' has a '<<', which is no key");
        refuse("a=[1, 2", "--set a=[1, 2: a ',' or ']' is missing in the list");
        refuse("a={x: 1, x: 2}", "--set a={x: 1, x: 2}: the key 'x' is given twice");
        refuse("a=\xFF", "--set a=\xFF: not UTF-8: invalid leading UTF-8 octet 0xFF");
        refuse("a=# x", "--set a=# x: empty: there are only blanks and comments");
        refuse("seed.x=5", "--set seed.x=5: seed.x: 'seed' has nothing below it: it is '1'");
        refuse("target.dataset.classes.0=5", "--set target.dataset.classes.0=5: target.dataset.classes.0: "
                                             "'classes' is a list: set all of it, as [a, b]");
        refuse("extends=b.yaml",
               "--set extends=b.yaml: extends cannot be set here: the files have been read already");
        refuse("target.dataset.per_class=5",
               "--set target.dataset.per_class=5: the matrix gives 'target.dataset.per_class' its values: "
               "set matrix.target.dataset.per_class=[...]");
}

static void long_overrides_are_cut_in_messages(void **state)
{
        struct scion_config *root = parse(run);
        char text[400] = "name=";

        (void)state;
        memset(text + 5, 'x', sizeof text - 6);
        override(root, text);
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
        struct scion_config *root = parse(run), *value = parse("{a: [1, 2], b: x}"), *list = parse("[1]");

        (void)state;
        assert_true(scion_config_set(root, "target.train", value)); /* whole, not merged */
        assert_true(scion_config_equal(at(root, "target", "train", NULL), value));
        assert_true(scion_config_set(root, "new.deep.down", value));
        assert_string_equal(at(at(root, "new", NULL, NULL), "deep", "down", "b")->text, "x");
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

static bool equal(const char *a, const char *b)
{
        struct scion_config *x = parse(a), *y = parse(b), *copy = scion_config_copy(x);
        bool same = scion_config_equal(x, y);

        assert_int_equal(scion_config_equal(y, x), same);
        assert_true(scion_config_equal(x, copy));
        scion_config_destroy(x);
        scion_config_destroy(y);
        scion_config_destroy(copy);
        return same;
}

static void equality(void **state)
{
        (void)state;
        assert_true(equal("{a: 1, b: [x, y]}", "b:\n- x\n- y\na: 1\n"));
        assert_true(equal("a: idx", "a: 'idx'"));
        assert_false(equal("a: 1", "a: '1'"));
        assert_false(equal("a: true", "a: 'true'"));
        assert_false(equal("a:", "a: ''"));
        assert_false(equal("[1, 2]", "[2, 1]"));
        assert_false(equal("[1, 2]", "[1, 2, 3]"));
        assert_false(equal("{a: 1}", "{b: 1}"));
        assert_false(equal("{}", "[]"));
        assert_false(equal("[a]", "{a: a}"));
        assert_false(equal("1", "1.0"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(overrides),     cmocka_unit_test(another_plugin),
                cmocka_unit_test(bad_overrides), cmocka_unit_test(long_overrides_are_cut_in_messages),
                cmocka_unit_test(setting),       cmocka_unit_test(equality),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
