/*
 * The conformance tests of optimizers: they call step() on spans with guards around every array. `lr` is the plugin's
 * default or the given one; tests change the learning rate by the factor lr_scale, and messages quote that factor.
 */
#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "conform/tests.h"
#include "plugin/params.h"

#define GUARD 16         /* floats before and after each array */
#define WATCHED 4711.25f /* the value of the guards */
#define SPANS 2
#define ARRAYS (2 + SCION_MAX_STATES) /* value, gradient, states */
#define USUAL 37                      /* not a multiple of a vector's width */
#define PADDING 30                    /* the first padded element of a span of USUAL, where it has padding */

struct problem {
        struct scion_conform *conform;
        const struct scion_optimizer_plugin *plugin;
        struct scion_instance *instance;
        int states;
        struct scion_span span[SPANS];
        float *memory[SPANS][ARRAYS]; /* with their guards */
        void *block[SPANS][ARRAYS];   /* the allocations, in which `memory` lies */
};

static const char *const names[ARRAYS] = { "values",       "gradients",   "first state",
                                           "second state", "third state", "fourth state" };
static const int first_alone[] = { 0 }, second_alone[] = { 1 }, both[] = { 0, 1 };

/* --- Spans ---------------------------------------------------------------------------------------------- */

static size_t span_bytes(const struct scion_span *span)
{
        return (size_t)span->count * sizeof *span->value;
}

/*
 * Returns array k of span s: zeros between guards. No array is aligned to more than a float, and an odd number of floats
 * before each makes the first arrays of a span lie differently within a vector.
 */
static float *array_create(struct problem *problem, int s, int k, int64_t count)
{
        size_t shift = 1 + 2 * (size_t)k, room = (shift + (size_t)count + 2 * GUARD) * sizeof(float);
        float *memory = aligned_alloc(64, (room + 63) / 64 * 64);

        if (!memory) {
                scion_fail("out of memory");
                scion_conform_trouble(problem->conform);
                return NULL;
        }
        problem->block[s][k] = memory;
        memory += shift;
        problem->memory[s][k] = memory;
        for (int64_t i = 0; i < count + 2 * GUARD; i++)
                memory[i] = i < GUARD || i >= GUARD + count ? WATCHED : 0;
        return memory + GUARD;
}

/* Creates two spans of these lengths with random values. */
static bool spans_create(struct problem *problem, int64_t first, int64_t second)
{
        const int64_t counts[SPANS] = { first, second };

        for (int s = 0; s < SPANS; s++) {
                struct scion_span *span = &problem->span[s];
                struct scion_random random = scion_random(3, SCION_RANDOM_DATA, (uint64_t)s);
                float *gradient;

                *span = (struct scion_span){ .name = s == 0 ? "first.weight" : "second.weight",
                                             .shape = SCION_SHAPE(counts[s]),
                                             .count = counts[s],
                                             .lr_scale = 1,
                                             .decay = true };
                if (!(span->value = array_create(problem, s, 0, counts[s])) ||
                    !(gradient = array_create(problem, s, 1, counts[s])))
                        return false;
                span->gradient = gradient;
                for (int k = 0; k < problem->states; k++)
                        if (!(span->state[k] = array_create(problem, s, 2 + k, counts[s])))
                                return false;
                for (int64_t i = 0; i < counts[s]; i++)
                        span->value[i] = scion_random_normal(&random);
        }
        return true;
}

static bool problem_begin_with(struct problem *problem, struct scion_conform *conform,
                               struct scion_instance *instance, int64_t first, int64_t second)
{
        *problem = (struct problem){
                .conform = conform,
                .plugin = &conform->descriptor->optimizer,
                .instance = instance,
        };
        if (!instance)
                return false;
        scion_conform_doing(conform, "states()");
        problem->states = problem->plugin->states(instance->self);
        scion_conform_doing(conform, "%s", "");
        if (problem->states < 0 || problem->states > SCION_MAX_STATES)
                return scion_conform_wrong(conform, "states() returns %d, which is not in 0 .. %d",
                                           problem->states, SCION_MAX_STATES);
        return spans_create(problem, first, second);
}

