/* The conformance tests of datasets: a sample of the examples of each split is read in several ways. */
#include <math.h>
#include <pthread.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "conform/tests.h"
#include "data/parts.h"

#define SEED 1
#define SAMPLE 32    /* examples of each split that are read whole */
#define LABELS 20000 /* of each split that are checked */
#define GUARD 64     /* bytes after a buffer */
#define WATCHED 0xA5 /* the value of these bytes */
#define THREADS 4    /* that read at once */
#define ROUNDS 8     /* times that each of them reads the sample */

struct example {
        enum scion_split split;
        int64_t index;
};

struct problem {
        struct scion_conform *conform;
        const struct scion_dataset_plugin *plugin;
        struct scion_instance *instance;
        struct scion_dataset_info info;
        size_t input_bytes, target_bytes;
        struct example sample[SCION_SPLITS * SAMPLE];
        int samples;
};

/* --- Opening -------------------------------------------------------------------------------------------- */

/* Allocates a buffer with guard bytes, so that a read() that writes past it breaks only the test that looks for it. */
static void *buffer_create(struct scion_conform *conform, size_t bytes)
{
        void *room = malloc(bytes + GUARD);

        if (!room) {
                scion_fail("out of memory");
                scion_conform_trouble(conform);
        }
        return room;
}

/* Chooses examples at equal distances, the first and the last included. */
static void sample_choose(struct problem *problem)
{
        for (int split = 0; split < SCION_SPLITS; split++) {
                int64_t size = problem->info.size[split], count = size < SAMPLE ? size : SAMPLE;

                for (int64_t i = 0; i < count; i++)
                        problem->sample[problem->samples++] = (struct example){
                                (enum scion_split)split,
                                count > 1 ? (int64_t)((double)i * (double)(size - 1) / (double)(count - 1))
                                          : 0
                        };
        }
}

/* Opens the dataset. A failure with a reason is not a finding, because the files may be missing or bad. */
static bool problem_open(struct problem *problem, struct scion_conform *conform)
{
        int64_t values;

        *problem = (struct problem){
                .conform = conform,
                .plugin = &conform->descriptor->dataset,
                .instance = scion_conform_instance(conform),
        };
        if (!problem->instance)
                return false;
        scion_conform_doing(conform, "open()");
        scion_error_clear();
        if (!problem->plugin->open(problem->instance->self, SEED, &problem->info)) {
                if (!*scion_error())
                        return scion_conform_wrong(conform,
                                                   "open() fails, and gives no reason: scion_fail() leaves "
                                                   "one");
                scion_fail_prefix("dataset '%s'", problem->plugin->name);
                return scion_conform_unusable(conform);
        }
        scion_conform_doing(conform, "%s", "");
        values = scion_data_check_info(&problem->info);
        if (values < 0)
                return scion_conform_wrong(conform, "open() reports a shape or sizes that are not valid: %s",
                                           scion_error());
        problem->input_bytes = (size_t)values * scion_dtype_bytes(problem->info.element);
        problem->target_bytes =
                problem->info.classes > 0 ? sizeof(int32_t) : (size_t)problem->info.targets * sizeof(float);
        sample_choose(problem);
        return true;
}

static void problem_close(struct problem *problem)
{
        scion_conform_end(problem->conform, problem->instance);
}

static const char *example_name(struct example example)
{
        static char text[64];

        snprintf(text, sizeof text, "%s example %lld", scion_split_names[example.split],
                 (long long)example.index);
        return text;
}

/* Reads an example, and records a finding when that fails. `input` may be NULL. */
static bool example_read(struct problem *problem, struct example example, void *input, void *target)
{
        bool good;

        scion_conform_doing(problem->conform, "read() of %s%s", example_name(example),
                            input ? "" : ", its target alone");
        scion_error_clear();
        good = problem->plugin->read(problem->instance->self, example.split, example.index, input, target);
        scion_conform_doing(problem->conform, "%s", "");
        return good || scion_conform_wrong(problem->conform, "read() of %s fails: %s", example_name(example),
                                           scion_conform_reason());
}

