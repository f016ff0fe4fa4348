/*
 * Fuzzes scion compare: files of results that are joined, compared with the strategy of the first run, and
 * written in every format. The input is two files with a byte 0x1c between.
 */
#define _GNU_SOURCE          /* memfd_create: a file that is only memory */
#include "compare/compare.c" /* included, so that they are instrumented for coverage */
#include "compare/results.c"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compare/write.h"
#include "report/sections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all_formats(const struct scion_comparison *comparison)
{
        static FILE *nowhere;
        struct scion_sections sections = { 0 };

        if (!nowhere)
                nowhere = fopen("/dev/null", "w");
        if (!nowhere || !scion_sections_make(comparison, &sections) ||
            !scion_sections_print(&sections, nowhere) || !scion_sections_print_markdown(&sections, nowhere) ||
            !scion_sections_print_latex(&sections, nowhere) ||
            !scion_comparison_write_csv(comparison, nowhere) ||
            !scion_comparison_write_json(comparison, nowhere))
                abort();
        scion_sections_finish(&sections);
}

/* Every run is in one group, and counted once there. */
static void check_counts(const struct scion_comparison *comparison)
{
        size_t runs = 0;

        for (size_t i = 0; i < comparison->groups.count; i++) {
                const struct scion_score *score = &comparison->metric[0].score[i];

                if (score->counted > score->done)
                        abort();
                runs += score->done + score->failed;
        }
        if (runs != comparison->results->runs)
                abort();
}

static void put(int memory, const uint8_t *data, size_t size)
{
        if (memory < 0 || ftruncate(memory, 0) || pwrite(memory, data, size, 0) != (ssize_t)size)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static int memory[2] = { -1, -1 };
        static char path[2][64];
        const uint8_t *cut = size ? memchr(data, 0x1c, size) : NULL;
        size_t first = cut ? (size_t)(cut - data) : size;
        struct scion_results results = { 0 };
        struct scion_comparison comparison = { 0 };
        bool good;

        for (int i = 0; i < 2 && memory[i] < 0; i++) {
                memory[i] = memfd_create(i ? "two" : "one", MFD_CLOEXEC);
                snprintf(path[i], sizeof path[i], "/proc/self/fd/%d", memory[i]);
        }
        put(memory[0], data, first);
        put(memory[1], cut ? cut + 1 : NULL, cut ? size - first - 1 : 0);
        scion_error_clear();
        good = scion_results_read((const char *const[]){ path[0], path[1] }, cut ? 2 : 1, &results);
        if (good) {
                const struct scion_compare_options options = { .baseline = scion_results_value(
                                                                       &results, 0, results.strategy) };

                good = scion_compare(&results, &options, &comparison);
        }
        if (good) {
                check_counts(&comparison);
                write_all_formats(&comparison);
        } else if (!scion_error()[0]) {
                abort(); /* refused without a reason */
        }
        scion_comparison_finish(&comparison);
        scion_results_finish(&results);
        return 0;
}
