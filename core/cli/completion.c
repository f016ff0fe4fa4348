/* scion completion: prints the completion scripts for shells. */
#include <scion/error.h>
#include <string.h>

#include "cli/cli.h"
#include "plugin/plugin.h"
#include "process/process.h"

/* --- Common to both shells ------------------------------------------------------------------------------ */

/* Prints the words with `between` as separator. */
static void words_print(const char *const *words, const char *between, FILE *file)
{
        for (size_t i = 0; words[i]; i++)
                fprintf(file, "%s%s", i ? between : "", words[i]);
}

static void kinds_print(FILE *file)
{
        for (int kind = SCION_STRATEGY; kind < SCION_KINDS_END; kind++)
                fprintf(file, "%s%s", kind > SCION_STRATEGY ? " " : "",
                        scion_kind_name((enum scion_kind)kind));
}

static bool option_has_letter(const struct scion_cli_option *option)
{
        return option->id < SCION_CLI_CACHE_ID;
}

/* --- bash ----------------------------------------------------------------------------------------------- */

static const char bash_begin[] =
        "# bash completion of the command scion, as `scion completion bash` prints it.\n"
        "\n"
        "# The words after -- that begin like $cur.\n"
        "_scion_words() {\n"
        "        mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
        "}\n"
        "\n"
        "_scion_folders() {\n"
        "        compopt -o filenames 2>/dev/null\n"
        "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
        "}\n"
        "\n"
        "# Folders, and files that end like one of the arguments.\n"
        "_scion_files() {\n"
        "        local file ending\n"
        "\n"
        "        _scion_folders\n"
        "        while IFS= read -r file; do\n"
        "                for ending; do\n"
        "                        [[ -d $file || $file != *.$ending ]] || COMPREPLY+=(\"$file\")\n"
        "                done\n"
        "        done < <(compgen -f -- \"$cur\")\n"
        "}\n"
        "\n"
        "# The plugins of a kind.\n"
        "_scion_plugins() {\n"
        "        _scion_words \"$(\"${COMP_WORDS[0]/#\\~/$HOME}\" plugins \"$1\" 2>/dev/null |\n"
        "                sed -n 's/^  \\([^ ]\\{1,\\}\\).*/\\1/p')\"\n"
        "}\n"
        "\n"
        "_scion() {\n"
        "        local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "        local command=${COMP_WORDS[1]} options='' valued='' words=() i\n"
        "\n"
        "        COMPREPLY=()\n"
        "        # bash breaks --out=DIR at the =\n"
        "        if [[ $cur == = ]]; then\n"
        "                cur=''\n"
        "        elif [[ $before == = ]]; then\n"
        "                before=${COMP_WORDS[COMP_CWORD - 2]}\n"
        "        fi\n"
        "        if ((COMP_CWORD == 1)); then\n";

static const char bash_arguments[] =
        "        if [[ $cur == -* ]]; then\n"
        "                _scion_words \"$options\"\n"
        "                return\n"
        "        fi\n"
        "        # The arguments before this one: options and their values are none.\n"
        "        for ((i = 2; i < COMP_CWORD; i++)); do\n"
        "                case \" $valued \" in\n"
        "                *\" ${COMP_WORDS[i]} \"*)\n"
        "                        [[ ${COMP_WORDS[i + 1]} != = ]] || ((i++))\n"
        "                        ((i++))\n"
        "                        ;;\n"
        "                *) [[ ${COMP_WORDS[i]} == -* ]] || words+=(\"${COMP_WORDS[i]}\") ;;\n"
        "                esac\n"
        "        done\n"
        "        case \"$command ${#words[@]}\" in\n";

static void bash_value(const struct scion_cli_value *value, FILE *file)
{
        switch (value->are) {
        case SCION_CLI_ANYTHING:
                fputs(":", file);
                break;
        case SCION_CLI_FILES:
                fputs("_scion_files ", file);
                words_print(value->of, " ", file);
                break;
        case SCION_CLI_FOLDERS:
                fputs("_scion_folders", file);
                break;
        case SCION_CLI_WORDS:
                fputs("_scion_words '", file);
                words_print(value->of, " ", file);
                fputs("'", file);
                break;
        case SCION_CLI_KINDS:
                fputs("_scion_words '", file);
                kinds_print(file);
                fputs("'", file);
                break;
        case SCION_CLI_PLUGINS:
                fputs("_scion_plugins \"${words[-1]}\"", file);
                break;
        }
}

