/* Limits how long waiting OpenMP threads spin. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define TURNS "10000" /* some tenths of a millisecond: longer than the time between two parallel loops */

static char **command_line;

void scion_cli_save_arguments(char **argv)
{
        command_line = argv;
}

/* Whether all files are regular: the content of a pipe could not be read again. */
static bool files_are_regular(char *const *files, size_t count)
{
        struct stat status;

        for (size_t i = 0; i < count; i++)
                if (stat(files[i], &status) != 0 || !S_ISREG(status.st_mode))
                        return false;
        return true;
}

void scion_cli_limit_spinning(int64_t threads, char *const *files, size_t count)
{
        if (threads < 2 || !command_line || getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY") ||
            !files_are_regular(files, count) || setenv("GOMP_SPINCOUNT", TURNS, 1) != 0)
                return;
        execv("/proc/self/exe", command_line); /* if this fails, runs are only slower */
}
