#include "report/plots.h"

#include <ctype.h>
#include <errno.h>
#include <scion/error.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/html.h"

extern char **environ;

/* Colours of the page are encoded in gnuplot's output by red = green = 0 and one of these values of blue. */
enum {
        INK = 1,
        GRID = 2,
        HUE = 16,   /* HUE + n: hue n */
        FAINT = 32, /* FAINT + n: hue n, translucent */
};

static const int markers[] = { 7, 5, 9, 13, 11, 15 }; /* gnuplot's numbers: disc, square, triangle, ... */

const char scion_plots_markers[] =
        "<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\"><defs>\n"
        "<circle id=\"gpPt6\" r=\"1\" fill=\"currentColor\" stroke=\"none\"/>\n"
        "<rect id=\"gpPt4\" x=\"-.9\" y=\"-.9\" width=\"1.8\" height=\"1.8\" fill=\"currentColor\" "
        "stroke=\"none\"/>\n"
        "<path id=\"gpPt8\" d=\"M0,-1.3 L-1.2,.8 L1.2,.8 z\" fill=\"currentColor\" stroke=\"none\"/>\n"
        "<path id=\"gpPt12\" d=\"M0,-1.35 L1.35,0 L0,1.35 L-1.35,0 z\" fill=\"currentColor\" "
        "stroke=\"none\"/>\n"
        "<path id=\"gpPt10\" d=\"M0,1.3 L-1.2,-.8 L1.2,-.8 z\" fill=\"currentColor\" stroke=\"none\"/>\n"
        "<path id=\"gpPt14\" d=\"M0,1.2 L1.14,.37 L.7,-.97 L-.7,-.97 L-1.14,.37 z\" fill=\"currentColor\" "
        "stroke=\"none\"/>\n"
        "</defs></svg>\n";

/* --- The script ----------------------------------------------------------------------------------------- */

size_t scion_plots_begin(struct scion_plots *plots, int width, int height)
{
        struct scion_plot *larger = realloc(plots->plot, (plots->count + 1) * sizeof *larger);

        if (!larger) {
                plots->failed = true;
                return 0;
        }
        plots->plot = larger;
        larger[plots->count] = (struct scion_plot){ width, height, NULL };
        scion_plots_add(plots,
                        "reset session\n"
                        "set terminal svg size %d,%d fixed font 'sans,12' noenhanced butt\n"
                        "set key off\n"
                        "set border 3 lc rgb " SCION_PLOT_INK "\n"
                        "set tics nomirror out scale 0.4 textcolor rgb " SCION_PLOT_INK "\n"
                        "set grid y lt 1 lw 1 lc rgb " SCION_PLOT_GRID "\n",
                        width, height);
        return plots->count++;
}

void scion_plots_add(struct scion_plots *plots, const char *format, ...)
{
        char piece[1024];
        va_list values;

        va_start(values, format);
        int length = vsnprintf(piece, sizeof piece, format, values);

        va_end(values);
        if (length < 0 || (size_t)length >= sizeof piece)
                plots->failed = true;
        scion_text_add(&plots->script, "%s", piece);
}

size_t scion_plots_text(struct scion_plots *plots, const char *text)
{
        char **larger = realloc(plots->name, (plots->names + 1) * sizeof *larger);

        if (larger)
                plots->name = larger;
        char *copy = larger ? strdup(text) : NULL;

        if (!copy) {
                plots->failed = true;
                return 0;
        }
        larger[plots->names] = copy;
        return plots->names++;
}

const char *scion_plots_line(size_t style, char *text)
{
        snprintf(text, 80, "lw 2 dt %s lc rgb \"#%06zx\"", style < SCION_PLOT_HUES ? "solid" : "(6,4)",
                 HUE + style % SCION_PLOT_HUES);
        return text;
}

const char *scion_plots_area(size_t style, char *text)
{
        snprintf(text, 80, "lc rgb \"#%06zx\" fillstyle transparent solid 0.16 noborder",
                 HUE + style % SCION_PLOT_HUES);
        return text;
}

static int style_marker(size_t style)
{
        return markers[(style + style / SCION_PLOT_HUES) % (sizeof markers / sizeof markers[0])];
}

const char *scion_plots_points(size_t style, bool faint, char *text)
{
        snprintf(text, 80, "pt %d ps %s lc rgb \"#%06zx\"", style_marker(style), faint ? "0.5" : "0.8",
                 (faint ? FAINT : HUE) + style % SCION_PLOT_HUES);
        return text;
}

