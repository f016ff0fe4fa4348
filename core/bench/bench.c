#include "bench/bench.h"

#include <malloc.h>
#include <scion/error.h>
#include <scion/tape.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "file/files.h"

#define WARM_STEPS 3
#define WARM_SECONDS 0.1
#define LEAST_STEPS 5
#define MOST_STEPS 100000
#define SECONDS 3.0 /* of steps, when their number is not given */

/* A training, or evaluation, that is measured. */
struct bench {
        const struct scion_bench_options *options;
        const struct scion_training *training;
        struct scion_tracer tracer;         /* of the parts of a step */
        struct scion_tracer *tracer_before; /* that was in use */
        struct scion_steps *steps;
        struct scion_batches *batches; /* to evaluate; the scores are not used */
        struct scion_scores scores;
};

/* What the process has used so far. */
struct used {
        double cpu; /* seconds */
        double allocated, faulted;
        size_t tape_allocations;
};

static struct used used_now(const struct bench *bench)
{
        struct mallinfo2 info = mallinfo2();
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return (struct used){
                .cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6,
                .allocated = (double)(info.arena + info.hblkhd),
                .faulted = (double)usage.ru_minflt * (double)sysconf(_SC_PAGESIZE),
                .tape_allocations = scion_tape_usage(bench->training->tape).allocations,
        };
}

/* --- A step ----------------------------------------------------------------------------------------------- */

static int64_t bench_train(struct bench *bench)
{
        return scion_steps_take(bench->steps);
}

/* Evaluates one batch. Returns the number of its examples, or 0 with a message. */
static int64_t bench_evaluate(struct bench *bench)
{
        for (int pass = 0; pass < 2; pass++) {
                if (!scion_scores_clear(&bench->scores))
                        return 0;
                switch (scion_evaluate_next(bench->training, bench->batches, &bench->scores)) {
                case SCION_NEXT_BATCH:
                        return bench->scores.examples;
                case SCION_NEXT_FAILED:
                        return 0;
                case SCION_NEXT_END:
                        scion_batches_rewind(bench->batches);
                }
        }
        scion_fail("there are no examples to evaluate");
        return 0;
}

/* --- Timing ----------------------------------------------------------------------------------------------- */

/* The seconds of all steps so far, without the work between epochs. */
static double tracer_step_seconds(const struct scion_tracer *tracer)
{
        double sum = 0;

        for (int part = SCION_PART_OUTSIDE + 1; part < SCION_PARTS; part++)
                sum += tracer->seconds[part];
        return sum;
}

/* Takes steps until everything that is kept between steps is allocated and the processor runs at full speed. `largest`
 * becomes the largest number of examples of a step. */
static bool bench_warm_up(struct bench *bench, int64_t (*step)(struct bench *bench), int64_t *largest)
{
        double start = scion_clock();

        *largest = 0;
        for (int i = 0; i < WARM_STEPS || scion_clock() - start < WARM_SECONDS; i++) {
                int64_t examples = step(bench);

                if (examples == 0)
                        return false;
                *largest = examples > *largest ? examples : *largest;
        }
        return true;
}

struct sample {
        double seconds, operations;
};

static int sample_compare(const void *a, const void *b)
{
        double x = ((const struct sample *)a)->seconds, y = ((const struct sample *)b)->seconds;

        return (x > y) - (x < y);
}

/* Interpolates linearly between the samples. */
static double samples_quantile(const struct sample *sorted, size_t count, double share)
{
        double at = share * (double)(count - 1);
        size_t below = (size_t)at;

        if (below + 1 >= count)
                return sorted[count - 1].seconds;
        return sorted[below].seconds +
               (at - (double)below) * (sorted[below + 1].seconds - sorted[below].seconds);
}

struct samples {
        struct sample *sample;
        size_t count, room;
};

static bool samples_add(struct samples *samples, double seconds, double operations)
{
        if (samples->count == samples->room) {
                size_t room = samples->room ? 2 * samples->room : 1024;
                struct sample *longer = realloc(samples->sample, room * sizeof *longer);

                if (!longer)
                        return scion_fail("out of memory");
                samples->sample = longer;
                samples->room = room;
        }
        samples->sample[samples->count++] = (struct sample){ seconds, operations };
        return true;
}

