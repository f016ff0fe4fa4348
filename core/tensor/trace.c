/* Measures the parts of a step. */
#include "tensor/trace.h"

#include <stdio.h>

#include "backend/backend.h"
#include "base/clock.h"

_Atomic int scion_tracers;

static _Thread_local struct scion_tracer *mine;

struct scion_tracer *scion_trace_use(struct scion_tracer *tracer)
{
        struct scion_tracer *before = mine;

        atomic_fetch_add(&scion_tracers, (tracer != NULL) - (before != NULL));
        mine = tracer;
        if (tracer) {
                tracer->operation = tracer->backward = false;
                tracer->last = scion_clock();
        }
        return before;
}

/* Returns the seconds since tracer->last, and sets that to the current time. */
static double tracer_lap(struct scion_tracer *tracer)
{
        double now = scion_clock(), seconds = now - tracer->last;

        tracer->last = now;
        return seconds;
}

void scion_trace_begin(void)
{
        struct scion_tracer *tracer = mine;

        if (!tracer || tracer->operation)
                return;
        *(tracer->backward ? &tracer->own : &tracer->between) += tracer_lap(tracer);
        tracer->operation = true;
}

/* Calls the tracer's callback, whose own time is not counted. */
static void tracer_report(struct scion_tracer *tracer, const struct scion_trace_event *event)
{
        tracer->operation = false;
        tracer->event(tracer, event);
        tracer->last = scion_clock();
}

void scion_trace_forward(const struct scion_op *op, const struct scion_tensor *output,
                         const struct scion_tensor *a, const struct scion_tensor *b,
                         const struct scion_tensor *c)
{
        struct scion_tracer *tracer = mine;

        if (tracer)
                tracer_report(tracer,
                              &(struct scion_trace_event){ .name = op->name,
                                                           .pass = tracer->backward ? SCION_TRACE_BACKWARD
                                                                                    : SCION_TRACE_FORWARD,
                                                           .input = { a, b, c },
                                                           .output = output,
                                                           .seconds = tracer_lap(tracer) });
}

void scion_trace_backward_begin(void)
{
        struct scion_tracer *tracer = mine;

        if (!tracer)
                return;
        tracer->between += tracer_lap(tracer);
        tracer->backward = true;
        tracer->own = 0;
}

void scion_trace_backward_end(const struct scion_node *node)
{
        struct scion_tracer *tracer = mine;

        if (!tracer || !tracer->backward)
                return;
        tracer->backward = false;
        tracer_report(tracer, &(struct scion_trace_event){
                                      .name = node->op->name,
                                      .pass = SCION_TRACE_BACKWARD,
                                      .input = { node->input[0], node->input[1], node->input[2] },
                                      .output = node->output,
                                      .seconds = tracer->own + tracer_lap(tracer) });
}

void scion_trace_part(const char *name)
{
        struct scion_tracer *tracer = mine;

        if (tracer)
                tracer_report(tracer, &(struct scion_trace_event){ .name = name,
                                                                   .pass = SCION_TRACE_OTHER,
                                                                   .seconds = tracer_lap(tracer) });
}

static size_t text_append(char *text, size_t bytes, size_t used, const char *before, const char *what,
                          const char *after)
{
        if (used < bytes)
                used += (size_t)snprintf(text + used, bytes - used, "%s%s%s", before, what, after);
        return used;
}

const char *scion_trace_text(const struct scion_trace_event *event, char *text, size_t bytes)
{
        const struct scion_tensor *output = event->output;
        char word[96];
        size_t used = 0;

        text[0] = '\0';
        for (int i = 0; i < SCION_MAX_INPUTS; i++)
                if (event->input[i])
                        used = text_append(text, bytes, used, used ? " " : "",
                                           scion_shape_text(&event->input[i]->shape, word, sizeof word), "");
        if (output)
                used = text_append(text, bytes, used, used ? " -> " : "-> ",
                                   scion_shape_text(&output->shape, word, sizeof word), "");
        if (output && output->layout)
                text_append(text, bytes, used, " [", scion_layout_text(output->layout, word, sizeof word),
                            "]");
        else if (output && output->dtype == SCION_BF16)
                text_append(text, bytes, used, " [", scion_dtype_name(output->dtype), "]");
        return text;
}
