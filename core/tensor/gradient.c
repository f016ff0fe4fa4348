#include "tensor/gradient.h"

struct scion_tensor *scion_grad_target(struct scion_tensor *x, const struct scion_layout *layout)
{
        struct scion_tensor *slot = x->grad_is_slot && x->grad->layout == layout ? scion_grad_slot(x) : NULL;

        return slot ? slot : scion_tensor_new(x->shape, SCION_F32, layout);
}

bool scion_grad_done(struct scion_tensor *x, struct scion_tensor *target)
{
        return target == x->grad || scion_grad_add(x, target);
}
