/* What the commands share. */
#include <errno.h>
#include <scion/error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "plugin/plugin.h"
#include "suite/process.h"

bool scion_cli_begin(struct scion_cli *cli, const char *command, const char *help, int argc)
{
        *cli = (struct scion_cli){ .command = command, .help = help };
        cli->set = calloc((size_t)argc + 1, sizeof *cli->set);
        opterr = 0; /* messages are ours */
        optind = 1;
        return cli->set || scion_fail("out of memory");
}

bool scion_cli_option(struct scion_cli *cli, int option, char **argv, int *status)
{
        switch (option) {
        case 's':
                cli->set[cli->sets++] = optarg;
                return true;
        case 'f':
                cli->forced = true;
                return true;
        case 'P':
                if (scion_plugins_add_path(optarg))
                        return true;
                *status = scion_cli_failed(SCION_BAD_INPUT);
                return false;
        case 'h':
                fputs(cli->help, stdout);
                *status = scion_cli_printed(SCION_GOOD);
                return false;
        case ':':
                *status = scion_cli_usage(cli->command, "option '%s' needs a value", argv[optind - 1]);
                return false;
        default:
                *status = scion_cli_usage(cli->command, "unknown option '%s'", argv[optind - 1]);
                return false;
        }
}

bool scion_cli_cache(const char *folder, int *status)
{
        if (setenv("SCION_CACHE", folder, 1) == 0)
                return true;
        scion_fail("--cache: %s", strerror(errno));
        *status = scion_cli_failed(SCION_FAILED);
        return false;
}

int scion_cli_failed(int status)
{
        fflush(stdout);
        fprintf(stderr, "scion: %s\n", scion_error());
        return status;
}

int scion_cli_usage(const char *command, const char *format, ...)
{
        va_list arguments;

        fflush(stdout);
        fprintf(stderr, "scion %s: ", command);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, "; see 'scion %s --help'\n", command);
        return SCION_BAD_INPUT;
}

int scion_cli_printed(int status)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        fprintf(stderr, "scion: cannot write: %s\n", strerror(errno));
        return SCION_FAILED;
}
