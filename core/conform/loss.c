/* The conformance tests of losses: a batch of outputs, with each kind of targets that the loss supports. */
#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>

#include "conform/tests.h"

#define MOST_EXAMPLES 12
#define MOST_OUTPUTS 10
#define EXAMPLES 6
#define EXTREME 1e4f

/* Kinds of targets. */
enum targets { LABELS, VALUES, SOFT, BINARY, KINDS };

static const char *const words[KINDS] = {
        "class labels",
        "values",
        "values that are distributions",
        "values that are 0 or 1",
};

struct problem {
        struct scion_conform *conform;
        struct scion_instance *instance;
        struct scion_tape *tape;
        enum targets targets;
        int64_t examples, outputs;
        float output[MOST_EXAMPLES * MOST_OUTPUTS];
        int32_t label[MOST_EXAMPLES];
        float target[MOST_EXAMPLES * MOST_OUTPUTS];
        struct scion_tensor *leaf, *given; /* the outputs, and the tensor that the loss was given */
        struct scion_batch batch;
};

/* --- A batch -------------------------------------------------------------------------------------------- */

static void targets_draw(struct problem *problem, struct scion_random *random)
{
        for (int64_t i = 0; i < problem->examples; i++) {
                float *row = problem->target + i * problem->outputs, sum = 0;

                problem->label[i] = (int32_t)(i % problem->outputs);
                for (int64_t k = 0; k < problem->outputs; k++) {
                        float normal = scion_random_normal(random);

                        row[k] = problem->targets == SOFT     ? expf(normal)
                                 : problem->targets == BINARY ? (float)(normal > 0)
                                                              : normal;
                        sum += row[k];
                }
                for (int64_t k = 0; problem->targets == SOFT && k < problem->outputs; k++)
                        row[k] /= sum;
        }
}

static void problem_draw(struct problem *problem, enum targets targets, int64_t examples, int64_t outputs,
                         uint64_t seed)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_DATA, 5);

        problem->targets = targets;
        problem->examples = examples;
        problem->outputs = outputs;
        for (int64_t i = 0; i < examples * outputs; i++)
                problem->output[i] = scion_random_normal(&random);
        targets_draw(problem, &random);
}

static void batch_create(struct problem *problem)
{
        bool labels = problem->targets == LABELS;
        int64_t n = problem->examples, k = problem->outputs;

        problem->batch = (struct scion_batch){
                .size = n,
                .classes = labels ? k : 0,
                .inputs = scion_zeros(SCION_SHAPE(n, 3)),
                .labels = labels ? scion_from_i32(SCION_SHAPE(n), problem->label) : NULL,
                .targets = labels ? NULL : scion_from(SCION_SHAPE(n, k), problem->target),
        };
}

/* Calls the loss for the batch, which `what` describes. Returns NULL when the loss refuses it. */
static struct scion_tensor *loss_call(struct problem *problem, const char *what)
{
        const struct scion_loss_plugin *plugin = &problem->conform->descriptor->loss;
        struct scion_tensor *loss;

        scion_conform_doing(problem->conform, "loss() of %s", what);
        scion_error_clear();
        loss = plugin->loss(problem->instance->self, problem->given, &problem->batch);
        scion_conform_doing(problem->conform, "%s", "");
        return loss;
}

/* Computes the loss of the problem. The outputs come from an operation, as a model's do. */
static struct scion_tensor *problem_loss(struct problem *problem)
{
        char what[128];

        scion_tape_reset(problem->tape);
        problem->leaf = scion_require_grad(
                scion_from(SCION_SHAPE(problem->examples, problem->outputs), problem->output));
        problem->given = scion_scale(problem->leaf, 1);
        batch_create(problem);
        snprintf(what, sizeof what, "%lld examples with %lld outputs each and %s",
                 (long long)problem->examples, (long long)problem->outputs, words[problem->targets]);
        return loss_call(problem, what);
}

/* Returns the value of the loss, or NaN when the loss refuses the batch. */
static double problem_value(struct problem *problem)
{
        return (double)scion_item(problem_loss(problem));
}