void scion_plots_add_sample(struct scion_text *page, size_t style)
{
        scion_text_add(
                page,
                "<svg class=\"sample\" width=\"28\" height=\"10\" viewBox=\"0 0 28 10\" "
                "aria-hidden=\"true\" color=\"var(--hue%zu)\"><path d=\"M0,5 H28\" stroke=\"currentColor\" "
                "stroke-width=\"2\"%s/><use href=\"#gpPt%d\" transform=\"translate(14,5) "
                "scale(3.6)\"/></svg>",
                style % SCION_PLOT_HUES, style < SCION_PLOT_HUES ? "" : " stroke-dasharray=\"6,4\"",
                style_marker(style) - 1);
}

/* --- The program ---------------------------------------------------------------------------------------- */

/* Reads the whole content of a stream. */
static bool stream_read(FILE *file, struct scion_text *text)
{
        char piece[16384];
        size_t got;

        rewind(file);
        while ((got = fread(piece, 1, sizeof piece, file)) > 0)
                scion_text_add(text, "%.*s", (int)got, piece);
        if (ferror(file))
                return scion_fail("cannot read what gnuplot has drawn: %s", strerror(errno));
        return !text->failed || scion_fail("out of memory");
}

/*
 * Starts gnuplot with three files as stdin, stdout and stderr. With files, unlike pipes, neither process
 * waits for the other.
 */
static bool gnuplot_start(FILE *const stream[3], pid_t *pid)
{
        static char name[] = "gnuplot", settings[] = "-d"; /* ignores the user's settings */
        char *const arguments[] = { name, settings, NULL };
        posix_spawn_file_actions_t actions;
        int error = posix_spawn_file_actions_init(&actions);

        if (error)
                return scion_fail("cannot start gnuplot: %s", strerror(error));
        for (int i = 0; i < 3 && !error; i++)
                error = posix_spawn_file_actions_adddup2(&actions, fileno(stream[i]), i);
        if (!error)
                error = posix_spawnp(pid, name, &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error == ENOENT)
                return scion_fail("gnuplot, which draws the plots of a report, is not installed "
                                  "(Debian: apt-get install gnuplot-nox)");
        return !error || scion_fail("cannot start gnuplot: %s", strerror(error));
}

/* Finds the first line that is neither blank nor just the mark "^" under another line. */
static void message_first_line(char *text, char **line)
{
        *line = text;
        while (**line) {
                size_t length = strcspn(*line, "\n");

                if (strspn(*line, " \t\r^") < length) {
                        (*line)[length] = '\0';
                        return;
                }
                *line += length + ((*line)[length] == '\n');
        }
}

static bool gnuplot_wait(pid_t pid, FILE *complaints)
{
        struct scion_text text = { 0 };
        char *line;
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return scion_fail("cannot wait for gnuplot: %s", strerror(errno));
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return true;
        if (WIFSIGNALED(status))
                return scion_fail("gnuplot was ended by signal %d", WTERMSIG(status));
        if (WEXITSTATUS(status) == 127)
                return scion_fail("gnuplot could not be started");
        if (stream_read(complaints, &text) && text.text) {
                message_first_line(text.text, &line);
                scion_fail("gnuplot: %s", line);
        } else {
                scion_fail("gnuplot ended with status %d", WEXITSTATUS(status));
        }
        free(text.text);
        return false;
}

static bool gnuplot_run(const struct scion_text *script, struct scion_text *drawn)
{
        FILE *stream[3] = { NULL, NULL, NULL };
        bool good = true;
        pid_t pid;

        for (int i = 0; i < 3 && good; i++)
                good = (stream[i] = tmpfile()) ||
                       scion_fail("cannot make a temporary file: %s", strerror(errno));
        if (good &&
            (fwrite(script->text, 1, script->length, stream[0]) != script->length || fflush(stream[0])))
                good = scion_fail("cannot write a temporary file: %s", strerror(errno));
        if (good)
                rewind(stream[0]);
        good = good && gnuplot_start(stream, &pid) && gnuplot_wait(pid, stream[2]) &&
               stream_read(stream[1], drawn);
        for (int i = 0; i < 3; i++)
                if (stream[i])
                        fclose(stream[i]);
        return good;
}

/* --- The output of gnuplot ------------------------------------------------------------------------------ */

static bool text_begins(const char *text, const char *with)
{
        return strncmp(text, with, strlen(with)) == 0;
}

/*
 * Replaces "rgb(  0,   0,  17)" by the CSS variable, if it is a colour of the page. Returns the end of the
 * colour, or NULL.
 */
