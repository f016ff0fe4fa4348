/* An experiment file that uses a plugin, generated from the plugin's description. */
#include <scion/strategy.h>
#include <string.h>

#include "cli/describe.h"
#include "config/scalar.h"
#include "plugin/params.h"
#include "plugin/range.h"

/* Where the Debian package dataset-fashion-mnist installs data that dataset plugins can be tried with. */
#define FOLDER "/usr/share/datasets/fashion-mnist"

/* Adds a number that is valid for a required parameter. */
static void example_add_number(const struct scion_param *param, struct scion_text *text)
{
        double number = scion_range_has_min(param) ? param->min : 1;
        char digits[SCION_SCALAR_BYTES];

        if (!scion_range_holds(param, (long double)number) || number == 0)
                number = scion_range_has_max(param) && param->max < number + 1 ? (number + param->max) / 2
                                                                               : number + 1;
        scion_text_add(text, "%s", scion_scalar_double_text(number, digits));
}

static void example_add_value(const struct scion_param *param, struct scion_text *text)
{
        switch (param->type) {
        case SCION_PARAM_BOOL:
                scion_text_add(text, "true");
                break;
        case SCION_PARAM_CHOICE:
                scion_text_add(text, "%s", param->choices[0]);
                break;
        case SCION_PARAM_STRING:
                scion_text_add(text, strcmp(param->name, "root") == 0 ? FOLDER : "name");
                break;
        case SCION_PARAM_STRINGS:
                scion_text_add(text, "[conv2]"); /* a module of lenet5, the model of the example */
                break;
        case SCION_PARAM_FLOATS:
        case SCION_PARAM_INTS:
                scion_text_add(text, "[");
                example_add_number(param, text);
                scion_text_add(text, "]");
                break;
        default:
                example_add_number(param, text);
        }
}

/*
 * Adds "{ use: NAME, ... }" with the required parameters, or the name alone. A dataset's `root` is always
 * included.
 */
static void example_add_use(const struct scion_plugin *plugin, struct scion_text *text)
{
        bool any = false;

        for (const struct scion_param *param = plugin->params; param && param->type != SCION_PARAM_END;
             param++) {
                bool root = plugin->kind == SCION_DATASET && param->type == SCION_PARAM_STRING &&
                            strcmp(param->name, "root") == 0;

                if (!param->required && !root)
                        continue;
                scion_text_add(text, any ? ", %s: " : "{ use: %s, %s: ", any ? param->name : plugin->name,
                               param->name);
                example_add_value(param, text);
                any = true;
        }
        if (any)
                scion_text_add(text, " }\n");
        else
                scion_text_add(text, "%s\n", plugin->name);
}

static void example_add_random(bool unlabelled, struct scion_text *text)
{
        scion_text_add(text, "  dataset:\n    use: random\n    shape: [1, 32, 32]\n    num_classes: 4\n"
                             "    train_size: 64\n    test_size: 64\n");
        if (unlabelled)
                scion_text_add(text, "    unlabelled: true\n");
}

static void example_add_training(const struct scion_plugin *plugin, struct scion_text *text)
{
        scion_text_add(text, "  optimizer: ");
        if (plugin->kind == SCION_OPTIMIZER)
                example_add_use(plugin, text);
        else
                scion_text_add(text, "{ use: sgd, lr: 0.01 }\n");
        scion_text_add(text, "  train: { epochs: 1, batch_size: 16 }\n");
}

static void example_add_source(const struct scion_plugin *plugin, struct scion_text *text)
{
        scion_text_add(text, "source:\n");
        example_add_random(false, text);
        scion_text_add(text, "  model: lenet5\n");
        example_add_training(plugin, text);
        scion_text_add(text, "\n");
}

void scion_describe_example(const struct scion_plugin *plugin, struct scion_text *text)
{
        unsigned needs =
                plugin->kind == SCION_STRATEGY ? ((const struct scion_strategy_plugin *)plugin)->needs : 0;
        bool with_source = (needs & ~(unsigned)SCION_NEEDS_UNLABELLED) != 0;

        scion_text_add(text, "name: try-%s\n", plugin->name);
        if (plugin->kind == SCION_BACKEND)
                scion_text_add(text, "device: %s\n", plugin->name);
        scion_text_add(text, "\n");
        if (with_source)
                example_add_source(plugin, text);
        scion_text_add(text, "strategy: ");
        if (plugin->kind == SCION_STRATEGY)
                example_add_use(plugin, text);
        else
                scion_text_add(text, "scratch\n");
        scion_text_add(text, "\ntarget:\n");
        if (plugin->kind == SCION_DATASET) {
                scion_text_add(text, "  dataset: ");
                example_add_use(plugin, text);
        } else {
                example_add_random(needs & SCION_NEEDS_UNLABELLED, text);
        }
        if (plugin->kind == SCION_MODEL) {
                scion_text_add(text, "  model: ");
                example_add_use(plugin, text);
        } else if (!with_source) {
                scion_text_add(text, plugin->kind == SCION_DATASET ? "  model: mlp\n" : "  model: lenet5\n");
        }
        if (plugin->kind == SCION_LOSS) {
                scion_text_add(text, "  loss: ");
                example_add_use(plugin, text);
        }
        example_add_training(plugin, text);
}
