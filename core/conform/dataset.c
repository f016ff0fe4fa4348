/* The conformance tests of datasets: a sample of each split's examples, read in all ways. */
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
#define LABELS 20000 /* of each split that are looked at */
#define GUARD 64     /* bytes after a buffer */
#define WATCHED 0xA5 /* what they hold */
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

/* With some bytes more, for a read() that writes past its buffer: one test finds that, and the others go on. */
static void *room_for(struct scion_conform *conform, size_t bytes)
{
        void *room = malloc(bytes + GUARD);

        if (!room) {
                scion_fail("out of memory");
                scion_conform_trouble(conform);
        }
        return room;
}

/* The first, the last, and some between. */
static void choose_sample(struct problem *problem)
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

/* Failing with a reason is no fault: the files are not there, or are bad. */
static bool open_it(struct problem *problem, struct scion_conform *conform)
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
                return scion_conform_wrong(conform, "what open() tells cannot be: %s", scion_error());
        problem->input_bytes = (size_t)values * scion_dtype_bytes(problem->info.element);
        problem->target_bytes =
                problem->info.classes > 0 ? sizeof(int32_t) : (size_t)problem->info.targets * sizeof(float);
        choose_sample(problem);
        return true;
}

static void close_it(struct problem *problem)
{
        scion_conform_end(problem->conform, problem->instance);
}

static const char *name_of(struct example example)
{
        static char text[64];

        snprintf(text, sizeof text, "%s example %lld", scion_split_names[example.split],
                 (long long)example.index);
        return text;
}

/* Says when it fails. `input` may be NULL. */
static bool read_it(struct problem *problem, struct example example, void *input, void *target)
{
        bool good;

        scion_conform_doing(problem->conform, "read() of %s%s", name_of(example),
                            input ? "" : ", its target alone");
        scion_error_clear();
        good = problem->plugin->read(problem->instance->self, example.split, example.index, input, target);
        scion_conform_doing(problem->conform, "%s", "");
        return good || scion_conform_wrong(problem->conform, "read() of %s fails: %s", name_of(example),
                                           scion_conform_reason());
}

static void opens(struct scion_conform *conform)
{
        struct problem problem;
        char text[128];

        if (open_it(&problem, conform))
                scion_conform_note(conform, "%lld, %lld and %lld examples of shape %s",
                                   (long long)problem.info.size[SCION_TRAIN],
                                   (long long)problem.info.size[SCION_VALID],
                                   (long long)problem.info.size[SCION_TEST],
                                   scion_shape_text(&problem.info.shape, text, sizeof text));
        close_it(&problem);
}

/* --- Values --------------------------------------------------------------------------------------------- */

static bool check_reals(struct problem *problem, struct example example, const char *what,
                        const float *values, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (!isfinite(values[i]))
                        return scion_conform_wrong(problem->conform, "%s: value %zu of its %s is %g",
                                                   name_of(example), i, what, (double)values[i]);
        return true;
}

static bool check_target(struct problem *problem, struct example example, const void *target)
{
        int64_t classes = problem->info.classes;
        int32_t label;

        if (classes == 0)
                return check_reals(problem, example, "target", target, (size_t)problem->info.targets);
        memcpy(&label, target, sizeof label);
        return (label >= 0 && label < classes) ||
               scion_conform_wrong(problem->conform,
                                   "%s has label %d; with %lld classes labels are 0 to %lld",
                                   name_of(example), (int)label, (long long)classes, (long long)classes - 1);
}

static void check_targets(struct problem *problem, enum scion_split split, void *target)
{
        int64_t size = problem->info.size[split], step = (size + LABELS - 1) / LABELS;

        for (int64_t i = 0; i < size; i += step) {
                struct example example = { split, i };

                if (!read_it(problem, example, NULL, target) || !check_target(problem, example, target))
                        return;
        }
}

static void has_values_in_range(struct scion_conform *conform)
{
        struct problem problem;

        if (open_it(&problem, conform)) {
                float *input = room_for(conform, problem.input_bytes);
                void *target = room_for(conform, problem.target_bytes);

                for (int split = 0; target && split < SCION_SPLITS; split++)
                        check_targets(&problem, (enum scion_split)split, target);
                for (int i = 0; input && target && i < problem.samples; i++)
                        if (!read_it(&problem, problem.sample[i], input, target) ||
                            (problem.info.element == SCION_F32 &&
                             !check_reals(&problem, problem.sample[i], "input", input,
                                          problem.input_bytes / sizeof *input)))
                                break;
                free(input);
                free(target);
        }
        close_it(&problem);
}

/* --- Buffers -------------------------------------------------------------------------------------------- */

/* Read three times, over different bytes: what is still these bytes each time was not written. */
struct trial {
        unsigned char *input[3], *target[3];
};

