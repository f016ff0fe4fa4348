/* Dropout: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov. JMLR 2014. */
#include <scion/simd.h>

#include "base/random.h"
#include "tensor/gradient.h"
#include "tensor/tape.h"

struct saved {
        unsigned char *kept; /* 1 where the element stays */
        float factor;
};

SCION_CLONES static void mask(const float *restrict x, const unsigned char *restrict kept, float factor,
                              float *restrict y, size_t count)
{
        for (size_t i = 0; i < count; i++)
                y[i] = kept[i] ? x[i] * factor : 0;
}

#define NUMBERS 512 /* drawn at a time */

SCION_CLONES static void not_below(const uint32_t *restrict numbers, uint64_t limit,
                                   unsigned char *restrict kept, size_t count)
{
        for (size_t i = 0; i < count; i++)
                kept[i] = numbers[i] >= limit;
}

static void draw(struct scion_random *random, uint64_t limit, unsigned char *kept, size_t count)
{
        uint32_t numbers[NUMBERS];

        for (size_t some; count > 0; count -= some, kept += some) {
                some = count < NUMBERS ? count : NUMBERS;
                scion_random_fill(random, numbers, some);
                not_below(numbers, limit, kept, some);
        }
}

static bool dropout_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *y = node->output;
        struct scion_tensor *g = scion_tensor_in_layout(y->grad, y->layout);
        struct scion_tensor *dx = g ? scion_grad_target(x, y->layout) : NULL;

        if (!dx)
                return false;
        mask(g->data, saved->kept, saved->factor, dx->data, dx->length);
        return scion_grad_done(x, dx);
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
        struct scion_tensor *y = scion_tensor_new(x->shape, SCION_F32, x->layout);
        unsigned char *kept = y ? scion_tape_buffer(y->length) : NULL;
        struct scion_random random;

        if (!kept)
                return NULL;
        float factor = p < 1 ? 1 / (1 - p) : 0;
        uint64_t limit = (uint64_t)((double)p * 0x1p32); /* of 2^32 draws, so many drop */

        scion_tape_random(tape, &random);
        draw(&random, limit, kept, y->length);
        mask(x->data, kept, factor, y->data, y->length);
        struct scion_node *node = scion_record(&dropout_op, y, x, NULL, NULL, sizeof(struct saved));

        if (node)
                *(struct saved *)node->saved = (struct saved){ kept, factor };
        return y;
}
