/* Maximum and average over windows of images. */
#include "backend/backend.h"
#include "tensor/gradient.h"
#include "tensor/window.h"

struct saved {
        struct scion_geometry geometry;
        enum scion_pooling pooling;
        struct scion_tensor *workspace; /* that of the forward kernel, uint8; NULL when there is none */
};

static bool pool2d_backward(struct scion_node *node)
{
        const struct saved *saved = node->saved;
        struct scion_tensor *x = node->input[0];
        struct scion_kernel *kernel =
                SCION_ON_DEVICE(pool2d, SCION_BACKWARD_X, saved->pooling, &saved->geometry, x->layout);

        if (!kernel)
                return false;
        struct scion_tensor *from = scion_tensor_for_kernel(node->output->grad, kernel, SCION_Y_GRAD);
        struct scion_tensor *to =
                from ? scion_grad_target(x, scion_kernel_layout(kernel, SCION_X_GRAD)) : NULL;

        scion_grad_allow_reuse();
        return to &&
               SCION_ON_DEVICE(kernel_run, kernel,
                               (const struct scion_array *[SCION_OPERANDS]){
                                       [SCION_Y_GRAD] = &from->array,
                                       [SCION_X_GRAD] = &to->array,
                                       [SCION_WORKSPACE] = scion_array_of(saved->workspace),
                               }) &&
               scion_grad_done(x, to);
}

static const struct scion_op max_pool2d = { "max_pool2d", pool2d_backward };
static const struct scion_op avg_pool2d = { "avg_pool2d", pool2d_backward };

/* Checks the arguments and fills in the geometry. */
static bool arguments_check(const char *operation, const struct scion_tensor *x,
                            const struct scion_window *window, struct scion_geometry *geometry)
{
        if (!window)
                return scion_refuse("%s: takes a window", operation);
        if (window->dilation[0] > 1 || window->dilation[1] > 1)
                return scion_refuse("%s: takes no dilation, got %dx%d", operation, window->dilation[0],
                                    window->dilation[1]);
        if (window->groups > 1)
                return scion_refuse("%s: takes no groups, got %d", operation, window->groups);
        geometry->weight = SCION_SCALAR;
        if (!scion_window_geometry(operation, x, window, scion_dim(x, 1), window->kernel, geometry))
                return false;
        for (int i = 0; i < 2; i++)
                if (window->padding[i] > window->kernel[i] / 2)
                        return scion_refuse("%s: a padding of %dx%d is more than half the kernel of %dx%d",
                                            operation, window->padding[0], window->padding[1],
                                            window->kernel[0], window->kernel[1]);
        return true;
}

static struct scion_tensor *pool2d_apply(const struct scion_op *op, enum scion_pooling pooling,
                                         struct scion_tensor *x, const struct scion_window *window)
{
        struct scion_geometry geometry;
        struct scion_tensor *workspace = NULL;

        if (!scion_check_float(op->name, x) || !arguments_check(op->name, x, window, &geometry))
                return NULL;
        struct scion_kernel *kernel = SCION_ON_DEVICE(pool2d, SCION_FORWARD, pooling, &geometry, x->layout);
        struct scion_tensor *y =
                kernel ? scion_tensor_float(geometry.y, scion_kernel_layout(kernel, SCION_Y)) : NULL;

        if (!y)
                return NULL;
        size_t bytes = scion_device.plugin->kernel_bytes(kernel, SCION_WORKSPACE);

        if (bytes > 0 && !(workspace = scion_tensor_new(SCION_SHAPE((int64_t)bytes), SCION_U8, NULL)))
                return NULL;
        if (!SCION_ON_DEVICE(kernel_run, kernel,
                             (const struct scion_array *[SCION_OPERANDS]){
                                     [SCION_X] = &x->array,
                                     [SCION_Y] = &y->array,
                                     [SCION_WORKSPACE] = scion_array_of(workspace),
                             }))
                return NULL;
        struct scion_node *node = scion_record(op, y, x, NULL, NULL, sizeof(struct saved));

        if (node)
                *(struct saved *)node->saved =
                        (struct saved){ .geometry = geometry, .pooling = pooling, .workspace = workspace };
        return y;
}

struct scion_tensor *scion_max_pool2d(struct scion_tensor *x, const struct scion_window *window)
{
        return pool2d_apply(&max_pool2d, scion_wants_grad(x) ? SCION_MAXIMUM : SCION_MAXIMUM_NO_GRAD, x,
                            window);
}

struct scion_tensor *scion_avg_pool2d(struct scion_tensor *x, const struct scion_window *window)
{
        return pool2d_apply(&avg_pool2d,
                            window && window->exclude_padding ? SCION_AVERAGE_EXCLUDED : SCION_AVERAGE, x,
                            window);
}
