/*
 * The tape: it owns the tensors of a step, and records operations for the backward pass.
 *
 * A tape belongs to one thread at a time. Operations record themselves on the tape that is current on their thread.
 * scion_tape_reset() removes all tensors, and keeps their memory for the next step. In a plugin's callback the engine
 * has made a tape current; a strategy uses scion_no_grad_begin(), scion_no_grad_end(), scion_require_grad() and
 * scion_grad(). The other functions are for code that makes its own steps.
 */
#ifndef SCION_TAPE_H
#define SCION_TAPE_H

#include <scion/tensor.h>

SCION_BEGIN

struct scion_tape;

/* Creates a tape. NULL, with a message, if memory runs out. */
SCION_API struct scion_tape *scion_tape_create(void);
/* Destroys the tape and all its tensors. Does nothing for NULL. */
SCION_API void scion_tape_destroy(struct scion_tape *tape);

/* Makes `tape` current on this thread; NULL for none. Returns the tape that was current before. */
SCION_API struct scion_tape *scion_tape_use(struct scion_tape *tape);

/* Removes all tensors of the tape, and keeps their memory for the next step. */
SCION_API void scion_tape_reset(struct scion_tape *tape);

/* Sets training or evaluation mode. In training mode dropout is active, and batch normalisation uses the batch's
 * statistics. A new tape is in evaluation mode. */
SCION_API void scion_tape_set_training(struct scion_tape *tape, bool training);

/* Sets the seed and the step that the random numbers of dropout are derived from. */
SCION_API void scion_tape_set_seed(struct scion_tape *tape, uint64_t seed, uint64_t step);

/* Between these two calls, operations on this thread are not recorded, so no gradients flow through them. Calls
 * nest. */
SCION_API void scion_no_grad_begin(void);
SCION_API void scion_no_grad_end(void);

/* Requests the gradient of a float32 tensor, which scion_grad() returns after scion_backward(). Returns x; NULL for
 * NULL, and, with a message, for other types and for a frozen parameter. */
SCION_API struct scion_tensor *scion_require_grad(struct scion_tensor *x);

/*
 * Computes the gradients of `loss`, a float32 scalar, with respect to all parameters that are not frozen, and all
 * tensors that scion_require_grad() was called for. Gradients of parameters are added to the present ones until the
 * engine clears them; gradients of tensors replace those of an earlier call. Returns false, with a message, for NULL,
 * for a loss of more than one element, for one that depends on nothing that requires a gradient, and if a tensor of
 * another tape requires a gradient.
 */
SCION_API bool scion_backward(struct scion_tensor *loss);

/* Returns the gradient of x after scion_backward(), a tensor of x's shape. NULL if the loss does not depend on x, or
 * no gradient was requested. */
SCION_API struct scion_tensor *scion_grad(struct scion_tensor *x);

/* The memory that a tape uses. A steady step does not change bytes and allocations. */
struct scion_tape_usage {
        size_t bytes;       /* of memory that the tape holds */
        size_t allocations; /* number of allocations so far */
        size_t tensors;     /* number of tensors on the tape */
};

/* Returns the present usage. */
SCION_API struct scion_tape_usage scion_tape_usage(const struct scion_tape *tape);

SCION_END

#endif
