/* Runs the scion command as a user does: in a process of its own, in the folder of the test. */
#ifndef SCION_TESTS_SUPPORT_COMMAND_H
#define SCION_TESTS_SUPPORT_COMMAND_H

#include "support/folder.h"

/* A command's output on both streams, and its exit status, which is 128 + N if signal N ended it. */
struct command_result {
        int status;
        char output[1 << 16];
};

/* Runs `build/scion ARGUMENTS` through the shell. The result is valid until the next call. */
const struct command_result *run_scion(const char *arguments, ...) __attribute__((format(printf, 1, 2)));

/* Runs the command, and fails the test unless it exits with that status. */
const struct command_result *run_scion_expecting(int status, const char *arguments, ...)
        __attribute__((format(printf, 2, 3)));

/* Starts `exec build/scion ARGUMENTS` through the shell, and waits until the condition, a shell command, is
 * true. SIGALRM ends the test if the process hangs before end_of_scion(). */
pid_t start_scion(const char *condition, const char *arguments, ...) __attribute__((format(printf, 2, 3)));

/* Waits until the condition, a shell command, is true. Fails the test if the process ends before. */
void wait_until(pid_t pid, const char *condition);

/* Waits until the process ends. Returns the status of waitpid(). */
int end_of_scion(pid_t pid);

/* Fails the test unless the output contains each of the texts, which NULL ends. */
void assert_output_has(const struct command_result *result, const char *text, ...);

#endif
