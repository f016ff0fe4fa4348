#include "compare/groups.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint64_t run_hash(const struct scion_groups *groups, const struct scion_results *results, size_t run)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < groups->columns; i++) {
                const char *value = scion_results_value(results, run, groups->column[i]);

                sum = XXH3_64bits_withSeed(value, strlen(value), sum + i + 1);
        }
        return sum;
}

static bool runs_are_equal(const struct scion_groups *groups, const struct scion_results *results, size_t a,
                           size_t b)
{
        for (size_t i = 0; i < groups->columns; i++)
                if (strcmp(scion_results_value(results, a, groups->column[i]),
                           scion_results_value(results, b, groups->column[i])) != 0)
                        return false;
        return true;
}

/* `slot` is a hash table with open addressing: the number of a group plus 1, or 0 for an empty slot. */
static void runs_assign(const struct scion_results *results, struct scion_groups *groups, size_t *slot,
                        size_t slots)
{
        for (size_t run = 0; run < results->runs; run++) {
                size_t at = run_hash(groups, results, run) & (slots - 1);

                while (slot[at] && !runs_are_equal(groups, results, groups->first[slot[at] - 1], run))
                        at = (at + 1) & (slots - 1);
                if (!slot[at]) {
                        groups->first[groups->count++] = run;
                        slot[at] = groups->count;
                }
                groups->group_of[run] = slot[at] - 1;
        }
}

bool scion_groups_make(const struct scion_results *results, const size_t *column, size_t columns,
                       struct scion_groups *groups)
{
        size_t slots = 16;

        while (slots < 2 * results->runs)
                slots *= 2;
        size_t *slot = calloc(slots, sizeof *slot);

        *groups = (struct scion_groups){ .columns = columns };
        groups->column = malloc((columns + 1) * sizeof *groups->column);
        groups->first = malloc((results->runs + 1) * sizeof *groups->first);
        groups->group_of = malloc((results->runs + 1) * sizeof *groups->group_of);
        if (!slot || !groups->column || !groups->first || !groups->group_of) {
                free(slot);
                scion_groups_finish(groups);
                return scion_fail("out of memory for %zu runs", results->runs);
        }
        for (size_t i = 0; i < columns; i++)
                groups->column[i] = column[i];
        runs_assign(results, groups, slot, slots);
        free(slot);
        return true;
}

void scion_groups_finish(struct scion_groups *groups)
{
        free(groups->column);
        free(groups->first);
        free(groups->group_of);
        *groups = (struct scion_groups){ 0 };
}

const char *scion_groups_value(const struct scion_groups *groups, const struct scion_results *results,
                               size_t group, size_t index)
{
        return scion_results_value(results, groups->first[group], groups->column[index]);
}

bool scion_groups_vary(const struct scion_groups *groups, const struct scion_results *results, size_t index)
{
        for (size_t i = 1; i < groups->count; i++)
                if (strcmp(scion_groups_value(groups, results, i, index),
                           scion_groups_value(groups, results, 0, index)) != 0)
                        return true;
        return false;
}
