/*
 * Convolutions and poolings of few channels, for which oneDNN's blocked layouts would mostly be padding. Images lie in
 * groups of sixteen: [N / 16, C, H, W, 16], so that a vector holds the same pixel of sixteen images, whatever the number
 * of channels and the window. Elements past the last image are 0.
 */
#ifndef SCION_BACKEND_CPU_IMAGES_H
#define SCION_BACKEND_CPU_IMAGES_H

#include "backend/cpu/kernel.h"

#define SCION_IMAGES 16 /* in a group */

typedef float scion_images __attribute__((vector_size(SCION_IMAGES * sizeof(float)), may_alias));

/* Finds the layout for a shape [N, C, H, W]. False with a message. */
bool scion_images_layout(const struct scion_shape *shape, const struct scion_layout **layout);

/* Returns whether a layout (NULL: row-major) is that of images in groups. */
bool scion_images_is(const struct scion_layout *layout);

/* Returns whether a convolution is faster by these loops. Depends only on the geometry. */
bool scion_images_suits(const struct scion_geometry *geometry);

/* Returns the number of groups of images of a shape. */
int64_t scion_images_groups(const struct scion_shape *shape);

/* Sets the elements past the last image to 0. */
void scion_images_clear(const struct scion_shape *shape, scion_images *data);

/* Create a kernel for a key that has none yet. NULL, with a message, on failure. */
struct scion_kernel *scion_images_conv2d(const struct scion_key *key, enum scion_pass pass,
                                         const struct scion_geometry *geometry, bool bias);
struct scion_kernel *scion_images_pool2d(const struct scion_key *key, const char *operation,
                                         enum scion_pass pass, enum scion_pooling pooling,
                                         const struct scion_geometry *geometry);

#endif
