/* oneDNN's engine, and its errors. */
#include <oneapi/dnnl/dnnl_debug.h>
#include <pthread.h>
#include <stdio.h>

#include "backend/cpu/kernel.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_primitive_attr_t attributes;
static dnnl_status_t status;

bool scion_dnnl_check(const char *operation, dnnl_status_t result)
{
        return result == dnnl_success || scion_fail("%s: oneDNN: %s", operation, dnnl_status2str(result));
}

static void engine_create(void)
{
        status = dnnl_engine_create(&engine, dnnl_cpu, 0);
        if (status == dnnl_success)
                status = dnnl_primitive_attr_create(&attributes);
        if (status == dnnl_success)
                status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
}

dnnl_engine_t scion_dnnl_engine(void)
{
        pthread_once(&once, engine_create);
        return scion_dnnl_check("starting", status) ? engine : NULL;
}

const_dnnl_primitive_attr_t scion_dnnl_attributes(void)
{
        return scion_dnnl_engine() ? attributes : NULL;
}

bool scion_cpu_has_bf16(void *self)
{
        (void)self;
        return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) ==
               dnnl_cpu_isa_avx512_core_bf16;
}

/* Describes the instruction sets that oneDNN may use, which the environment can limit, but not the processor itself. */
void scion_cpu_describe(void *self, char *text, size_t bytes)
{
        dnnl_fpmath_mode_t mode = dnnl_fpmath_mode_strict;

        (void)self;
        if (scion_dnnl_attributes())
                dnnl_primitive_attr_get_fpmath_mode(attributes, &mode);
        snprintf(text, bytes, "kernels for isa %x hints %d arithmetic %d",
                 (unsigned)dnnl_get_effective_cpu_isa(), (int)dnnl_get_cpu_isa_hints(), (int)mode);
}