static bool problem_begin(struct problem *problem, struct scion_conform *conform, int64_t first,
                          int64_t second)
{
        return problem_begin_with(problem, conform, scion_conform_instance(conform), first, second);
}

static void problem_end(struct problem *problem)
{
        for (int s = 0; s < SPANS; s++)
                for (int k = 0; k < ARRAYS; k++)
                        free(problem->block[s][k]);
        scion_conform_end(problem->conform, problem->instance);
}

static void span_check_guards(struct problem *problem, int s)
{
        int64_t count = problem->span[s].count;

        for (int k = 0; k < 2 + problem->states; k++)
                for (int64_t i = 0; i < 2 * GUARD; i++) {
                        int64_t at = i < GUARD ? i - GUARD : i - GUARD + count;

                        if (problem->memory[s][k][at + GUARD] == WATCHED)
                                continue;
                        scion_conform_wrong(problem->conform,
                                            "step() writes outside a span: to element %lld of its %s; the "
                                            "span has %lld element%s",
                                            (long long)at, names[k], (long long)count, count == 1 ? "" : "s");
                        problem->memory[s][k][at + GUARD] = WATCHED;
                        return;
                }
}

/* Draws gradients that depend on the span and its step alone. */
static void gradient_draw(struct problem *problem, int s)
{
        struct scion_random random =
                scion_random((uint64_t)problem->span[s].step + 100, SCION_RANDOM_DATA, (uint64_t)s);

        for (int64_t i = 0; i < problem->span[s].count; i++)
                problem->memory[s][1][GUARD + i] = scion_random_normal(&random);
}

/* Calls step() once with these spans, in this order, without changing the gradients. */
static void spans_step(struct problem *problem, const int *which, int count)
{
        struct scion_span spans[SPANS];

        for (int i = 0; i < count; i++) {
                problem->span[which[i]].step++;
                spans[i] = problem->span[which[i]];
        }
        scion_conform_doing(problem->conform,
                            "step() with %d span%s, the first of %lld value%s, at step %lld", count,
                            count == 1 ? "" : "s", (long long)spans[0].count, spans[0].count == 1 ? "" : "s",
                            (long long)spans[0].step);
        problem->plugin->step(problem->instance->self, spans, count);
        scion_conform_doing(problem->conform, "%s", "");
}

/* Calls step() once with random gradients. */
static void spans_step_random(struct problem *problem, const int *which, int count)
{
        for (int i = 0; i < count; i++)
                gradient_draw(problem, which[i]);
        spans_step(problem, which, count);
}

static bool array_check_finite(struct problem *problem, const float *array, int64_t count, const char *what,
                               const char *when)
{
        for (int64_t i = 0; i < count; i++)
                if (!isfinite(array[i]))
                        return scion_conform_wrong(problem->conform, "%s: element %lld of its %s is %g", when,
                                                   (long long)i, what, (double)array[i]);
        return true;
}

static bool span_check_finite(struct problem *problem, int s, const char *when)
{
        const struct scion_span *span = &problem->span[s];
        bool good = array_check_finite(problem, span->value, span->count, names[0], when);

        for (int k = 0; good && k < problem->states; k++)
                good = array_check_finite(problem, span->state[k], span->count, names[2 + k], when);
        return good;
}

static double values_distance(const float *a, const float *b, int64_t count)
{
        double sum = 0;

        for (int64_t i = 0; i < count; i++)
                sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        return sqrt(sum);
}

static double problem_rate(const struct problem *problem)
{
        const struct scion_param *lr = scion_params_find(problem->plugin->params, "lr");

        return (double)*(const float *)((const char *)problem->instance->self + lr->offset);
}

/* --- Steps ---------------------------------------------------------------------------------------------- */

