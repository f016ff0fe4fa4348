/* Writing trees as text, and reading them back. */
#include "support/test.h"

#include "config/config.h"

static struct scion_config *text_parse(const char *text)
{
        struct scion_config *root = scion_config_parse(text, "x.yaml");

        if (!root)
                fail_msg("%s: %s", text, scion_error());
        return root;
}

/* Fails the test unless the tree's text reads back to an equal tree that gives the same text. */
static void assert_round_trip(const struct scion_config *root)
{
        char *text = scion_config_text(root), *again;
        struct scion_config *back;

        if (!text)
                fail_msg("%s", scion_error());
        back = text_parse(text);
        if (!scion_config_equal(root, back))
                fail_msg("reads back as another tree:\n%s", text);
        again = scion_config_text(back);
        assert_string_equal(again, text);
        scion_config_destroy(back);
        free(again);
        free(text);
}

static void assert_writes(const char *text, const char *expected)
{
        struct scion_config *root = text_parse(text);
        char *written = scion_config_text(root);

        assert_string_equal(written, expected);
        free(written);
        assert_round_trip(root);
        scion_config_destroy(root);
}

static void layout(void **state)
{
        (void)state;
        assert_writes(
                "name: fashion\n"
                "target: {dataset: {use: idx, root: /usr/share/x, classes: [5, 6, 7]}, train: {epochs: 20}}\n"
                "empty: {}\n"
                "none: []\n"
                "list: [{a: 1}, {b: [2, {c: 3}]}]\n",
                "name: fashion\n"
                "target:\n"
                "  dataset: {use: idx, root: /usr/share/x, classes: [5, 6, 7]}\n"
                "  train: {epochs: 20}\n"
                "empty: {}\n"
                "none: []\n"
                "list:\n"
                "- {a: 1}\n"
                "- b: [2, {c: 3}]\n");
        assert_writes("a: {first: 'a rather long text that takes all of its room', second: 'another one of "
                      "the same "
                      "kind'}",
                      "a:\n"
                      "  first: a rather long text that takes all of its room\n"
                      "  second: another one of the same kind\n");
        assert_writes("a: {b: , c: 1}\nd: [x, ]", "a:\n  b:\n  c: 1\nd: [x]\n");
        assert_writes("a: [x, ~, '']\nb:", "a: [x, ~, '']\nb:\n");
}

static void quotes_stay_where_they_mean_something(void **state)
{
        (void)state;
        assert_writes(
                "a: 'idx'\nb: '1'\nc: 1\nd: \"true\"\ne: true\nf: ''\ng: 'no'\nh: '~'\ni: '1e5'\nj: '.inf'\n",
                "a: idx\nb: '1'\nc: 1\nd: 'true'\ne: true\nf: ''\ng: 'no'\nh: '~'\ni: '1e5'\nj: '.inf'\n");
}

/* Strings that cannot be written as plain scalars everywhere. */
static const char *const nasty[] = { "",
                                     " ",
                                     "  x",
                                     "x  ",
                                     ": #",
                                     "a: b",
                                     "a:",
                                     ":a",
                                     "a #b",
                                     "#a",
                                     "- a",
                                     "-",
                                     "---",
                                     "...",
                                     "? a",
                                     "'",
                                     "\"",
                                     "it's",
                                     "say \"x\"",
                                     "a\nb",
                                     "\n",
                                     "a\n",
                                     "\na\n\n",
                                     " a\n  b",
                                     "a\r\nb",
                                     "\t",
                                     "a\tb",
                                     "\x01\x1b\x7f",
                                     "a, b",
                                     "[a]",
                                     "{a}",
                                     "a]",
                                     "&a",
                                     "*a",
                                     "!a",
                                     "!!str",
                                     "|",
                                     ">",
                                     "%a",
                                     "@a",
                                     "`a",
                                     "<<",
                                     "=",
                                     "~",
                                     "null",
                                     "yes",
                                     "5",
                                     "-.5e3",
                                     "0x10",
                                     "2001-01-01",
                                     "12:30:45",
                                     "\\",
                                     "\\n",
                                     "\xC3\xA9t\xC3\xA9",
                                     "\xE6\x97\xA5\xE6\x9C\xAC",
                                     "\xF0\x9F\x98\x80",
                                     "\xC2\x85",
                                     "\xC2\xA0",
                                     "\xE2\x80\xA8",
                                     "\xEF\xBB\xBF",
                                     "x\xE2\x80\xA8y" };

static const size_t nasty_count = sizeof nasty / sizeof *nasty;

/* Adds a string in double quotes, with escapes, to YAML text. */
static void add_quoted(char *text, size_t bytes, const char *string)
{
        size_t length = strlen(text);

        length += (size_t)snprintf(text + length, bytes - length, "\"");
        while (*string) {
                unsigned char c = (unsigned char)*string;
                const char *form = c < ' ' || c == 0x7F ? "\\x%02x" : c == '"' || c == '\\' ? "\\%c" : "%c";
                bool next_line = strncmp(string, "\xC2\x85", 2) == 0; /* counts as a line break */
                bool separator = strncmp(string, "\xE2\x80\xA8", 3) == 0;

                if (next_line || separator)
                        form = next_line ? "\\N" : "\\L";
                length += (size_t)snprintf(text + length, bytes - length, form, c);
                string += next_line ? 2 : separator ? 3 : 1;
        }
        snprintf(text + length, bytes - length, "\"");
}

