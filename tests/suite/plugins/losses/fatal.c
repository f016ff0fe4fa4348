/*
 * Cross-entropy, until the power goes: with a file `fatal` in the working directory that says N and a signal, the
 * N-th call in a process removes the file and sends the signal to the command that started the process. SIGKILL takes
 * this process with it; SIGINT comes back here when the command has passed it on.
 */
#include <scion/scion.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static long calls, last; /* of the process, whatever is trained in it */
static int number;       /* of the signal */

static void read_last(void)
{
        FILE *file = fopen("fatal", "r");

        if (!file)
                return;
        if (fscanf(file, "%ld %d", &last, &number) != 2)
                last = 0;
        fclose(file);
}

static void strike(void)
{
        sigset_t passed_on, before;

        sigemptyset(&passed_on);
        sigaddset(&passed_on, SIGINT);
        sigprocmask(SIG_BLOCK, &passed_on, &before);
        kill(getppid(), number);
        sigsuspend(&before); /* until the parent has passed it on, or has taken this process along */
        sigprocmask(SIG_SETMASK, &before, NULL);
}

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        if (calls++ == 0)
                read_last();
        if (calls == last && unlink("fatal") == 0)
                strike();
        return scion_neg(
                scion_mean(scion_pick(scion_log_softmax(outputs, 1), batch->labels), SCION_ALL_AXES, false));
}

SCION_PLUGIN_LOSS("fatal", .summary = "a loss for a test", .loss = loss);
