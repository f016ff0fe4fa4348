/*
 * Subtracts the first array from the second.
 *
 * FAILED: operations on two arrays agree with the processor's
 * says: binary() SCION_BINARY_SUB: element 0 is 
 */
#include "backend.h"

static bool device_binary(void *self, enum scion_binary op, const struct scion_array *a,
                          const struct scion_array *b, struct scion_array *y)
{
        if (op == SCION_BINARY_SUB)
                return scion_backend_cpu()->binary(self, op, b, a, y);
        return scion_backend_cpu()->binary(self, op, a, b, y);
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-subtracts";
        table->summary = "a back end that subtracts wrongly";
        table->binary = device_binary;
}