static void dataset_opens(struct scion_conform *conform)
{
        struct problem problem;
        char text[128];

        if (problem_open(&problem, conform))
                scion_conform_note(conform, "%lld, %lld and %lld examples of shape %s",
                                   (long long)problem.info.size[SCION_TRAIN],
                                   (long long)problem.info.size[SCION_VALID],
                                   (long long)problem.info.size[SCION_TEST],
                                   scion_shape_text(&problem.info.shape, text, sizeof text));
        problem_close(&problem);
}

/* --- Values --------------------------------------------------------------------------------------------- */

static bool floats_check(struct problem *problem, struct example example, const char *what,
                         const float *values, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (!isfinite(values[i]))
                        return scion_conform_wrong(problem->conform, "%s: value %zu of its %s is %g",
                                                   example_name(example), i, what, (double)values[i]);
        return true;
}

static bool target_check(struct problem *problem, struct example example, const void *target)
{
        int64_t classes = problem->info.classes;
        int32_t label;

        if (classes == 0)
                return floats_check(problem, example, "target", target, (size_t)problem->info.targets);
        memcpy(&label, target, sizeof label);
        return (label >= 0 && label < classes) ||
               scion_conform_wrong(
                       problem->conform, "%s has label %d; with %lld classes labels are 0 to %lld",
                       example_name(example), (int)label, (long long)classes, (long long)classes - 1);
}

static void targets_check(struct problem *problem, enum scion_split split, void *target)
{
        int64_t size = problem->info.size[split], step = (size + LABELS - 1) / LABELS;

        for (int64_t i = 0; i < size; i += step) {
                struct example example = { split, i };

                if (!example_read(problem, example, NULL, target) || !target_check(problem, example, target))
                        return;
        }
}

static void dataset_has_values_in_range(struct scion_conform *conform)
{
        struct problem problem;

        if (problem_open(&problem, conform)) {
                float *input = buffer_create(conform, problem.input_bytes);
                void *target = buffer_create(conform, problem.target_bytes);

                for (int split = 0; target && split < SCION_SPLITS; split++)
                        targets_check(&problem, (enum scion_split)split, target);
                for (int i = 0; input && target && i < problem.samples; i++)
                        if (!example_read(&problem, problem.sample[i], input, target) ||
                            (problem.info.element == SCION_F32 &&
                             !floats_check(&problem, problem.sample[i], "input", input,
                                           problem.input_bytes / sizeof *input)))
                                break;
                free(input);
                free(target);
        }
        problem_close(&problem);
}

/* --- Buffers -------------------------------------------------------------------------------------------- */

/* Buffers that are read into three times over different bytes: a byte that keeps its old value each time was not
 * written. */
struct trial {
        unsigned char *input[3], *target[3];
};

static const unsigned char fills[3] = { 0x00, 0xFF, 0x55 };

static bool buffer_check(struct problem *problem, struct example example, const char *what,
                         unsigned char *const buffer[3], size_t bytes)
{
        for (size_t i = bytes; i < bytes + GUARD; i++)
                if (buffer[0][i] != WATCHED)
                        return scion_conform_wrong(
                                problem->conform,
                                "read() of %s writes past the %s: to byte %zu, and it has %zu",
                                example_name(example), what, i, bytes);
        for (size_t i = 0; i < bytes; i++)
                if (buffer[0][i] == fills[0] && buffer[1][i] == fills[1] && buffer[2][i] == fills[2])
                        return scion_conform_wrong(
                                problem->conform,
                                "read() of %s does not write byte %zu of the %s, which has %zu bytes",
                                example_name(example), i, what, bytes);
        return true;
}

static bool buffers_try(struct problem *problem, struct trial *trial, struct example example)
{
        for (int k = 0; k < 3; k++) {
                memset(trial->input[k], fills[k], problem->input_bytes);
                memset(trial->input[k] + problem->input_bytes, WATCHED, GUARD);
                memset(trial->target[k], fills[k], problem->target_bytes);
                memset(trial->target[k] + problem->target_bytes, WATCHED, GUARD);
                if (!example_read(problem, example, trial->input[k], trial->target[k]))
                        return false;
        }
        return buffer_check(problem, example, "input", trial->input, problem->input_bytes) &&
               buffer_check(problem, example, "target", trial->target, problem->target_bytes);
}

