/* Files: reading one and what it extends. */
#include "config/tree.h"

#include <string.h>

struct scion_config *scion_config_parse(const char *text, const char *name)
{
        struct scion_config *root = scion_config_read(text, strlen(text), name, true);
        const struct scion_config *extends = scion_config_get(root, "extends");

        if (extends)
                scion_config_fail(extends, "a text that stands in no file cannot extend one");
        if (root && !extends && scion_config_spell_out(root))
                return root;
        scion_config_destroy(root);
        return NULL;
}
