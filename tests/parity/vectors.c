/* Reads vectors, draws their inputs, and compares results. */
#include "parity/vectors.h"

#include <math.h>

/* Below this a float32 is denormal, and kernels may take it for zero. */
#define SMALLEST 1.2e-38

static int case_enter(void **state)
{
        (void)state;
        struct scion_tape *tape = scion_tape_create();

        scion_tape_use(tape);
        return tape ? 0 : -1;
}

static int case_leave(void **state)
{
        (void)state;
        scion_tape_destroy(scion_tape_use(NULL));
        return 0;
}

int vectors_run(const char *subject, CMUnitTestFunction test)
{
        char path[4096];
        json_error_t error;

        snprintf(path, sizeof path, "%s/tests/parity/vectors/%s.json", SOURCE_DIR, subject);
        json_t *cases = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
        size_t count = json_array_size(cases);
        struct CMUnitTest *tests = calloc(count ? count : 1, sizeof *tests);

        if (!count || !tests) {
                fprintf(stderr, "%s:%d: %s\n", path, error.line, cases ? "no case" : error.text);
                json_decref(cases);
                free(tests);
                return 1;
        }
        for (size_t i = 0; i < count; i++) {
                json_t *one = json_array_get(cases, i);
                const char *name = json_string_value(json_object_get(one, "name"));

                tests[i] = (struct CMUnitTest){ .name = name ? name : "a case without a name",
                                                .test_func = test,
                                                .setup_func = case_enter,
                                                .teardown_func = case_leave,
                                                .initial_state = one };
        }
        int failed = _cmocka_run_group_tests(subject, tests, count, NULL, NULL);

        json_decref(cases);
        free(tests);
        return failed != 0; /* the number of failed tests may not fit an exit status */
}

const json_t *vectors_member(const json_t *object, const char *key)
{
        const json_t *member = json_object_get(object, key);

        if (!member)
                fail_msg("the case has no \"%s\"", key);
        return member;
}

const char *vectors_text(const json_t *object, const char *key)
{
        const json_t *member = vectors_member(object, key);

        if (!json_is_string(member))
                fail_msg("\"%s\" is no text", key);
        return json_string_value(member);
}

double vectors_number(const json_t *object, const char *key)
{
        const json_t *member = vectors_member(object, key);

        if (!json_is_number(member))
                fail_msg("\"%s\" is no number", key);
        return json_number_value(member);
}

int64_t vectors_integer(const json_t *object, const char *key)
{
        const json_t *member = vectors_member(object, key);

        if (!json_is_integer(member))
                fail_msg("\"%s\" is no integer", key);
        return json_integer_value(member);
}

bool vectors_flag(const json_t *object, const char *key)
{
        return json_is_true(json_object_get(object, key));
}

struct scion_shape vectors_shape(const json_t *object, const char *key)
{
        const json_t *list = vectors_member(object, key);
        struct scion_shape shape = { .ndim = (int)json_array_size(list) };

        if (!json_is_array(list) || shape.ndim > SCION_MAX_DIMS)
                fail_msg("\"%s\" is no shape", key);
        for (int i = 0; i < shape.ndim; i++)
                shape.dim[i] = json_integer_value(json_array_get(list, (size_t)i));
        return shape;
}

/* Computes in double and rounds once, so that both sides get the same floats. */
void vectors_fill(uint64_t seed, uint64_t index, double low, double high, float *values, size_t count)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_DATA, index);

        for (size_t i = 0; i < count; i++)
                values[i] = (float)(low + (high - low) * (double)scion_random_uniform(&random));
}

void vectors_fill_labels(uint64_t seed, uint64_t index, int64_t classes, int32_t *values, size_t count)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_DATA, index);

        for (size_t i = 0; i < count; i++)
                values[i] = (int32_t)(scion_random_bits(&random) % (uint32_t)classes);
}

static void *memory_allocate(size_t count, size_t bytes)
{
        void *memory = calloc(count, bytes);

        if (!memory)
                fail_msg("out of memory");
        return memory;
}

struct scion_tensor *vectors_uniform(uint64_t seed, uint64_t index, struct scion_shape shape, double low,
                                     double high)
{
        size_t count = (size_t)scion_shape_size(&shape);
        float *values = memory_allocate(count, sizeof *values);

        vectors_fill(seed, index, low, high, values, count);
        struct scion_tensor *x = scion_from(shape, values);

        free(values);
        return x;
}