static void dataset_fills_buffers(struct scion_conform *conform)
{
        struct problem problem;
        struct trial trial = { 0 };
        bool good = problem_open(&problem, conform);

        for (int k = 0; good && k < 3; k++)
                good = (trial.input[k] = buffer_create(conform, problem.input_bytes + GUARD)) &&
                       (trial.target[k] = buffer_create(conform, problem.target_bytes + GUARD));
        for (int i = 0; good && i < problem.samples; i++)
                good = buffers_try(&problem, &trial, problem.sample[i]);
        for (int k = 0; k < 3; k++) {
                free(trial.input[k]);
                free(trial.target[k]);
        }
        problem_close(&problem);
}

/* --- Repeated reading ------------------------------------------------------------------------------------- */

static size_t example_bytes(const struct problem *problem)
{
        return problem->input_bytes + problem->target_bytes;
}

/* Reads the whole sample, inputs and targets. The caller frees the result; NULL after a finding. */
static unsigned char *sample_read(struct problem *problem)
{
        unsigned char *all =
                buffer_create(problem->conform, example_bytes(problem) * (size_t)problem->samples);

        for (int i = 0; all && i < problem->samples; i++) {
                unsigned char *input = all + (size_t)i * example_bytes(problem);

                memset(input, 0, example_bytes(problem));
                if (!example_read(problem, problem->sample[i], input, input + problem->input_bytes)) {
                        free(all);
                        return NULL;
                }
        }
        return all;
}

/* Returns the first example that differs, or -1. */
static int sample_difference(const struct problem *problem, const unsigned char *a, const unsigned char *b)
{
        for (int i = 0; i < problem->samples; i++)
                if (memcmp(a + (size_t)i * example_bytes(problem), b + (size_t)i * example_bytes(problem),
                           example_bytes(problem)) != 0)
                        return i;
        return -1;
}

/* Reads the sample in reverse order, and the targets alone as well, and compares with `all`. */
static void sample_compare_backwards(struct problem *problem, const unsigned char *all)
{
        unsigned char *one = buffer_create(problem->conform, example_bytes(problem));

        for (int i = problem->samples - 1; one && i >= 0; i--) {
                const unsigned char *input = all + (size_t)i * example_bytes(problem);

                memset(one, 0, example_bytes(problem));
                if (!example_read(problem, problem->sample[i], NULL, one))
                        break;
                if (memcmp(one, input + problem->input_bytes, problem->target_bytes) != 0) {
                        scion_conform_wrong(problem->conform,
                                            "%s has one target alone, and another with its input",
                                            example_name(problem->sample[i]));
                        break;
                }
                memset(one, 0, example_bytes(problem));
                if (!example_read(problem, problem->sample[i], one, one + problem->input_bytes))
                        break;
                if (memcmp(one, input, example_bytes(problem)) != 0) {
                        scion_conform_wrong(problem->conform, "%s is read twice, and is not the same",
                                            example_name(problem->sample[i]));
                        break;
                }
        }
        free(one);
}

static void dataset_reads_the_same(struct scion_conform *conform)
{
        struct problem problem;

        if (problem_open(&problem, conform)) {
                unsigned char *all = sample_read(&problem);

                if (all)
                        sample_compare_backwards(&problem, all);
                free(all);
        }
        problem_close(&problem);
}

/* Returns whether repeated reading gives the same bytes; otherwise skips the test. */
static bool sample_is_steady(struct problem *problem, const unsigned char *all)
{
        unsigned char *again = sample_read(problem);
        bool steady = all && again && sample_difference(problem, all, again) < 0;

        free(again);
        return steady || scion_conform_skip(problem->conform, "the same index gives other bytes each time");
}

static void dataset_opens_the_same(struct scion_conform *conform)
{
        struct problem first, second;
        unsigned char *all = NULL, *again = NULL;
        int difference;

        if (problem_open(&first, conform) && (all = sample_read(&first)) && sample_is_steady(&first, all)) {
                if (problem_open(&second, conform)) {
                        if (!scion_shape_equal(&first.info.shape, &second.info.shape) ||
                            first.info.element != second.info.element ||
                            first.info.classes != second.info.classes ||
                            first.info.targets != second.info.targets ||
                            memcmp(first.info.size, second.info.size, sizeof first.info.size) != 0)
                                scion_conform_wrong(
                                        conform,
                                        "opened again with the same seed, it reports another shape, size "
                                        "or number of classes");
                        else if ((again = sample_read(&second)) &&
                                 (difference = sample_difference(&first, all, again)) >= 0)
                                scion_conform_wrong(conform,
                                                    "opened again with the same seed, %s has other bytes",
                                                    example_name(first.sample[difference]));
                }
                problem_close(&second);
                free(again);
                again = sample_read(&first);
                if (again && conform->findings == 0 &&
                    (difference = sample_difference(&first, all, again)) >= 0)
                        scion_conform_wrong(
                                conform, "%s has other bytes after another instance was opened and finished",
                                example_name(first.sample[difference]));
        }
        free(again);
        free(all);
        problem_close(&first);
}

