#include "suite/failure.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "file/files.h"

#define MAX_LINES 8
#define MAX_BYTES 2048

static int log_open(const char *folder, int flags)
{
        struct scion_text path = { 0 };

        scion_text_add(&path, "%s/log.txt", folder);
        int log = path.failed ? -1 : scion_file_open_regular(path.text, flags);

        free(path.text);
        return log;
}

/* Reads the last lines of the log, starting at the beginning of a line. Returns a string within `text`. */
static const char *log_read_tail(int log, char text[MAX_BYTES + 1])
{
        struct stat status;
        off_t from = fstat(log, &status) == 0 && status.st_size > MAX_BYTES ? status.st_size - MAX_BYTES : 0;
        ssize_t got = lseek(log, from, SEEK_SET) == from ? scion_read_all(log, text, MAX_BYTES) : -1;
        size_t length = got > 0 ? (size_t)got : 0;
        int lines = 0;

        while (length > 0 && isspace((unsigned char)text[length - 1]))
                length--;
        text[length] = '\0';
        for (size_t i = length; i > 0; i--)
                if (text[i - 1] == '\n' && ++lines == MAX_LINES)
                        return text + i;
        const char *line = from > 0 ? strchr(text, '\n') : NULL;

        return line ? line + 1 : text;
}

/* Replaces control characters, so that a plugin's output cannot move the cursor or colour the terminal. */
static void log_print_indented(FILE *file, const char *text)
{
        fputs("  | ", file);
        for (; *text; text++) {
                bool control = iscntrl((unsigned char)*text) && *text != '\t';

                fputc(control ? (*text == '\n' ? '\n' : '?') : *text, file);
                if (*text == '\n')
                        fputs("  | ", file);
        }
        fputc('\n', file);
}

static void run_print_axes(FILE *file, const struct scion_planned *planned)
{
        const struct scion_config_run *run = planned->run;
        bool has_strategy = false, has_seed = false;

        for (size_t i = 0; i < run->axes; i++) {
                has_strategy = has_strategy || strcmp(run->point[i].path, "strategy") == 0;
                has_seed = has_seed || strcmp(run->point[i].path, "seed") == 0;
        }
        fputs("  ", file);
        if (!has_strategy)
                fprintf(file, "strategy %s%s", planned->strategy, run->axes > 0 || !has_seed ? ", " : "");
        for (size_t i = 0; i < run->axes; i++)
                fprintf(file, "%s%s %s", i > 0 ? ", " : "", run->point[i].path, run->point[i].label);
        if (!has_seed)
                fprintf(file, "%sseed %s", run->axes > 0 ? ", " : "", planned->seed);
        fputc('\n', file);
}

void scion_failure_print(FILE *file, const char *message)
{
        fputs("failed: ", file);
        for (; *message; message++)
                fputc(*message == '\n' ? ' ' : iscntrl((unsigned char)*message) ? '?' : *message, file);
        fputc('\n', file);
}

void scion_failure_print_details(FILE *file, const struct scion_planned *planned, const char *folder)
{
        int log = log_open(folder, O_RDONLY);
        char text[MAX_BYTES + 1];

        run_print_axes(file, planned);
        if (log < 0)
                return;
        const char *tail = log_read_tail(log, text);

        close(log);
        if (!*tail)
                return;
        fprintf(file, "  the end of %s/log.txt:\n", folder);
        log_print_indented(file, tail);
}

void scion_failure_log(const char *folder, const char *message)
{
        int log = scion_make_folders(folder) ? log_open(folder, O_WRONLY | O_CREAT | O_APPEND) : -1;
        struct scion_text line = { 0 };

        if (log < 0)
                return;
        scion_text_add(&line, "failed: %s\n", message);
        if (!line.failed)
                scion_write_all(log, line.text, line.length);
        free(line.text);
        close(log);
}

bool scion_failure_is_disk_full(const char *message)
{
        return strstr(message, strerror(ENOSPC)) || strstr(message, strerror(EDQUOT));
}
