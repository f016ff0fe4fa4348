/* Parsing: positions, forms of YAML, and messages for invalid text. */
#include "support/test.h"

#include "config/config.h"

static const struct scion_config *value_of(const struct scion_config *map, const char *key)
{
        const struct scion_config *value = scion_config_get(map, key);

        if (!value)
                fail_msg("no key '%s'", key);
        return value;
}

static void assert_refused(const char *text, const char *message)
{
        scion_error_clear();
        assert_null(scion_config_parse(text, "x.yaml"));
        assert_string_equal(scion_error(), message);
}

static void positions(void **state)
{
        struct scion_config *root = scion_config_parse("name: a\n"
                                                       "train:\n"
                                                       "  epochs: 3\n"
                                                       "  sizes: [16,\n"
                                                       "    32]\n",
                                                       "x.yaml");
        const struct scion_config *train, *sizes;

        (void)state;
        assert_non_null(root);
        assert_int_equal(root->kind, SCION_CONFIG_MAP);
        assert_int_equal(root->count, 2);
        assert_string_equal(root->file, "x.yaml");
        assert_string_equal(value_of(root, "name")->text, "a");
        train = value_of(root, "train");
        assert_int_equal(train->kind, SCION_CONFIG_MAP);
        assert_int_equal(root->entry[1].line, 2);
        assert_int_equal(root->entry[1].column, 1);
        assert_int_equal(train->entry[0].line, 3);
        assert_int_equal(train->entry[0].column, 3);
        assert_int_equal(value_of(train, "epochs")->line, 3);
        assert_int_equal(value_of(train, "epochs")->column, 11);
        sizes = value_of(train, "sizes");
        assert_int_equal(sizes->kind, SCION_CONFIG_LIST);
        assert_int_equal(sizes->count, 2);
        assert_null(sizes->entry[0].key);
        assert_int_equal(sizes->entry[1].value->line, 5);
        assert_int_equal(sizes->entry[1].value->column, 5);
        assert_null(scion_config_get(root, "nothing"));
        assert_null(scion_config_get(NULL, "name"));
        assert_null(scion_config_get(sizes, "name"));
        scion_config_destroy(root);
        scion_config_destroy(NULL);
}

/* Checks the value of the map's only entry. */
static void assert_value(const char *text, const char *expected, bool quoted)
{
        struct scion_config *root = scion_config_parse(text, "x.yaml");
        const struct scion_config *value;

        if (!root)
                fail_msg("\"%s\": %s", text, scion_error());
        value = value_of(root, "a");
        assert_int_equal(value->kind, SCION_CONFIG_SCALAR);
        assert_string_equal(value->text, expected);
        assert_int_equal(value->quoted, quoted);
        scion_config_destroy(root);
}

static void scalars_stay_text(void **state)
{
        (void)state;
        assert_value("a: 0.10", "0.10", false);
        assert_value("a: \"0.10\"", "0.10", true);
        assert_value("a: '0.10'", "0.10", true);
        assert_value("a: |-\n  0.10", "0.10", true);
        assert_value("a: >-\n  one\n  two", "one two", true);
        assert_value("a: one\n  two", "one two", false);
        assert_value("a:", "", false);
        assert_value("a: ~", "~", false);
        assert_value("a: ''", "", true);
        assert_value("a: yes # really", "yes", false);
        assert_value("a: x#y", "x#y", false);
        assert_value("a: C:\\data", "C:\\data", false);
        assert_value("a: \"\\t\\u00e9\\\\\"", "\t\xC3\xA9\\", true);
        assert_value("\xEF\xBB\xBF"
                     "a: 1",
                     "1", false); /* a byte order mark */
        assert_value("a:\t1", "1", false);
        assert_value("a: 1\r\n", "1", false);
        assert_value("%YAML 1.1\n---\na: 1\n...\n", "1", false);
}

static void core_tags_are_taken(void **state)
{
        (void)state;
        assert_value("a: !!str 5", "5", true);
        assert_value("a: ! 5", "5", true);
        assert_value("a: !!int 5", "5", false);
        assert_value("a: !!float 5", "5", false);
        assert_value("!!map {a: !!bool true}", "true", false);
        assert_value("a: !!null ''", "", true);
        scion_config_destroy(scion_config_parse("!!seq [1]", "x.yaml"));
        assert_string_equal(scion_error(), "");
}

