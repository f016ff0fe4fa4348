/*
 * Rounds float32 to bfloat16 towards zero.
 *
 * FAILED: reorder() copies and converts elements
 * says: reorder() from float32 to bfloat16: bfloat16 elements differ from the processor's
 */
#include "backend.h"

#include <string.h>

static bool device_reorder(void *self, const struct scion_array *x, struct scion_array *y)
{
        const char *from = (const char *)x->storage->memory + x->offset;
        char *to = (char *)y->storage->memory + y->offset;

        if (x->dtype != SCION_F32 || y->dtype != SCION_BF16)
                return scion_backend_cpu()->reorder(self, x, y);
        for (size_t i = 0; i < x->length; i++)
                memcpy(to + 2 * i, from + 4 * i + 2, 2);
        return true;
}

static void table_break(struct scion_backend_plugin *table)
{
        table->name = "backend-truncates";
        table->summary = "a back end that truncates";
        table->reorder = device_reorder;
}
