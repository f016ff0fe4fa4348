#include "train/step_trace.h"

#include <errno.h>
#include <scion/error.h>
#include <stdlib.h>

bool scion_step_trace_wanted(int64_t *step)
{
        const char *text = getenv("SCION_TRACE");
        char *end;

        *step = 0;
        if (!text || !*text)
                return true;
        errno = 0;
        long long number = strtoll(text, &end, 10);

        if (*end || errno || number < 0)
                return scion_fail("SCION_TRACE is 1, or the number of a step, not '%s'", text);
        *step = number == 1 ? 2 : number;
        return true;
}

static void trace_add_line(struct scion_tracer *tracer, const struct scion_trace_event *event)
{
        static const char *const passes[] = { "forward", "backward", "" };
        struct scion_step_trace *trace = (struct scion_step_trace *)tracer;
        char text[400];

        trace->seconds[event->pass] += event->seconds;
        trace->operations[event->pass]++;
        scion_trace_text(event, text, sizeof text);
        scion_text_add(&trace->lines, "%11.1f  %-8s  %-*s%s%s\n", 1e6 * event->seconds, passes[event->pass],
                       *text ? 20 : 0, event->name, *text ? "  " : "", text);
}

void scion_step_trace_start(struct scion_step_trace *trace)
{
        *trace = (struct scion_step_trace){ .tracer.event = trace_add_line };
        trace->before = scion_trace_use(&trace->tracer);
}

static double trace_seconds(const struct scion_step_trace *trace)
{
        double seconds = trace->tracer.between;

        for (int pass = 0; pass < SCION_TRACE_PASSES; pass++)
                seconds += trace->seconds[pass];
        return seconds;
}

void scion_step_trace_finish(struct scion_step_trace *trace, const char *heading, bool good, FILE *log,
                             struct scion_text *text)
{
        struct scion_text whole = { 0 };

        scion_trace_use(trace->before);
        scion_text_add(&whole, "%s%s\n         us  pass      operation             shapes [layout]\n%s",
                       heading, good ? "" : ", which failed", trace->lines.text ? trace->lines.text : "");
        scion_text_add(&whole,
                       "%11.1f  in %d operations forward, %.1f in %d backward, %.1f in batch, scores and ",
                       1e6 * trace->seconds[SCION_TRACE_FORWARD], trace->operations[SCION_TRACE_FORWARD],
                       1e6 * trace->seconds[SCION_TRACE_BACKWARD], trace->operations[SCION_TRACE_BACKWARD],
                       1e6 * trace->seconds[SCION_TRACE_OTHER]);
        scion_text_add(&whole, "update, %.1f between them: %.1f", 1e6 * trace->tracer.between,
                       1e6 * trace_seconds(trace));
        if (!whole.failed && !trace->lines.failed) {
                fprintf(log, "%s\n", whole.text);
                fflush(log);
                scion_text_add(text, "%s%s", text->length > 0 ? "\n" : "", whole.text);
        }
        free(whole.text);
        free(trace->lines.text);
}
