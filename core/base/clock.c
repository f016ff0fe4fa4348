#include "base/clock.h"

#include <time.h>

static double start;

double scion_clock(void)
{
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double scion_clock_start(void)
{
        return start;
}

__attribute__((constructor)) void scion_clock_restart(void)
{
        start = scion_clock();
}
