/* Messages about failed runs, on the terminal and in the runs' logs. */
#ifndef SCION_SUITE_FAILURE_H
#define SCION_SUITE_FAILURE_H

#include <stdio.h>

#include "suite/plan.h"

/* Prints "failed: MESSAGE" on one line; line breaks in the message become spaces. */
void scion_failure_print(FILE *file, const char *message);

/*
 * Prints the run's values on the axes, and the last lines of its log.txt if there is one. `folder` is the
 * run's folder.
 */
void scion_failure_print_details(FILE *file, const struct scion_planned *planned, const char *folder);

/*
 * Appends the message to the run's log.txt, creating folder and file if necessary. Write errors are ignored.
 */
void scion_failure_log(const char *folder, const char *message);

/*
 * Whether the message reports a full disk or an exceeded quota, so that no run can store results at present.
 */
bool scion_failure_is_disk_full(const char *message);

#endif
