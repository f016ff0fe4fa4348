/* Normalisation of vectors to length 1, and norms. */
#include <float.h>

#include "tensor/gradient.h"
#include "tensor/reduce.h"

struct saved {
        struct scion_tensor *factor; /* 1 / max(|x|, eps), with the axes of a vector as length 1 */
        struct scion_tensor *norm;
        float eps;
};

/* Returns x where kept >= p or kept is NaN, else 0. */
static struct scion_tensor *tensor_clear_below(struct scion_tensor *x, struct scion_tensor *kept, float p)
{
        struct scion_tensor *y = x ? scion_tensor_float(x->shape, NULL) : NULL;

        return y && SCION_ON_DEVICE(unary_gradient, SCION_UNARY_CLAMP_MIN, p, &x->array, &kept->array,
                                    &y->array)
                       ? y
                       : NULL;
}

/* dx = factor (g - y <g, y>), but factor g where the divisor is eps, and 0 where x is 0. */
static bool normalize_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0], *y = node->output, *g = y->grad;
        struct scion_tensor *along =
                scion_tensor_row_major(scion_sum_to(scion_mul(g, y), &saved->norm->shape));
        /* The norm is the root of a float, so it is either 0 or above FLT_MIN. */
        struct scion_tensor *factor = tensor_clear_below(saved->factor, saved->norm, FLT_MIN);

        along = tensor_clear_below(along, saved->norm, saved->eps);
        return factor && along && scion_grad_done(x, scion_mul(factor, scion_sub(g, scion_mul(y, along))));
}

static const struct scion_op normalize_op = { "normalize", normalize_backward };

struct scion_tensor *scion_normalize(struct scion_tensor *x, unsigned axes, float eps)
{
        struct scion_shape kept, result;

        if (!scion_check_float("normalize", x) || !scion_check_axes("normalize", x, axes, &axes))
                return NULL;
        if (!(eps > 0))
                return scion_refuse_null("normalize: eps must be above 0, got %g", (double)eps);
        scion_reduced_shapes(&x->shape, axes, true, &kept, &result);
        scion_no_grad_begin();
        struct scion_tensor *norm = scion_tensor_row_major(scion_sqrt(scion_sum_to(scion_mul(x, x), &kept)));
        struct scion_tensor *factor = scion_div(scion_scalar(1), scion_clamp_min(norm, eps));
        struct scion_tensor *y = scion_mul(x, factor);

        scion_no_grad_end();
        struct scion_node *node =
                y ? scion_record(&normalize_op, y, x, NULL, NULL, sizeof(struct saved)) : NULL;

        if (node)
                *(struct saved *)node->saved = (struct saved){ factor, norm, eps };
        return y;
}

struct scion_tensor *scion_norm(struct scion_tensor *x, unsigned axes, bool keep)
{
        scion_no_grad_begin();
        struct scion_tensor *direction = scion_normalize(x, axes, FLT_MIN);

        scion_no_grad_end();
        return scion_sum(scion_mul(x, direction), axes, keep); /* whose gradient is the direction */
}
