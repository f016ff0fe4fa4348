/* A libFuzzer target: whatever is read can be written, reads back equal, and can be expanded. */
#include <scion/error.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const char *what)
{
        if (good)
                return;
        fprintf(stderr, "%s: %s\n", what, scion_error());
        abort();
}

static void use(const struct scion_config *root)
{
        char *text = scion_config_text(root), *again;
        struct scion_config *back, *copy;
        struct scion_config_runs runs;

        check(text, "cannot be written");
        back = scion_config_parse(text, "back.yaml");
        check(back, "does not read back");
        check(scion_config_equal(root, back), "reads back as another tree");
        check(scion_config_hash(root) == scion_config_hash(back), "reads back with another hash");
        again = scion_config_text(back);
        check(again && strcmp(again, text) == 0, "another text the second time");
        copy = scion_config_copy(root);
        check(copy, "no copy");
        if (copy->kind == SCION_CONFIG_MAP)
                (void)scion_config_override(copy, "target.strategy.use={a: [1], b: *c}");
        if (copy->kind == SCION_CONFIG_MAP)
                (void)scion_config_override(copy, "strategy.use=x");
        if (scion_config_expand(copy, false, &runs)) {
                check(runs.count > 0, "no runs");
                scion_config_destroy(scion_config_resolve(&runs.run[0]));
                scion_config_destroy(scion_config_resolve(&runs.run[runs.count - 1]));
                scion_config_runs_finish(&runs);
        }
        scion_config_destroy(copy);
        scion_config_destroy(back);
        free(again);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct scion_config *root;
        char *text;

        text = malloc(size + 1);
        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = '\0';
        scion_error_clear();
        root = scion_config_parse(text, "x.yaml");
        if (root)
                use(root);
        else
                check(strncmp(scion_error(), "x.yaml:", 7) == 0, "no message with a place");
        scion_config_destroy(root);
        free(text);
        return 0;
}
