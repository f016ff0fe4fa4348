/* The scion command: finds the command's own file by its name. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "suite/pool.h"

static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
        const char *summary;
} commands[] = {
        { "run", scion_command_run, "run experiments" },
        { "check", scion_command_check, "check experiment files; nothing is run" },
        { "compare", scion_command_compare, "compare strategies, from the results of suites" },
        { "cache", scion_command_cache, "list what is kept for later runs, or delete it" },
        { "bench", scion_command_bench, "time training steps and evaluation" },
        { "modules", scion_command_modules, "list what an experiment's models are made of" },
        { "plugins", scion_command_plugins, "list plugins, or describe one" },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static int print_help(FILE *file)
{
        fputs("Usage: scion COMMAND [arguments]\n\nTransfer learning experiments: parameters, features, "
              "structure, "
              "distillation.\n\n",
              file);
        for (size_t i = 0; i < COMMANDS; i++)
                fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
        fputs("\n`scion COMMAND --help` says more. `scion --version` prints the version.\n", file);
        return file == stdout ? SCION_GOOD : SCION_BAD_INPUT;
}

static int unknown(const char *name)
{
        const char *names[COMMANDS];

        for (size_t i = 0; i < COMMANDS; i++)
                names[i] = commands[i].name;
        const char *near = scion_nearest(name, names, COMMANDS);

        fprintf(stderr, "scion: no command '%s'", name);
        if (near)
                fprintf(stderr, " (did you mean '%s'?)", near);
        fputs("; `scion --help` lists them\n", stderr);
        return SCION_BAD_INPUT;
}

/*
 * A stream that was closed before the start would be the first file to be opened, and get what is printed, or
 * be closed with it. It gets a file that fails instead: of the other direction.
 */
static void hold_streams(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* One that a signal stopped ends by that signal, when all is tidy: a shell's loop around it is to end too. */
static int ended(int status)
{
        if (status != SCION_STOPPED)
                return status;
        fflush(NULL);
        signal(scion_pool_signal(), SIG_DFL);
        raise(scion_pool_signal());
        return SCION_FAILED;
}

int main(int argc, char **argv)
{
        hold_streams();
        if (argc < 2)
                return print_help(stderr);
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
                return scion_cli_printed(print_help(stdout));
        if (strcmp(argv[1], "--version") == 0) {
                puts("scion " SCION_VERSION);
                return scion_cli_printed(SCION_GOOD);
        }
        for (size_t i = 0; i < COMMANDS; i++)
                if (strcmp(argv[1], commands[i].name) == 0)
                        return ended(commands[i].run(argc - 1, argv + 1));
        return unknown(argv[1]);
}
