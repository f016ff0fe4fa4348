/* The geometry of windows over images, and the operands of kernels. */
#include "tensor/window.h"

static int value_or_default(int value, int other)
{
        return value ? value : other;
}

struct scion_tensor *scion_tensor_for_kernel(struct scion_tensor *x, const struct scion_kernel *kernel,
                                             enum scion_operand operand)
{
        enum scion_dtype dtype;
        const struct scion_layout *layout = scion_device.plugin->kernel_layout(kernel, operand, &dtype);

        return scion_tensor_in_form(x, dtype, layout);
}

const struct scion_layout *scion_kernel_layout(const struct scion_kernel *kernel, enum scion_operand operand)
{
        enum scion_dtype dtype;

        return scion_device.plugin->kernel_layout(kernel, operand, &dtype);
}

bool scion_window_geometry(const char *operation, const struct scion_tensor *x,
                           const struct scion_window *window, int64_t channels, const int stride[2],
                           struct scion_geometry *geometry)
{
        static const char *const side[2] = { "height", "width" };
        struct scion_window w = *window;
        char text[96];

        scion_shape_text(&x->shape, text, sizeof text);
        if (x->shape.ndim != 4)
                return scion_refuse("%s: takes images of shape N x C x H x W, got %s", operation, text);
        geometry->x = x->shape;
        geometry->y = SCION_SHAPE(x->shape.dim[0], channels, 0, 0);
        for (int i = 0; i < 2; i++) {
                if (w.kernel[i] < 1)
                        return scion_refuse("%s: the kernel's %s must be positive, got %d", operation,
                                            side[i], w.kernel[i]);
                if (w.stride[i] < 0 || w.padding[i] < 0 || w.dilation[i] < 0)
                        return scion_refuse(
                                "%s: stride %d, padding %d and dilation %d of the %s must not be negative",
                                operation, w.stride[i], w.padding[i], w.dilation[i], side[i]);
                w.stride[i] = value_or_default(w.stride[i], stride[i]);
                w.dilation[i] = value_or_default(w.dilation[i], 1);

                int64_t reach = (int64_t)w.dilation[i] * (w.kernel[i] - 1) + 1;
                int64_t padded = x->shape.dim[2 + i] + 2 * (int64_t)w.padding[i];

                if (reach > padded)
                        return scion_refuse(
                                "%s: the window's %s of %lld is larger than the input %s with its "
                                "padding of %d",
                                operation, side[i], (long long)reach, text, w.padding[i]);
                geometry->y.dim[2 + i] = (padded - reach) / w.stride[i] + 1;
        }
        if (w.groups < 0)
                return scion_refuse("%s: the number of groups must not be negative, got %d", operation,
                                    w.groups);
        w.groups = value_or_default(w.groups, 1);
        geometry->window = w;
        return true;
}
