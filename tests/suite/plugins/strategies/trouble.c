/* A plugin that does to its process what plugins do: at its second loss, so that the dry run is good. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <math.h>
#include <scion/scion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum how { NOTHING, SEGFAULT, EXIT, LOOP, ALLOCATE, FPE, NOT_A_NUMBER, FILL, SILENT };

static const char *const hows[] = { "nothing", "segfault", "exit", "loop",   "allocate",
                                    "fpe",     "nan",      "fill", "silent", NULL };

struct trouble {
        int how;
        int64_t after;
        int64_t losses;
};

static const struct scion_param params[] = {
        SCION_CHOICE(struct trouble, how, hows, NOTHING, "what happens"),
        SCION_INT(struct trouble, after, 1, "losses before it happens", .min = 0),
        SCION_PARAMS_END,
};

static void segfault(void)
{
        volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        signal(SIGSEGV, SIG_DFL); /* a sanitizer may have taken it */
        *page = 1;
}

static void allocate(void)
{
        for (char *block; (block = malloc(1 << 20));)
                memset(block, 1, 1 << 20);
}

static void fpe(void)
{
        signal(SIGFPE, SIG_DFL);
        raise(SIGFPE);
}

/* A megabyte of log. */
static void fill(void)
{
        for (int i = 0; i < 1 << 14; i++)
                printf("%063d\n", i);
}

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct trouble *trouble = self;
        struct scion_tensor *good = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);

        if (trouble->losses++ != trouble->after)
                return good;
        printf("\033[31mtrouble:\033[0m %s\n", hows[trouble->how]);
        switch (trouble->how) {
        case SEGFAULT:
                segfault();
                break;
        case EXIT:
                exit(0);
        case LOOP:
                for (volatile bool forever = true; forever;)
                        ;
                break;
        case ALLOCATE:
                allocate();
                break;
        case FPE:
                fpe();
                break;
        case NOT_A_NUMBER:
                return scion_scale(good, NAN);
        case FILL:
                fill();
                break;
        case SILENT:
                return NULL;
        }
        return good;
}

SCION_PLUGIN_STRATEGY("trouble", .summary = "a strategy for a test", .params = params,
                      .size = sizeof(struct trouble), .loss = loss);
