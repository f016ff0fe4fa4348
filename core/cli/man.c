/* scion man: prints the manual pages, for the build. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "process/process.h"

/* --- Text ----------------------------------------------------------------------------------------------- */

/*
 * Prints text escaped for troff: hyphens and quotes that can be copied, no line taken for a request,
 * `backquotes` as bold.
 */
static void roff_print(const char *text, size_t length, FILE *file)
{
        bool typed = false;

        for (size_t i = 0; i < length; i++)
                switch (text[i]) {
                case '-':
                        fputs("\\-", file);
                        break;
                case '\\':
                        fputs("\\e", file);
                        break;
                case '\'':
                        fputs("\\(aq", file);
                        break;
                case '~':
                        fputs("\\(ti", file);
                        break;
                case '^':
                        fputs("\\(ha", file);
                        break;
                case '`':
                        typed = !typed;
                        fputs(typed ? "\\fB" : "\\fR", file);
                        break;
                default:
                        if (i == 0 && text[i] == '.')
                                fputs("\\&", file);
                        fputc(text[i], file);
                }
}

static void roff_print_line(const char *text, FILE *file)
{
        roff_print(text, strlen(text), file);
        fputc('\n', file);
}

/* Prints a text of a description: paragraphs and verbatim lines. */
static void roff_print_text(const char *text, bool first, FILE *file)
{
        bool literal = false;

        while (*text) {
                size_t length = strcspn(text, "\n");
                bool next = *text == ' ';

                if (literal && !next)
                        fputs(".fi\n.RE\n", file);
                if (next && !literal)
                        fputs(".PP\n.RS 4\n.nf\n", file);
                if (length > 0 && !next && !first)
                        fputs(".PP\n", file);
                literal = next;
                if (length > 0) {
                        size_t spaces = next ? strspn(text, " ") : 0;

                        spaces = spaces > 2 ? 2 : spaces;
                        roff_print(text + spaces, length - spaces, file);
                        fputc('\n', file);
                        first = false;
                }
                text += length + (text[length] != '\0');
        }
        if (literal)
                fputs(".fi\n.RE\n", file);
}

/* --- Pages ---------------------------------------------------------------------------------------------- */

static void page_print_head(const char *page, const char *summary, FILE *file)
{
        fputs(".TH ", file);
        for (const char *c = page; *c; c++)
                fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, file);
        fputs(" 1 \"\" \"Scion " SCION_VERSION "\" \"Scion\"\n.SH NAME\n", file);
        roff_print(page, strlen(page), file);
        fputs(" \\- ", file);
        roff_print_line(summary, file);
        fputs(".SH SYNOPSIS\n", file);
}

static void option_print(const struct scion_cli_option *option, FILE *file)
{
        fputs(".TP\n", file);
        if (option->id < SCION_CLI_CACHE_ID)
                fprintf(file, "\\fB\\-%c\\fR, ", option->id);
        fputs("\\fB\\-\\-", file);
        roff_print(option->name, strlen(option->name), file);
        fputs("\\fR", file);
        if (option->value) {
                fputs(option->value[0] == '[' ? "\\fI" : " \\fI", file);
                roff_print(option->value, strlen(option->value), file);
                fputs("\\fR", file);
        }
        fputc('\n', file);
        roff_print_line(option->help, file);
}

static void command_print(const struct scion_command *command, FILE *file)
{
        char page[64];

        snprintf(page, sizeof page, "scion-%s", command->name);
        page_print_head(page, command->summary, file);
        fprintf(file, "\\fBscion %s\\fR [\\fIoptions\\fR] \\fI%s\\fR\n.SH DESCRIPTION\n", command->name,
                command->arguments);
        roff_print_text(command->text, true, file);
        fputs(".SH OPTIONS\n", file);
        for (const struct scion_cli_option *option = command->options; option->name; option++)
                option_print(option, file);
        if (command->notes) {
                fputs(".SH NOTES\n", file);
                roff_print_text(command->notes, true, file);
        }
        fputs(".SH EXIT STATUS\n", file);
        roff_print_line(command->status ? command->status : scion_cli_status, file);
        if (command->examples) {
                fputs(".SH EXAMPLES\n", file);
                roff_print_text(command->examples, true, file);
        }
        fputs(".SH SEE ALSO\n.BR scion (1)\n", file);
}

static void overview_print(FILE *file)
{
        page_print_head("scion", "transfer learning experiments", file);
        fputs("\\fBscion\\fR \\fICOMMAND\\fR [\\fIarguments\\fR]\n.SH DESCRIPTION\n", file);
        roff_print_line(scion_cli_about, file);
        fputs(".SH COMMANDS\n", file);
        for (size_t i = 0; scion_commands[i]; i++)
                if (!scion_commands[i]->hidden) {
                        fprintf(file, ".TP\n.BR scion\\-%s (1)\n", scion_commands[i]->name);
                        roff_print_line(scion_commands[i]->summary, file);
                }
        fputs(".SH ENVIRONMENT\n", file);
        for (const struct scion_cli_variable *variable = scion_cli_variables; variable->name; variable++) {
                fprintf(file, ".TP\n\\fB%s\\fR\n", variable->name);
                roff_print_line(variable->meaning, file);
        }
        fputs(".SH EXIT STATUS\n", file);
        roff_print_line(scion_cli_status, file);
}

/* --- The command ---------------------------------------------------------------------------------------- */

static int man_main(int argc, char **argv)
{
        struct scion_cli cli;
        int status = SCION_FAILED;

        if (scion_cli_begin(&cli, &scion_command_man, argc, argv) && scion_cli_next(&cli, &status) == 0) {
                const struct scion_command *command = cli.argc > 0 ? scion_command_find(cli.argv[0]) : NULL;

                if (cli.argc > 0 && !command) {
                        status = scion_cli_failed(SCION_BAD_INPUT);
                } else {
                        if (command)
                                command_print(command, stdout);
                        else
                                overview_print(stdout);
                        status = scion_cli_printed(SCION_GOOD);
                }
        }
        scion_cli_finish(&cli);
        return status;
}

static const struct scion_cli_option table[] = { SCION_CLI_HELP, SCION_CLI_END };

const struct scion_command scion_command_man = {
        .name = "man",
        .summary = "print a manual page",
        .arguments = "[COMMAND]",
        .text = "Prints the manual page of a command, or the overview, for troff.\n",
        .options = table,
        .hidden = true,
        .run = man_main,
};