/* Computes value and gradient of the loss. Returns false when there is no gradient. */
static bool problem_gradient(struct problem *problem, double *value, float *gradient)
{
        struct scion_tensor *loss = problem_loss(problem), *g;

        *value = (double)scion_item(loss);
        scion_conform_doing(problem->conform, "the backward pass of its loss");
        bool good = loss && scion_backward(loss) && (g = scion_grad(problem->leaf)) != NULL;

        scion_conform_doing(problem->conform, "%s", "");
        if (good)
                memcpy(gradient, scion_data(g),
                       (size_t)(problem->examples * problem->outputs) * sizeof *gradient);
        return good;
}

/* --- Supported targets -------------------------------------------------------------------------------------- */

static bool problem_begin(struct problem *problem, struct scion_conform *conform)
{
        *problem = (struct problem){ .conform = conform, .instance = scion_conform_instance(conform) };
        if (!problem->instance)
                return false;
        problem->tape = scion_tape_create();
        if (!problem->tape)
                return scion_conform_trouble(conform);
        scion_tape_use(problem->tape);
        scion_tape_set_training(problem->tape, true);
        return true;
}

static void problem_end(struct problem *problem)
{
        scion_tape_destroy(problem->tape);
        scion_conform_end(problem->conform, problem->instance);
}

/* Returns a number of outputs that the loss supports, or 0. Parameters, such as a weight for each class, may fix it. */
static int64_t outputs_taken(struct problem *problem, enum targets targets)
{
        static const int64_t widths[] = { 4, 2, 3, 5, 6, 7, 8, 9, 10, 1 };

        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
                problem_draw(problem, targets, EXAMPLES, widths[i], 1);
                if (problem_loss(problem))
                        return widths[i];
        }
        return 0;
}

/* Runs the test on a random batch of each kind of targets that the loss supports. */
static void targets_for_each(struct scion_conform *conform, int64_t examples,
                             void (*test)(struct problem *problem))
{
        struct problem problem;

        if (!problem_begin(&problem, conform))
                return;
        for (int targets = 0; targets < KINDS; targets++) {
                int64_t outputs = outputs_taken(&problem, (enum targets)targets);

                if (outputs == 0)
                        continue;
                problem_draw(&problem, (enum targets)targets, examples, outputs, 2);
                test(&problem);
        }
        problem_end(&problem);
}

static bool scalar_check(struct problem *problem, struct scion_tensor *loss)
{
        struct scion_shape shape = scion_shape(loss);
        char text[96];

        if (scion_dtype(loss) != SCION_F32 || scion_size(loss) != 1)
                return scion_conform_wrong(
                        problem->conform,
                        "with %s the loss is no float scalar, but of shape %s: take the mean",
                        words[problem->targets], scion_shape_text(&shape, text, sizeof text));
        if (!isfinite(scion_item(loss)))
                return scion_conform_wrong(problem->conform,
                                           "with %s and outputs of a usual size the loss is %g",
                                           words[problem->targets], (double)scion_item(loss));
        return true;
}

static void loss_takes_something(struct scion_conform *conform)
{
        struct problem problem;
        int taken = 0;

        if (!problem_begin(&problem, conform))
                return;
        for (int targets = 0; targets < KINDS; targets++) {
                int64_t outputs = outputs_taken(&problem, (enum targets)targets);

                if (outputs == 0 && !*scion_error())
                        scion_conform_wrong(conform,
                                            "it returns NULL for %s, and gives no reason: "
                                            "scion_fail() leaves one",
                                            words[targets]);
                if (outputs == 0)
                        continue;
                taken++;
                problem_draw(&problem, (enum targets)targets, EXAMPLES, outputs, 2);
                struct scion_tensor *loss = problem_loss(&problem);

                if (loss)
                        scalar_check(&problem, loss);
                else
                        scion_conform_wrong(conform, "it takes one batch of %s and refuses another: %s",
                                            words[targets], scion_conform_reason());
        }
        if (taken == 0 && conform->findings == 0)
                scion_conform_wrong(conform, "it takes neither labels nor values: %s",
                                    scion_conform_reason());
        problem_end(&problem);
}