/* Prints the names of a command's options; with `valued`, only of those with a mandatory value. */
static void bash_options(const struct scion_command *command, bool valued, FILE *file)
{
        const char *between = "";

        for (const struct scion_cli_option *option = command->options; option->name; option++) {
                if (valued && (!option->value || option->value[0] == '['))
                        continue;
                if (option_has_letter(option)) {
                        fprintf(file, "%s-%c", between, option->id);
                        between = " ";
                }
                fprintf(file, "%s--%s", between, option->name);
                between = " ";
        }
}

static void bash_command(const struct scion_command *command, FILE *file)
{
        fprintf(file, "        %s)\n                options='", command->name);
        bash_options(command, false, file);
        fputs("'\n                valued='", file);
        bash_options(command, true, file);
        fputs("'\n                case $before in\n", file);
        for (const struct scion_cli_option *option = command->options; option->name; option++) {
                if (!option->value)
                        continue;
                fputs("                ", file);
                if (option_has_letter(option))
                        fprintf(file, "-%c | ", option->id);
                fprintf(file, "--%s)\n                        ", option->name);
                bash_value(&option->takes, file);
                fputs("\n                        return\n                        ;;\n", file);
        }
        fputs("                esac\n                ;;\n", file);
}

/* Prints the cases for a command's arguments. "..." marks a command with any number of them. */
static void bash_arguments_of(const struct scion_command *command, FILE *file)
{
        bool many = strstr(command->arguments, "...") != NULL;

        for (int i = 0; i < 2; i++) {
                if (command->takes[i].are == SCION_CLI_ANYTHING)
                        continue;
                if (many && i == 1)
                        fprintf(file, "        \"%s \"*) ", command->name);
                else
                        fprintf(file, "        \"%s %d\") ", command->name, i);
                bash_value(&command->takes[i], file);
                fputs(" ;;\n", file);
        }
}

static void bash_print(FILE *file)
{
        fprintf(file, "%s                _scion_words '", bash_begin);
        for (size_t i = 0; scion_commands[i]; i++)
                if (!scion_commands[i]->hidden)
                        fprintf(file, "%s ", scion_commands[i]->name);
        fputs("help --help --version'\n"
              "                return\n"
              "        fi\n"
              "        case $command in\n",
              file);
        for (size_t i = 0; scion_commands[i]; i++)
                if (!scion_commands[i]->hidden)
                        bash_command(scion_commands[i], file);
        fprintf(file, "        esac\n%s", bash_arguments);
        for (size_t i = 0; scion_commands[i]; i++)
                if (!scion_commands[i]->hidden)
                        bash_arguments_of(scion_commands[i], file);
        fputs("        esac\n}\n\ncomplete -F _scion scion\n", file);
}

/* --- zsh ------------------------------------------------------------------------------------------------ */

/* Prints text within a single-quoted specification of _arguments. */
static void zsh_text(const char *text, FILE *file)
{
        for (; *text; text++)
                if (*text == '\'')
                        fputs("'\\''", file);
                else if (strchr("[]:\\", *text))
                        fprintf(file, "\\%c", *text);
                else
                        fputc(*text, file);
}

static void zsh_value(const struct scion_cli_value *value, FILE *file)
{
        switch (value->are) {
        case SCION_CLI_ANYTHING:
                fputs(" ", file);
                break;
        case SCION_CLI_FILES:
                /* a single word in parentheses would be parsed as glob qualifiers */
                fputs(value->of[1] ? "_files -g \"*.(" : "_files -g \"*.", file);
                words_print(value->of, "|", file);
                fputs(value->of[1] ? ")\"" : "\"", file);
                break;
        case SCION_CLI_FOLDERS:
                fputs("_files -/", file);
                break;
        case SCION_CLI_WORDS:
                fputs("(", file);
                words_print(value->of, " ", file);
                fputs(")", file);
                break;
        case SCION_CLI_KINDS:
                fputs("(", file);
                kinds_print(file);
                fputs(")", file);
                break;
        case SCION_CLI_PLUGINS:
                fputs("_scion_plugins", file);
                break;
        }
}

