/* Updates parameters by calling the optimizer's step() on host memory. */
#include "backend/cpu/cpu.h"

bool scion_cpu_update(void *self, const struct scion_optimizer_plugin *optimizer, void *optimizer_self,
                      struct scion_span *spans, struct scion_span_arrays *arrays, int count, bool *supported)
{
        (void)self;
        *supported = true;
        for (int i = 0; i < count; i++) {
                spans[i].value = scion_cpu_data(&arrays[i].value);
                spans[i].gradient = scion_cpu_data(&arrays[i].gradient);
                for (int k = 0; k < SCION_MAX_STATES && arrays[i].state[k].storage; k++)
                        spans[i].state[k] = scion_cpu_data(&arrays[i].state[k]);
        }
        optimizer->step(optimizer_self, spans, count);
        return true;
}