static void optimizer_moves(struct scion_conform *conform)
{
        float before[USUAL];
        struct problem problem;

        if (problem_begin(&problem, conform, USUAL, 1)) {
                memcpy(before, problem.span[0].value, sizeof before);
                if (problem.plugin->states(problem.instance->self) != problem.states)
                        scion_conform_wrong(conform, "states() returns %d, and then another number",
                                            problem.states);
                for (int i = 0; i < 10; i++)
                        spans_step_random(&problem, first_alone, 1);
                if (span_check_finite(&problem, 0, "after ten steps") && problem_rate(&problem) > 0 &&
                    memcmp(before, problem.span[0].value, sizeof before) == 0)
                        scion_conform_wrong(conform, "ten steps with lr %g have moved no value",
                                            problem_rate(&problem));
        }
        problem_end(&problem);
}

static void optimizer_takes_one(struct scion_conform *conform)
{
        struct problem problem;
        float before;

        if (problem_begin(&problem, conform, 1, 1)) {
                before = problem.span[0].value[0];
                for (int i = 0; i < 10; i++)
                        spans_step_random(&problem, first_alone, 1);
                if (span_check_finite(&problem, 0, "a span of one value, after ten steps") &&
                    problem_rate(&problem) > 0 && before == problem.span[0].value[0])
                        scion_conform_wrong(conform, "ten steps have not moved a span of one value");
        }
        problem_end(&problem);
}

/* Steps two spans in each call, so that each of these lengths occurs in both places. */
static void optimizer_writes_inside(struct scion_conform *conform)
{
        static const int64_t counts[] = { 1, 2, 7, 16, 33, 64, 127 };
        const size_t most = sizeof counts / sizeof *counts;
        struct problem problem;
        float gradient[SPANS][128];

        for (size_t i = 0; i < most; i++) {
                if (problem_begin(&problem, conform, counts[i], counts[most - 1 - i])) {
                        for (int k = 0; k < 3; k++)
                                spans_step_random(&problem, both, SPANS);
                        for (int s = 0; s < SPANS; s++)
                                memcpy(gradient[s], problem.span[s].gradient, span_bytes(&problem.span[s]));
                        spans_step(&problem, both, SPANS);
                        for (int s = 0; s < SPANS; s++) {
                                span_check_guards(&problem, s);
                                if (memcmp(gradient[s], problem.span[s].gradient,
                                           span_bytes(&problem.span[s])) != 0)
                                        scion_conform_wrong(
                                                conform,
                                                "step() changes the gradients, which are the engine's");
                        }
                }
                problem_end(&problem);
        }
}

/* --- Downhill ------------------------------------------------------------------------------------------- */

/* Computes the gradient, and returns the function's value. */
typedef double landscape(const struct scion_span *span, float *gradient);

/* f(x) = sum c (x - 1)^2 / 2, with c from 1 to 2. */
static double quadratic(const struct scion_span *span, float *gradient)
{
        double sum = 0;

        for (int64_t i = 0; i < span->count; i++) {
                double c = 1 + (double)i / (double)span->count, d = (double)span->value[i] - 1;

                gradient[i] = (float)(c * d);
                sum += c * d * d / 2;
        }
        return sum;
}

/* The sum over pairs of (1 - x)^2 + 100 (y - x^2)^2. Rosenbrock. The Computer Journal 3, 1960. */
static double rosenbrock(const struct scion_span *span, float *gradient)
{
        double sum = 0;

        for (int64_t i = 0; i + 1 < span->count; i += 2) {
                double x = (double)span->value[i], y = (double)span->value[i + 1], valley = y - x * x;

                gradient[i] = (float)(-2 * (1 - x) - 400 * x * valley);
                gradient[i + 1] = (float)(200 * valley);
                sum += (1 - x) * (1 - x) + 100 * valley * valley;
        }
        return sum;
}