/* Checks that the loss returns a value, or NULL with a reason. */
static void batch_offer(struct problem *problem, const char *what)
{
        if (!loss_call(problem, what) && !*scion_error())
                scion_conform_wrong(problem->conform,
                                    "it returns NULL for %s, and gives no reason: scion_fail() leaves one",
                                    what);
}

static void batches_offer_odd(struct problem *problem)
{
        int64_t n = problem->examples, k = problem->outputs;

        problem_loss(problem);
        problem->batch.labels = problem->batch.targets = NULL;
        problem->batch.classes = 0;
        batch_offer(problem, "a batch with neither labels nor values");
        if (problem->targets == LABELS)
                return;
        problem_loss(problem);
        problem->batch.targets = scion_zeros(SCION_SHAPE(n, k + 1));
        batch_offer(problem, "a batch with more values for an example than it has outputs");
        problem_loss(problem);
        problem->batch.targets = scion_zeros(SCION_SHAPE(n, k, 2));
        problem->given = scion_zeros(SCION_SHAPE(n, k, 2));
        batch_offer(problem, "outputs and values of shape NxKx2");
}

static void loss_refuses_with_reason(struct scion_conform *conform)
{
        targets_for_each(conform, EXAMPLES, batches_offer_odd);
}

/* --- The gradient --------------------------------------------------------------------------------------- */

/* A central difference of fourth order: (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h. */
static double output_difference(struct problem *problem, float *x, float h)
{
        static const int steps[] = { 1, -1, 2, -2 };
        double f[4];
        float before = *x;

        for (int i = 0; i < 4; i++) {
                *x = before + (float)steps[i] * h;
                f[i] = problem_value(problem);
        }
        *x = before;
        return (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * (double)h);
}

static double values_largest(const double *values, int64_t count)
{
        double most = 0;

        for (int64_t i = 0; i < count; i++)
                most = fmax(most, fabs(values[i]));
        return most;
}

struct slopes {
        float gradient[MOST_EXAMPLES * MOST_OUTPUTS];
        double wide[MOST_EXAMPLES * MOST_OUTPUTS], narrow[MOST_EXAMPLES * MOST_OUTPUTS];
        double value, tolerance;
};

/* Computes differences with two step lengths. Where they disagree the loss is not smooth, and the gradient is not
 * compared. Returns the number of outputs where they agree. */
static int64_t slopes_measure(struct problem *problem, struct slopes *slopes)
{
        const float h = 0x1p-5f;
        int64_t count = problem->examples * problem->outputs, smooth = 0;

        for (int64_t i = 0; i < count; i++) {
                slopes->wide[i] = output_difference(problem, &problem->output[i], h);
                slopes->narrow[i] = output_difference(problem, &problem->output[i], h / 2);
        }
        /* Half a percent of the largest difference, and the rounding of floats. */
        slopes->tolerance =
                5e-3 * values_largest(slopes->narrow, count) + 2e-5 * fmax(fabs(slopes->value), 1e-2);
        for (int64_t i = 0; i < count; i++)
                smooth += fabs(slopes->wide[i] - slopes->narrow[i]) <= slopes->tolerance / 2;
        return smooth;
}

static void slopes_compare(struct problem *problem, const struct slopes *slopes)
{
        int64_t count = problem->examples * problem->outputs;

        for (int64_t i = 0; i < count; i++) {
                if (fabs(slopes->wide[i] - slopes->narrow[i]) > slopes->tolerance / 2 ||
                    fabs((double)slopes->gradient[i] - slopes->narrow[i]) <= slopes->tolerance)
                        continue;
                scion_conform_wrong(problem->conform,
                                    "%s: output %lld of example %lld: the gradient is %g, differences of the "
                                    "loss say %g",
                                    words[problem->targets], (long long)(i % problem->outputs),
                                    (long long)(i / problem->outputs), (double)slopes->gradient[i],
                                    slopes->narrow[i]);
        }
}