static const char *svg_take_colour(struct scion_text *body, const char *at)
{
        int red, green, blue, length = 0;

        if (sscanf(at, "rgb( %d, %d, %d)%n", &red, &green, &blue, &length) != 3 || length == 0 || red ||
            green)
                return NULL;
        if (blue == INK || blue == GRID)
                scion_text_add(body, "var(--%s)", blue == INK ? "ink" : "grid");
        else if (blue >= HUE && blue < FAINT + SCION_PLOT_HUES)
                scion_text_add(body, "var(--%s%d)", blue < FAINT ? "hue" : "faint",
                               blue - (blue < FAINT ? HUE : FAINT));
        else
                return NULL;
        return at + length;
}

/* Replaces "@3@" by the text with that number. Returns its end, or NULL. */
static const char *svg_take_text(const struct scion_plots *plots, struct scion_text *body, const char *at)
{
        char *end;

        if (!isdigit((unsigned char)at[1]))
                return NULL;
        unsigned long number = strtoul(at + 1, &end, 10);

        if (*end != '@' || number >= plots->names)
                return NULL;
        scion_html_text(body, plots->name[number]);
        return end + 1;
}

/* Returns the end of a group that draws nothing, or NULL. */
static const char *svg_skip_empty_group(const char *at)
{
        const char *end = text_begins(at, "<g fill=\"none\"") ? strchr(at, '>') : NULL;

        return end && text_begins(end, ">\n</g>\n") ? end + 7 : NULL;
}

/* Returns the end of an attribute with its value in double quotes, or NULL. */
static const char *svg_skip_attribute(const char *at, const char *name)
{
        const char *end = text_begins(at, name) ? strchr(at + strlen(name), '"') : NULL;

        return end ? end + 1 : NULL;
}

/*
 * Adapts gnuplot's SVG to the page: replaces colours and texts, and removes fonts and ids, which several
 * plots would share.
 */
static void svg_tidy(const struct scion_plots *plots, const char *at, const char *end,
                     struct scion_text *body)
{
        const char *kept = at, *next;

        while (at < end) {
                const char *from = at;

                next = NULL;
                if (*at == 'r' || *at == '@' || *at == '<' || *at == ' ' || *at == 'x' || *at == '"')
                        scion_text_add(body, "%.*s", (int)(at - kept), kept), kept = at;
                if (*at == 'r')
                        next = svg_take_colour(body, at);
                else if (*at == '@')
                        next = svg_take_text(plots, body, at);
                else if (*at == '<')
                        next = svg_skip_empty_group(at);
                else if (*at == ' ' && !(next = svg_skip_attribute(at, " font-family=\"")))
                        next = svg_skip_attribute(at, " id=\"");
                else if (*at == 'x' && text_begins(at, "xlink:href"))
                        next = at + 6;
                else if (text_begins(at, "\"black\"")) {
                        scion_text_add(body, "\"var(--ink)\"");
                        next = at + 7;
                }
                at = next ? next : from + 1;
                if (next)
                        kept = next;
        }
        scion_text_add(body, "%.*s", (int)(end - kept), kept);
}

/* Splits gnuplot's output into plots; each is between the marker definitions and the end of its <svg>. */
static bool plots_take_svg(struct scion_plots *plots, const char *drawn)
{
        static const char head[] = "</defs>", canvas[] = "</g>", tail[] = "</svg>";
        struct scion_text body = { 0 };

        for (size_t i = 0; i < plots->count; i++) {
                const char *from = strstr(drawn, head), *to = from ? strstr(from, tail) : NULL;
                const char *end = to;

                while (end && end > from &&
                       !text_begins(end, canvas)) /* back to the end of the outermost group */
                        end--;
                if (!end || end == from)
                        return scion_fail("gnuplot has drawn %zu of %zu plots", i, plots->count);
                svg_tidy(plots, from + sizeof head - 1, end, &body);
                if (body.failed)
                        return free(body.text), scion_fail("out of memory");
                plots->plot[i].body = body.text;
                body = (struct scion_text){ 0 };
                drawn = to + sizeof tail - 1;
        }
        return true;
}

bool scion_plots_draw(struct scion_plots *plots)
{
        struct scion_text drawn = { 0 };

        if (plots->failed || plots->script.failed)
                return scion_fail("out of memory");
        if (plots->count == 0)
                return true;
        bool good =
                gnuplot_run(&plots->script, &drawn) && plots_take_svg(plots, drawn.text ? drawn.text : "");

        free(drawn.text);
        return good;
}

void scion_plots_finish(struct scion_plots *plots)
{
        for (size_t i = 0; i < plots->count; i++)
                free(plots->plot[i].body);
        for (size_t i = 0; i < plots->names; i++)
                free(plots->name[i]);
        free(plots->plot);
        free(plots->name);
        free(plots->script.text);
        *plots = (struct scion_plots){ 0 };
}
