#include "cli/cli.h"
#include "data/data.h"
#include "data/transform.h"
#include "plugin/params.h"
#include "plugin/plugin.h"
#include "report/columns.h"
#include "suite/process.h"

#include <stdlib.h>
#include <string.h>

/* --- Lists ---------------------------------------------------------------------------------------------- */

static bool print_kind(enum scion_kind kind)
{
        struct scion_columns columns = { .per_row = 2 };
        struct scion_plugin_list list;
        bool good;

        if (!scion_plugins_list(kind, &list))
                return false;
        printf("%s\n", scion_kind_folder(kind));
        if (list.count == 0)
                printf("  none\n");
        for (size_t i = 0; i < list.count; i++) {
                const struct scion_plugin_entry *entry = &list.entry[i];
                struct scion_text broken = { 0 };

                if (!entry->plugin)
                        scion_text_add(&broken, "cannot be used: %s", entry->error);
                scion_columns_add(&columns, entry->name);
                scion_columns_add(&columns, entry->plugin ? entry->plugin->summary : broken.text);
                free(broken.text);
        }
        good = scion_columns_print(&columns, 2, stdout);
        scion_columns_finish(&columns);
        scion_plugin_list_finish(&list);
        return good;
}

static bool print_all(void)
{
        for (int kind = SCION_STRATEGY; kind <= SCION_MODEL; kind++) {
                if (kind > SCION_STRATEGY)
                        putchar('\n');
                if (!print_kind((enum scion_kind)kind))
                        return false;
        }
        return true;
}

/* --- One plugin ----------------------------------------------------------------------------------------- */

static void add_param(struct scion_columns *columns, const struct scion_param *param)
{
        struct scion_text type = { 0 }, fallback = { 0 }, range = { 0 };

        scion_param_type_text(param, &type);
        scion_param_default_text(param, &fallback);
        scion_param_range_text(param, &range);
        scion_columns_add(columns, param->name);
        scion_columns_add(columns, type.text);
        scion_columns_add(columns, fallback.text);
        scion_columns_add(columns, range.text);
        scion_columns_add(columns, param->help);
        columns->failed = columns->failed || type.failed || fallback.failed || range.failed;
        free(type.text);
        free(fallback.text);
        free(range.text);
}

static bool print_params(const struct scion_param *params)
{
        static const char *const head[] = { "parameter", "type", "default", "range", "meaning" };
        struct scion_columns columns = { .per_row = sizeof head / sizeof *head };
        bool good;

        for (size_t i = 0; i < columns.per_row; i++)
                scion_columns_add(&columns, head[i]);
        for (; params->type != SCION_PARAM_END; params++)
                add_param(&columns, params);
        good = scion_columns_print(&columns, 2, stdout);
        scion_columns_finish(&columns);
        return good;
}

static bool print_data_keys(void)
{
        printf("\nEvery dataset also takes:\n\n");
        if (!print_params(scion_data_params))
                return false;
        printf("\nand transform, a list of what is done to every input, in order: { use: NAME, ... }\n");
        for (const struct scion_transform_kind *kind = scion_transform_kinds; kind->name; kind++) {
                printf("\n  %s: %s\n", kind->name, kind->summary);
                if (kind->params && !print_params(kind->params))
                        return false;
        }
        return true;
}

static bool describe(enum scion_kind kind, const char *name)
{
        const struct scion_plugin *plugin = scion_plugin_find(kind, name);

        if (!plugin)
                return false;
        printf("%s %s: %s\n\n", scion_kind_name(kind), plugin->name, plugin->summary);
        if (plugin->reference)
                printf("  reference  %s\n", plugin->reference);
        printf("  file       %s\n\n", scion_plugin_path(plugin));
        if (!plugin->params || plugin->params->type == SCION_PARAM_END)
                printf("  It has no parameters.\n");
        else if (!print_params(plugin->params))
                return false;
        return kind != SCION_DATASET || print_data_keys();
}

/* --- The command ---------------------------------------------------------------------------------------- */

static int list_or_describe(int argc, char **argv)
{
        enum scion_kind kind;

        if (argc > 2)
                return scion_cli_usage("plugins", "'%s' is one argument too many", argv[2]);
        if (argc == 0)
                return print_all() ? scion_cli_printed(SCION_GOOD) : scion_cli_failed(SCION_FAILED);
        kind = scion_kind_parse(argv[0]);
        if (!kind)
                return scion_cli_failed(SCION_BAD_INPUT);
        if (argc == 1)
                return print_kind(kind) ? scion_cli_printed(SCION_GOOD) : scion_cli_failed(SCION_FAILED);
        return describe(kind, argv[1]) ? scion_cli_printed(SCION_GOOD) : scion_cli_failed(SCION_BAD_INPUT);
}

static int run(int argc, char **argv)
{
        struct scion_cli cli;
        int status = SCION_FAILED;

        if (scion_cli_begin(&cli, &scion_command_plugins, argc, argv) && scion_cli_next(&cli, &status) == 0)
                status = list_or_describe(cli.argc, cli.argv);
        scion_cli_finish(&cli);
        return status;
}

static const struct scion_cli_option table[] = {
        { 'P',
          "plugin-path",
          "DIR",
          "look in DIR/strategies, DIR/losses, ... first (may be repeated)",
          { SCION_CLI_FOLDERS, NULL } },
        SCION_CLI_HELP,
        SCION_CLI_END,
};

const struct scion_command scion_command_plugins = {
        .name = "plugins",
        .summary = "list plugins, or describe one",
        .arguments = "[KIND [NAME]]",
        .takes = { { SCION_CLI_KINDS, NULL }, { SCION_CLI_PLUGINS, NULL } },
        .text = "Lists the plugins there are; of one kind; or describes one: what it does, where it is from, "
                "and "
                "its parameters. KIND is strategy, loss, optimizer, dataset or model.\n",
        .options = table,
        .notes = "Plugins are looked for in --plugin-path, in SCION_PLUGIN_PATH (directories with colons "
                 "between), "
                 "in $XDG_DATA_HOME/scion/plugins (or ~/.local/share/scion/plugins), and in Scion's own "
                 "directory.\n",
        .examples = "  scion plugins\n"
                    "  scion plugins strategy\n"
                    "  scion plugins optimizer sgd\n",
        .run = run,
};
