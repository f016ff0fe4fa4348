/* Properties of all kernels: results in any layout, padding, memory use of a steady step, reproducible bits. */
#include <pthread.h>

#include "backend/backend.h"
#include "support/device.h"
#include "support/elements.h"
#include "tensor/window.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- A chain: convolutions, poolings, operations on elements, a linear layer ---------------------------- */

enum { X, FIRST, FIRST_BIAS, SECOND, SECOND_BIAS, LAST, LAST_BIAS, LEAVES };
enum { PARTS = 6 };

struct chain {
        struct scion_tensor *leaf[LEAVES], *part[PARTS];
};

/* Keeps the result of an operation and returns it; with `plain`, in row-major layout. */
static struct scion_tensor *chain_part(struct chain *chain, int part, struct scion_tensor *x, bool plain)
{
        if (!x)
                fail_msg("part %d: %s", part, scion_error());
        return chain->part[part] = plain ? scion_tensor_row_major(x) : x;
}

static struct chain chain_make(int64_t channels, int64_t wide, bool plain)
{
        struct scion_window same = { .padding = { 1, 1 } }, two = { .kernel = { 2, 2 } };
        struct scion_window three = { .kernel = { 3, 3 }, .stride = { 2, 2 }, .padding = { 1, 1 } };
        struct chain chain = {
                .leaf = { numbers(SCION_SHAPE(3, channels, 12, 10), 1),
                          numbers(SCION_SHAPE(6, channels, 3, 3), 2), numbers(SCION_SHAPE(6), 3),
                          numbers(SCION_SHAPE(wide, 6, 3, 3), 4), numbers(SCION_SHAPE(wide), 5),
                          numbers(SCION_SHAPE(4, wide * 3 * 3), 6), numbers(SCION_SHAPE(4), 7) }
        };
        struct scion_tensor **leaf = chain.leaf, *y;

        for (int i = 0; i < LEAVES; i++)
                scion_require_grad(leaf[i]);
        y = chain_part(&chain, 0, scion_conv2d(leaf[X], leaf[FIRST], leaf[FIRST_BIAS], &same), plain);
        y = chain_part(&chain, 1, scion_relu(y), plain);
        y = chain_part(&chain, 2, scion_max_pool2d(y, &two), plain);
        y = chain_part(&chain, 3, scion_conv2d(y, leaf[SECOND], leaf[SECOND_BIAS], &same), plain);
        y = chain_part(&chain, 4, scion_avg_pool2d(y, &three), plain);
        chain_part(&chain, 5, scion_linear(scion_flatten(y, 1), leaf[LAST], leaf[LAST_BIAS]), plain);
        return chain;
}

static void chain_backward(struct chain *chain)
{
        struct scion_tensor *y = chain->part[PARTS - 1];

        backward_from(y, numbers(y->shape, 9));
}

#define ROOM 32768

/* Copies of the elements of several tensors. */
struct results {
        size_t used;
        float value[ROOM];
};

static void results_append(struct results *results, struct scion_tensor *x)
{
        size_t size = (size_t)scion_size(x);

        if (!x)
                fail_msg("%s", scion_error());
        assert_true(results->used + size <= ROOM);
        memcpy(results->value + results->used, scion_data(x), size * sizeof(float));
        results->used += size;
}

/* Computes the chain's result and all gradients. */
static struct chain chain_run(struct results *results, int64_t channels, int64_t wide, bool plain)
{
        struct chain chain = chain_make(channels, wide, plain);

        chain_backward(&chain);
        results_append(results, chain.part[PARTS - 1]);
        for (int i = 0; i < LEAVES; i++)
                results_append(results, scion_grad(chain.leaf[i]));
        return chain;
}

