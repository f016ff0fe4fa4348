/* Randomly damaged documents are either read or rejected with a message, without any other effect. */
#include "support/test.h"

#include "config/config.h"

static const char *const seeds[] = {
        "name: fashion-l2sp\n"
        "seed: 1\n"
        "source:\n"
        "  dataset:   { use: idx, root: /usr/share/datasets/fashion-mnist, classes: [0, 1, 2, 3, 4] }\n"
        "  model:     { use: lenet5 }\n"
        "  optimizer: { use: sgd, lr: 0.02, momentum: 0.9 }\n"
        "strategy:    { use: l2-sp, alpha: 0.1 }\n"
        "matrix:\n"
        "  strategy:\n"
        "    - { use: scratch }\n"
        "    - { use: l2-sp, alpha: 0.1, label: l2-sp-strong }\n"
        "  source.dataset.per_class: [10, 100]\n"
        "exclude:\n"
        "  - { strategy: scratch, source.dataset.per_class: 10 }\n",

        "strategy: { use: old }\n"
        "seeds: 2\n"
        "matrix:\n"
        "  strategy: [scratch, { use: kd, label: soft }]\n"
        "  target.epochs, target.model: [[5, a], [6, a], [6, { use: b, x: 1 }]]\n"
        "exclude:\n"
        "  - { strategy: scratch, target.epochs: 6 }\n"
        "include:\n"
        "  - { strategy: scratch, target.epochs: 6, seed: 1 }\n"
        "  - { target.epochs: 7, target.model: b, seed: 3 }\n",

        "base: &base\n"
        "  <<: [&a {x: 1}, &b {y: 'two', x: 3}]\n"
        "  z: \"\\u00e9\\x41\\\n"
        "    folded\"\n"
        "again: *base\n"
        "*a : b\n"
        "text: |2-\n"
        "    kept\n"
        "   lines\n"
        "? long\n"
        ": !!str 5\n"
        "list:\n"
        "- - a\n"
        "  - b: [c, {d: e}]\n"
        "-\n",

        "%YAML 1.1\n--- {a: [1, 2, 3], \"b\": >\n folded\n  text\n}\n...\n",
};

static const char alphabet[] = "\t\n\r :-,[]{}&*!|>'\"%@`#?<~\\.0aé\xFF\x01=";

static uint32_t state_draw(uint32_t *state, uint32_t below)
{
        *state = *state * 1664525u + 1013904223u;
        return (uint32_t)(((uint64_t)*state * below) >> 32);
}

/* Overwrites, removes, inserts or copies some bytes. */
static void text_damage(char *text, size_t room, uint32_t *state)
{
        size_t length = strlen(text);
        size_t at = state_draw(state, (uint32_t)length + 1), count = 1 + state_draw(state, 8);
        char byte = alphabet[state_draw(state, sizeof alphabet - 1)];

        switch (state_draw(state, 4)) {
        case 0:
                if (at < length)
                        text[at] = byte;
                break;
        case 1:
                if (at + count <= length)
                        memmove(text + at, text + at + count, length - at - count + 1);
                break;
        case 2:
                if (length + 1 < room) {
                        memmove(text + at + 1, text + at, length - at + 1);
                        text[at] = byte;
                }
                break;
        default:
                count *= 4;
                if (at + count <= length && length + count < room) {
                        size_t from = state_draw(state, (uint32_t)(length - count) + 1);
                        char part[32];

                        memcpy(part, text + from, count);
                        memmove(text + at + count, text + at, length - at + 1);
                        memcpy(text + at, part, count);
                }
        }
}

/* Writes, reads back, changes and expands a tree that was read. */
static void root_exercise(const struct scion_config *root)
{
        char *text = scion_config_text(root);
        struct scion_config *back, *copy = scion_config_copy(root);
        struct scion_config_runs runs;

        if (!text)
                fail_msg("cannot be written: %s", scion_error());
        back = scion_config_parse(text, "back.yaml");
        if (!back)
                fail_msg("%s, from\n%s", scion_error(), text);
        if (!scion_config_equal(root, back))
                fail_msg("reads back as another tree:\n%s", text);
        assert_non_null(copy);
        if (copy->kind == SCION_CONFIG_MAP && scion_config_override(copy, "source.dataset.limit=3"))
                assert_non_null(scion_config_get(
                        scion_config_get(scion_config_get(copy, "source"), "dataset"), "limit"));
        if (scion_config_expand(root, false, &runs)) {
                assert_true(runs.count > 0);
                scion_config_destroy(scion_config_resolve(&runs.run[0]));
                scion_config_destroy(scion_config_resolve(&runs.run[runs.count - 1]));
                scion_config_runs_finish(&runs);
        }
        scion_config_destroy(copy);
        scion_config_destroy(back);
        free(text);
}

static void damaged_documents(void **unused)
{
        uint32_t state = 20240229;
        int good = 0, bad = 0;

        (void)unused;
        for (int i = 0; i < 3000; i++) {
                char text[2048];
                struct scion_config *root;

                strcpy(text, seeds[i % (int)(sizeof seeds / sizeof *seeds)]);
                for (uint32_t hits = state_draw(&state, 4); hits-- > 0;)
                        text_damage(text, sizeof text, &state);
                scion_error_clear();
                root = scion_config_parse(text, "x.yaml");
                if (root) {
                        good++;
                        root_exercise(root);
                        scion_config_destroy(root);
                } else {
                        bad++;
                        if (strncmp(scion_error(), "x.yaml:", 7) != 0)
                                fail_msg("\"%s\" is not a message with a position, for\n%s", scion_error(),
                                         text);
                }
        }
        assert_true(good > 500 && bad > 500); /* both outcomes occur */
}

/* Truncated files. */
static void cut_documents(void **unused)
{
        (void)unused;
        for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
                for (size_t length = 0; length <= strlen(seeds[i]); length++) {
                        char text[2048];
                        struct scion_config *root;

                        memcpy(text, seeds[i], length);
                        text[length] = '\0';
                        scion_error_clear();
                        root = scion_config_parse(text, "x.yaml");
                        if (root)
                                root_exercise(root);
                        else
                                assert_error_has("x.yaml:", NULL);
                        scion_config_destroy(root);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(damaged_documents),
                cmocka_unit_test(cut_documents),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
