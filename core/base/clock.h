/* Time that only goes forward, in seconds. */
#ifndef SCION_BASE_CLOCK_H
#define SCION_BASE_CLOCK_H

double scion_clock(void);

/* When the process, or the run that was split off from it, began. */
double scion_clock_start(void);
void scion_clock_restart(void);

#endif
