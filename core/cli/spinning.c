/* Limits how long waiting OpenMP threads spin, and warns when there are more threads than processors. */
#include <stdio.h>
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
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        bool crowded = processors > 0 && threads > processors;

        if (threads >= 2 && command_line && !getenv("GOMP_SPINCOUNT") && !getenv("OMP_WAIT_POLICY") &&
            files_are_regular(files, count) && setenv("GOMP_SPINCOUNT", TURNS, 1) == 0)
                execv("/proc/self/exe", command_line); /* if this fails, runs are only slower */
        if (crowded)
                fprintf(stderr,
                        "scion: threads: %lld is more than this machine's %ld processor%s: the threads take "
                        "turns, and runs are much slower than with threads: %ld\n",
                        (long long)threads, processors, processors == 1 ? "" : "s", processors);
}
