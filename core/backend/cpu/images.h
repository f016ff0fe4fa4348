/*
 * Kernels of our own for convolutions of few channels, where oneDNN's blocked layouts would be padding for the
 * most part. Sixteen images lie side by side, pixel for pixel: [N / 16, C, H, W, 16], so that a vector holds the
 * same pixel of sixteen images, whatever the channels and the window. What is past the last image is 0.
 */
#ifndef SCION_BACKEND_CPU_IMAGES_H
#define SCION_BACKEND_CPU_IMAGES_H

#include "backend/cpu/kernel.h"

#define SCION_IMAGES 16 /* in a group */

typedef float scion_images __attribute__((vector_size(SCION_IMAGES * sizeof(float)), may_alias));

/* The layout of a shape [N, C, H, W]; false with a message. */
bool scion_images_layout(const struct scion_shape *shape, const struct scion_layout **layout);

/* Is the layout of an [N, C, H, W] this one? */
bool scion_images_is(const struct scion_layout *layout);

/* Is a convolution better done this way? It depends on the shapes alone. */
bool scion_images_suits(const struct scion_geometry *geometry);

/* Groups of images that a shape makes. */
int64_t scion_images_groups(const struct scion_shape *shape);

/* Zeroes what is past the last image. */
void scion_images_clear(const struct scion_shape *shape, scion_images *data);

/* Makes them, for a key that has none yet. */
struct scion_kernel *scion_images_conv2d(const struct scion_key *key, enum scion_pass pass,
                                         const struct scion_geometry *geometry, bool bias);
struct scion_kernel *scion_images_pool2d(const struct scion_key *key, const char *operation,
                                         enum scion_pass pass, enum scion_pooling pooling,
                                         const struct scion_geometry *geometry);

#endif
