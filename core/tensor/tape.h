/* The tape's internal interface, which operations use. */
#ifndef SCION_TENSOR_TAPE_H
#define SCION_TENSOR_TAPE_H

#include "tensor/tensor.h"

/*
 * An operation: its name and its backward function. Its forward function is the public function in the same file.
 *
 * backward() reads the gradient of the output from node->output->grad, in any layout, and adds to the gradient of every
 * input that requires one, by scion_grad_add() or the functions of tensor/gradient.h. It is called with the tape current
 * and recording off, so it may call operations. Returns false, with a message, on failure.
 */
struct scion_op {
        const char *name;
        bool (*backward)(struct scion_node *node);
};

#define SCION_MAX_INPUTS 3 /* concat, which may have more, keeps them in `saved` */

struct scion_node {
        const struct scion_op *op;
        struct scion_tensor *output;
        struct scion_tensor *input[SCION_MAX_INPUTS]; /* NULL where unused */
        void *saved;                                  /* data of the operation, on the tape */
        struct scion_node *previous;                  /* the node recorded before this one */
};

/* Returns the calling thread's current tape; NULL, with a message, when there is none. */
struct scion_tape *scion_tape_current(void);
/* Returns whether the tape is in training mode (scion_tape_set_training()). */
bool scion_tape_training(const struct scion_tape *tape);

struct scion_random;
/* Initialises `random` with a new stream, which the tape's seed, the step and the number of earlier calls in this step
 * determine. */
void scion_tape_random(struct scion_tape *tape, struct scion_random *random);

/* Returns how often scion_tape_random() was called in this step. */
uint64_t scion_tape_draws(const struct scion_tape *tape);

/* Returns a zeroed tensor on the current tape, whose fields the caller fills in. NULL, with a message, when memory is
 * out. */
struct scion_tensor *scion_tape_tensor(void);
/* Returns zeroed host memory that lasts until the current tape is reset. NULL, with a message, when memory is out. */
void *scion_tape_alloc(size_t bytes);
/* Returns device memory that lasts until the current tape is reset; its contents are undefined. NULL, with a message,
 * when memory is out. */
struct scion_storage *scion_tape_buffer(size_t bytes);

/*
 * Records on the tape that `op` computed `output` from the inputs a, b and c, of which any may be NULL. The returned node
 * has `saved_bytes` bytes of zeroed memory in ->saved, in which the caller stores what backward() needs. Returns NULL
 * when nothing is recorded: when recording is off, when no input requires a gradient, and when memory is out. In the
 * last case the tape's backward pass will fail with a message.
 */
struct scion_node *scion_record(const struct scion_op *op, struct scion_tensor *output,
                                struct scion_tensor *a, struct scion_tensor *b, struct scion_tensor *c,
                                size_t saved_bytes);

/* Returns whether operations are recorded on this thread. They are not between scion_no_grad_begin() and
 * scion_no_grad_end(). */
bool scion_recording(void);

/* Returns whether an operation on x would be recorded now. False for NULL. */
bool scion_wants_grad(const struct scion_tensor *x);

/*
 * Adds g, a tensor of x's shape in any layout, to the gradient of x. Does nothing when x requires no gradient. g may be
 * shared with other tensors and is not changed. Returns false, keeping the message, when g is NULL; false, with a
 * message, when the shapes differ or x belongs to another tape.
 */
bool scion_grad_add(struct scion_tensor *x, struct scion_tensor *g);

#endif