static void chains_agree_in_any_layout(void **state)
{
        static const int64_t shapes[][2] = { { 1, 16 }, { 3, 17 }, { 5, 32 }, { 16, 5 } };
        static struct results as_it_comes, plain;

        (void)state;
        for (size_t i = 0; i < COUNT(shapes); i++) {
                as_it_comes.used = plain.used = 0;
                chain_run(&as_it_comes, shapes[i][0], shapes[i][1], false);
                chain_run(&plain, shapes[i][0], shapes[i][1], true);
                assert_int_equal(as_it_comes.used, plain.used);
                for (size_t j = 0; j < plain.used; j++)
                        if (!(fabsf(as_it_comes.value[j] - plain.value[j]) <=
                              1e-5f * (1 + fabsf(plain.value[j]))))
                                fail_msg("%zu of %lld channels: %g, and %g in row-major layout", j,
                                         (long long)shapes[i][0], (double)as_it_comes.value[j],
                                         (double)plain.value[j]);
                scion_tape_reset(tape);
        }
}

/* Fills with NaN the memory that the next step reuses. */
static void tape_poison(void)
{
        for (int i = 0; i < 40; i++) {
                struct scion_tensor *x = scion_full(SCION_SHAPE(3, 32, 12 - i / 4, 10), NAN);

                assert_non_null(x);
        }
        scion_tape_reset(tape);
}

static size_t count_nonzero(const float *value, size_t count)
{
        size_t found = 0;

        for (size_t i = 0; i < count; i++)
                found += value[i] != 0; /* true for NaN */
        return found;
}

static void assert_padding_is_zero(struct scion_tensor *x)
{
        assert_non_null(x);
        assert_int_equal(count_nonzero(elements_of(x), x->length),
                         count_nonzero(scion_data(x), (size_t)scion_size(x)));
}

static void padding_of_layouts_is_zero(void **state)
{
        (void)state;
        tape_poison();
        struct chain chain = chain_make(3, 17, false);

        for (int i = 0; i < PARTS; i++)
                scion_require_grad(chain.part[i]);
        chain_backward(&chain);
        for (int i = 0; i < PARTS; i++) {
                assert_padding_is_zero(chain.part[i]);
                assert_padding_is_zero(scion_grad(chain.part[i]));
        }
        for (int i = 0; i < LEAVES; i++)
                assert_padding_is_zero(scion_grad(chain.leaf[i]));
        scion_tape_reset(tape);
}

/* A reorder to the layout of a convolution's operand and back gives the same bits. */
static void reorders_keep_every_element(void **state)
{
        static const int64_t channels[] = { 1, 3, 5, 16, 17, 32 };

        (void)state;
        for (size_t i = 0; i < COUNT(channels); i++) {
                int64_t c = channels[i];
                struct scion_geometry geometry = {
                        .x = SCION_SHAPE(2, c, 6, 5),
                        .weight = SCION_SHAPE(c + 1, c, 3, 3),
                        .y = SCION_SHAPE(2, c + 1, 6, 5),
                        .window = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1 }, 1, false }
                };
                struct scion_kernel *kernel = SCION_ON_DEVICE(conv2d, SCION_FORWARD, &geometry, false);
                const struct {
                        enum scion_operand operand;
                        struct scion_shape shape;
                } of[] = { { SCION_X, geometry.x },
                           { SCION_WEIGHT, geometry.weight },
                           { SCION_Y, geometry.y } };

                assert_non_null(kernel);
                for (size_t j = 0; j < COUNT(of); j++) {
                        const struct scion_layout *layout = scion_kernel_layout(kernel, of[j].operand);
                        struct scion_tensor *x = numbers(of[j].shape, 1), *there, *back;

                        there = scion_tensor_in_layout(x, layout);
                        back = scion_tensor_in_layout(there, NULL);
                        assert_non_null(back);
                        assert_int_equal(there->length, scion_layout_length(layout, &of[j].shape));
                        assert_true(there->length >= x->length);
                        assert_memory_equal(scion_data(back), scion_data(x), x->length * sizeof(float));
                        assert_padding_is_zero(there);
                }
                /* The second call finds the kernel, and equal layouts are the same pointer. */
                assert_ptr_equal(kernel, SCION_ON_DEVICE(conv2d, SCION_FORWARD, &geometry, false));
                scion_tape_reset(tape);
        }
}

