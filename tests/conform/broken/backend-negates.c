/*
 * Does not change the sign.
 *
 * FAILED: operations on single elements agree with the processor's
 * says: unary() SCION_UNARY_NEG: element 0 is 
 */
#include "backend.h"

static bool device_unary(void *self, enum scion_unary op, float p, const struct scion_array *x,
                         struct scion_array *y)
{
        if (op == SCION_UNARY_NEG)
                return scion_backend_cpu()->unary(self, SCION_UNARY_SCALE, 1, x, y);
        return scion_backend_cpu()->unary(self, op, p, x, y);
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-negates";
        table->summary = "a back end that negates wrongly";
        table->unary = device_unary;
}
