#include "transfer/readings.h"

#include <stdlib.h>

static bool readings_grow(struct scion_readings *readings)
{
        int room = readings->room ? 2 * readings->room : 16;
        struct scion_tensor **tensor =
                realloc(readings->tensor, (size_t)room * sizeof(struct scion_tensor *));

        if (tensor)
                readings->tensor = tensor;
        float *value = tensor ? realloc(readings->value, (size_t)room * sizeof *value) : NULL;

        if (!value)
                return scion_fail("out of memory");
        readings->value = value;
        readings->room = room;
        return true;
}

int scion_readings_add(struct scion_readings *readings, struct scion_tensor *x)
{
        if (readings->count == readings->room && !readings_grow(readings))
                return -1;
        readings->tensor[readings->count] = x;
        return readings->count++;
}

bool scion_readings_read(struct scion_readings *readings)
{
        return scion_tensor_read_scalars(readings->tensor, readings->count, readings->value);
}

void scion_readings_clear(struct scion_readings *readings)
{
        readings->count = 0;
}

void scion_readings_finish(struct scion_readings *readings)
{
        free(readings->tensor);
        free(readings->value);
        *readings = (struct scion_readings){ 0 };
}
