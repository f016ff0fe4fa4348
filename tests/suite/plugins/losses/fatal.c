/*
 * Cross-entropy, until the power goes: with a file `fatal` in the working directory that says N, the N-th call in
 * a process removes the file and kills the command that started the process, which goes with it.
 */
#include <scion/scion.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static long calls, last; /* of the process, whatever is trained in it */

static long read_last(void)
{
        FILE *file = fopen("fatal", "r");
        long number = 0;

        if (!file)
                return 0;
        if (fscanf(file, "%ld", &number) != 1)
                number = 0;
        fclose(file);
        return number;
}

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        if (calls++ == 0)
                last = read_last();
        if (calls == last && unlink("fatal") == 0) {
                kill(getppid(), SIGKILL);
                for (;;)
                        pause();
        }
        return scion_neg(
                scion_mean(scion_pick(scion_log_softmax(outputs, 1), batch->labels), SCION_ALL_AXES, false));
}

SCION_PLUGIN_LOSS("fatal", .summary = "a loss for a test", .loss = loss);