static void nasty_strings(void **state)
{
        static const char *const around[][2] = {
                { "a: ", "\n" }, { "a: {b: ", "}\n" }, { "a: [x, ", ", y]\n" },
                { "- ", "\n" },  { "- - ", "\n" },     { "a:\n  b: {}\n  c: {x: {y: {z: ", "}}}\n" },
                { "", "" }
        };
        char text[512];

        (void)state;
        for (size_t i = 0; i < nasty_count; i++)
                for (size_t j = 0; j < sizeof around / sizeof *around; j++) {
                        struct scion_config *root;

                        snprintf(text, sizeof text, "%s", around[j][0]);
                        add_quoted(text, sizeof text, nasty[i]);
                        strcat(text, around[j][1]);
                        root = text_parse(text);
                        assert_round_trip(root);
                        scion_config_destroy(root);
                }
}

static void nasty_keys(void **state)
{
        char text[512];

        (void)state;
        for (size_t i = 0; i < nasty_count; i++) {
                struct scion_config *root;

                if (!*nasty[i] || strcmp(nasty[i], "<<") == 0) /* not allowed as keys */
                        continue;
                text[0] = '\0';
                add_quoted(text, sizeof text, nasty[i]);
                strcat(text, ": {x: 1, y: {z: 2}}\n");
                root = text_parse(text);
                assert_string_equal(root->entry[0].key, nasty[i]);
                assert_round_trip(root);
                scion_config_destroy(root);
        }
        snprintf(text, sizeof text, "? %0300d\n: {a: 1}\n", 7); /* too long to be read as a key without '?' */
        struct scion_config *root = text_parse(text);

        assert_round_trip(root);
        assert_int_equal(strlen(root->entry[0].key), 300);
        scion_config_destroy(root);
}

static void plain_texts_keep_their_text(void **state)
{
        static const char *const texts[] = { "1",    "0.10", "+1",     ".inf",  "~",   "null",
                                             "true", "1.",   "C/data", "a b c", "1-2", "." };
        char text[64];

        (void)state;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                snprintf(text, sizeof text, "a: %s\nb: [%s]\n", texts[i], texts[i]);
                assert_writes(text, text);
        }
}

/* PyYAML reads 1e-3, -.5 and 010 as strings or as another number, and the strings at the end as others. */
static void yaml_1_1_reads_the_same(void **state)
{
        (void)state;
        assert_writes("a: [1e-3, 1E5, -.5, +.5e3, 010, 1.5e3, 00, 0.5, 2.e1, 010.50]",
                      "a: [1.0e-3, 1.0e+5, -0.5, 0.5e+3, 10, 1.5e+3, 0, 0.5, 2.e+1, 10.50]\n");
        assert_writes("{a: no, on: 12:30, c: 0x10, d: 2001-01-01, 1: 1_0}",
                      "a: 'no'\n'on': '12:30'\nc: '0x10'\nd: '2001-01-01'\n'1': '1_0'\n");
}

static void long_lines_are_not_folded(void **state)
{
        char text[4096] = "a: word", *written;
        struct scion_config *root;

        (void)state;
        for (int i = 0; i < 300; i++)
                strcat(text, " word");
        strcat(text, "\n");
        root = text_parse(text);
        written = scion_config_text(root);
        assert_string_equal(written, text);
        free(written);
        scion_config_destroy(root);
}

static void to_a_file(void **state)
{
        struct scion_config *root = text_parse("a: 1\nb: [x, z]\n");
        FILE *file = tmpfile(), *full = fopen("/dev/full", "w");
        char text[64] = "";

        (void)state;
        assert_non_null(file);
        assert_true(scion_config_write(root, file));
        rewind(file);
        assert_int_equal(fread(text, 1, sizeof text - 1, file), 15);
        assert_string_equal(text, "a: 1\nb: [x, z]\n");
        fclose(file);
        if (full) {
                assert_false(scion_config_write(root, full));
                assert_error_has("cannot write: No space left on device", NULL);
                fclose(full);
        }
        scion_config_destroy(root);
}

static void what_is_no_text(void **state)
{
        struct scion_config bad = { .kind = SCION_CONFIG_SCALAR, .text = (char[]){ "\xFF" } };

        (void)state;
        assert_null(scion_config_text(&bad));
        assert_error_has("cannot write as YAML", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(layout),
                cmocka_unit_test(quotes_stay_where_they_mean_something),
                cmocka_unit_test(nasty_strings),
                cmocka_unit_test(nasty_keys),
                cmocka_unit_test(plain_texts_keep_their_text),
                cmocka_unit_test(yaml_1_1_reads_the_same),
                cmocka_unit_test(long_lines_are_not_folded),
                cmocka_unit_test(to_a_file),
                cmocka_unit_test(what_is_no_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
