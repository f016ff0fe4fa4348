/* Of every kind: the descriptor, the parameter table, and making instances. */
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

#define MOST_TRIED 1e6 /* a larger number may be large work, and rightly */

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

/* --- The parameter table -------------------------------------------------------------------------------- */

static bool is_number(const struct scion_param *param)
{
        return param->type == SCION_PARAM_FLOAT || param->type == SCION_PARAM_INT;
}

/* Each field has its own bytes: what one parameter sets would change another. */
static void check_fields(struct scion_conform *conform)
{
        const struct scion_param *params = conform->descriptor->plugin.params;

        for (const struct scion_param *a = params; a && a->type != SCION_PARAM_END; a++)
                for (const struct scion_param *b = params; b < a; b++)
                        if (a->offset < b->offset + scion_param_bytes(b->type) &&
                            b->offset < a->offset + scion_param_bytes(a->type))
                                scion_conform_wrong(
                                        conform,
                                        "parameters '%s' and '%s' lie on one another, at bytes %zu "
                                        "and %zu of the state: does each have its own field?",
                                        b->name, a->name, b->offset, a->offset);
}

/* What no file could say, or no --set. */
static void check_names(struct scion_conform *conform)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
        const struct scion_plugin *plugin = &conform->descriptor->plugin;

        for (const struct scion_param *p = plugin->params; p && p->type != SCION_PARAM_END; p++) {
                const char *const *key = plugin->kind == SCION_DATASET ? scion_data_keys : NULL;

                if (p->name[strspn(p->name, letters)])
                        scion_conform_wrong(conform,
                                            "parameter '%s': a name is made of letters, digits, '_' and '-': "
                                            "others mean something in an experiment file",
                                            p->name);
                if (strcmp(p->name, "label") == 0)
                        scion_conform_wrong(conform,
                                            "parameter 'label' has the name of a key that works on every "
                                            "plugin in a matrix: call it otherwise");
                for (; key && *key; key++)
                        if (strcmp(p->name, *key) == 0)
                                scion_conform_wrong(
                                        conform,
                                        "parameter '%s' has the name of a key that works on every "
                                        "dataset: call it otherwise",
                                        p->name);
        }
}

static void check_choices(struct scion_conform *conform, const struct scion_param *param)
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

static void check_number(struct scion_conform *conform, const struct scion_param *param)
{
        double most = param->type == SCION_PARAM_FLOAT ? (double)FLT_MAX : 0x1p63, is = param->number;

        if (isnan(is) || (fabs(is) > most && !isinf(is)) ||
            (param->type == SCION_PARAM_INT && floor(is) != is))
                scion_conform_wrong(conform, "parameter '%s': its default %g is no %s", param->name, is,
                                    param->type == SCION_PARAM_INT ? "integer" : "float");
}

/* A range that holds nothing, or none where one seems to be. */
static void check_range(struct scion_conform *conform, const struct scion_param *param)
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

static void check_values(struct scion_conform *conform)
{
        const struct scion_plugin *plugin = &conform->descriptor->plugin;

        for (const struct scion_param *p = plugin->params; p && p->type != SCION_PARAM_END; p++) {
                check_range(conform, p);
                if (p->type == SCION_PARAM_CHOICE)
                        check_choices(conform, p);
                if (is_number(p) && !p->required)
                        check_number(conform, p);
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
        { "summary and help texts are one line, without a full stop", check_texts },
        { "each parameter has bytes of its own in the state", check_fields },
        { "parameters have names that an experiment file can say", check_names },
        { "defaults, ranges and choices make sense", check_values },
        { NULL, NULL },
};

/* --- Instances ------------------------------------------------------------------------------------------ */

static void make_instance(struct scion_conform *conform)
{
        scion_conform_end(conform, scion_conform_instance(conform));
}

/* An instance with one parameter changed is made, or refused with a reason. */
static void try_value(struct scion_conform *conform, const struct scion_param *param, const char *value)
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

static void try_number(struct scion_conform *conform, const struct scion_param *param, double value)
{
        char text[SCION_SCALAR_BYTES];

        if (fabs(value) <= MOST_TRIED && scion_range_holds(param, (long double)value))
                try_value(conform, param, scion_scalar_double_text(value, text));
}

/* The ends of ranges, and all choices: what is nobody's first thought. One at a time. */
static void try_values(struct scion_conform *conform)
{
        for (const struct scion_param *p = conform->descriptor->plugin.params;
             p && p->type != SCION_PARAM_END; p++) {
                if (is_number(p)) {
                        double step = p->type == SCION_PARAM_INT ? 1 : 1e-6;

                        try_number(conform, p, p->bounded ? p->min : -1);
                        try_number(conform, p, p->bounded ? p->min + step : 0);
                        try_number(conform, p, scion_range_has_max(p) ? p->max : MOST_TRIED);
                        if (scion_range_has_max(p))
                                try_number(conform, p, p->max - step);
                } else if (p->type == SCION_PARAM_BOOL) {
                        try_value(conform, p, "true");
                        try_value(conform, p, "false");
                }
                for (int i = 0; p->type == SCION_PARAM_CHOICE && p->choices[i]; i++)
                        try_value(conform, p, p->choices[i]);
        }
}

/* What is kept in a variable of the file, and not in the state, is everybody's. */
static void make_several(struct scion_conform *conform)
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
        { "an instance with these parameters is made and ended", make_instance },
        { "values at the ends of the ranges are taken, or refused with a reason", try_values },
        { "several instances do not disturb one another", make_several },
        { NULL, NULL },
};