static void other_tags_are_refused(void **state)
{
        (void)state;
        assert_refused("a: !!python/object:os.system x",
                       "x.yaml:1:4: the tag '!!python/object:os.system' has no meaning here: remove it");
        assert_refused("a: !mine {b: 1}", "x.yaml:1:4: the tag '!mine' has no meaning here: remove it");
        assert_refused("a:\n  !!binary aGk=",
                       "x.yaml:2:3: the tag '!!binary' has no meaning here: remove it");
        assert_refused("a: !!seq 5", "x.yaml:1:4: the tag '!!seq' has no meaning here: remove it");
        assert_refused("a: !!str [5]", "x.yaml:1:4: the tag '!!str' has no meaning here: remove it");
        assert_refused("a: !x!y 5", "x.yaml:1:4: an unknown tag: remove it");
        assert_refused("!mine a: 5", "x.yaml:1:1: the tag '!mine' has no meaning here: remove it");
}

static void anchors_and_aliases(void **state)
{
        struct scion_config *root = scion_config_parse("base: &base {lr: 0.1, sizes: [1, 2]}\n"
                                                       "again: *base\n"
                                                       "key: &word alpha\n"
                                                       "*word : 3\n"
                                                       "&beta beta: 4\n"
                                                       "last: *beta\n"
                                                       "word: &word other\n"
                                                       "redefined: *word\n",
                                                       "x.yaml");
        const struct scion_config *again;

        (void)state;
        assert_non_null(root);
        again = value_of(root, "again");
        assert_true(scion_config_equal(again, value_of(root, "base")));
        assert_ptr_not_equal(again, value_of(root, "base"));
        assert_int_equal(value_of(again, "lr")->line, 1); /* the position of the alias's target */
        assert_string_equal(value_of(root, "alpha")->text, "3");
        assert_string_equal(value_of(root, "last")->text, "beta");
        assert_string_equal(value_of(root, "redefined")->text, "other");
        scion_config_destroy(root);
}

static void bad_aliases(void **state)
{
        (void)state;
        assert_refused("a: *b\nb: &b 1", "x.yaml:1:4: no anchor '&b' before the alias '*b'");
        assert_refused(
                "a: &a [1, *a]",
                "x.yaml:1:11: the alias '*a' is inside the node that it refers to, and would never end");
        assert_refused(
                "a: &a\n  b: {c: *a}",
                "x.yaml:2:10: the alias '*a' is inside the node that it refers to, and would never end");
        assert_refused(
                "a: &a {*a : 1}",
                "x.yaml:1:8: the alias '*a' is inside the node that it refers to, and would never end");
        assert_refused("a: &a [1]\n*a : 1", "x.yaml:2:1: a key must be a word, not a map or list");
        assert_refused("a: & x", "x.yaml:1:5: a name must follow '&' or '*'");
}