struct scion_tensor *vectors_labels(uint64_t seed, uint64_t index, int64_t count, int64_t classes)
{
        int32_t *values = memory_allocate((size_t)count, sizeof *values);

        vectors_fill_labels(seed, index, classes, values, (size_t)count);
        struct scion_tensor *x = scion_from_i32(SCION_SHAPE(count), values);

        free(values);
        return x;
}

struct scion_tensor *vectors_tensor(const json_t *list, struct scion_shape shape)
{
        size_t count = json_array_size(list);

        if (count != (size_t)scion_shape_size(&shape))
                fail_msg("%zu values for a shape of %lld", count, (long long)scion_shape_size(&shape));
        float *values = memory_allocate(count, sizeof *values);

        for (size_t i = 0; i < count; i++)
                values[i] = (float)json_number_value(json_array_get(list, i));
        struct scion_tensor *x = scion_from(shape, values);

        free(values);
        return x;
}

struct vectors_tolerance vectors_tolerance(const json_t *test_case)
{
        return (struct vectors_tolerance){ vectors_number(test_case, "relative"),
                                           vectors_number(test_case, "floor") };
}

/* Returns the difference of an element, divided by the allowed one. */
static double element_excess(double got, double wanted, double rms, struct vectors_tolerance tolerance)
{
        double difference = fabs(got - wanted);

        if (isnan(difference))
                return INFINITY;
        if (difference <= SMALLEST)
                return 0;
        return difference / (tolerance.relative * (fabs(wanted) + tolerance.floor * rms));
}

static double list_rms(const json_t *wanted)
{
        size_t count = json_array_size(wanted);
        double sum = 0;

        for (size_t i = 0; i < count; i++) {
                double x = json_number_value(json_array_get(wanted, i));

                sum += x * x;
        }
        return count ? sqrt(sum / (double)count) : 0;
}

/* Compares every `step`th element of `got` with the list. */
static void values_compare(const char *what, const float *got, size_t step, const json_t *wanted,
                           struct vectors_tolerance tolerance)
{
        double rms = list_rms(wanted), worst = 0;
        size_t at = 0, wrong = 0, count = json_array_size(wanted);

        for (size_t i = 0; i < count; i++) {
                double x = json_number_value(json_array_get(wanted, i));
                double is = element_excess((double)got[i * step], x, rms, tolerance);

                wrong += is > 1;
                if (is > worst) {
                        worst = is;
                        at = i;
                }
        }
        if (wrong)
                fail_msg("%s: %zu of %zu elements differ; element %zu is %.9g, not %.9g (%.3g times what is "
                         "allowed)",
                         what, wrong, count, at * step, (double)got[at * step],
                         json_number_value(json_array_get(wanted, at)), worst);
}

void vectors_compare(const char *what, const float *got, size_t count, const json_t *wanted,
                     struct vectors_tolerance tolerance)
{
        if (!got)
                fail_msg("%s: %s", what, scion_error());
        if (count != json_array_size(wanted))
                fail_msg("%s: %zu elements, not %zu", what, count, json_array_size(wanted));
        values_compare(what, got, 1, wanted, tolerance);
}

void vectors_compare_tensor(const char *what, struct scion_tensor *got, const json_t *wanted,
                            struct vectors_tolerance tolerance)
{
        if (!got)
                fail_msg("%s: none; the last error is \"%s\"", what, scion_error());
        vectors_compare(what, scion_data(got), (size_t)scion_size(got), wanted, tolerance);
}

void vectors_compare_sample(const char *what, const float *got, size_t count, const json_t *sample,
                            struct vectors_tolerance tolerance)
{
        const json_t *wanted = vectors_member(sample, "values");
        size_t step = (size_t)vectors_integer(sample, "step");
        double norm = vectors_number(sample, "norm"), sum = 0;

        if (!got)
                fail_msg("%s: none; the last error is \"%s\"", what, scion_error());
        if (step == 0 || (count + step - 1) / step != json_array_size(wanted))
                fail_msg("%s: %zu elements are not what the sample was taken from", what, count);
        values_compare(what, got, step, wanted, tolerance);
        for (size_t i = 0; i < count; i++)
                sum += (double)got[i] * (double)got[i];
        if (!(fabs(sqrt(sum) - norm) <= tolerance.relative * norm))
                fail_msg("%s: the norm is %.9g, not %.9g", what, sqrt(sum), norm);
}
