/* A monotonic clock, in seconds. */
#ifndef SCION_BASE_CLOCK_H
#define SCION_BASE_CLOCK_H

/* Returns the monotonic time in seconds, since an unspecified point. */
double scion_clock(void);

/* Returns the scion_clock() at which this process started. A child that was forked for a run calls
 * scion_clock_restart() to set it to the present time. */
double scion_clock_start(void);
void scion_clock_restart(void);

#endif
