/* What is told of a run that has failed, on the terminal and in its log. */
#ifndef SCION_SUITE_FAILURE_H
#define SCION_SUITE_FAILURE_H

#include <stdio.h>

#include "suite/plan.h"

/* Says that it failed, and why: on one line, also when a plugin's message has several. */
void scion_failure_say(FILE *file, const char *message);

/* Shows what tells the run from the others, and the last lines of its log, where there is one. `folder` is the
 * run's. */
void scion_failure_show(FILE *file, const struct scion_planned *planned, const char *folder);

/* Adds the message to its log, which is made, with the folder, if it did not come to that. Not when there is no room. */
void scion_failure_log(const char *folder, const char *message);

/* Whether the message is of a disk that is full: nothing that is run now can be kept. */
bool scion_failure_is_of_space(const char *message);

#endif
