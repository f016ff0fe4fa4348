/* Windows over images: what convolution and pooling check and work out alike. */
#ifndef SCION_TENSOR_WINDOW_H
#define SCION_TENSOR_WINDOW_H

#include "backend/backend.h"

/*
 * Fills in `geometry` for x [N, C, H, W] under `window`, defaults replaced: all but the weight's shape. The
 * number of channels of the result is `channels`. The window's kernel must have been filled in; a zero stride
 * means `stride`. False, with a message that names the operation.
 */
bool scion_window_place(const char *operation, const struct scion_tensor *x,
                        const struct scion_window *window, int64_t channels, const int stride[2],
                        struct scion_geometry *geometry);

#endif
