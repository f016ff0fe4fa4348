#include "support/command.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static struct command_result result;

static const struct command_result *command_run(const char *arguments)
{
        char command[8192];

        assert_in_range(snprintf(command, sizeof command, "%s/scion %s 2>&1", BUILD_DIR, arguments), 1,
                        sizeof command - 1);
        FILE *pipe = popen(command, "r");

        assert_non_null(pipe);
        size_t length = fread(result.output, 1, sizeof result.output - 1, pipe);

        result.output[length] = '\0';
        while (fgetc(pipe) != EOF)
                ; /* drops what does not fit, so that the command can end */
        int status = pclose(pipe);

        result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return &result;
}

const struct command_result *run_scion(const char *arguments, ...)
{
        char text[4096];
        va_list values;

        va_start(values, arguments);
        vsnprintf(text, sizeof text, arguments, values);
        va_end(values);
        return command_run(text);
}

const struct command_result *run_scion_expecting(int status, const char *arguments, ...)
{
        char text[4096];
        va_list values;

        va_start(values, arguments);
        vsnprintf(text, sizeof text, arguments, values);
        va_end(values);
        command_run(text);
        if (result.status != status)
                fail_msg("scion %s: status %d, expected %d; it printed:\n%s", text, result.status, status,
                         result.output);
        return &result;
}

pid_t start_scion(const char *condition, const char *arguments, ...)
{
        char text[4096], command[8192];
        va_list values;

        va_start(values, arguments);
        vsnprintf(text, sizeof text, arguments, values);
        va_end(values);
        assert_in_range(snprintf(command, sizeof command, "exec %s/scion %s", BUILD_DIR, text), 1,
                        sizeof command - 1);
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                signal(SIGINT, SIG_DFL);          /* a shell's background job inherits SIG_IGN */
                prctl(PR_SET_PDEATHSIG, SIGKILL); /* so that it ends with a test that fails */
                execl("/bin/sh", "sh", "-c", command, (char *)NULL);
                _exit(127);
        }
        alarm(60);
        wait_until(pid, condition);
        return pid;
}

void wait_until(pid_t pid, const char *condition)
{
        const struct timespec nap = { .tv_nsec = 2000000 };

        while (system(condition) != 0) {
                assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
                nanosleep(&nap, NULL);
        }
}

int end_of_scion(pid_t pid)
{
        int status = -1;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        alarm(0);
        return status;
}

void assert_output_has(const struct command_result *output, const char *text, ...)
{
        va_list more;

        va_start(more, text);
        for (; text; text = va_arg(more, const char *))
                if (!strstr(output->output, text))
                        fail_msg("\"%s\" is not in the output:\n%s", text, output->output);
        va_end(more);
}