/* Returns the function's value after 2000 steps as a share of the first value, or INFINITY. */
static double landscape_descend(struct scion_conform *conform, landscape *height, float factor, bool *good)
{
        struct problem problem;
        double before = 1, after = INFINITY;

        *good = problem_begin(&problem, conform, 16, 1);
        if (*good) {
                for (int64_t i = 0; i < 16; i++)
                        problem.span[0].value[i] = height == quadratic ? ((float)i - 8) * 0.3f + 0.1f
                                                   : i % 2 == 0        ? -1.2f + 0.02f * (float)i
                                                                       : 1 + 0.01f * (float)i;
                problem.span[0].lr_scale = factor;
                problem.span[0].decay = false;
                before = after = height(&problem.span[0], problem.memory[0][1] + GUARD);
                for (int i = 0; i < 2000 && isfinite(after) && conform->findings == 0; i++) {
                        spans_step(&problem, first_alone, 1);
                        after = height(&problem.span[0], problem.memory[0][1] + GUARD);
                }
        }
        problem_end(&problem);
        return isfinite(after) ? after / before : INFINITY;
}

/* Tries several learning rates, because the default of lr may not suit these functions. */
static void landscape_check_descent(struct scion_conform *conform, landscape *height, const char *name,
                                    double enough)
{
        static const float factors[] = { 1, 0.1f, 10, 0.01f, 100, 0.001f };
        double best = INFINITY;
        float at = 1;
        bool good;

        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
                double share = landscape_descend(conform, height, factors[i], &good);

                if (!good || conform->findings > 0)
                        return;
                if (share < best) {
                        best = share;
                        at = factors[i];
                }
                if (best < enough) {
                        scion_conform_note(conform,
                                           "2000 steps at %g times lr lead to %.2g of the first value",
                                           (double)at, best);
                        return;
                }
        }
        if (isinf(best))
                scion_conform_wrong(conform, "%s: the values do not stay finite, at 0.001 to 100 times lr",
                                    name);
        else
                scion_conform_wrong(
                        conform,
                        "%s: after 2000 steps the function is at best %g of its first value (at %g times "
                        "lr); less than %g was expected. Is the sign of the gradient right?",
                        name, best, (double)at, enough);
}

static void optimizer_descends_quadratic(struct scion_conform *conform)
{
        landscape_check_descent(conform, quadratic, "a quadratic", 0.1);
}

static void optimizer_descends_rosenbrock(struct scion_conform *conform)
{
        landscape_check_descent(conform, rosenbrock, "Rosenbrock's valley", 0.5);
}

/* --- Saved and loaded ----------------------------------------------------------------------------------- */

#define HALF 6 /* steps before saving, and steps after it */

/* Copies what a checkpoint stores of a span: values, states, and the step. */
static void span_copy(const struct problem *from, struct problem *to)
{
        memcpy(to->span[0].value, from->span[0].value, span_bytes(&from->span[0]));
        for (int k = 0; k < from->states; k++)
                memcpy(to->span[0].state[k], from->span[0].state[k], span_bytes(&from->span[0]));
        to->span[0].step = from->span[0].step;
}

static void spans_compare_saved(struct scion_conform *conform, const struct problem *whole,
                                const struct problem *loaded)
{
        const struct scion_span *a = &whole->span[0], *b = &loaded->span[0];

        for (int64_t i = 0; i < a->count; i++)
                if (memcmp(&a->value[i], &b->value[i], sizeof(float)) != 0) {
                        scion_conform_wrong(
                                conform,
                                "%d steps after saving and loading, value %lld is %.9g instead of %.9g: "
                                "everything the optimizer keeps between steps must be in the states",
                                HALF, (long long)i, (double)b->value[i], (double)a->value[i]);
                        return;
                }
        for (int k = 0; k < whole->states; k++)
                if (memcmp(a->state[k], b->state[k], span_bytes(a)) != 0)
                        scion_conform_wrong(
                                conform,
                                "%d steps after saving and loading, its %s differs from that of an "
                                "uninterrupted run",
                                HALF, names[2 + k]);
}

