/* oneDNN's engine, and its errors. */
#include <oneapi/dnnl/dnnl_debug.h>
#include <pthread.h>

#include "backend/cpu/kernel.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_primitive_attr_t attributes;
static dnnl_status_t status;

bool scion_dnnl_check(const char *operation, dnnl_status_t result)
{
        return result == dnnl_success || scion_fail("%s: oneDNN: %s", operation, dnnl_status2str(result));
}

static void start(void)
{
        status = dnnl_engine_create(&engine, dnnl_cpu, 0);
        if (status == dnnl_success)
                status = dnnl_primitive_attr_create(&attributes);
        if (status == dnnl_success)
                status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
}

dnnl_engine_t scion_dnnl_engine(void)
{
        pthread_once(&once, start);
        return scion_dnnl_check("starting", status) ? engine : NULL;
}

const_dnnl_primitive_attr_t scion_dnnl_attributes(void)
{
        return scion_dnnl_engine() ? attributes : NULL;
}

bool scion_backend_has_bf16(void)
{
        return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) ==
               dnnl_cpu_isa_avx512_core_bf16;
}

void scion_backend_describe(struct scion_text *text)
{
        dnnl_fpmath_mode_t mode = dnnl_fpmath_mode_strict;

        if (scion_dnnl_attributes())
                dnnl_primitive_attr_get_fpmath_mode(attributes, &mode);
        scion_text_add(text, "kernels for isa %x hints %d arithmetic %d\n",
                       (unsigned)dnnl_get_effective_cpu_isa(), (int)dnnl_get_cpu_isa_hints(), (int)mode);
}
