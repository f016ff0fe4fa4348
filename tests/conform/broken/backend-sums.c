/*
 * Ignores the factor of a sum.
 *
 * FAILED: sums agree with the processor's
 * says: sum() of 4x5x6 to scalar: element 0 is 
 */
#include "backend.h"

static bool device_sum(void *self, const struct scion_array *x, double factor, struct scion_array *y)
{
        (void)factor;
        return scion_backend_cpu()->sum(self, x, 1, y);
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-sums";
        table->summary = "a back end that ignores a factor";
        table->sum = device_sum;
}