static bool steps_continue(const struct scion_bench_options *options, size_t count, double seconds)
{
        if (options->steps > 0)
                return count < (size_t)options->steps;
        return count < LEAST_STEPS || (seconds < SECONDS && count < MOST_STEPS);
}

/* Takes steps and samples those of the largest size. `taken` counts the smaller ones as well. */
static bool steps_take(struct bench *bench, int64_t (*step)(struct bench *bench), int64_t largest,
                       struct samples *samples, int64_t *taken)
{
        double start = scion_clock();

        *taken = 0;
        while (steps_continue(bench->options, samples->count, scion_clock() - start)) {
                double before = tracer_step_seconds(&bench->tracer),
                       operations = scion_device_usage().operations;
                int64_t examples = step(bench);

                if (examples == 0)
                        return false;
                ++*taken;
                if (examples < largest)
                        continue;
                if (!samples_add(samples, tracer_step_seconds(&bench->tracer) - before,
                                 scion_device_usage().operations - operations))
                        return false;
        }
        return true;
}

static bool steps_time(struct bench *bench, int64_t (*step)(struct bench *bench),
                       struct scion_bench_times *times)
{
        struct samples samples = { 0 };
        int64_t largest, taken = 0;

        if (!bench_warm_up(bench, step, &largest))
                return false;
        memset(bench->tracer.seconds, 0, sizeof bench->tracer.seconds);
        struct used before = used_now(bench);
        bool good = steps_take(bench, step, largest, &samples, &taken);
        struct used after = used_now(bench);

        if (good) {
                double count = (double)taken;

                qsort(samples.sample, samples.count, sizeof *samples.sample, sample_compare);
                *times = (struct scion_bench_times){
                        .steps = (int64_t)samples.count,
                        .examples = largest,
                        .seconds = { .median = samples_quantile(samples.sample, samples.count, 0.5),
                                     .low = samples_quantile(samples.sample, samples.count, 0.1),
                                     .high = samples_quantile(samples.sample, samples.count, 0.9) },
                        .cpu_seconds = (after.cpu - before.cpu) / count,
                        .operations = samples.sample[(samples.count - 1) / 2].operations,
                        .allocated = (after.allocated - before.allocated) / count,
                        .faulted = (after.faulted - before.faulted) / count,
                        .tape_allocations =
                                (double)(after.tape_allocations - before.tape_allocations) / count,
                };
                for (int part = 0; part < SCION_PARTS; part++)
                        times->part[part] = bench->tracer.seconds[part] / count;
                times->part[SCION_PART_SCORES] += times->part[SCION_PART_READ];
                times->part[SCION_PART_READ] = 0;
        }
        free(samples.sample);
        return good;
}

/* --- A run ------------------------------------------------------------------------------------------------ */

static bool bench_begin(struct bench *bench, struct scion_training *training)
{
        struct scion_data *data = training->data;
        enum scion_split split = SCION_TEST;

        if (scion_data_size(data, split) == 0)
                split = scion_data_size(data, SCION_VALID) > 0 ? SCION_VALID : SCION_TRAIN;
        bench->training = training;
        bench->tracer_before = scion_trace_use(&bench->tracer);
        if (bench->options->recompute)
                training->transfer->reuse = NULL;
        bench->batches = scion_batches_create(data, split, bench->options->evaluation_batch);
        return bench->batches && (bench->steps = scion_steps_create(training));
}

static void bench_end(struct bench *bench)
{
        scion_trace_use(bench->tracer_before);
        scion_steps_destroy(bench->steps);
        scion_batches_destroy(bench->batches);
        scion_scores_finish(&bench->scores);
}

/* Reads the peak from /proc, because getrusage() includes the peak of the program that started this one. */
static double peak_mib(void)
{
        size_t bytes = 0;
        char *status = scion_file_read("/proc/self/status", (size_t)1 << 20, &bytes);
        const char *line = status ? strstr(status, "\nVmHWM:") : NULL;
        double kib = line ? strtod(line + strlen("\nVmHWM:"), NULL) : 0;

        free(status);
        return kib / 1024;
}

