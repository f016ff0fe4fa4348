/* Settings of the device, changed one at a time. */
#ifndef SCION_TESTS_SUPPORT_DEVICE_H
#define SCION_TESTS_SUPPORT_DEVICE_H

#include "backend/backend.h"
#include "support/test.h"

static inline void device_set_threads(int threads)
{
        struct scion_device_settings settings = scion_device.settings;

        settings.threads = threads;
        assert_true(scion_device_configure(&settings));
}

static inline void device_set_winograd(bool winograd)
{
        struct scion_device_settings settings = scion_device.settings;

        settings.winograd = winograd;
        assert_true(scion_device_configure(&settings));
}

#endif