static void gradient_compare(struct problem *problem)
{
        struct slopes *slopes = calloc(1, sizeof *slopes);
        int64_t count = problem->examples * problem->outputs;

        if (!slopes) {
                scion_fail("out of memory");
                scion_conform_trouble(problem->conform);
                return;
        }
        for (uint64_t seed = 2; seed < 6; seed++) {
                problem_draw(problem, problem->targets, problem->examples, problem->outputs, seed);
                if (!problem_gradient(problem, &slopes->value, slopes->gradient)) {
                        scion_conform_wrong(
                                problem->conform,
                                "%s: no gradient flows from the loss to the outputs (%s): is it made "
                                "of tensor operations all the way, with no scion_data() or "
                                "scion_detach() between?",
                                words[problem->targets], scion_conform_reason());
                        break;
                }
                if (2 * slopes_measure(problem, slopes) >= count) {
                        slopes_compare(problem, slopes);
                        break;
                }
        }
        free(slopes);
}

static void loss_has_right_gradient(struct scion_conform *conform)
{
        if (conform->descriptor->loss.detaches)
                scion_conform_skip(conform,
                                   "it .detaches: parts of the outputs are constants to its gradient");
        else
                targets_for_each(conform, EXAMPLES, gradient_compare);
        if (conform->findings > 0)
                scion_conform_note(conform,
                                   "if parts of the outputs are constants on purpose, say .detaches = "
                                   "true in the descriptor");
}

/* --- Batches of all sizes and values -------------------------------------------------------------------- */

/* Checks that value and gradient are finite. `what` names the outputs. */
static void problem_check_finite(struct problem *problem, const char *what)
{
        float gradient[MOST_EXAMPLES * MOST_OUTPUTS];
        double value;
        bool flows = problem_gradient(problem, &value, gradient);

        if (!isfinite(value)) {
                scion_conform_wrong(problem->conform, "%s, %s: the loss is %g", words[problem->targets], what,
                                    value);
                return;
        }
        for (int64_t i = 0; flows && i < problem->examples * problem->outputs; i++)
                if (!isfinite(gradient[i])) {
                        scion_conform_wrong(problem->conform,
                                            "%s, %s: the gradient of output %lld of example %lld is %g",
                                            words[problem->targets], what, (long long)(i % problem->outputs),
                                            (long long)(i / problem->outputs), (double)gradient[i]);
                        return;
                }
}

static void batch_try_one(struct problem *problem)
{
        struct scion_tensor *loss;

        for (int32_t label = 0; label < (problem->targets == LABELS ? problem->outputs : 1); label++) {
                problem->label[0] = label;
                loss = problem_loss(problem);
                if (!loss && !*scion_error())
                        scion_conform_wrong(problem->conform,
                                            "%s: it returns NULL for a batch of one, and gives no reason: "
                                            "scion_fail() leaves one",
                                            words[problem->targets]);
                else if (!loss)
                        scion_conform_note(problem->conform, "it refuses a batch of one: %s", scion_error());
                if (!loss)
                        return;
                problem_check_finite(problem, "a batch of one");
        }
}

static void loss_takes_one(struct scion_conform *conform)
{
        targets_for_each(conform, 1, batch_try_one);
}

/* One output is far from the others: the example's own class in every second example, another class in the rest. Then
 * all outputs are equal. */
static void batch_try_extremes(struct problem *problem)
{
        static const struct {
                const char *what;
                float ahead, behind;
        } all[] = {
                { "outputs of 10000 and -10000", EXTREME, -EXTREME },
                { "outputs of 10000 and 0", EXTREME, 0 },
                { "outputs of 0 and -10000", 0, -EXTREME },
                { "outputs that are all 0", 0, 0 },
                { "outputs that are all 10000", EXTREME, EXTREME },
                { "outputs that are all -10000", -EXTREME, -EXTREME },
        };

        for (size_t c = 0; c < sizeof all / sizeof *all; c++) {
                for (int64_t i = 0; i < problem->examples; i++) {
                        int64_t chosen = (problem->label[i] + i % 2) % problem->outputs;

                        for (int64_t k = 0; k < problem->outputs; k++)
                                problem->output[i * problem->outputs + k] =
                                        k == chosen ? all[c].ahead : all[c].behind;
                }
                problem_check_finite(problem, all[c].what);
        }
}

static void loss_accepts_extremes(struct scion_conform *conform)
{
        targets_for_each(conform, EXAMPLES, batch_try_extremes);
}

