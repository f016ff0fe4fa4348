/* Tests of all kinds: the descriptor, the parameter table, and creating instances. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/scalar.h"
#include "conform/tests.h"
#include "data/data.h"
#include "plugin/range.h"

#define MOST_TRIED 1e6 /* larger values are left out, because they may rightly mean much work */

/* --- Loading -------------------------------------------------------------------------------------------- */

static void plugin_load(struct scion_conform *conform)
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
        { "it is loaded: interface, sizes, name, callbacks, parameter table", plugin_load },
        { NULL, NULL },
};

/* --- Texts ---------------------------------------------------------------------------------------------- */

/* Returns whether the text begins with a word in title case that is not the plugin's name. Words with further capitals or
 * digits are taken for names. */
static bool text_has_capital(const struct scion_plugin *plugin, const char *text)
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

/* Checks that the text is one line without a full stop; notes a capital at the beginning. */
static void text_check(struct scion_conform *conform, const char *what, const char *text)
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
        else if (text_has_capital(&conform->descriptor->plugin, text))
                scion_conform_note(conform, "%s begins with a capital, as only names do: '%s'", what, text);
}

static void texts_check(struct scion_conform *conform)
{
        const struct scion_plugin *plugin = &conform->descriptor->plugin;
        char what[160];

        text_check(conform, "the summary", plugin->summary);
        if (plugin->reference && (!*plugin->reference || strpbrk(plugin->reference, "\r\n\t")))
                scion_conform_wrong(conform, "the reference is empty or more than one line: '%s'",
                                    plugin->reference);
        for (const struct scion_param *p = plugin->params; p && p->type != SCION_PARAM_END; p++) {
                snprintf(what, sizeof what, "parameter '%.64s': the help text", p->name);
                text_check(conform, what, p->help);
        }
}

/* --- The parameter table -------------------------------------------------------------------------------- */

static bool param_is_number(const struct scion_param *param)
{
        return param->type == SCION_PARAM_FLOAT || param->type == SCION_PARAM_INT;
}

/* Checks that no two parameters share bytes of the state. */
static void params_check_fields(struct scion_conform *conform)
{
        const struct scion_param *params = conform->descriptor->plugin.params;

        for (const struct scion_param *a = params; a && a->type != SCION_PARAM_END; a++)
                for (const struct scion_param *b = params; b < a; b++)
                        if (a->offset < b->offset + scion_param_bytes(b->type) &&
                            b->offset < a->offset + scion_param_bytes(a->type))
                                scion_conform_wrong(conform,
                                                    "parameters '%s' and '%s' overlap, at bytes %zu "
                                                    "and %zu of the state: does each have its own field?",
                                                    b->name, a->name, b->offset, a->offset);
}

/* Checks that files and --set can name every parameter. */
static void params_check_names(struct scion_conform *conform)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
        const struct scion_plugin *plugin = &conform->descriptor->plugin;

        for (const struct scion_param *p = plugin->params; p && p->type != SCION_PARAM_END; p++) {
                const char *const *key = plugin->kind == SCION_DATASET ? scion_data_keys : NULL;

                if (p->name[strspn(p->name, letters)])
                        scion_conform_wrong(conform,
                                            "parameter '%s': a name is made of letters, digits, '_' and '-': "
                                            "other characters have a meaning in an experiment file",
                                            p->name);
                if (strcmp(p->name, "label") == 0)
                        scion_conform_wrong(conform,
                                            "parameter 'label' has the name of a key that works on every "
                                            "plugin in a matrix: rename it");
                for (; key && *key; key++)
                        if (strcmp(p->name, *key) == 0)
                                scion_conform_wrong(
                                        conform,
                                        "parameter '%s' has the name of a key that works on every "
                                        "dataset: rename it",
                                        p->name);
        }
}

static void param_check_choices(struct scion_conform *conform, const struct scion_param *param)
{
        for (const char *const *a = param->choices; *a; a++) {
                if (!**a)
                        scion_conform_wrong(conform, "parameter '%s': one of its choices is empty",
                                            param->name);
                for (const char *const *b = param->choices; b < a; b++)
                        if (strcmp(*a, *b) == 0)
                                scion_conform_wrong(conform,
                                                    "parameter '%s': '%s' is twice among its choices",
                                                    param->name, *a);
        }
}

static void param_check_number(struct scion_conform *conform, const struct scion_param *param)
{
        double most = param->type == SCION_PARAM_FLOAT ? (double)FLT_MAX : 0x1p63, is = param->number;

        if (isnan(is) || (fabs(is) > most && !isinf(is)) ||
            (param->type == SCION_PARAM_INT && floor(is) != is))
                scion_conform_wrong(conform, "parameter '%s': its default %g is not a valid %s", param->name,
                                    is, param->type == SCION_PARAM_INT ? "integer" : "float");
}

