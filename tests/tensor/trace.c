/* The events that a tracer receives in a step. */
#include "tensor/trace.h"

#include "base/clock.h"
#include "support/tape.h"

#define MOST 64

/* Events as lines: "F add 2x3 3 -> 2x3". */
struct lines {
        struct scion_tracer tracer;
        int count;
        char line[MOST][200];
        double seconds;
};

static void take(struct scion_tracer *tracer, const struct scion_trace_event *event)
{
        struct lines *lines = (struct lines *)tracer;
        char text[160];

        assert_true(lines->count < MOST);
        assert_true(event->seconds >= 0);
        snprintf(lines->line[lines->count++], sizeof lines->line[0], "%c %s %s", "FBO"[event->pass],
                 event -> name, scion_trace_text(event, text, sizeof text));
        lines->seconds += event->seconds;
}

static struct lines start(void)
{
        return (struct lines){ .tracer.event = take };
}

static void assert_lines(const struct lines *lines, const char *const *expected)
{
        int i = 0;

        for (; expected[i] && i < lines->count; i++)
                assert_string_equal(lines->line[i], expected[i]);
        if (expected[i])
                fail_msg("no line \"%s\"", expected[i]);
        if (i < lines->count)
                fail_msg("a line more: \"%s\"", lines->line[i]);
}

static struct scion_tensor *leaf(struct scion_shape shape)
{
        return scion_require_grad(scion_full(shape, 2));
}

static void a_formula_and_its_gradient(void **state)
{
        struct lines lines = start();
        struct scion_tensor *a = leaf(SCION_SHAPE(2, 3)), *b = scion_full(SCION_SHAPE(3), 1);

        (void)state;
        assert_null(scion_trace_use(&lines.tracer));
        assert_true(scion_backward(scion_sum(scion_add(scion_exp(a), b), SCION_ALL_AXES, false)));
        scion_trace_part("update");
        assert_ptr_equal(scion_trace_use(NULL), &lines.tracer);
        scion_exp(a);
        scion_trace_part("nobody listens");
        assert_lines(&lines, (const char *[]){ "F exp 2x3 -> 2x3", "F add 2x3 3 -> 2x3",
                                               "F sum 2x3 -> scalar", "B sum 2x3 -> scalar",
                                               "B add 2x3 3 -> 2x3", "B exp 2x3 -> 2x3", "O update ", NULL });
}

/* The convolution reorders its images into a layout, and the sum reorders its input to row-major. */
static void reorders_are_reported(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(2, 16, 9, 9)), *w = leaf(SCION_SHAPE(16, 16, 3, 3));
        struct lines lines = start();
        bool blocked = false, reordered = false;

        (void)state;
        scion_trace_use(&lines.tracer);
        struct scion_tensor *y = scion_conv2d(x, w, NULL, &(struct scion_window){ .stride = { 1, 1 } });

        assert_non_null(scion_tensor_row_major(y));
        scion_trace_use(NULL);
        for (int i = 0; i < lines.count; i++) {
                if (strncmp(lines.line[i], "F conv2d 2x16x9x9 16x16x3x3 -> 2x16x7x7", 39) == 0)
                        blocked = lines.line[i][39] == ' ' && lines.line[i][40] == '[';
                if (strcmp(lines.line[i], "F reorder 2x16x7x7 -> 2x16x7x7") == 0)
                        reordered = true;
        }
        assert_int_equal(blocked, y->layout != NULL);
        assert_int_equal(reordered, y->layout != NULL);
}

/* Operations without a gradient are reported as well. Operations within a gradient are reported in the backward pass. */
static void without_gradients_and_within_them(void **state)
{
        struct scion_tensor *a = leaf(SCION_SHAPE(2)), *b = leaf(SCION_SHAPE(2));
        struct lines lines = start();
        bool within = false;

        (void)state;
        scion_trace_use(&lines.tracer);
        scion_no_grad_begin();
        scion_exp(a);
        scion_no_grad_end();
        assert_int_equal(lines.count, 1);
        assert_string_equal(lines.line[0], "F exp 2 -> 2");
        assert_true(scion_backward(scion_sum(scion_div(a, b), SCION_ALL_AXES, false)));
        scion_trace_use(NULL);
        for (int i = 0; i < lines.count; i++)
                if (strcmp(lines.line[i], "B mul 2 2 -> 2") == 0)
                        within = true;
        assert_true(within);
        assert_string_equal(lines.line[lines.count - 1], "B div 2 2 -> 2");
}

/* No time is counted twice. */
static void parts_add_up_to_the_step(void **state)
{
        struct lines lines = start();
        double began = scion_clock(), whole;

        (void)state;
        scion_trace_use(&lines.tracer);
        struct scion_tensor *a = leaf(SCION_SHAPE(64, 64));

        assert_true(scion_backward(scion_sum(
                scion_normalize(scion_div(a, scion_exp(a)), SCION_AXIS(1), 1e-6f), SCION_ALL_AXES, false)));
        scion_trace_part("rest");
        scion_trace_use(NULL);
        whole = scion_clock() - began;
        assert_true(lines.tracer.between >= 0);
        assert_true(lines.seconds > 0);
        assert_true(lines.seconds + lines.tracer.between <= whole * (1 + 1e-6));
}

static void texts_are_cut_to_fit(void **state)
{
        struct scion_tensor *a = scion_full(SCION_SHAPE(2, 3), 1);
        const struct scion_trace_event event = { .name = "x", .input = { a, NULL, a }, .output = a };
        char text[9];

        (void)state;
        assert_string_equal(scion_trace_text(&event, text, sizeof text), "2x3 2x3 ");
        assert_string_equal(scion_trace_text(&(struct scion_trace_event){ .name = "x" }, text, sizeof text),
                            "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(a_formula_and_its_gradient),
                tape_test(reorders_are_reported),
                tape_test(without_gradients_and_within_them),
                tape_test(parts_add_up_to_the_step),
                tape_test(texts_are_cut_to_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
