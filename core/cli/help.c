/* The output of `--help`, for each command and for the program. */
#include <string.h>

#include "cli/cli.h"
#include "table/wrap.h"

const char scion_cli_about[] =
        "Transfer learning experiments: parameters, features, structure, distillation.";

const char scion_cli_status[] =
        "0 all good, 1 something failed while running, 2 the input or the usage was wrong.";

const char *const scion_cli_yaml[] = { "yaml", "yml", NULL };

const struct scion_cli_variable scion_cli_variables[] = {
        { "SCION_PLUGIN_PATH", "folders with plugins, separated by colons; searched after `--plugin-path`" },
        { "SCION_CACHE", "the folder of the cache for trained sources and inflated data; empty: no cache" },
        { "XDG_CACHE_HOME", "its folder scion is the cache if SCION_CACHE is unset; default: `~/.cache`" },
        { "XDG_DATA_HOME", "its folder scion/plugins has your own plugins; default: `~/.local/share`" },
        { "NO_COLOR", "if set and not empty, disables colours" },
        { NULL, NULL },
};

/* Prints a text of a description: wrapped paragraphs and verbatim lines. */
static void text_print(const char *text, FILE *file)
{
        while (*text) {
                size_t length = strcspn(text, "\n");

                if (*text == ' ')
                        fprintf(file, "%.*s\n", (int)length, text);
                else
                        scion_wrap(text, length, 0, 0, SCION_PAGE_WIDTH, file);
                text += length + (text[length] != '\0');
        }
}

/* Prints an option as "  -o, --out DIR", unless file is NULL. Returns the width of the text. */
static int option_print(const struct scion_cli_option *option, FILE *file)
{
        char text[80];
        int width;

        if (option->id < SCION_CLI_CACHE_ID)
                width = snprintf(text, sizeof text, "  -%c, --%s", option->id, option->name);
        else
                width = snprintf(text, sizeof text, "      --%s", option->name);
        if (option->value)
                width += snprintf(text + width, sizeof text - (size_t)width, "%s%s",
                                  option->value[0] == '[' ? "" : " ", option->value);
        if (file)
                fputs(text, file);
        return width;
}

static void options_print(const struct scion_cli_option *options, FILE *file)
{
        int widest = 0;

        for (const struct scion_cli_option *option = options; option->name; option++) {
                int width = option_print(option, NULL);

                widest = width > widest ? width : widest;
        }
        for (; options->name; options++) {
                int width = option_print(options, file);

                fprintf(file, "%*s", widest + 2 - width, "");
                scion_wrap(options->help, strlen(options->help), widest + 2, widest + 2, SCION_PAGE_WIDTH,
                           file);
        }
}

static void commands_print(FILE *file)
{
        fprintf(file, "Usage: scion COMMAND [arguments]\n\n%s\n\n", scion_cli_about);
        for (size_t i = 0; scion_commands[i]; i++)
                if (!scion_commands[i]->hidden)
                        fprintf(file, "  %-10s %s\n", scion_commands[i]->name, scion_commands[i]->summary);
        fputs("\nType `scion COMMAND --help` for details, `scion --version` for the version.\n", file);
}

void scion_cli_help(const struct scion_command *command, FILE *file)
{
        if (!command) {
                commands_print(file);
                return;
        }
        fprintf(file, "Usage: scion %s [options]%s%s\n\n", command->name, *command->arguments ? " " : "",
                command->arguments);
        text_print(command->text, file);
        fputc('\n', file);
        options_print(command->options, file);
        if (command->notes) {
                fputc('\n', file);
                text_print(command->notes, file);
        }
        const char *status = command->status ? command->status : scion_cli_status;

        fputs("\nExit status: ", file);
        scion_wrap(status, strlen(status), (int)strlen("Exit status: "), 0, SCION_PAGE_WIDTH, file);
        if (command->examples) {
                fputc('\n', file);
                text_print(command->examples, file);
        }
}
