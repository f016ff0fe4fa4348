/* How the backward function of an operation writes the gradients of its inputs. */
#ifndef SCION_TENSOR_GRADIENT_H
#define SCION_TENSOR_GRADIENT_H

#include "tensor/tape.h"

/*
 * Returns a float32 tensor of x's shape in `layout`, whose elements are undefined, for the complete gradient of x: the
 * memory that a parameter has for its gradient, if that has the layout and holds no gradient yet; otherwise a new tensor.
 * NULL, with a message, when memory is out. Once it is written, pass it to scion_grad_done().
 */
struct scion_tensor *scion_grad_target(struct scion_tensor *x, const struct scion_layout *layout);

/*
 * Adds `target`, the result of scion_grad_target() or any other new tensor of x's shape, to the gradient of x. The
 * caller must not use `target` afterwards. Returns false, keeping the message, when `target` is NULL.
 */
bool scion_grad_done(struct scion_tensor *x, struct scion_tensor *target);

/*
 * Lets the tape reuse memory after the backward function that calls this: the output's gradient and every block that the
 * function has allocated, except those that belong to the inputs or to their gradients. Call it only when nothing else
 * refers to that memory.
 */
void scion_grad_allow_reuse(void);

/* Returns the gradient that has been accumulated for x, if it is row-major and may be added to in place; otherwise NULL,
 * without a message. */
struct scion_tensor *scion_grad_accumulated(struct scion_tensor *x);

#endif