/* With each example twice a mean stays the same, and a sum doubles. Some losses are neither. */
static void batch_try_twice(struct problem *problem)
{
        int64_t n = problem->examples, values = n * problem->outputs;
        double once = problem_value(problem), twice;

        memcpy(problem->output + values, problem->output, (size_t)values * sizeof(float));
        memcpy(problem->target + values, problem->target, (size_t)values * sizeof(float));
        memcpy(problem->label + n, problem->label, (size_t)n * sizeof *problem->label);
        problem->examples = 2 * n;
        twice = problem_value(problem);
        if (fabs(once) > 1e-6 && fabs(twice - 2 * once) < 1e-4 * fabs(once))
                scion_conform_wrong(problem->conform,
                                    "%s: the loss of a batch is %g, and of the same examples twice %g: it "
                                    "sums over the examples instead of taking their mean",
                                    words[problem->targets], once, twice);
}

static void loss_is_mean(struct scion_conform *conform)
{
        targets_for_each(conform, EXAMPLES, batch_try_twice);
}

/* --- Inputs and state --------------------------------------------------------------------------- */

static void inputs_compare(struct problem *problem)
{
        size_t values = (size_t)(problem->examples * problem->outputs) * sizeof(float);
        float gradient[MOST_EXAMPLES * MOST_OUTPUTS];
        double value;

        problem_gradient(problem, &value, gradient);
        if (memcmp(scion_data(problem->given), problem->output, values) != 0)
                scion_conform_wrong(problem->conform, "%s: it changes the outputs that it is given",
                                    words[problem->targets]);
        if (problem->targets == LABELS
                    ? memcmp(scion_data_i32(problem->batch.labels), problem->label,
                             (size_t)problem->examples * sizeof *problem->label) != 0
                    : memcmp(scion_data(problem->batch.targets), problem->target, values) != 0)
                scion_conform_wrong(problem->conform, "%s: it changes the targets that it is given",
                                    words[problem->targets]);
}

static void loss_changes_nothing(struct scion_conform *conform)
{
        targets_for_each(conform, EXAMPLES, inputs_compare);
}

/* Computes the loss of another batch between the two, which the loss might remember. */
static void results_compare(struct problem *problem)
{
        float first[MOST_EXAMPLES * MOST_OUTPUTS] = { 0 }, again[MOST_EXAMPLES * MOST_OUTPUTS] = { 0 };
        double value, same, evaluated;

        problem_gradient(problem, &value, first);
        problem_draw(problem, problem->targets, 3, problem->outputs, 3);
        problem_value(problem);
        problem_draw(problem, problem->targets, EXAMPLES, problem->outputs, 2);
        problem_gradient(problem, &same, again);
        if (value != same)
                scion_conform_wrong(problem->conform, "%s: the same batch gives %.9g, and later %.9g",
                                    words[problem->targets], value, same);
        else if (memcmp(first, again, sizeof first) != 0)
                scion_conform_wrong(problem->conform,
                                    "%s: the same batch gives one gradient, and later another",
                                    words[problem->targets]);
        scion_no_grad_begin();
        evaluated = problem_value(problem);
        scion_no_grad_end();
        if (value != evaluated)
                scion_conform_wrong(problem->conform, "%s: with gradients it gives %.9g, without them %.9g",
                                    words[problem->targets], value, evaluated);
}

static void loss_repeats(struct scion_conform *conform)
{
        targets_for_each(conform, EXAMPLES, results_compare);
}

const struct scion_conform_test scion_conform_loss[] = {
        { "it takes labels or values, and gives a finite scalar", loss_takes_something },
        { "what it cannot take it refuses with a reason", loss_refuses_with_reason },
        { "its gradient is what differences of the loss say", loss_has_right_gradient },
        { "a batch of one example has a finite loss and gradient", loss_takes_one },
        { "extreme outputs have a finite loss and gradient", loss_accepts_extremes },
        { "it is a mean over the examples, not their sum", loss_is_mean },
        { "it does not change what it is given", loss_changes_nothing },
        { "the same batch gives the same bits", loss_repeats },
        { NULL, NULL },
};