/* --- Steady steps --------------------------------------------------------------------------------------- */

/* A step of the chain and a product, on the current tape. */
static void step_run(struct results *results)
{
        struct chain chain;

        results->used = 0;
        chain = chain_run(results, 3, 17, false);
        results_append(results, scion_matmul(chain.part[PARTS - 1], chain.leaf[LAST], false, false));
        scion_tape_reset(tape);
}

static void a_steady_step_allocates_nothing(void **state)
{
        static struct results results;
        struct scion_tape_usage tape_before, tape_after;
        struct scion_device_usage before, after;

        (void)state;
        step_run(&results);
        tape_before = scion_tape_usage(tape);
        before = scion_device_usage();
        for (int i = 0; i < 3; i++)
                step_run(&results);
        tape_after = scion_tape_usage(tape);
        after = scion_device_usage();
        assert_int_equal(tape_before.bytes, tape_after.bytes);
        assert_int_equal(tape_before.allocations, tape_after.allocations);
        assert_true(before.kernels > 0);
        assert_int_equal(before.kernels, after.kernels);
        assert_int_equal(before.scratch, after.scratch);
}

/* Without gradients other kernels may be used, but the results are the same. */
static void evaluation_equals_training(void **state)
{
        struct scion_tensor *trained = chain_make(3, 17, false).part[PARTS - 1], *evaluated;

        (void)state;
        scion_no_grad_begin();
        evaluated = chain_make(3, 17, false).part[PARTS - 1];
        scion_no_grad_end();
        assert_non_null(trained->node);
        assert_null(evaluated->node);
        assert_memory_equal(scion_data(trained), scion_data(evaluated), trained->length * sizeof(float));
        scion_tape_reset(tape);
}

/* Runs steps on another thread, with a tape and kernels of its own. */
static void *thread_run_steps(void *first)
{
        const struct results *expected = first;
        struct results *again = calloc(1, sizeof *again);
        bool same = again && use_tape(NULL) == 0;

        for (int i = 0; same && i < 8; i++) {
                step_run(again);
                same = again->used == expected->used &&
                       memcmp(again->value, expected->value, again->used * sizeof(float)) == 0;
        }
        drop_tape(NULL);
        free(again);
        return same ? first : NULL;
}

static void results_are_reproducible(void **state)
{
        static struct results first, again;
        pthread_t thread[3];
        void *done;

        (void)state;
        for (int threads = 1; threads <= 3; threads++) {
                device_set_threads(threads);
                step_run(&first);
                for (int i = 0; i < 3; i++) {
                        step_run(&again);
                        assert_int_equal(first.used, again.used);
                        assert_memory_equal(first.value, again.value, first.used * sizeof(float));
                }
                for (int i = 0; i < 3; i++)
                        assert_int_equal(pthread_create(&thread[i], NULL, thread_run_steps, &first), 0);
                for (int i = 0; i < 3; i++) {
                        assert_int_equal(pthread_join(thread[i], &done), 0);
                        assert_ptr_equal(done, &first);
                }
        }
        device_set_threads(1);
}

/* In the back end's loops, the order of every sum is the same for any number of threads. The images are in groups, the
 * last of which is partly filled, and the tensors are large enough to be divided among threads. */
