/* Dropout: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov. JMLR 2014. */
#include <scion/random.h>

#include "tensor/gradient.h"
#include "tensor/tape.h"

struct saved {
        struct scion_tensor *kept; /* uint8: 1 where the element is kept */
        float factor;
};

static bool dropout_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *y = node->output;
        struct scion_tensor *g = scion_tensor_in_layout(y->grad, y->layout);
        struct scion_tensor *dx = g ? scion_grad_target(x, y->layout) : NULL;

        return dx && SCION_ON_DEVICE(select, &g->array, &saved->kept->array, saved->factor, &dx->array) &&
               scion_grad_done(x, dx);
}

static const struct scion_op dropout_op = { "dropout", dropout_backward };

struct scion_tensor *scion_dropout(struct scion_tensor *x, float p)
{
        struct scion_tape *tape = scion_check_float("dropout", x) ? scion_tape_current() : NULL;

        if (!tape)
                return NULL;
        if (!(p >= 0 && p <= 1))
                return scion_refuse_null("dropout: the probability is in 0 .. 1, got %g", (double)p);
        if (p == 0 || !scion_tape_training(tape))
                return x;
        struct scion_tensor *y = scion_tensor_float(x->shape, x->layout);
        struct scion_tensor *kept = y ? scion_tensor_new(x->shape, SCION_U8, x->layout) : NULL;
        struct scion_random random;

        if (!kept)
                return NULL;
        float factor = p < 1 ? 1 / (1 - p) : 0;
        uint64_t limit =
                (uint64_t)((double)p *
                           0x1p32); /* an element is dropped when its 32-bit random number is below */

        scion_tape_random(tape, &random);
        if (!SCION_ON_DEVICE(draw, &random, limit, &kept->array) ||
            !SCION_ON_DEVICE(select, &x->array, &kept->array, factor, &y->array))
                return NULL;
        struct scion_node *node = scion_record(&dropout_op, y, x, NULL, NULL, sizeof(struct saved));

        if (node)
                *(struct saved *)node->saved = (struct saved){ kept, factor };
        return y;
}
