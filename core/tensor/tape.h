/* Inside the tape, for the operations. */
#ifndef SCION_TENSOR_TAPE_H
#define SCION_TENSOR_TAPE_H

#include "tensor/tensor.h"

/*
 * An operation is a name and a backward function; its forward is the public function in the same file.
 *
 * backward() is given the node, whose output has its gradient in node->output->grad (any layout), and adds to
 * the gradient of every input that requires one: with scion_grad_add(), or as tensor/gradient.h has it.
 * It runs with recording off and the tape current, so operations may be used in it.
 */
struct scion_op {
        const char *name;
        bool (*backward)(struct scion_node *node);
};

#define SCION_MAX_INPUTS 3 /* more are kept in `saved` by the one operation that has them: concat */

struct scion_node {
        const struct scion_op *op;
        struct scion_tensor *output;
        struct scion_tensor *input[SCION_MAX_INPUTS]; /* unused ones are NULL */
        void *saved;                                  /* the operation's own, on the tape */
        struct scion_node *previous;                  /* recorded before this one */
};

/* The current tape, or NULL with a message that the operation needs one. */
struct scion_tape *scion_tape_current(void);
bool scion_tape_training(const struct scion_tape *tape);

/* The generator for this draw: one stream for each call within a step. */
struct scion_random;
void scion_tape_random(struct scion_tape *tape, struct scion_random *random);

/* Streams drawn from in this step. */
uint64_t scion_tape_draws(const struct scion_tape *tape);

/* A zeroed tensor of the current tape, to be filled in. NULL, with a message, when memory is out. */
struct scion_tensor *scion_tape_tensor(void);
/* Zeroed memory on the current tape, for structures. NULL, with a message, when memory is out. */
void *scion_tape_alloc(size_t bytes);
/* Memory of the device on the current tape, for elements; undefined. NULL, with a message, when memory is out. */
struct scion_storage *scion_tape_buffer(size_t bytes);

/*
 * Records that `output` was made from inputs (NULL ones are passed over) by `op`, when gradients are on and
 * an input requires one; the node then has `saved_bytes` of zeroed memory in ->saved. Returns NULL when
 * nothing is to be recorded. The caller fills in what its backward needs, if a node is returned. Running out
 * of memory makes the backward pass fail.
 */
struct scion_node *scion_record(const struct scion_op *op, struct scion_tensor *output,
                                struct scion_tensor *a, struct scion_tensor *b, struct scion_tensor *c,
                                size_t saved_bytes);

/* Are gradients recorded on this thread? Not between scion_no_grad_begin() and its end. */
bool scion_recording(void);

/* Are gradients recorded for something made from x now? NULL: no. */
bool scion_wants_grad(const struct scion_tensor *x);

/*
 * Adds g, of x's shape in any layout, to the gradient of x; does nothing when x wants none. g may be shared
 * with other tensors and is not changed. False for a NULL g.
 */
bool scion_grad_add(struct scion_tensor *x, struct scion_tensor *g);

#endif
