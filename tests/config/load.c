/* Loading files, and files that extend files. */
#include "support/folder.h"

#include "config/config.h"

static struct scion_config *file_load(const char *path)
{
        struct scion_config *root = scion_config_load(path);

        if (!root)
                fail_msg("%s", scion_error());
        return root;
}

static void assert_refused(const char *path, const char *message)
{
        scion_error_clear();
        assert_null(scion_config_load(path));
        assert_string_equal(scion_error(), message);
}

/* Fails the test unless the file loads as a tree equal to the text. */
static void assert_loads_as(const char *path, const char *expected)
{
        struct scion_config *root = file_load(path), *other = scion_config_parse(expected, "expected");

        assert_non_null(other);
        if (!scion_config_equal(root, other)) {
                char *text = scion_config_text(root);

                fail_msg("%s is\n%s", path, text);
        }
        scion_config_destroy(root);
        scion_config_destroy(other);
}

static void no_such_file(void **state)
{
        (void)state;
        write_text("fashion.yaml", "a: 1\n");
        assert_refused("fashon.yaml",
                       "fashon.yaml: No such file or directory (did you mean 'fashion.yaml'?)");
        assert_refused("nothing/like/it.yaml", "nothing/like/it.yaml: No such file or directory");
        assert_int_equal(mkdir("sub", 0777), 0);
        write_text("sub/deep.yaml", "a: 1\n");
        assert_refused("sub/dep.yaml",
                       "sub/dep.yaml: No such file or directory (did you mean 'sub/deep.yaml'?)");
        assert_refused("fashion.yaml/x", "fashion.yaml/x: Not a directory");
        assert_refused("", ": No such file or directory");
}

static void not_an_experiment(void **state)
{
        static char large[(16 << 20) + 2];

        (void)state;
        assert_int_equal(mkdir("folder", 0777), 0);
        assert_refused("folder", "folder: is a directory, not a file");
        write_text("empty.yaml", "");
        assert_refused("empty.yaml", "empty.yaml: empty: there are only blanks and comments");
        write_text("list.yaml", "\n- a\n- b\n");
        assert_refused("list.yaml",
                       "list.yaml:2:1: an experiment must be a map, with lines `key: value`, got a list");
        write_text("word.yaml", "hello");
        assert_refused("word.yaml",
                       "word.yaml:1:1: an experiment must be a map, with lines `key: value`, got 'hello'");
        write_bytes("nul.yaml", "a: 1\nb: \0\n", 10);
        assert_refused("nul.yaml", "nul.yaml:2:4: a NUL byte (0x00): this is not a text file");
        memset(large, '#', sizeof large - 1);
        write_text("large.yaml", large);
        assert_refused("large.yaml", "large.yaml: larger than 16777216 bytes, the most that is read here");
        if (geteuid() != 0) { /* root can read every file */
                write_text("secret.yaml", "a: 1\n");
                assert_int_equal(chmod("secret.yaml", 0), 0);
                assert_refused("secret.yaml", "secret.yaml: Permission denied");
        }
}

static void keys_here_win(void **state)
{
        (void)state;
        write_text("base.yaml", "name: base\n"
                                "seed: 1\n"
                                "target:\n"
                                "  dataset: {use: idx, classes: [5, 6], per_class: 10}\n"
                                "  train: {epochs: 20, batch_size: 64}\n"
                                "matrix: {seed: [1, 2], strategy: [scratch]}\n");
        write_text("child.yaml", "extends: base.yaml\n"
                                 "name: child\n"
                                 "target:\n"
                                 "  dataset: {classes: [7], limit: 3}\n"
                                 "  train: {epochs: 5}\n"
                                 "matrix: {seed: [3]}\n"
                                 "threads: 2\n");
        assert_loads_as("child.yaml", "name: child\n"
                                      "seed: 1\n"
                                      "target:\n"
                                      "  dataset: {use: idx, classes: [7], per_class: 10, limit: 3}\n"
                                      "  train: {epochs: 5, batch_size: 64}\n"
                                      "matrix: {seed: [3], strategy: [scratch]}\n"
                                      "threads: 2\n");
}

static void another_plugin_replaces_whole(void **state)
{
        (void)state;
        write_text("base.yaml", "strategy: {use: l2-sp, alpha: 0.1, beta: 0.2}\n"
                                "target:\n"
                                "  model: {use: mlp, hidden: [3]}\n"
                                "  optimizer: sgd\n"
                                "  loss: {use: mse}\n");
        write_text("child.yaml", "extends: base.yaml\n"
                                 "strategy: {use: kd, temperature: 4}\n"
                                 "target:\n"
                                 "  model: lenet5\n"
                                 "  optimizer: {lr: 0.1}\n"
                                 "  loss: {use: mse, weight: 2}\n");
        assert_loads_as("child.yaml", "strategy: {use: kd, temperature: 4}\n"
                                      "target:\n"
                                      "  model: {use: lenet5}\n"
                                      "  optimizer: {use: sgd, lr: 0.1}\n"
                                      "  loss: {use: mse, weight: 2}\n");
        write_text("same.yaml", "extends: base.yaml\nstrategy: {use: l2-sp, alpha: 0.5}\n");
        write_text("engine.yaml", "target:\n"
                                  "  dataset: {use: random, shape: [8], per_class: 4, valid: 0.25}\n"
                                  "  schedule: {use: cosine, floor: 0.1, warmup: 1}\n");
        write_text("other.yaml", "extends: engine.yaml\n"
                                 "target:\n"
                                 "  dataset: {use: blobs, valid: 0.5}\n"
                                 "  schedule: constant\n");
        assert_loads_as("other.yaml", "target:\n"
                                      "  dataset: {use: blobs, valid: 0.5, per_class: 4}\n"
                                      "  schedule: {use: constant, warmup: 1}\n");
        struct scion_config *root = file_load("same.yaml");

        assert_string_equal(scion_config_get(scion_config_get(root, "strategy"), "alpha")->text, "0.5");
        assert_string_equal(scion_config_get(scion_config_get(root, "strategy"), "beta")->text, "0.2");
        scion_config_destroy(root);
}