/* Checks that the range is not empty, and that its end is not ignored. */
static void param_check_range(struct scion_conform *conform, const struct scion_param *param)
{
        if (!param->bounded)
                return;
        if (isnan(param->min) || isnan(param->max))
                scion_conform_wrong(conform, "parameter '%s': an end of its range is not a number",
                                    param->name);
        else if (param->max != 0 && param->max <= param->min)
                scion_conform_wrong(
                        conform,
                        "parameter '%s': its .max %g is not above its .min %g, and so there is no "
                        "upper end",
                        param->name, param->max, param->min);
        else if (param->below_max && !scion_range_has_max(param))
                scion_conform_wrong(conform, "parameter '%s': .below_max without a .max", param->name);
}

static void params_check_values(struct scion_conform *conform)
{
        const struct scion_plugin *plugin = &conform->descriptor->plugin;

        for (const struct scion_param *p = plugin->params; p && p->type != SCION_PARAM_END; p++) {
                param_check_range(conform, p);
                if (p->type == SCION_PARAM_CHOICE)
                        param_check_choices(conform, p);
                if (param_is_number(p) && !p->required)
                        param_check_number(conform, p);
                if (p->type == SCION_PARAM_BOOL && p->number != 0 && p->number != 1)
                        scion_conform_wrong(conform,
                                            "parameter '%s': its default %g is neither true nor false",
                                            p->name, p->number);
                if (p->scales && plugin->kind != SCION_MODEL)
                        scion_conform_wrong(conform, "parameter '%s' .scales, and only a model has widths",
                                            p->name);
        }
}

const struct scion_conform_test scion_conform_descriptor[] = {
        { "summary and help texts are one line, without a full stop", texts_check },
        { "each parameter has bytes of its own in the state", params_check_fields },
        { "parameters have names that an experiment file can say", params_check_names },
        { "defaults, ranges and choices make sense", params_check_values },
        { NULL, NULL },
};

/* --- Instances ------------------------------------------------------------------------------------------ */

static void instance_create(struct scion_conform *conform)
{
        scion_conform_end(conform, scion_conform_instance(conform));
}

/* Checks that an instance with one parameter changed is created, or refused with a reason. */
static void param_try_value(struct scion_conform *conform, const struct scion_param *param, const char *value)
{
        struct scion_config *map = scion_config_copy(conform->map);
        struct scion_text assignment = { 0 };
        int before = conform->findings;
        bool refused;

        scion_text_add(&assignment, "%s=%s", param->name, value);
        if (!map || !assignment.text || !scion_config_override(map, assignment.text))
                scion_conform_trouble(conform);
        else
                scion_conform_end(conform, scion_conform_make(conform, map, &refused));
        if (conform->findings > before)
                scion_conform_note(conform, "that was with %s", assignment.text);
        free(assignment.text);
        scion_config_destroy(map);
}

static void param_try_number(struct scion_conform *conform, const struct scion_param *param, double value)
{
        char text[SCION_SCALAR_BYTES];

        if (fabs(value) <= MOST_TRIED && scion_range_holds(param, (long double)value))
                param_try_value(conform, param, scion_scalar_double_text(value, text));
}

/* Tries the ends of ranges and all choices, one parameter at a time. */
static void params_try_values(struct scion_conform *conform)
{
        for (const struct scion_param *p = conform->descriptor->plugin.params;
             p && p->type != SCION_PARAM_END; p++) {
                if (param_is_number(p)) {
                        double step = p->type == SCION_PARAM_INT ? 1 : 1e-6;

                        param_try_number(conform, p, p->bounded ? p->min : -1);
                        param_try_number(conform, p, p->bounded ? p->min + step : 0);
                        param_try_number(conform, p, scion_range_has_max(p) ? p->max : MOST_TRIED);
                        if (scion_range_has_max(p))
                                param_try_number(conform, p, p->max - step);
                } else if (p->type == SCION_PARAM_BOOL) {
                        param_try_value(conform, p, "true");
                        param_try_value(conform, p, "false");
                }
                for (int i = 0; p->type == SCION_PARAM_CHOICE && p->choices[i]; i++)
                        param_try_value(conform, p, p->choices[i]);
        }
}

/* Finds state that is kept in variables of the file, which all instances share. */
static void instances_create(struct scion_conform *conform)
{
        size_t size = conform->descriptor->plugin.size;
        struct scion_instance *first = scion_conform_instance(conform);
        void *before = malloc(size + 1);

        if (!first)
                return;
        if (!before) {
                scion_fail("out of memory");
                scion_conform_trouble(conform);
                return;
        }
        memcpy(before, first->self, size);
        struct scion_instance *second = scion_conform_instance(conform);

        if (memcmp(before, first->self, size) != 0)
                scion_conform_wrong(conform, "the state of one instance changed when another was made");
        scion_conform_end(conform, first);
        scion_conform_end(conform, scion_conform_instance(conform));
        scion_conform_end(conform, second);
        free(before);
}

const struct scion_conform_test scion_conform_instances[] = {
        { "an instance with these parameters is made and ended", instance_create },
        { "values at the ends of the ranges are taken, or refused with a reason", params_try_values },
        { "several instances do not disturb one another", instances_create },
        { NULL, NULL },
};