static const unsigned char fills[3] = { 0x00, 0xFF, 0x55 };

static bool check_buffer(struct problem *problem, struct example example, const char *what,
                         unsigned char *const buffer[3], size_t bytes)
{
        for (size_t i = bytes; i < bytes + GUARD; i++)
                if (buffer[0][i] != WATCHED)
                        return scion_conform_wrong(
                                problem->conform,
                                "read() of %s writes past the %s: to byte %zu, and it has %zu",
                                name_of(example), what, i, bytes);
        for (size_t i = 0; i < bytes; i++)
                if (buffer[0][i] == fills[0] && buffer[1][i] == fills[1] && buffer[2][i] == fills[2])
                        return scion_conform_wrong(
                                problem->conform,
                                "read() of %s leaves byte %zu of the %s, which has %zu, as it was",
                                name_of(example), i, what, bytes);
        return true;
}

static bool try_buffers(struct problem *problem, struct trial *trial, struct example example)
{
        for (int k = 0; k < 3; k++) {
                memset(trial->input[k], fills[k], problem->input_bytes);
                memset(trial->input[k] + problem->input_bytes, WATCHED, GUARD);
                memset(trial->target[k], fills[k], problem->target_bytes);
                memset(trial->target[k] + problem->target_bytes, WATCHED, GUARD);
                if (!read_it(problem, example, trial->input[k], trial->target[k]))
                        return false;
        }
        return check_buffer(problem, example, "input", trial->input, problem->input_bytes) &&
               check_buffer(problem, example, "target", trial->target, problem->target_bytes);
}

static void fills_buffers(struct scion_conform *conform)
{
        struct problem problem;
        struct trial trial = { 0 };
        bool good = open_it(&problem, conform);

        for (int k = 0; good && k < 3; k++)
                good = (trial.input[k] = room_for(conform, problem.input_bytes + GUARD)) &&
                       (trial.target[k] = room_for(conform, problem.target_bytes + GUARD));
        for (int i = 0; good && i < problem.samples; i++)
                good = try_buffers(&problem, &trial, problem.sample[i]);
        for (int k = 0; k < 3; k++) {
                free(trial.input[k]);
                free(trial.target[k]);
        }
        close_it(&problem);
}

/* --- The same again ------------------------------------------------------------------------------------- */

static size_t stride(const struct problem *problem)
{
        return problem->input_bytes + problem->target_bytes;
}

/* The whole sample, one after the other, inputs and targets; the caller frees it. NULL when something is wrong. */
static unsigned char *read_sample(struct problem *problem)
{
        unsigned char *all = room_for(problem->conform, stride(problem) * (size_t)problem->samples);

        for (int i = 0; all && i < problem->samples; i++) {
                unsigned char *input = all + (size_t)i * stride(problem);

                memset(input, 0, stride(problem));
                if (!read_it(problem, problem->sample[i], input, input + problem->input_bytes)) {
                        free(all);
                        return NULL;
                }
        }
        return all;
}

/* The example of the first difference; -1 when there is none. */
static int first_difference(const struct problem *problem, const unsigned char *a, const unsigned char *b)
{
        for (int i = 0; i < problem->samples; i++)
                if (memcmp(a + (size_t)i * stride(problem), b + (size_t)i * stride(problem),
                           stride(problem)) != 0)
                        return i;
        return -1;
}

/* Backwards, and targets alone as well. */
static void compare_backwards(struct problem *problem, const unsigned char *all)
{
        unsigned char *one = room_for(problem->conform, stride(problem));

        for (int i = problem->samples - 1; one && i >= 0; i--) {
                const unsigned char *input = all + (size_t)i * stride(problem);

                memset(one, 0, stride(problem));
                if (!read_it(problem, problem->sample[i], NULL, one))
                        break;
                if (memcmp(one, input + problem->input_bytes, problem->target_bytes) != 0) {
                        scion_conform_wrong(problem->conform,
                                            "%s has one target alone, and another with its input",
                                            name_of(problem->sample[i]));
                        break;
                }
                memset(one, 0, stride(problem));
                if (!read_it(problem, problem->sample[i], one, one + problem->input_bytes))
                        break;
                if (memcmp(one, input, stride(problem)) != 0) {
                        scion_conform_wrong(problem->conform, "%s is read twice, and is not the same",
                                            name_of(problem->sample[i]));
                        break;
                }
        }
        free(one);
}

static void reads_the_same(struct scion_conform *conform)
{
        struct problem problem;

        if (open_it(&problem, conform)) {
                unsigned char *all = read_sample(&problem);

                if (all)
                        compare_backwards(&problem, all);
                free(all);
        }
        close_it(&problem);
}