/* Measures the peak again, because other processes may have used the machine the last time. */
static bool peak_update(struct scion_bench *result)
{
        double flops = scion_bench_peak();

        result->peak_flops = flops > result->peak_flops ? flops : result->peak_flops;
        return flops > 0;
}

/* Profiles as many steps as were timed. */
static bool profile_take(struct bench *bench, struct scion_bench *result)
{
        bool good = true;

        result->profile.by = bench->options->profile;
        if (result->profile.by == SCION_PROFILE_NOTHING)
                return true;
        scion_profile_begin(&result->profile);
        for (int64_t i = 0; good && i < result->training.steps; i++)
                good = bench_train(bench) > 0;
        scion_profile_end(&result->profile);
        return good && scion_profile_close(&result->profile, result->training.steps);
}

struct measuring {
        struct bench bench;
        struct scion_bench *result;
};

static bool bench_measure(void *context, struct scion_training *training)
{
        struct measuring *measuring = context;
        struct bench *bench = &measuring->bench;
        struct scion_bench *result = measuring->result;
        bool good = bench_begin(bench, training) && steps_time(bench, bench_train, &result->training);

        if (good) {
                snprintf(result->stage, sizeof result->stage, "%s", scion_steps_stage(bench->steps));
                result->tape_bytes = scion_tape_usage(training->tape).bytes;
                result->peak_mib = peak_mib();
                good = profile_take(bench, result) && scion_steps_rest(bench->steps) && peak_update(result) &&
                       steps_time(bench, bench_evaluate, &result->evaluation) && peak_update(result);
        }
        bench_end(bench);
        return good;
}

bool scion_bench_run(struct scion_run *run, const struct scion_bench_options *options,
                     struct scion_bench *bench)
{
        struct measuring measuring = { .bench.options = options, .result = bench };

        *bench = (struct scion_bench){ .bf16 = scion_device.settings.bf16 };
        if (scion_run_lend(run, bench_measure, &measuring))
                return true;
        scion_bench_finish(bench);
        return false;
}

void scion_bench_finish(struct scion_bench *bench)
{
        scion_profile_finish(&bench->profile);
}

/* --- Taking turns ----------------------------------------------------------------------------------------- */

struct turning {
        struct bench bench;
        bool evaluation;
        FILE *in, *out;
};

/* Takes the steps of one turn, and writes their mean wall-clock and processor times. */
static bool turn_take(const struct turning *turning, struct bench *bench,
                      int64_t (*step)(struct bench *bench))
{
        int64_t count = bench->options->steps > 0 ? bench->options->steps : 1;
        double start = scion_clock(), cpu = used_now(bench).cpu;

        for (int64_t i = 0; i < count; i++)
                if (step(bench) == 0)
                        return false;
        fprintf(turning->out, "%.9f,%.9f\n", (scion_clock() - start) / (double)count,
                (used_now(bench).cpu - cpu) / (double)count);
        return fflush(turning->out) == 0 || scion_fail("cannot write the times");
}

static bool turns_take(void *context, struct scion_training *training)
{
        struct turning *turning = context;
        struct bench *bench = &turning->bench;
        int64_t (*step)(struct bench * bench) = turning->evaluation ? bench_evaluate : bench_train;
        int64_t largest;
        bool good = bench_begin(bench, training) && bench_train(bench) > 0 &&
                    scion_steps_rest(bench->steps) && bench_warm_up(bench, step, &largest);
        int c;

        if (good) {
                fputs("seconds,cpu_seconds\n", turning->out);
                fflush(turning->out);
        }
        while (good && (c = fgetc(turning->in)) != EOF)
                if (c == '\n')
                        good = turn_take(turning, bench, step);
        bench_end(bench);
        return good;
}

bool scion_bench_turns(struct scion_run *run, const struct scion_bench_options *options, bool evaluation,
                       FILE *in, FILE *out)
{
        struct turning turning = { .bench.options = options, .evaluation = evaluation, .in = in, .out = out };

        return scion_run_lend(run, turns_take, &turning);
}
