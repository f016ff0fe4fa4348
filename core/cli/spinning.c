/* How long threads of a run that wait for each other keep a processor busy. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define TURNS "10000" /* some tenths of a millisecond, longer than what is between two parallel loops */

static char **command_line;

void scion_cli_remember(char **argv)
{
        command_line = argv;
}

/* What was read from a pipe is not there a second time. */
static bool can_be_read_again(char *const *files, size_t count)
{
        struct stat status;

        for (size_t i = 0; i < count; i++)
                if (stat(files[i], &status) != 0 || !S_ISREG(status.st_mode))
                        return false;
        return true;
}

void scion_cli_wait_briefly(int64_t threads, char *const *files, size_t count)
{
        if (threads < 2 || !command_line || getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY") ||
            !can_be_read_again(files, count) || setenv("GOMP_SPINCOUNT", TURNS, 1) != 0)
                return;
        execv("/proc/self/exe", command_line); /* when it cannot be, all goes on, only slower */
}
