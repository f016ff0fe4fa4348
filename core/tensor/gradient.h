/* Where the backward pass of an operation writes. */
#ifndef SCION_TENSOR_GRADIENT_H
#define SCION_TENSOR_GRADIENT_H

#include "tensor/tape.h"

/*
 * A tensor to write the gradient of x into, whole: x's own slot, when it is free and lies in `layout`;
 * otherwise a new one. NULL, with a message, when memory is out. Hand it to scion_grad_done() when it is
 * written; nobody else may hold it. What scion_grad_done() is given may as well be any new tensor of x's
 * shape; NULL makes it false.
 */
struct scion_tensor *scion_grad_target(struct scion_tensor *x, const struct scion_layout *layout);
bool scion_grad_done(struct scion_tensor *x, struct scion_tensor *target);

/*
 * Said at the end of an operation's backward function: nothing points to the output's gradient, or to other memory
 * that the function has had from the tape, but the inputs and their gradients. What they do not have is used again.
 */
void scion_grad_allow_reuse(void);

/* The gradient that x has been given so far, when it is row-major and may be added to in place; NULL
 * otherwise. */
struct scion_tensor *scion_grad_accumulated(struct scion_tensor *x);

#endif
