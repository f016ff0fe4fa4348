/*
 * Fills one element more than the array has.
 *
 * FAILED: fill() sets the elements of an array and no others
 * says: fill() of float32 with 1.5 writes outside of its array
 */
#include "backend.h"

static bool device_fill(void *self, struct scion_array *y, double value)
{
        struct scion_array longer = *y;

        longer.length++;
        longer.shape = SCION_SHAPE((int64_t)longer.length);
        return scion_backend_cpu()->fill(self, &longer, value);
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-fill";
        table->summary = "a back end that fills too much";
        table->fill = device_fill;
}
