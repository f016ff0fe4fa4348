#include "plugin/loader.h"
#include "plugin/params.h"
#include "plugin/plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PARAMS 256

static const struct {
        size_t size, alignment;
} field_layouts[] = {
        [SCION_PARAM_FLOAT] = { sizeof(float), _Alignof(float) },
        [SCION_PARAM_INT] = { sizeof(int64_t), _Alignof(int64_t) },
        [SCION_PARAM_BOOL] = { sizeof(bool), _Alignof(bool) },
        [SCION_PARAM_STRING] = { sizeof(char *), _Alignof(char *) },
        [SCION_PARAM_CHOICE] = { sizeof(int), _Alignof(int) },
        [SCION_PARAM_FLOATS] = { sizeof(struct scion_floats), _Alignof(struct scion_floats) },
        [SCION_PARAM_INTS] = { sizeof(struct scion_ints), _Alignof(struct scion_ints) },
        [SCION_PARAM_STRINGS] = { sizeof(struct scion_strings), _Alignof(struct scion_strings) },
};

size_t scion_param_bytes(enum scion_param_type type)
{
        return type < sizeof field_layouts / sizeof *field_layouts ? field_layouts[type].size : 0;
}

bool scion_plugin_name_check(const char *name)
{
        if (!name || !*name)
                return scion_fail("the plugin has no name");
        if (name[0] == '.' || name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "0123456789-_.")])
                return scion_fail("'%s' cannot be a plugin's name: a name has only letters, digits, '-', '_' "
                                  "and '.', and does not begin with '.'",
                                  name);
        return true;
}

/* --- The parameter table -------------------------------------------------------------------------------- */

/* Rejects defaults that cannot be converted to the parameter's type. */
static bool param_check_default(const struct scion_param *param)
{
        size_t choices = 0;

        if (param->type == SCION_PARAM_CHOICE) {
                while (param->choices && param->choices[choices])
                        choices++;
                if (choices == 0)
                        return scion_fail("has no choices");
                if (!param->required && !(param->number >= 0 && param->number < (double)choices))
                        return scion_fail("its default is choice %g of %zu", param->number, choices);
        }
        if (param->type == SCION_PARAM_INT && !(fabs(param->number) <= 0x1p63))
                return scion_fail("its default %g is out of range", param->number);
        return true;
}

static bool table_check_param(const struct scion_param *table, size_t index, size_t size)
{
        const struct scion_param *param = &table[index];

        if (param->type >= sizeof field_layouts / sizeof *field_layouts || !param->name || !*param->name)
                return scion_fail("parameter %zu has no name or no type: does the table end with "
                                  "SCION_PARAMS_END?",
                                  index + 1);
        if (strcmp(param->name, "use") == 0)
                return scion_fail("a parameter cannot be called 'use': it names the plugin");
        for (size_t i = 0; i < index; i++)
                if (strcmp(table[i].name, param->name) == 0)
                        return scion_fail("two parameters are called '%s'", param->name);
        if (param->offset > size || size - param->offset < field_layouts[param->type].size)
                return scion_fail("parameter '%s' lies at byte %zu, outside the state's %zu bytes: set "
                                  ".size = sizeof(struct ...)",
                                  param->name, param->offset, size);
        if (param->offset % field_layouts[param->type].alignment != 0)
                return scion_fail("parameter '%s' lies at byte %zu, which is misaligned for its type",
                                  param->name, param->offset);
        if (param->scales && param->type != SCION_PARAM_FLOAT && param->type != SCION_PARAM_INT &&
            param->type != SCION_PARAM_FLOATS && param->type != SCION_PARAM_INTS)
                return scion_fail("parameter '%s' is not a number, so it cannot be a width that .scales",
                                  param->name);
        if (!param->help)
                return scion_fail("parameter '%s' has no help text", param->name);
        if (!param_check_default(param))
                return scion_fail_prefix("parameter '%s'", param->name);
        return true;
}

/*
 * Parses the defaults of all optional parameters, to find errors in those of lists, which are YAML. The
 * default of a number may lie outside its range; it then means "not given".
 */
static bool plugin_check_defaults(const struct scion_plugin *plugin, size_t count)
{
        struct scion_param *optional = calloc(count + 1, sizeof *optional);
        void *state = calloc(1, plugin->size);
        bool good = false;
        size_t kept = 0;

        if (!optional || !state) {
                scion_fail("out of memory");
                goto done;
        }
        for (size_t i = 0; i < count; i++)
                if (!plugin->params[i].required)
                        optional[kept++] = plugin->params[i];
        good = scion_params_fill(optional, NULL, scion_kind_name(plugin->kind), NULL, state);
        scion_params_release(optional, state);

done:
        free(state);
        free(optional);
        return good;
}

