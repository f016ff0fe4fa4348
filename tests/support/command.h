/* Tests that run the scion command as a user does: its own process, in the folder of the test. */
#ifndef SCION_TESTS_SUPPORT_COMMAND_H
#define SCION_TESTS_SUPPORT_COMMAND_H

#include "support/folder.h"

/* What a command printed (both streams), and its exit status; 128 + N when signal N ended it. */
struct command_result {
        int status;
        char output[1 << 16];
};

/* Runs `build/scion ARGUMENTS` through the shell. The result is valid until the next call. */
const struct command_result *run_scion(const char *arguments, ...) __attribute__((format(printf, 1, 2)));

/* Runs it and fails the test unless it ends with that status. */
const struct command_result *run_scion_expecting(int status, const char *arguments, ...)
        __attribute__((format(printf, 2, 3)));

/* Starts `exec build/scion ARGUMENTS` by the shell, without waiting for its end, and comes back when the shell
 * finds the condition true. SIGALRM ends the test should it hang until end_of_scion(). */
pid_t start_scion(const char *condition, const char *arguments, ...) __attribute__((format(printf, 2, 3)));

/* Waits until the shell finds the condition true; the process must not end before. */
void wait_until(pid_t pid, const char *condition);

/* Waits for its end; the status is waitpid()'s. */
int end_of_scion(pid_t pid);

/* The output contains each of the texts (ended by NULL). */
void assert_output_has(const struct command_result *result, const char *text, ...);

#endif
