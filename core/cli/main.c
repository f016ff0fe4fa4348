/* The scion command: finds the command that is meant. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "process/pool.h"

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

/* `scion help`, `scion help COMMAND`. */
static int help(const char *name)
{
        const struct scion_command *command = name ? scion_command_find(name) : NULL;

        if (name && !command)
                return scion_cli_failed(SCION_BAD_INPUT);
        scion_cli_help(command, stdout);
        return scion_cli_printed(SCION_GOOD);
}

int main(int argc, char **argv)
{
        hold_streams();
        scion_cli_remember(argv);
        if (argc < 2) {
                scion_cli_help(NULL, stderr);
                return SCION_BAD_INPUT;
        }
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
                return help(argv[2]);
        if (strcmp(argv[1], "--version") == 0) {
                puts("scion " SCION_VERSION);
                return scion_cli_printed(SCION_GOOD);
        }
        const struct scion_command *command = scion_command_find(argv[1]);

        return command ? ended(command->run(argc - 1, argv + 1)) : scion_cli_failed(SCION_BAD_INPUT);
}