static void loops_do_not_depend_on_threads(void **state)
{
        enum { IMAGES = 40, SIDE = 28, KEPT = 6 };
        struct scion_window same = { .padding = { 2, 2 } }, two = { .kernel = { 2, 2 } };
        struct scion_window over = { .kernel = { 3, 3 }, .stride = { 2, 2 } };
        float *kept[KEPT] = { NULL };

        (void)state;
        for (int threads = 1; threads <= 5; threads++) {
                struct scion_tensor *x = numbers(SCION_SHAPE(IMAGES, 3, SIDE, SIDE), 1), *y, *z;
                struct scion_tensor *first = numbers(SCION_SHAPE(6, 3, 5, 5), 2);
                struct scion_tensor *bias = numbers(SCION_SHAPE(6), 3);
                struct scion_tensor *second = numbers(SCION_SHAPE(7, 6, 3, 3), 4);

                device_set_threads(threads);
                scion_require_grad(x), scion_require_grad(first), scion_require_grad(bias);
                scion_require_grad(second);
                y = scion_relu(scion_conv2d(x, first, bias, &same));
                y = scion_max_pool2d(scion_add(y, scion_tanh(y)), &two);
                z = scion_avg_pool2d(scion_conv2d(y, second, NULL, NULL), &over);
                backward_from(z, numbers(z->shape, 5));

                const struct scion_tensor *made[KEPT] = {
                        y, z, x->grad, first->grad, bias->grad, second->grad
                };

                for (int i = 0; i < KEPT; i++) {
                        size_t bytes = made[i]->length * sizeof(float);

                        if (!kept[i])
                                kept[i] = memcpy(malloc(bytes), elements_of(made[i]), bytes);
                        assert_memory_equal(kept[i], elements_of(made[i]), bytes);
                }
                scion_tape_reset(tape);
        }
        for (int i = 0; i < KEPT; i++)
                free(kept[i]);
        device_set_threads(1);
}

/* --- Errors --------------------------------------------------------------------------------------------- */

static void library_errors_are_reported(void **state)
{
        struct scion_geometry wrong = { .x = SCION_SHAPE(2, 3, 7, 5),
                                        .weight = SCION_SHAPE(4, 3, 3, 3),
                                        .y = SCION_SHAPE(2, 4, 9,
                                                         9), /* not the shape that x and weight give */
                                        .window = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1 }, 1, false } };
        struct scion_product none = { .batch = 1, .m = 2, .n = 2, .k = -1 };
        size_t before = scion_device_usage().kernels;
        struct scion_tensor *c = scion_zeros(SCION_SHAPE(2, 2));

        (void)state;
        assert_null(SCION_ON_DEVICE(conv2d, SCION_FORWARD, &wrong, false));
        assert_error_has("conv2d: oneDNN: invalid_arguments", NULL);
        assert_null(SCION_ON_DEVICE(conv2d, SCION_BACKWARD_X, &wrong, false));
        assert_error_has("conv2d: oneDNN: invalid_arguments", NULL);
        assert_null(SCION_ON_DEVICE(pool2d, SCION_FORWARD, SCION_MAXIMUM, &wrong, NULL));
        assert_error_has("max_pool2d: oneDNN: invalid_arguments", NULL);
        assert_null(SCION_ON_DEVICE(pool2d, SCION_FORWARD, SCION_AVERAGE, &wrong, NULL));
        assert_error_has("avg_pool2d: oneDNN: invalid_arguments", NULL);
        assert_false(SCION_ON_DEVICE(multiply, "matmul", &none, &c->array, &c->array, NULL, &c->array));
        assert_error_has("matmul: oneDNN: invalid_arguments", NULL);
        assert_int_equal(scion_device_usage().kernels, before);
        scion_tape_reset(tape);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chains_agree_in_any_layout),
                cmocka_unit_test(padding_of_layouts_is_zero),
                cmocka_unit_test(reorders_keep_every_element),
                cmocka_unit_test(a_steady_step_allocates_nothing),
                cmocka_unit_test(results_are_reproducible),
                cmocka_unit_test(loops_do_not_depend_on_threads),
                cmocka_unit_test(evaluation_equals_training),
                cmocka_unit_test(library_errors_are_reported),
        };

        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