static void zsh_option(const struct scion_cli_option *option, FILE *file)
{
        bool optional = option->value && option->value[0] == '[';
        const char *after = !option->value ? "" : optional ? "=-" : "=";

        if (option_has_letter(option))
                fprintf(file, " \\\n                '*'{-%c%s,--%s%s}'[", option->id,
                        option->value ? "+" : "", option->name, after);
        else
                fprintf(file, " \\\n                '*--%s%s[", option->name, after);
        zsh_text(option->help, file);
        fputs("]", file);
        if (option->value) {
                fputs(optional ? "::" : ":", file);
                zsh_text(option->name, file);
                fputs(":", file);
                zsh_value(&option->takes, file);
        }
        fputs("'", file);
}

static void zsh_command(const struct scion_command *command, FILE *file)
{
        bool many = strstr(command->arguments, "...") != NULL;

        fprintf(file, "        %s)\n                _arguments -s", command->name);
        for (const struct scion_cli_option *option = command->options; option->name; option++)
                zsh_option(option, file);
        for (int i = 0; i < (many ? 1 : 2); i++) {
                if (command->takes[i].are == SCION_CLI_ANYTHING)
                        continue;
                fputs(many ? " \\\n                '*:"
                      : i  ? " \\\n                '2:"
                           : " \\\n                '1:",
                      file);
                fputs(i ? "second argument:" : "argument:", file);
                zsh_value(&command->takes[i], file);
                fputs("'", file);
        }
        fputs("\n                ;;\n", file);
}

static void zsh_print(FILE *file)
{
        fputs("#compdef scion\n"
              "# zsh completion of the command scion, as `scion completion zsh` prints it.\n"
              "\n"
              "# The plugins of the kind that is the argument before.\n"
              "_scion_plugins() {\n"
              "        compadd -- ${(f)\"$(scion plugins $line[1] 2>/dev/null | "
              "sed -n 's/^  \\([^ ]\\{1,\\}\\).*/\\1/p')\"}\n"
              "}\n"
              "\n"
              "_scion() {\n"
              "        local state line\n"
              "        local -a commands=(",
              file);
        for (size_t i = 0; scion_commands[i]; i++) {
                if (scion_commands[i]->hidden)
                        continue;
                fprintf(file, "\n                '%s:", scion_commands[i]->name);
                zsh_text(scion_commands[i]->summary, file);
                fputs("'", file);
        }
        fputs("\n        )\n"
              "\n"
              "        _arguments -C '(- *)--help[the commands]' '(- *)--version[the version]' "
              "'1:command:->command' '*::argument:->arguments'\n"
              "        if [[ $state == command ]]; then\n"
              "                _describe command commands\n"
              "                return\n"
              "        fi\n"
              "        case $words[1] in\n",
              file);
        for (size_t i = 0; scion_commands[i]; i++)
                if (!scion_commands[i]->hidden)
                        zsh_command(scion_commands[i], file);
        fputs("        esac\n"
              "}\n"
              "\n"
              "if [ \"$funcstack[1]\" = _scion ]; then\n"
              "        _scion \"$@\"\n"
              "else\n"
              "        compdef _scion scion\n"
              "fi\n",
              file);
}

/* --- The command ---------------------------------------------------------------------------------------- */

static const char *const shells[] = { "bash", "zsh", NULL };

static int completion_main(int argc, char **argv)
{
        struct scion_cli cli;
        int status = SCION_FAILED;

        if (scion_cli_begin(&cli, &scion_command_completion, argc, argv) &&
            scion_cli_next(&cli, &status) == 0) {
                int shell =
                        cli.argc == 1 ? scion_cli_choice(&cli, "shell", cli.argv[0], shells, &status) : -1;

                if (cli.argc != 1)
                        status = scion_cli_usage("completion", "name one shell: bash or zsh");
                if (shell >= 0) {
                        (shell == 0 ? bash_print : zsh_print)(stdout);
                        status = scion_cli_printed(SCION_GOOD);
                }
        }
        scion_cli_finish(&cli);
        return status;
}

static const struct scion_cli_option table[] = { SCION_CLI_HELP, SCION_CLI_END };

const struct scion_command scion_command_completion = {
        .name = "completion",
        .summary = "print the completion script for a shell",
        .arguments = "SHELL",
        .takes = { { SCION_CLI_WORDS, shells }, { 0 } },
        .text = "Prints the completion script for bash or zsh, which completes commands, options, files and "
                "plugins. An installation puts it where these shells find it by themselves; to load it in "
                "the current shell only:\n",
        .options = table,
        .examples = "  . <(scion completion bash)\n"
                    "  . <(scion completion zsh)\n",
        .run = completion_main,
};
