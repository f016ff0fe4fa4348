/*
 * The tape: what a step makes, and how gradients flow back through it.
 *
 * A tape belongs to one thread at a time. Operations record themselves on the tape that is current on their
 * thread; scion_tape_reset() takes back everything made since, and keeps the memory for the next step. In a
 * plugin's callback the engine has already made a tape current: a strategy may turn gradients off for a while
 * or ask for one of an input; the rest is for code that drives its own steps.
 */
#ifndef SCION_TAPE_H
#define SCION_TAPE_H

#include <scion/tensor.h>

SCION_BEGIN

struct scion_tape;

/* A new tape, or NULL when memory is out. */
SCION_API struct scion_tape *scion_tape_create(void);
/* Frees the tape and all that was made on it. Takes NULL. */
SCION_API void scion_tape_destroy(struct scion_tape *tape);

/* Makes `tape` (or none: NULL) current on this thread; returns the one that was current before. */
SCION_API struct scion_tape *scion_tape_use(struct scion_tape *tape);

/* All tensors made on the tape are gone; their memory is kept for the next step. */
SCION_API void scion_tape_reset(struct scion_tape *tape);

/* In training, dropout drops, and batch normalisation goes by the batch. A new tape is in evaluation. */
SCION_API void scion_tape_set_training(struct scion_tape *tape, bool training);

/* Keys the tape's random numbers (dropout): the same seed and step give the same masks. */
SCION_API void scion_tape_set_seed(struct scion_tape *tape, uint64_t seed, uint64_t step);

/* Between the two, operations on this thread record no gradient. They nest. */
SCION_API void scion_no_grad_begin(void);
SCION_API void scion_no_grad_end(void);

/* Asks for the gradient of a float tensor; of one that an operation made, before scion_backward(). Returns x; NULL for NULL, for integers, and
 * for a frozen parameter, which scion_parameter_freeze() thaws. */
SCION_API struct scion_tensor *scion_require_grad(struct scion_tensor *x);

/*
 * Computes the gradient of `loss`, a float scalar, with respect to every tensor and parameter that asked for
 * it. Gradients of parameters add up until the engine clears them; those of tensors replace an earlier
 * pass's. Fails on NULL, on a loss of more than one element, on one that depends on nothing, and where a
 * tensor of another tape wants a gradient: gradients flow within the current one.
 */
SCION_API bool scion_backward(struct scion_tensor *loss);

/* The gradient of x, which asked for it, after scion_backward(), of x's shape; NULL when the loss does not depend on
 * x. */
SCION_API struct scion_tensor *scion_grad(struct scion_tensor *x);

/* What a tape has asked of the system so far. A steady step changes none of it. */
struct scion_tape_usage {
        size_t bytes;       /* held from the system */
        size_t allocations; /* times memory was asked of the system */
        size_t tensors;     /* tensors alive on the tape */
};

/* By value; it is not kept up. */
SCION_API struct scion_tape_usage scion_tape_usage(const struct scion_tape *tape);

SCION_END

#endif
