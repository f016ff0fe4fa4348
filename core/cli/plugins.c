#include "base/width.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "plugin/plugin.h"
#include "process/process.h"
#include "table/wrap.h"

#include <stdlib.h>
#include <string.h>

/* --- Lists ---------------------------------------------------------------------------------------------- */

/* The reason why a file cannot be used is not wrapped, because it contains paths. */
static void entry_print(const struct scion_plugin_entry *entry, int widest)
{
        struct scion_text name = { 0 };
        int used = scion_width_add(&name, entry->name, widest);

        printf("  %s%*s", name.text ? name.text : "", widest + 2 - used, "");
        free(name.text);
        if (entry->plugin)
                scion_wrap(entry->plugin->summary, strlen(entry->plugin->summary), widest + 4, widest + 4,
                           SCION_PAGE_WIDTH, stdout);
        else
                printf("cannot be used: %s\n", entry->error);
}

static bool kind_print(enum scion_kind kind)
{
        struct scion_plugin_list list;
        int widest = 0;

        if (!scion_plugins_list(kind, &list))
                return false;
        printf("%s\n", scion_kind_folder(kind));
        if (list.count == 0)
                printf("  none\n");
        for (size_t i = 0; i < list.count; i++) {
                int width = scion_width(list.entry[i].name);

                widest = width > widest ? width : widest;
        }
        for (size_t i = 0; i < list.count; i++)
                entry_print(&list.entry[i], widest);
        scion_plugin_list_finish(&list);
        return true;
}

static bool kinds_print(void)
{
        for (int kind = SCION_STRATEGY; kind < SCION_KINDS_END; kind++) {
                if (kind > SCION_STRATEGY)
                        putchar('\n');
                if (!kind_print((enum scion_kind)kind))
                        return false;
        }
        return true;
}

/* --- The command ---------------------------------------------------------------------------------------- */

enum { FORMAT = SCION_CLI_LONG, EXAMPLE };
enum { TABLE, JSON };

static const char *const formats[] = { "table", "json", NULL };

struct options {
        struct scion_cli cli;
        int format;
        bool example;
};

static bool plugins_list(const struct options *options, enum scion_kind kind)
{
        if (options->format == JSON)
                return scion_describe_list_json(kind, stdout);
        return kind ? kind_print(kind) : kinds_print();
}

static bool example_print(const struct scion_plugin *plugin)
{
        struct scion_text text = { 0 };

        scion_describe_example(plugin, &text);
        if (text.failed)
                scion_fail("out of memory");
        else
                fputs(text.text, stdout);
        free(text.text);
        return !text.failed;
}

static int plugins_list_or_describe(const struct options *options)
{
        int argc = options->cli.argc;
        char **argv = options->cli.argv;
        enum scion_kind kind = (enum scion_kind)0;
        const struct scion_plugin *plugin;
        bool good;

        if (argc > 2)
                return scion_cli_usage("plugins", "'%s' is one argument too many", argv[2]);
        if (argc < 2 && options->example)
                return scion_cli_usage("plugins", "--example is of one plugin: give its kind and name");
        if (argc > 0 && !(kind = scion_kind_parse(argv[0])))
                return scion_cli_failed(SCION_BAD_INPUT);
        if (argc < 2)
                return plugins_list(options, kind) ? scion_cli_printed(SCION_GOOD)
                                                   : scion_cli_failed(SCION_FAILED);
        plugin = scion_plugin_find(kind, argv[1]);
        if (!plugin)
                return scion_cli_failed(SCION_BAD_INPUT);
        if (options->example)
                good = example_print(plugin);
        else
                good = options->format == JSON ? scion_describe_json(plugin, stdout)
                                               : scion_describe(plugin, stdout);
        return good ? scion_cli_printed(SCION_GOOD) : scion_cli_failed(SCION_FAILED);
}

static int plugins_main(int argc, char **argv)
{
        struct options options = { .format = TABLE };
        int option, status = SCION_FAILED;
        bool going = scion_cli_begin(&options.cli, &scion_command_plugins, argc, argv);

        while (going && (option = scion_cli_next(&options.cli, &status)) != 0) {
                if (option == FORMAT)
                        options.format =
                                scion_cli_choice(&options.cli, "format", options.cli.text, formats, &status);
                options.example = options.example || option == EXAMPLE;
                going = option > 0 && options.format >= 0;
        }
        if (going)
                status = plugins_list_or_describe(&options);
        scion_cli_finish(&options.cli);
        return status;
}

static const struct scion_cli_option table[] = {
        { 'P',
          "plugin-path",
          "DIR",
          "look in DIR/strategies, DIR/losses, ... first (may be repeated)",
          { SCION_CLI_FOLDERS, NULL } },
        { FORMAT, "format", "FORMAT", "table (default) or json", { SCION_CLI_WORDS, formats } },
        { EXAMPLE, "example", NULL, "print only an experiment file that uses the plugin", { 0 } },
        SCION_CLI_HELP,
        SCION_CLI_END,
};

const struct scion_command scion_command_plugins = {
        .name = "plugins",
        .summary = "list plugins, or describe one",
        .arguments = "[KIND [NAME]]",
        .takes = { { SCION_CLI_KINDS, NULL }, { SCION_CLI_PLUGINS, NULL } },
        .text = "Lists all plugins, or those of one kind, or describes one plugin: what it does, its file, "
                "and its parameters. KIND is strategy, loss, optimizer, dataset or model.\n",
        .options = table,
        .notes =
                "Plugins are searched in --plugin-path, in SCION_PLUGIN_PATH (directories separated by "
                "colons), in $XDG_DATA_HOME/scion/plugins (or ~/.local/share/scion/plugins), and in Scion's "
                "own directory.\n"
                "\n"
                "As JSON, a list is {\"plugins\": [...]}, each with kind, name, summary, reference, file and "
                "error (the reason why it cannot be used). One plugin has kind, name, summary, reference, "
                "file, needs (texts), parameters and example. A parameter has name, type, default, required, "
                "min, max, min_excluded, max_excluded, choices and meaning. Missing values are null.\n",
        .examples = "  scion plugins\n"
                    "  scion plugins strategy\n"
                    "  scion plugins optimizer sgd\n"
                    "  scion plugins strategy l2-sp --example > try.yaml\n",
        .run = plugins_main,
};