/* Between the two halves another instance is stepped, which overwrites state kept in variables of the file. */
static void optimizer_survives_saving(struct scion_conform *conform)
{
        struct problem whole, before = { 0 }, other = { 0 }, after = { 0 };

        if (problem_begin(&whole, conform, USUAL, 1)) {
                for (int i = 0; i < 2 * HALF; i++)
                        spans_step_random(&whole, first_alone, 1);
                if (problem_begin(&before, conform, USUAL, 1) && problem_begin(&other, conform, 5, USUAL) &&
                    problem_begin(&after, conform, USUAL, 1)) {
                        for (int i = 0; i < HALF; i++)
                                spans_step_random(&before, first_alone, 1);
                        for (int i = 0; i < 3; i++)
                                spans_step_random(&other, second_alone, 1);
                        span_copy(&before, &after);
                        for (int i = 0; i < HALF; i++)
                                spans_step_random(&after, first_alone, 1);
                        spans_compare_saved(conform, &whole, &after);
                }
                problem_end(&after);
                problem_end(&other);
                problem_end(&before);
        }
        problem_end(&whole);
}

/* --- Spans by themselves -------------------------------------------------------------------------------- */

static void span_compare_alone(struct scion_conform *conform, const struct problem *together, int s)
{
        struct problem alone;

        if (problem_begin(&alone, conform, USUAL, 16)) {
                while (alone.span[s].step < together->span[s].step)
                        spans_step_random(&alone, s == 0 ? first_alone : second_alone, 1);
                if (values_distance(alone.span[s].value, together->span[s].value, alone.span[s].count) > 1e-5)
                        scion_conform_wrong(
                                conform,
                                "the %s of two spans ends with other values than when stepped alone: treat "
                                "each span as a separate parameter; their set and order may change "
                                "between steps",
                                s == 0 ? "first" : "second");
        }
        problem_end(&alone);
}

/* Steps different sets of spans, as when a part of a model is frozen for a while. */
static void optimizer_keeps_spans_apart(struct scion_conform *conform)
{
        static const int turned[] = { 1, 0 };
        struct problem problem;

        if (problem_begin(&problem, conform, USUAL, 16)) {
                spans_step_random(&problem, both, 2);
                spans_step_random(&problem, second_alone, 1);
                spans_step_random(&problem, turned, 2);
                spans_step_random(&problem, first_alone, 1);
                spans_step_random(&problem, both, 2);
                span_compare_alone(conform, &problem, 0);
                span_compare_alone(conform, &problem, 1);
        }
        problem_end(&problem);
}

/* Checks gradients that are all 0, and padding: values of 0 that must stay 0 while those before PADDING change. */
static void optimizer_accepts_zeros(struct scion_conform *conform)
{
        struct problem problem;
        float before[USUAL];

        if (problem_begin(&problem, conform, USUAL, 16)) {
                memcpy(before, problem.span[0].value, sizeof before);
                problem.span[0].decay = false;
                for (int i = 0; i < 5; i++)
                        spans_step(&problem, first_alone, 1);
                if (span_check_finite(&problem, 0, "after five steps with gradients of 0") &&
                    memcmp(before, problem.span[0].value, sizeof before) != 0)
                        scion_conform_wrong(
                                conform,
                                "without weight decay, five steps with gradients of 0 from states of 0 "
                                "have moved values by %g",
                                values_distance(before, problem.span[0].value, USUAL));
        }
        problem_end(&problem);
        if (problem_begin(&problem, conform, USUAL, 16)) {
                memset(problem.span[0].value + PADDING, 0, (USUAL - PADDING) * sizeof(float));
                for (int i = 0; i < 5; i++) {
                        gradient_draw(&problem, 0);
                        memset(problem.memory[0][1] + GUARD + PADDING, 0, (USUAL - PADDING) * sizeof(float));
                        spans_step(&problem, first_alone, 1);
                }
                if (span_check_finite(&problem, 0, "after five steps"))
                        for (int64_t i = PADDING; i < USUAL; i++)
                                if (problem.span[0].value[i] != 0) {
                                        scion_conform_wrong(conform,
                                                            "a value of 0 with gradients of 0 is %g after "
                                                            "five steps: padding has "
                                                            "value 0 and gradient 0, and must stay 0",
                                                            (double)problem.span[0].value[i]);
                                        break;
                                }
        }
        problem_end(&problem);
}

/* --- Learning rate and decay ---------------------------------------------------------------------------- */

