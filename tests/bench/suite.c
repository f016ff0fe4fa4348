/*
 * Measures the overhead of a suite: suite [RUNS]. Executes the same runs, an epoch of a tiny model each, one after
 * the other in this process, and as a suite with one process at a time. Both write the same files to a folder below
 * $TMPDIR; they differ by the processes, the table of results, and what each process computes anew.
 */
#define _DEFAULT_SOURCE /* mkdtemp */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/run.h"
#include "suite/suite.h"

static const char file[] =
        "name: bench\n"
        "strategy: scratch\n"
        "target:\n"
        "  dataset: { use: random, shape: [4], num_classes: 2, train_size: 64, test_size: 16 }\n"
        "  model: { use: mlp, hidden: [8] }\n"
        "  optimizer: sgd\n"
        "  train: { epochs: 1 }\n";

static int failed(void)
{
        fprintf(stderr, "%s\n", scion_error());
        return 1;
}

static bool run_here(const struct scion_planned *planned)
{
        struct scion_config *config = scion_planned_config(planned);
        struct scion_run *run = config ? scion_run_prepare(config) : NULL;
        struct scion_row results = { 0 };
        char folder[512];

        snprintf(folder, sizeof folder, "here/%s", planned->id);
        bool good = run && scion_run_execute(run, folder, 1, NULL, &results);

        if (good)
                scion_run_forget(folder);
        scion_row_finish(&results);
        scion_run_destroy(run);
        scion_config_destroy(config);
        return good;
}

static bool write_file(const char *runs)
{
        FILE *yaml = fopen("bench.yaml", "w");

        if (!yaml)
                return false;
        fprintf(yaml, "%sseeds: %s\n", file, runs);
        return fclose(yaml) == 0;
}

/* Returns the processor time of this process and of its ended children, which other processes do not influence. */
static double processor_time(void)
{
        struct rusage self, children;

        getrusage(RUSAGE_SELF, &self);
        getrusage(RUSAGE_CHILDREN, &children);
        return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec + children.ru_utime.tv_sec +
                        children.ru_stime.tv_sec) +
               1e-6 * (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec + children.ru_utime.tv_usec +
                               children.ru_stime.tv_usec);
}

static void print(const char *what, double here, double suite)
{
        printf("%-16s  in one process %7.3f  as a suite %7.3f  difference %7.3f\n", what, here, suite,
               suite - here);
}

int main(int argc, char **argv)
{
        const struct scion_suite_options options = { .out = "suite", .jobs = 1, .interval = 1 };
        const char *temporary = getenv("TMPDIR");
        struct scion_plan plan;
        char folder[512];

        snprintf(folder, sizeof folder, "%s/scion-bench-XXXXXX", temporary ? temporary : "/tmp");
        if (!mkdtemp(folder) || chdir(folder) || !write_file(argc > 1 ? argv[1] : "1000")) {
                perror(folder);
                return 1;
        }
        double planning = scion_clock();

        if (!scion_plan_make("bench.yaml", NULL, 0, false, &plan))
                return failed();
        double here = scion_clock(), here_cpu = processor_time();

        for (size_t i = 0; i < plan.count; i++)
                if (!run_here(&plan.planned[i]))
                        return failed();
        double suite = scion_clock(), suite_cpu = processor_time();

        if (scion_suite_run(&plan, &options, NULL) != SCION_GOOD)
                return failed();
        double end = scion_clock(), end_cpu = processor_time(), count = (double)plan.count;

        printf("%zu runs, planned in %.3f s; milliseconds a run:\n", plan.count, here - planning);
        print("by the clock", 1000 * (suite - here) / count, 1000 * (end - suite) / count);
        print("of the processor", 1000 * (suite_cpu - here_cpu) / count,
              1000 * (end_cpu - suite_cpu) / count);
        scion_plan_finish(&plan);
        printf("what they wrote is in %s\n", folder);
        return 0;
}
