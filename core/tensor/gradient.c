/* Accumulates the gradients of tensors. */
#include "tensor/gradient.h"

/* Checks that x belongs to the current tape or to none. The backward pass does not go through the nodes of another tape,
 * and a gradient stored in one of its tensors would be freed when the current tape is reset. */
static bool tensor_check_tape(const struct scion_tensor *x)
{
        return !x->tape || x->tape == scion_tape_current() ||
               scion_refuse("a tensor of another tape cannot have a gradient here; scion_detach() makes it a "
                            "constant");
}

/* sum = x + y, for tensors of the same shape and layout. x may be sum. */
static bool tensors_add(struct scion_tensor *sum, const struct scion_tensor *x, const struct scion_tensor *y)
{
        scion_tensor_changed(sum);
        return SCION_ON_DEVICE(binary, SCION_BINARY_ADD, &x->array, &y->array, &sum->array);
}

/* Adds g to the gradient of x, which is shared with other tensors, in a new tensor. */
static bool gradient_replace_shared(struct scion_tensor *x, struct scion_tensor *g)
{
        const struct scion_layout *layout = g->layout == x->layout ? x->layout : x->grad->layout;
        struct scion_tensor *old = scion_tensor_in_layout(x->grad, layout);
        struct scion_tensor *sum = scion_tensor_new(x->shape, SCION_F32, layout);

        g = scion_tensor_in_layout(g, layout);
        if (!old || !g || !sum || !tensors_add(sum, old, g))
                return false;
        x->grad = sum;
        x->owns_grad = true;
        return true;
}

bool scion_grad_add(struct scion_tensor *x, struct scion_tensor *g)
{
        if (!g)
                return false;
        if (!x->requires_grad)
                return true;
        if (!tensor_check_tape(x))
                return false;
        if (!scion_shape_equal(&x->shape, &g->shape)) {
                char has[96], is[96];

                return scion_refuse("a gradient of shape %s for a tensor of shape %s",
                                    scion_shape_text(&g->shape, has, sizeof has),
                                    scion_shape_text(&x->shape, is, sizeof is));
        }
        if (!x->has_grad) {
                if (x->grad_is_slot) {
                        if (!scion_tensor_copy(g, x->grad))
                                return false;
                } else {
                        x->grad = g;
                        x->owns_grad = false;
                }
                x->has_grad = true;
                return true;
        }
        if (!x->grad_is_slot && !x->owns_grad)
                return gradient_replace_shared(x, g);
        g = scion_tensor_in_layout(g, x->grad->layout);
        return g && tensors_add(x->grad, x->grad, g);
}

struct scion_tensor *scion_grad_accumulated(struct scion_tensor *x)
{
        bool own = x->grad_is_slot || (x->owns_grad && x->tape == scion_tape_current());

        return x->has_grad && own && !x->grad->layout ? x->grad : NULL;
}

struct scion_tensor *scion_grad_target(struct scion_tensor *x, const struct scion_layout *layout)
{
        if (!x->requires_grad || !x->grad_is_slot || x->has_grad || x->grad->layout != layout)
                return scion_tensor_new(x->shape, SCION_F32, layout);
        x->has_grad = true;
        return x->grad;
}

bool scion_grad_done(struct scion_tensor *x, struct scion_tensor *target)
{
        if (!target || !x->requires_grad)
                return target != NULL;
        if (x->grad_is_slot)
                return target == x->grad || scion_grad_add(x, target);
        if (!tensor_check_tape(x))
                return false;
        if (x->has_grad && x->owns_grad)
                return scion_grad_add(x, target);
        if (x->has_grad) {
                struct scion_tensor *old = scion_tensor_in_layout(x->grad, target->layout);

                if (!old || !tensors_add(target, target, old))
                        return false;
        }
        x->grad = target;
        x->has_grad = true;
        x->owns_grad = true;
        return true;
}
