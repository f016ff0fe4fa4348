/* Functions that the commands share: option parsing according to their tables, and messages. */
#include <errno.h>
#include <getopt.h>
#include <scion/error.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "plugin/plugin.h"
#include "process/process.h"

/* getopt_long() returns LONG plus the table index for a long option; above all letters. */
#define LONG 1000

#define USAGE_BYTES 4096 /* of a message; longer ones are cut */

/* --- Options -------------------------------------------------------------------------------------------- */

static size_t options_count(const struct scion_cli_option *options)
{
        size_t count = 0;

        while (options[count].name)
                count++;
        return count;
}

static int option_has_arg(const struct scion_cli_option *option)
{
        return !option->value ? no_argument : option->value[0] == '[' ? optional_argument : required_argument;
}

/* Converts the table to the formats of getopt_long(). */
static void options_fill(struct scion_cli *cli)
{
        const struct scion_cli_option *option = cli->command->options;
        char *letter = cli->shorts;

        *letter++ = ':';
        for (size_t i = 0; option[i].name; i++) {
                cli->longs[i] =
                        (struct option){ option[i].name, option_has_arg(&option[i]), NULL, LONG + (int)i };
                if (option[i].id >= SCION_CLI_CACHE_ID)
                        continue;
                *letter++ = (char)option[i].id;
                for (int colons = option_has_arg(&option[i]); colons > 0;
                     colons--) /* "::" marks an optional value */
                        *letter++ = ':';
        }
}

bool scion_cli_begin(struct scion_cli *cli, const struct scion_command *command, int argc, char **argv)
{
        size_t options = options_count(command->options);

        *cli = (struct scion_cli){ .command = command, .argc = argc, .argv = argv };
        cli->set = calloc((size_t)argc + 1, sizeof *cli->set);
        cli->shorts = calloc(3 * options + 2, 1);
        cli->longs = calloc(options + 1, sizeof *cli->longs);
        if (!cli->set || !cli->shorts || !cli->longs) {
                scion_fail("out of memory");
                scion_cli_failed(SCION_FAILED);
                return false;
        }
        options_fill(cli);
        opterr = 0; /* disables getopt's own messages */
        optind = 1;
        return true;
}

void scion_cli_finish(struct scion_cli *cli)
{
        free(cli->set);
        free(cli->shorts);
        free(cli->longs);
        *cli = (struct scion_cli){ 0 };
}

bool scion_cli_suggest(struct scion_text *message, const char *name, const char *prefix,
                       const char *const *words, size_t count)
{
        const char *near = scion_nearest(name, words, count);

        if (near)
                scion_text_add(message, " (did you mean '%s%s'?)", prefix, near);
        return near != NULL;
}

/* Reports an option that getopt_long() has rejected. */
static int option_refuse(const struct scion_cli *cli, int found)
{
        const char *option = cli->argv[optind - 1], *name = cli->command->name;
        struct scion_text message = { 0 };

        if (found == ':')
                return scion_cli_usage(name, "option '%s' needs a value", option);
        if (optopt >= LONG)
                return scion_cli_usage(name, "option '--%s' takes no value, and got '%s'",
                                       cli->command->options[optopt - LONG].name, option);
        if (optopt)
                return scion_cli_usage(name, "unknown option '-%c'", optopt);

        size_t count = options_count(cli->command->options);
        const char **names = calloc(count, sizeof *names);

        for (size_t i = 0; names && i < count; i++)
                names[i] = cli->command->options[i].name;
        scion_text_add(&message, "unknown option '%s'", option);
        if (names)
                scion_cli_suggest(&message, option + 2, "--", names, count);
        int status = scion_cli_usage(name, "%s", message.text ? message.text : "unknown option");

        free(names);
        free(message.text);
        return status;
}

static const struct scion_cli_option *option_find(const struct scion_command *command, int found)
{
        if (found >= LONG)
                return &command->options[found - LONG];
        for (const struct scion_cli_option *option = command->options; option->name; option++)
                if (option->id == found)
                        return option;
        return NULL;
}

/* Implements --cache DIR for this process and its children; "" disables the cache. */
static bool cache_set(const char *folder, int *status)
{
        if (setenv("SCION_CACHE", folder, 1) == 0)
                return true;
        scion_fail("--cache: %s", strerror(errno));
        *status = scion_cli_failed(SCION_FAILED);
        return false;
}

static bool option_is(const struct scion_cli_option *option, const char *name)
{
        return strcmp(option->name, name) == 0;
}

/* Handles an option that several commands share. Returns false for a command's own options. */
static bool option_take_shared(struct scion_cli *cli, const struct scion_cli_option *option, bool *going,
                               int *status)
{
        if (option_is(option, "set")) {
                cli->set[cli->sets++] = optarg;
        } else if (option_is(option, "force")) {
                cli->forced = true;
        } else if (option_is(option, "cache")) {
                *going = cache_set(optarg, status);
        } else if (option_is(option, "plugin-path")) {
                *going = scion_plugins_add_path(optarg);
                if (!*going)
                        *status = scion_cli_failed(SCION_BAD_INPUT);
        } else if (option_is(option, "help")) {
                *going = false;
                scion_cli_help(cli->command, stdout);
                *status = scion_cli_printed(SCION_GOOD);
        } else {
                return false;
        }
        return true;
}

int scion_cli_next(struct scion_cli *cli, int *status)
{
        bool going = true;
        int found;

        while (going && (found = getopt_long(cli->argc, cli->argv, cli->shorts, cli->longs, NULL)) != -1) {
                const struct scion_cli_option *option =
                        found == ':' || found == '?' ? NULL : option_find(cli->command, found);

                if (!option) {
                        *status = option_refuse(cli, found);
                        return -1;
                }
                if (option_take_shared(cli, option, &going, status))
                        continue;
                cli->text = optarg;
                return option->id;
        }
        if (!going)
                return -1;
        cli->argc -= optind;
        cli->argv += optind;
        return 0;
}

int scion_cli_choice(const struct scion_cli *cli, const char *what, const char *text,
                     const char *const *words, int *status)
{
        struct scion_text message = { 0 };
        int count = 0;

        for (; words[count]; count++)
                if (strcmp(text, words[count]) == 0)
                        return count;
        scion_text_add(&message, "no %s '%s'", what, text);
        scion_cli_suggest(&message, text, "", words, (size_t)count);
        scion_text_add(&message, "; there are ");
        for (int i = 0; i < count; i++)
                scion_text_add(&message, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " and ", words[i]);
        *status = scion_cli_usage(cli->command->name, "%s", message.failed ? "unknown value" : message.text);
        free(message.text);
        return -1;
}

/* --- Messages ------------------------------------------------------------------------------------------- */

int scion_cli_failed(int status)
{
        fflush(stdout);
        fprintf(stderr, "scion: %s\n", scion_error());
        return status;
}

int scion_cli_usage(const char *command, const char *format, ...)
{
        char message[USAGE_BYTES];
        va_list arguments;

        fflush(stdout);
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        fprintf(stderr, "scion %s: %s; see 'scion %s --help'\n", command,
                scion_text_make_printable(message, false), command);
        return SCION_BAD_INPUT;
}

int scion_cli_printed(int status)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        fprintf(stderr, "scion: cannot write: %s\n", strerror(errno));
        return SCION_FAILED;
}