static void positions_name_the_file(void **state)
{
        struct scion_config *root;
        const struct scion_config *train;

        (void)state;
        assert_true(mkdir("exp", 0777) == 0 && mkdir("common", 0777) == 0);
        write_text("common/base.yaml", "seed: 1\ntrain:\n  epochs: 20\n  size: 3\n");
        write_text("exp/middle.yaml", "extends: ../common/base.yaml\n");
        write_text("exp/top.yaml", "name: x\nextends: middle.yaml\ntrain:\n    epochs: 5\n");
        root = file_load("exp/top.yaml");
        assert_null(scion_config_get(root, "extends"));
        assert_string_equal(root->file, "exp/top.yaml");
        train = scion_config_get(root, "train");
        assert_false(scion_config_fail(scion_config_get(train, "epochs"), "here"));
        assert_string_equal(scion_error(), "exp/top.yaml:4:13: here");
        assert_string_equal(train->entry[0].key, "epochs");
        assert_false(scion_config_fail_key(train, 0, "here"));
        assert_string_equal(scion_error(), "exp/top.yaml:4:5: here");
        assert_false(scion_config_fail_key(train, 1, "here"));
        assert_string_equal(scion_error(), "exp/../common/base.yaml:4:3: here");
        scion_config_destroy(root);
}

static void absolute_path(void **state)
{
        char here[3000], text[4096];

        assert_non_null(*state);
        assert_non_null(getcwd(here, sizeof here));
        assert_true(mkdir("far", 0777) == 0);
        write_text("far/base.yaml", "a: 1\n");
        snprintf(text, sizeof text, "extends: %s/far/base.yaml\nb: 2\n", here);
        write_text("absolute.yaml", text);
        assert_loads_as("absolute.yaml", "a: 1\nb: 2\n");
}

static void loops(void **state)
{
        (void)state;
        write_text("a.yaml", "extends: b.yaml\n");
        write_text("b.yaml", "x: 1\nextends: ./c.yaml\n");
        write_text("c.yaml", "extends: a.yaml\n");
        assert_refused("a.yaml", "./c.yaml:1:10: extends: a loop: a.yaml -> b.yaml -> ./c.yaml -> ./a.yaml");
        write_text("self.yaml", "extends: self.yaml\n");
        assert_refused("self.yaml", "self.yaml:1:10: extends: a loop: self.yaml -> self.yaml");
        write_text("entry.yaml", "extends: self.yaml\n");
        assert_refused("entry.yaml", "self.yaml:1:10: extends: a loop: entry.yaml -> self.yaml -> self.yaml");
        assert_int_equal(symlink("linked.yaml", "alias.yaml"), 0); /* another path to the same file */
        write_text("linked.yaml", "extends: alias.yaml\n");
        assert_refused("linked.yaml", "linked.yaml:1:10: extends: a loop: linked.yaml -> alias.yaml");
}

static void a_long_chain(void **state)
{
        char name[32], text[64];

        (void)state;
        write_text("chain0.yaml", "a: 1\n");
        for (int i = 1; i < 70; i++) {
                snprintf(name, sizeof name, "chain%d.yaml", i);
                snprintf(text, sizeof text, "extends: chain%d.yaml\n", i - 1);
                write_text(name, text);
        }
        assert_loads_as("chain63.yaml", "a: 1\n");
        assert_refused("chain64.yaml", "chain1.yaml:1:10: extends: a chain of more than 64 files");
}

static void bad_extends(void **state)
{
        (void)state;
        write_text("a.yaml", "x: 1\nextends: [b.yaml, c.yaml]\n");
        assert_refused("a.yaml", "a.yaml:2:10: extends takes the path of one file, got a list");
        write_text("a.yaml", "extends:\n");
        assert_refused("a.yaml", "a.yaml:1:9: extends takes the path of one file, got nothing");
        write_text("a.yaml", "extends: ''\n");
        assert_refused("a.yaml", "a.yaml:1:10: extends takes the path of one file, got \"\"");
        write_text("a.yaml", "extends: gone/base.yaml\n");
        assert_refused("a.yaml", "a.yaml:1:10: extends: gone/base.yaml: No such file or directory");
        write_text("parent.yaml", "x: [1\n");
        write_text("a.yaml", "extends: parnt.yaml\n");
        assert_refused("a.yaml", "a.yaml:1:10: extends: parnt.yaml: No such file or directory (did you mean "
                                 "'parent.yaml'?)");
        write_text("a.yaml", "extends: parent.yaml\n"); /* errors in the extended file have positions in it */
        assert_refused("a.yaml",
                       "parent.yaml:2:1: a ',' or ']' is missing in the list that starts at line 1, "
                       "column 4");
        write_text("a.yaml", "extends: .\n");
        assert_refused("a.yaml", "a.yaml:1:10: extends: .: is a directory, not a file");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_such_file),
                cmocka_unit_test(not_an_experiment),
                cmocka_unit_test(keys_here_win),
                cmocka_unit_test(another_plugin_replaces_whole),
                cmocka_unit_test(positions_name_the_file),
                cmocka_unit_test(absolute_path),
                cmocka_unit_test(loops),
                cmocka_unit_test(a_long_chain),
                cmocka_unit_test(bad_extends),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