static bool plugin_check_params(const struct scion_plugin *plugin)
{
        size_t count = 0;

        if (!plugin->params || plugin->params[0].type == SCION_PARAM_END)
                return true;
        for (; plugin->params[count].type != SCION_PARAM_END; count++) {
                if (count == MOST_PARAMS)
                        return scion_fail("has over %d parameters: does the table end with "
                                          "SCION_PARAMS_END?",
                                          MOST_PARAMS);
                if (!table_check_param(plugin->params, count, plugin->size))
                        return false;
        }
        return plugin_check_defaults(plugin, count);
}

/* --- The callbacks of each kind ------------------------------------------------------------------------- */

static bool table_check_lr(const struct scion_param *params)
{
        const struct scion_param *lr = params ? scion_params_find(params, "lr") : NULL;

        if (!lr || lr->type != SCION_PARAM_FLOAT)
                return scion_fail("an optimizer must have a parameter 'lr', a float");
        return true;
}

/* The first function that a back end's table lacks; NULL when it is complete. map() may be absent. */
static const char *backend_missing(const struct scion_backend_plugin *backend)
{
#define NEEDED(function)                             \
        {                                            \
#function, backend->function != NULL \
        }
        const struct {
                const char *name;
                bool there;
        } needed[] = {
                NEEDED(allocate),
                NEEDED(release),
                NEEDED(upload),
                NEEDED(download),
                NEEDED(fill),
                NEEDED(reorder),
                NEEDED(move),
                NEEDED(gather),
                NEEDED(unary),
                NEEDED(unary_gradient),
                NEEDED(binary),
                NEEDED(draw),
                NEEDED(select),
                NEEDED(mask),
                NEEDED(sum),
                NEEDED(stretch),
                NEEDED(max),
                NEEDED(max_gradient),
                NEEDED(softmax),
                NEEDED(softmax_gradient),
                NEEDED(multiply),
                NEEDED(factor_layout),
                NEEDED(column_sums),
                NEEDED(conv2d),
                NEEDED(pool2d),
                NEEDED(batch_norm),
                NEEDED(batch_norm_layout),
                NEEDED(kernel_layout),
                NEEDED(kernel_bytes),
                NEEDED(kernel_run),
                NEEDED(average),
                NEEDED(adaptive_average),
                NEEDED(adaptive_average_gradient),
                NEEDED(distance),
                NEEDED(distance_gradient),
                NEEDED(one_hot),
                NEEDED(pick),
                NEEDED(pick_gradient),
                NEEDED(kl_divergence),
                NEEDED(mmd),
                NEEDED(correct),
                NEEDED(errors),
                NEEDED(update),
                NEEDED(configure),
                NEEDED(has_bf16),
                NEEDED(usage),
                NEEDED(describe),
                NEEDED(layout_length),
                NEEDED(layout_text),
        };
#undef NEEDED

        for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
                if (!needed[i].there)
                        return needed[i].name;
        return NULL;
}

static const char *descriptor_missing_callback(const union scion_descriptor *descriptor)
{
        switch (descriptor->plugin.kind) {
        case SCION_STRATEGY: /* all callbacks are optional: a strategy without any is the baseline */
                return NULL;
        case SCION_LOSS:
                return descriptor->loss.loss ? NULL : "loss";
        case SCION_OPTIMIZER:
                if (!descriptor->optimizer.states)
                        return "states";
                return descriptor->optimizer.step ? NULL : "step";
        case SCION_DATASET:
                if (!descriptor->dataset.open)
                        return "open";
                return descriptor->dataset.read ? NULL : "read";
        case SCION_MODEL:
                return descriptor->model.build ? NULL : "build";
        case SCION_BACKEND:
                return backend_missing(&descriptor->backend);
        case SCION_KINDS_END:
                break;
        }
        return NULL;
}

bool scion_descriptor_check(const union scion_descriptor *descriptor)
{
        const struct scion_plugin *plugin = &descriptor->plugin;
        const char *callback = descriptor_missing_callback(descriptor);

        if (!plugin->summary)
                return scion_fail("the plugin has no .summary");
        if (callback)
                return scion_fail("a plugin of the kind %s must have .%s", scion_kind_name(plugin->kind),
                                  callback);
        if (!plugin_check_params(plugin))
                return false;
        return plugin->kind != SCION_OPTIMIZER || table_check_lr(plugin->params);
}