static void alias_bomb(void **state)
{
        char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";

        (void)state;
        for (int i = 1; i < 10; i++) {
                size_t length = strlen(text);

                snprintf(text + length, sizeof text - length,
                         "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                         i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        }
        assert_refused(text, "x.yaml:6:10: too large: more than 200000 values, with all aliases written out");
}

/* Each alias nests one level deeper than its target: few nodes, but a depth that would overflow the stack. */
static void deep_aliases(void **state)
{
        char text[16384] = "a0: &a0 [x]\n";

        (void)state;
        for (int i = 1; i < 200; i++) {
                size_t length = strlen(text);

                snprintf(text + length, sizeof text - length, "a%d: &a%d [*a%d]\n", i, i, i - 1);
        }
        assert_refused(text, "x.yaml:63:12: nested too deeply: more than 64 levels");
}

static void too_many_anchors(void **state)
{
        char text[32768] = "";
        size_t length = 0;

        (void)state;
        for (int i = 0; i < 1001; i++)
                length += (size_t)snprintf(text + length, sizeof text - length, "- &a%d x\n", i);
        assert_refused(text, "x.yaml:1001:3: too many anchors: more than 1000");
}

static void merge_keys(void **state)
{
        struct scion_config *root = scion_config_parse("base: &base {lr: 0.1, momentum: 0.9}\n"
                                                       "more: &more {lr: 0.5, nesterov: true}\n"
                                                       "one: {first: 1, <<: *base, lr: 0.2, last: 2}\n"
                                                       "both: {<<: [*base, *more]}\n"
                                                       "inner: {<<: {a: 1, b: &b 2}, c: *b}\n",
                                                       "x.yaml");
        const struct scion_config *one, *both;

        (void)state;
        if (!root)
                fail_msg("%s", scion_error());
        one = value_of(root, "one");
        assert_int_equal(one->count, 4);
        assert_string_equal(one->entry[0].key, "first");
        assert_string_equal(one->entry[1].key, "momentum"); /* at the position of the merge key */
        assert_string_equal(one->entry[2].key, "lr");
        assert_string_equal(one->entry[2].value->text, "0.2"); /* the map's own key wins */
        assert_int_equal(one->entry[1].line, 1);
        both = value_of(root, "both");
        assert_int_equal(both->count, 3);
        assert_string_equal(value_of(both, "lr")->text, "0.1"); /* the first map wins */
        assert_string_equal(value_of(both, "nesterov")->text, "true");
        assert_string_equal(value_of(value_of(root, "inner"), "b")->text, "2");
        assert_string_equal(value_of(value_of(root, "inner"), "c")->text, "2");
        scion_config_destroy(root);
        assert_refused("a: {<<: 5}", "x.yaml:1:9: '<<' takes a map (`<<: *name`) or a list of maps");
        assert_refused("a: {<<: [{b: 1}, 5]}",
                       "x.yaml:1:18: '<<' takes a map (`<<: *name`) or a list of maps");
        assert_refused("a: {<<: {b: 1}, <<: {c: 1}}",
                       "x.yaml:1:17: the key '<<' is given twice, the first time at line 1, column 5");
}

static void keys(void **state)
{
        (void)state;
        assert_refused("a: 1\nb: 2\na: 3\n",
                       "x.yaml:3:1: the key 'a' is given twice, the first time at line 1, column 1");
        assert_refused("a: {b: 1, c: 2, 'b': 3}",
                       "x.yaml:1:17: the key 'b' is given twice, the first time at line 1, column 5");
        assert_refused("? [a, b]\n: 1", "x.yaml:1:3: a key must be a word, not a list");
        assert_refused("? {a: b}\n: 1", "x.yaml:1:3: a key must be a word, not a map");
        assert_refused("'': 1", "x.yaml:1:1: a key is missing before the ':'");
}

static void indentation(void **state)
{
        (void)state;
        assert_refused("a:\n\tb: 1\n", "x.yaml:2:1: tabs cannot indent YAML: use spaces");
        assert_refused("a: 1\n\tb: 2\n", "x.yaml:2:1: tabs cannot indent YAML: use spaces");
        assert_refused("a:\n  b: 1\n  \tc: 2\n", "x.yaml:3:3: tabs cannot indent YAML: use spaces");
        assert_refused("a:\n  b: 1\n\tc: 2\n", "x.yaml:3:1: tabs cannot indent YAML: use spaces");
        assert_refused("a:\n\t- 1\n", "x.yaml:2:1: tabs cannot indent YAML: use spaces");
        assert_refused("a: 1\n b: 2\n",
                       "x.yaml:2:3: a ':' that does not follow a key: put a text with ': ' in it in quotes, "
                       "or correct the indentation");
        assert_refused(" a: 1\nb: 2\n",
                       "x.yaml:2:1: this does not belong to the text before it: is the indentation right?");
        assert_refused("a:\n    b: 1\n  c: 2\n",
                       "x.yaml:3:3: this does not fit in the map around it: is the indentation right?");
        assert_refused("- a\nb: 1\n",
                       "x.yaml:2:1: this does not fit in the list around it: is the indentation right?");
}

static void unclosed_and_misplaced(void **state)
{
        (void)state;
        assert_refused("a: [1, 2\nb: 3\n",
                       "x.yaml:2:2: a ',' or ']' is missing in the list that starts at line 1, column 4");
        assert_refused("a: {x: 1\nb: 3\n",
                       "x.yaml:2:2: a ',' or '}' is missing in the map that starts at line 1, column 4");
        assert_refused("a: \"x\nb: 3\n",
                       "x.yaml:3:1: there is no closing quote for the text that starts at line 1, column 4");
        assert_refused("a: b: c\n",
                       "x.yaml:1:5: a ':' that does not follow a key: put a text with ': ' in it in quotes, "
                       "or correct the indentation");
        assert_refused("a: - 1\n",
                       "x.yaml:1:4: a list's '- ' cannot stand here: put it on a line of its own");
        assert_refused("a: @x\n", "x.yaml:1:4: no value starts with this character: put the text in quotes");
        assert_refused(
                "a: \"\\d\"\n",
                "x.yaml:1:5: an unknown escape after '\\': in single quotes a backslash is just a backslash");
        assert_refused("a: [1, }\n", "x.yaml:1:8: a value is missing");
        assert_refused("a: 1\nb\nc: 2\n", "x.yaml:3:1: a key without its ':'");
}

static void not_text(void **state)
{
        (void)state;
        assert_refused("a: 1\nb: \xC3\xA9 \xFF\n", "x.yaml:2:6: not UTF-8: invalid leading UTF-8 octet 0xFF");
        assert_refused("a: \xC3", "x.yaml:1:4: not UTF-8: incomplete UTF-8 octet sequence");
        assert_refused("a: \xED\xA0\x80", "x.yaml:1:4: not UTF-8: invalid Unicode character 0xD800");
        assert_refused("a: \x01", "x.yaml:1:4: the control character 0x01: this is not a text file");
        assert_refused("a: \"x\\0y\"", "x.yaml:1:4: a text must not contain the character NUL");
}

static void documents(void **state)
{
        (void)state;
        assert_refused("", "x.yaml: empty: there are only blanks and comments");
        assert_refused("# nothing\n\n", "x.yaml: empty: there are only blanks and comments");
        assert_refused("---\n...\n", "x.yaml: empty: there are only blanks and comments");
        assert_refused("a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document starts here: one file holds one");
        assert_refused("a: 1\nextends: b.yaml\n", "x.yaml:2:10: only a file can extend a file");
}

static void depth(void **state)
{
        char text[512];

        (void)state;
        memset(text, '[', 65);
        memset(text + 65, ']', 65);
        text[130] = '\0';
        assert_refused(text, "x.yaml:1:65: nested too deeply: more than 64 levels");
        struct scion_config *root =
                scion_config_parse(text + 1, "x.yaml"); /* one '[' less, so one ']' too many */
        assert_null(root);
        text[129] = '\0';
        root = scion_config_parse(text + 1, "x.yaml");
        assert_non_null(root);
        scion_config_destroy(root);
}

static void short_forms(void **state)
{
        struct scion_config *root = scion_config_parse("strategy: scratch\n"
                                                       "source: {model: lenet5, train: x}\n"
                                                       "target:\n"
                                                       "  dataset: idx\n"
                                                       "  loss: mse\n"
                                                       "  optimizer: sgd\n"
                                                       "  schedule: cosine\n"
                                                       "  model:\n",
                                                       "x.yaml");
        struct scion_config *full = scion_config_parse("strategy: {use: scratch}\n"
                                                       "source: {model: {use: lenet5}, train: x}\n"
                                                       "target: {dataset: {use: idx}, loss: {use: mse},\n"
                                                       "  optimizer: {use: sgd}, schedule: {use: cosine},\n"
                                                       "  model: }\n",
                                                       "x.yaml");
        const struct scion_config *strategy;

        (void)state;
        assert_non_null(root);
        assert_non_null(full);
        assert_true(scion_config_equal(root, full));
        strategy = value_of(root, "strategy");
        assert_int_equal(strategy->line, 1);
        assert_int_equal(strategy->column, 11);
        assert_int_equal(value_of(strategy, "use")->column, 11);
        scion_config_destroy(root);
        scion_config_destroy(full);
}

static void messages_at_positions(void **state)
{
        struct scion_config *root = scion_config_parse("a: 1\nb:\n  c: 2\n", "x.yaml");
        struct scion_config nowhere = { .file = "x.yaml" };

        (void)state;
        assert_non_null(root);
        assert_false(scion_config_fail(value_of(root, "b"), "no %s", "good"));
        assert_string_equal(scion_error(), "x.yaml:3:3: no good");
        assert_false(scion_config_fail_key(root, 1, "no %s", "good"));
        assert_string_equal(scion_error(), "x.yaml:2:1: no good");
        assert_false(scion_config_fail(root, "again: %s", scion_error()));
        assert_string_equal(scion_error(), "x.yaml:1:1: again: x.yaml:2:1: no good");
        assert_false(scion_config_fail(&nowhere, "no good"));
        assert_string_equal(scion_error(), "x.yaml: no good");
        assert_false(scion_config_fail(NULL, "no good"));
        assert_string_equal(scion_error(), "no good");
        scion_config_destroy(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(positions),
                cmocka_unit_test(scalars_stay_text),
                cmocka_unit_test(core_tags_are_taken),
                cmocka_unit_test(other_tags_are_refused),
                cmocka_unit_test(anchors_and_aliases),
                cmocka_unit_test(bad_aliases),
                cmocka_unit_test(alias_bomb),
                cmocka_unit_test(deep_aliases),
                cmocka_unit_test(too_many_anchors),
                cmocka_unit_test(merge_keys),
                cmocka_unit_test(keys),
                cmocka_unit_test(indentation),
                cmocka_unit_test(unclosed_and_misplaced),
                cmocka_unit_test(not_text),
                cmocka_unit_test(documents),
                cmocka_unit_test(depth),
                cmocka_unit_test(short_forms),
                cmocka_unit_test(messages_at_positions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
