/* The main program: dispatches to the commands. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "process/pool.h"

/*
 * Opens standard streams that are closed. Otherwise the next file to be opened would take their number, and
 * receive what is printed. They get /dev/null in the wrong direction, so that using them fails.
 */
static void streams_hold_open(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/*
 * A command that was stopped by a signal ends by raising it again, after cleaning up, so that a shell's loop
 * ends too.
 */
static int status_finish(int status)
{
        if (status != SCION_STOPPED)
                return status;
        fflush(NULL);
        signal(scion_pool_signal(), SIG_DFL);
        raise(scion_pool_signal());
        return SCION_FAILED;
}

/* Implements `scion help` and `scion help COMMAND`. */
static int help_print(const char *name)
{
        const struct scion_command *command = name ? scion_command_find(name) : NULL;

        if (name && !command)
                return scion_cli_failed(SCION_BAD_INPUT);
        scion_cli_help(command, stdout);
        return scion_cli_printed(SCION_GOOD);
}

int main(int argc, char **argv)
{
        streams_hold_open();
        scion_cli_save_arguments(argv);
        if (argc < 2) {
                scion_cli_help(NULL, stderr);
                return SCION_BAD_INPUT;
        }
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
                return help_print(argv[2]);
        if (strcmp(argv[1], "--version") == 0) {
                puts("scion " SCION_VERSION);
                return scion_cli_printed(SCION_GOOD);
        }
        const struct scion_command *command = scion_command_find(argv[1]);

        return command ? status_finish(command->run(argc - 1, argv + 1)) : scion_cli_failed(SCION_BAD_INPUT);
}