/* Returns the distance covered by three steps at a factor of the learning rate, or a negative value after a finding. */
static double step_length(struct scion_conform *conform, float factor)
{
        float before[USUAL];
        struct problem problem;
        double length = -1;

        if (problem_begin(&problem, conform, USUAL, 1)) {
                memcpy(before, problem.span[0].value, sizeof before);
                problem.span[0].lr_scale = factor;
                for (int i = 0; i < 3; i++)
                        spans_step_random(&problem, first_alone, 1);
                length = values_distance(before, problem.span[0].value, USUAL);
        }
        problem_end(&problem);
        return length;
}

static void optimizer_follows_rate(struct scion_conform *conform)
{
        double none = step_length(conform, 0), half = step_length(conform, 0.5f),
               whole = step_length(conform, 1);

        if (none > 0 || isnan(none))
                scion_conform_wrong(conform,
                                    "with an lr_scale of 0, which is a learning rate of 0, values move by %g",
                                    none);
        if (whole > 0 && half >= 0 && !(half < whole))
                scion_conform_wrong(
                        conform,
                        "values move by %g with an lr_scale of 1, and by %g with one of 0.5: lr is to be "
                        "multiplied by the span's lr_scale",
                        whole, half);
}

/* Takes three steps with the given weight decay on a span whose .decay is `decay`. Returns false after a finding, or if
 * the plugin refuses the weight decay. */
static bool span_decay(struct scion_conform *conform, const char *assignment, bool decay, float *values)
{
        struct scion_config *map = scion_config_copy(conform->map);
        struct problem problem = { .conform = conform };
        bool refused = false, good = false;

        if (!map || !scion_config_override(map, assignment))
                scion_conform_trouble(conform);
        else if (problem_begin_with(&problem, conform, scion_conform_make(conform, map, &refused), USUAL,
                                    1)) {
                problem.span[0].decay = decay;
                for (int i = 0; i < 3; i++)
                        spans_step_random(&problem, first_alone, 1);
                memcpy(values, problem.span[0].value, USUAL * sizeof *values);
                good = true;
        }
        if (refused && conform->findings == 0) /* a skip after a finding would hide it */
                scion_conform_skip(conform, "it refuses %s", assignment);
        problem_end(&problem);
        scion_config_destroy(map);
        return good;
}

static void optimizer_spares_from_decay(struct scion_conform *conform)
{
        const struct scion_param *param =
                scion_params_find(conform->descriptor->plugin.params, "weight_decay");
        float with[USUAL], without[USUAL], spared[USUAL];

        if (!param || param->type != SCION_PARAM_FLOAT) {
                scion_conform_skip(conform, "it has no parameter 'weight_decay'");
                return;
        }
        if (!span_decay(conform, "weight_decay=0.1", true, with) ||
            !span_decay(conform, "weight_decay=0", true, without) ||
            !span_decay(conform, "weight_decay=0.1", false, spared))
                return;
        if (values_distance(with, without, USUAL) == 0)
                scion_conform_wrong(conform, "a weight_decay of 0.1 has no effect");
        if (values_distance(spared, without, USUAL) > 1e-6)
                scion_conform_wrong(conform, "a span whose .decay is false is decayed: by %g in three steps",
                                    values_distance(spared, without, USUAL));
}

const struct scion_conform_test scion_conform_optimizer[] = {
        { "steps move the values, and they stay finite", optimizer_moves },
        { "it goes downhill on a quadratic", optimizer_descends_quadratic },
        { "it goes downhill on Rosenbrock's valley", optimizer_descends_rosenbrock },
        { "its states survive saving and loading, bit for bit", optimizer_survives_saving },
        { "gradients of 0 change no value and produce no NaN", optimizer_accepts_zeros },
        { "a span of one value is taken", optimizer_takes_one },
        { "each span is stepped by itself, whatever comes with it", optimizer_keeps_spans_apart },
        { "it writes to values and states alone, and not past them", optimizer_writes_inside },
        { "a learning rate of 0 moves nothing; a halved one moves values less", optimizer_follows_rate },
        { "weight decay applies only to spans that ask for it", optimizer_spares_from_decay },
        { NULL, NULL },
};
