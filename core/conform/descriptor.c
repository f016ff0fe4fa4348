/* Of every kind: the descriptor, the parameter table, and making instances. */
#include <ctype.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conform/tests.h"

/* --- Loading -------------------------------------------------------------------------------------------- */

static void load(struct scion_conform *conform)
{
        size_t length = strlen(conform->path);

        scion_conform_doing(conform, "loading it");
        if (!scion_plugin_open(conform->path)) {
                const char *reason = scion_error();

                if (strncmp(reason, conform->path, length) == 0 && strncmp(reason + length, ": ", 2) == 0)
                        reason += length + 2;
                scion_conform_wrong(conform, "%s", reason);
        }
}

const struct scion_conform_test scion_conform_loading[] = {
        { "it is loaded: interface, sizes, name, callbacks, parameter table", load },
        { NULL, NULL },
};

/* --- Texts ---------------------------------------------------------------------------------------------- */

/* Does it begin with a capital that is no name's for all one can see: of one capital, and not the plugin's own? */
static bool has_capital(const struct scion_plugin *plugin, const char *text)
{
        size_t length = 1;

        if (!isupper((unsigned char)text[0]))
                return false;
        while (islower((unsigned char)text[length]))
                length++;
        if (length == 1 || isupper((unsigned char)text[length]) || isdigit((unsigned char)text[length]))
                return false;
        return strncasecmp(plugin->name, text, length) != 0;
}

/* One line, lower case, no full stop. */
static void check_text(struct scion_conform *conform, const char *what, const char *text)
{
        size_t length = strlen(text);

        if (length == 0)
                scion_conform_wrong(conform, "%s is empty", what);
        else if (strpbrk(text, "\r\n\t"))
                scion_conform_wrong(conform, "%s is more than one line, or has a tab: '%s'", what, text);
        else if (isspace((unsigned char)text[0]) || isspace((unsigned char)text[length - 1]))
                scion_conform_wrong(conform, "%s begins or ends with a space: '%s'", what, text);
        else if (text[length - 1] == '.' && (length < 3 || strcmp(text + length - 3, "...") != 0))
                scion_conform_wrong(conform, "%s ends with a full stop: '%s'", what, text);
        else if (has_capital(&conform->descriptor->plugin, text))
                scion_conform_note(conform, "%s begins with a capital, as only names do: '%s'", what, text);
}

static void check_texts(struct scion_conform *conform)
{
        const struct scion_plugin *plugin = &conform->descriptor->plugin;
        char what[160];

        check_text(conform, "the summary", plugin->summary);
        if (plugin->reference && (!*plugin->reference || strpbrk(plugin->reference, "\r\n\t")))
                scion_conform_wrong(conform, "the reference is empty or more than one line: '%s'",
                                    plugin->reference);
        for (const struct scion_param *p = plugin->params; p && p->type != SCION_PARAM_END; p++) {
                snprintf(what, sizeof what, "parameter '%.64s': the help text", p->name);
                check_text(conform, what, p->help);
        }
}

const struct scion_conform_test scion_conform_descriptor[] = {
        { "summary and help texts are one line, without a full stop", check_texts },
        { NULL, NULL },
};

/* --- Instances ------------------------------------------------------------------------------------------ */

static void make_instance(struct scion_conform *conform)
{
        struct scion_instance *instance;

        scion_conform_doing(conform, "validate()");
        instance = scion_conform_instance(conform);
        scion_conform_doing(conform, "finish()");
        scion_instance_destroy(instance);
}

const struct scion_conform_test scion_conform_instances[] = {
        { "an instance with these parameters is made and ended", make_instance },
        { NULL, NULL },
};