/* Is there anything to compare with? */
static bool is_steady(struct problem *problem, const unsigned char *all)
{
        unsigned char *again = read_sample(problem);
        bool steady = all && again && first_difference(problem, all, again) < 0;

        free(again);
        return steady || scion_conform_skip(problem->conform, "the same index gives other bytes each time");
}

static void opens_the_same(struct scion_conform *conform)
{
        struct problem first, second;
        unsigned char *all = NULL, *again = NULL;
        int difference;

        if (open_it(&first, conform) && (all = read_sample(&first)) && is_steady(&first, all)) {
                if (open_it(&second, conform)) {
                        if (!scion_shape_equal(&first.info.shape, &second.info.shape) ||
                            first.info.element != second.info.element ||
                            first.info.classes != second.info.classes ||
                            first.info.targets != second.info.targets ||
                            memcmp(first.info.size, second.info.size, sizeof first.info.size) != 0)
                                scion_conform_wrong(
                                        conform,
                                        "opened again with the same seed, it tells another shape, size "
                                        "or number of classes");
                        else if ((again = read_sample(&second)) &&
                                 (difference = first_difference(&first, all, again)) >= 0)
                                scion_conform_wrong(conform, "opened again with the same seed, %s is another",
                                                    name_of(first.sample[difference]));
                }
                close_it(&second);
                free(again);
                again = read_sample(&first);
                if (again && conform->findings == 0 &&
                    (difference = first_difference(&first, all, again)) >= 0)
                        scion_conform_wrong(conform,
                                            "%s is another after the dataset was opened and ended elsewhere",
                                            name_of(first.sample[difference]));
        }
        free(again);
        free(all);
        close_it(&first);
}

/* --- Several threads ------------------------------------------------------------------------------------ */

struct reader {
        const struct problem *problem;
        const unsigned char *all;
        pthread_barrier_t *start;
        int number, difference; /* -1: none */
        char reason[256];       /* why read() failed; "" when it did not */
};

/* Each begins at another example. No findings are noted in here: these are threads. */
static void *read_along(void *context)
{
        struct reader *reader = context;
        const struct problem *problem = reader->problem;
        unsigned char *one = malloc(stride(problem) + GUARD);

        pthread_barrier_wait(reader->start);
        for (int k = 0; one && reader->difference < 0 && k < ROUNDS * problem->samples; k++) {
                int i = (k + reader->number * problem->samples / THREADS) % problem->samples;
                struct example example = problem->sample[i];

                memset(one, 0, stride(problem));
                scion_error_clear();
                if (!problem->plugin->read(problem->instance->self, example.split, example.index, one,
                                           one + problem->input_bytes))
                        snprintf(reader->reason, sizeof reader->reason, "%s", scion_conform_reason());
                if (*reader->reason ||
                    memcmp(one, reader->all + (size_t)i * stride(problem), stride(problem)) != 0)
                        reader->difference = i;
        }
        free(one);
        return NULL;
}

static void read_at_once(struct problem *problem, const unsigned char *all)
{
        struct reader reader[THREADS];
        pthread_t thread[THREADS];
        pthread_barrier_t start;

        pthread_barrier_init(&start, NULL, THREADS);
        scion_conform_doing(problem->conform, "read() from %d threads at once", THREADS);
        for (int i = 0; i < THREADS; i++) {
                reader[i] = (struct reader){ problem, all, &start, i, -1, "" };
                if (pthread_create(&thread[i], NULL, read_along, &reader[i]) != 0) {
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
                        const char *name = name_of(problem->sample[reader[i].difference]);

                        if (*reader[i].reason)
                                scion_conform_wrong(problem->conform,
                                                    "%d threads read at once, and read() of %s fails: %s",
                                                    THREADS, name, reader[i].reason);
                        else
                                scion_conform_wrong(
                                        problem->conform,
                                        "%d threads read at once, and %s is another than for one alone: "
                                        "read() must not change what they share",
                                        THREADS, name);
                        break;
                }
        pthread_barrier_destroy(&start);
}

static void reads_in_threads(struct scion_conform *conform)
{
        struct problem problem;

        if (open_it(&problem, conform)) {
                unsigned char *all = read_sample(&problem);

                if (all && is_steady(&problem, all))
                        read_at_once(&problem, all);
                free(all);
        }
        close_it(&problem);
}

const struct scion_conform_test scion_conform_dataset[] = {
        { "it opens, and tells a shape and sizes that can be", opens },
        { "labels are in range, and values are numbers", has_values_in_range },
        { "an example is read whole, and nothing is written beside it", fills_buffers },
        { "the same index gives the same bytes", reads_the_same },
        { "opened twice, it is the same", opens_the_same },
        { "several threads may read at once", reads_in_threads },
        { NULL, NULL },
};