/* --- Several threads ------------------------------------------------------------------------------------ */

struct reader {
        const struct problem *problem;
        const unsigned char *all;
        pthread_barrier_t *start;
        int number, difference; /* -1: none */
        char reason[256];       /* why read() failed; "" if it did not */
};

/* Each thread begins at another example. Findings are not recorded here, because that is not safe in threads. */
static void *reader_run(void *context)
{
        struct reader *reader = context;
        const struct problem *problem = reader->problem;
        unsigned char *one = malloc(example_bytes(problem) + GUARD);

        pthread_barrier_wait(reader->start);
        for (int k = 0; one && reader->difference < 0 && k < ROUNDS * problem->samples; k++) {
                int i = (k + reader->number * problem->samples / THREADS) % problem->samples;
                struct example example = problem->sample[i];

                memset(one, 0, example_bytes(problem));
                scion_error_clear();
                if (!problem->plugin->read(problem->instance->self, example.split, example.index, one,
                                           one + problem->input_bytes))
                        snprintf(reader->reason, sizeof reader->reason, "%s", scion_conform_reason());
                if (*reader->reason || memcmp(one, reader->all + (size_t)i * example_bytes(problem),
                                              example_bytes(problem)) != 0)
                        reader->difference = i;
        }
        free(one);
        return NULL;
}

static void readers_run(struct problem *problem, const unsigned char *all)
{
        struct reader reader[THREADS];
        pthread_t thread[THREADS];
        pthread_barrier_t start;

        pthread_barrier_init(&start, NULL, THREADS);
        scion_conform_doing(problem->conform, "read() from %d threads at once", THREADS);
        for (int i = 0; i < THREADS; i++) {
                reader[i] = (struct reader){ problem, all, &start, i, -1, "" };
                if (pthread_create(&thread[i], NULL, reader_run, &reader[i]) != 0) {
                        /* Those that were started wait for ever: the process ends with them. */
                        scion_fail("no new thread");
                        scion_conform_trouble(problem->conform);
                        return;
                }
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(thread[i], NULL);
        scion_conform_doing(problem->conform, "%s", "");
        for (int i = 0; i < THREADS; i++)
                if (reader[i].difference >= 0) {
                        const char *name = example_name(problem->sample[reader[i].difference]);

                        if (*reader[i].reason)
                                scion_conform_wrong(problem->conform,
                                                    "%d threads read at once, and read() of %s fails: %s",
                                                    THREADS, name, reader[i].reason);
                        else
                                scion_conform_wrong(
                                        problem->conform,
                                        "%d threads read at once, and %s has other bytes than when one "
                                        "thread reads: read() must not change what threads share",
                                        THREADS, name);
                        break;
                }
        pthread_barrier_destroy(&start);
}

static void dataset_reads_in_threads(struct scion_conform *conform)
{
        struct problem problem;

        if (problem_open(&problem, conform)) {
                unsigned char *all = sample_read(&problem);

                if (all && sample_is_steady(&problem, all))
                        readers_run(&problem, all);
                free(all);
        }
        problem_close(&problem);
}

const struct scion_conform_test scion_conform_dataset[] = {
        { "open() succeeds, and reports a valid shape and sizes", dataset_opens },
        { "labels are in range, and values are numbers", dataset_has_values_in_range },
        { "an example is read whole, and nothing is written past its buffers", dataset_fills_buffers },
        { "the same index gives the same bytes", dataset_reads_the_same },
        { "opened twice, it has the same examples", dataset_opens_the_same },
        { "several threads may read at once", dataset_reads_in_threads },
        { NULL, NULL },
};
