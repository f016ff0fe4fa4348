/* The gradient check itself, on an operation whose gradient is made right or wrong. */
#include "support/gradcheck.h"

#include "tensor/tape.h"

static bool cube_backward(struct scion_node *node)
{
        struct scion_tensor *x = node->input[0], *g = scion_tensor_new(x->shape, SCION_F32, NULL);
        const float *from = scion_data(node->output->grad), *value = scion_data(x);

        for (size_t i = 0; i < g->length; i++)
                ((float *)g->data)[i] = 3 * value[i] * value[i] * from[i];
        return scion_grad_add(x, g);
}

static const struct scion_op cube = { "cube", cube_backward };

static struct scion_tensor *build_cube(struct scion_tensor *const *leaf, const void *context)
{
        struct scion_tensor *y = scion_tensor_new(leaf[0]->shape, SCION_F32, NULL);

        (void)context;
        for (size_t i = 0; i < y->length; i++) {
                float x = ((float *)leaf[0]->data)[i];

                ((float *)y->data)[i] = x * x * x;
        }
        scion_record(&cube, y, leaf[0], NULL, NULL, 0);
        return y;
}

static void right_gradient_passes(void **state)
{
        (void)state;
        gradcheck(&(struct gradcheck){
                .name = "cube", .build = build_cube, .leaves = 1, .shape = { SCION_SHAPE(5, 7) } });
        gradcheck(&(struct gradcheck){ .name = "cube of a large tensor",
                                       .build = build_cube,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(3, 201) },
                                       .low = 1,
                                       .high = 3 });
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(right_gradient_passes) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
