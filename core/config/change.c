/* Changing trees: short forms, what one file takes from another, values at dotted paths. */
#include "config/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Short forms
 * ------------------------------------------------------------------------------------------------------- */

static bool spell_out_key(struct scion_config *map, const char *key)
{
        struct scion_config_entry *entry = scion_config_find(map, key);
        struct scion_config *value = entry ? entry->value : NULL, *spelled;

        if (!value || value->kind != SCION_CONFIG_SCALAR || scion_config_is_null(value))
                return true;
        spelled = scion_config_node(SCION_CONFIG_MAP, value->file, value->line, value->column);
        if (!spelled)
                return false;
        entry->value = spelled;
        return scion_config_add(spelled, "use", value->line, value->column, value);
}

bool scion_config_spell_out(struct scion_config *root)
{
        static const char *const sides[] = { "source", "target" };
        static const char *const keys[] = { "model", "dataset", "loss", "optimizer", "schedule" };

        if (!spell_out_key(root, "strategy"))
                return false;
        for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
                struct scion_config_entry *side = scion_config_find(root, sides[i]);

                for (size_t j = 0; side && j < sizeof keys / sizeof *keys; j++)
                        if (!spell_out_key(side->value, keys[j]))
                                return false;
        }
        return true;
}

/* --- Merging
 * ------------------------------------------------------------------------------------------------------------
 */

/* Both name a plugin, and not the same. */
static bool other_plugin(const struct scion_config *a, const struct scion_config *b)
{
        const struct scion_config *x = scion_config_get(a, "use"), *y = scion_config_get(b, "use");

        return x && y && !scion_config_equal(x, y);
}

bool scion_config_merge(struct scion_config *base, const struct scion_config *over)
{
        for (size_t i = 0; i < over->count; i++) {
                const struct scion_config_entry *entry = &over->entry[i];
                struct scion_config_entry *old = scion_config_find(base, entry->key);
                struct scion_config *copy;

                if (old && old->value->kind == SCION_CONFIG_MAP && entry->value->kind == SCION_CONFIG_MAP &&
                    !other_plugin(old->value, entry->value)) {
                        if (!scion_config_merge(old->value, entry->value))
                                return false;
                        continue;
                }
                copy = scion_config_copy(entry->value);
                if (!copy)
                        return false;
                if (!old) {
                        if (!scion_config_add(base, entry->key, entry->line, entry->column, copy))
                                return false;
                        continue;
                }
                scion_config_replace(old, copy);
                old->line = entry->line;
                old->column = entry->column;
        }
        return true;
}
