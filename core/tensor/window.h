/* What convolution and pooling share: the geometry of a window over images, and operands of kernels. */
#ifndef SCION_TENSOR_WINDOW_H
#define SCION_TENSOR_WINDOW_H

#include "tensor/tensor.h"

/*
 * Checks a window over x [N, C, H, W] and fills in `geometry`, with defaults filled in, except for the shape of the weight.
 * The result has `channels` channels. window->kernel must be set; a stride of 0 stands for `stride`. False, with a
 * message that begins with the operation.
 */
bool scion_window_geometry(const char *operation, const struct scion_tensor *x,
                           const struct scion_window *window, int64_t channels, const int stride[2],
                           struct scion_geometry *geometry);

/* x in the type and layout that the kernel's operand has, by a reorder when needed. Gradients flow through. NULL for
 * NULL. */
struct scion_tensor *scion_tensor_for_kernel(struct scion_tensor *x, const struct scion_kernel *kernel,
                                             enum scion_operand operand);

/* The layout of an operand that is float32: of a result. */
const struct scion_layout *scion_kernel_layout(const struct scion_kernel *kernel, enum scion_operand operand);

#endif
