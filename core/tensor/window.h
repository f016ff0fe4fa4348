/* Functions that convolution and pooling share: the geometry of a window over images, and the operands of kernels. */
#ifndef SCION_TENSOR_WINDOW_H
#define SCION_TENSOR_WINDOW_H

#include "tensor/tensor.h"

/*
 * Checks a window over x [N, C, H, W] and fills in `geometry`, except for the shape of the weight, for a result of
 * `channels` channels. window->kernel must be set. Zeros in the window stand for defaults: `stride` for the stride, 1
 * for dilation and groups. False, with a message that begins with `operation`, when the window is invalid.
 */
bool scion_window_geometry(const char *operation, const struct scion_tensor *x,
                           const struct scion_window *window, int64_t channels, const int stride[2],
                           struct scion_geometry *geometry);

/* Returns x in the type and layout of the kernel's operand: x itself if it has them. The reorder is differentiable.
 * NULL for NULL. */
struct scion_tensor *scion_tensor_for_kernel(struct scion_tensor *x, const struct scion_kernel *kernel,
                                             enum scion_operand operand);

/* Returns the layout of an operand that is float32, as the result of every kernel is. */
const struct scion_layout *scion_kernel_layout(const struct scion_kernel *kernel, enum scion_operand operand);

#endif
