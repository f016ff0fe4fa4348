/* What holds for all kernels: layouts and their padding, steady steps, the same bits again. */
#include <pthread.h>

#include "backend/backend.h"
#include "support/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- A chain: convolutions, poolings, what comes between, a linear layer -------------------------------- */

enum { X, FIRST, FIRST_BIAS, SECOND, SECOND_BIAS, LAST, LAST_BIAS, LEAVES };
enum { PARTS = 6 };

struct chain {
        struct scion_tensor *leaf[LEAVES], *part[PARTS];
};

/* Between the links, either as it comes, or in row-major layout. */
static struct scion_tensor *link(struct chain *chain, int part, struct scion_tensor *x, bool plain)
{
        if (!x)
                fail_msg("part %d: %s", part, scion_error());
        return chain->part[part] = plain ? scion_tensor_plain(x) : x;
}

static struct chain make_chain(int64_t channels, int64_t wide, bool plain)
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
        y = link(&chain, 0, scion_conv2d(leaf[X], leaf[FIRST], leaf[FIRST_BIAS], &same), plain);
        y = link(&chain, 1, scion_relu(y), plain);
        y = link(&chain, 2, scion_max_pool2d(y, &two), plain);
        y = link(&chain, 3, scion_conv2d(y, leaf[SECOND], leaf[SECOND_BIAS], &same), plain);
        y = link(&chain, 4, scion_avg_pool2d(y, &three), plain);
        link(&chain, 5, scion_linear(scion_flatten(y, 1), leaf[LAST], leaf[LAST_BIAS]), plain);
        return chain;
}

static void chain_backward(struct chain *chain)
{
        struct scion_tensor *y = chain->part[PARTS - 1];

        backward_from(y, numbers(y->shape, 9));
}

#define ROOM 32768

/* Floats gathered one tensor after another. */
struct results {
        size_t used;
        float value[ROOM];
};

static void gather(struct results *results, struct scion_tensor *x)
{
        size_t size = (size_t)scion_size(x);

        if (!x)
                fail_msg("%s", scion_error());
        assert_true(results->used + size <= ROOM);
        memcpy(results->value + results->used, scion_data(x), size * sizeof(float));
        results->used += size;
}

/* The chain's result and all gradients. */
static struct chain run_chain(struct results *results, int64_t channels, int64_t wide, bool plain)
{
        struct chain chain = make_chain(channels, wide, plain);

        chain_backward(&chain);
        gather(results, chain.part[PARTS - 1]);
        for (int i = 0; i < LEAVES; i++)
                gather(results, scion_grad(chain.leaf[i]));
        return chain;
}

static void chains_agree_in_any_layout(void **state)
{
        static const int64_t shapes[][2] = { { 1, 16 }, { 3, 17 }, { 5, 32 }, { 16, 5 } };
        static struct results as_it_comes, plain;

        (void)state;
        for (size_t i = 0; i < COUNT(shapes); i++) {
                as_it_comes.used = plain.used = 0;
                run_chain(&as_it_comes, shapes[i][0], shapes[i][1], false);
                run_chain(&plain, shapes[i][0], shapes[i][1], true);
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

/* Memory of the step before, full of what must not be seen again. */
static void soil_tape(void)
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
                found += value[i] != 0; /* as is what is not a number */
        return found;
}

static void assert_padding_is_zero(struct scion_tensor *x)
{
        assert_non_null(x);
        assert_int_equal(count_nonzero(x->data, x->length),
                         count_nonzero(scion_data(x), (size_t)scion_size(x)));
}

static void padding_of_layouts_is_zero(void **state)
{
        (void)state;
        soil_tape();
        struct chain chain = make_chain(3, 17, false);

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

/* To the layouts that convolutions of these channels take for x and weight, and back: not a bit is lost. */
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
                struct scion_kernel *kernel = scion_backend_conv2d(SCION_FORWARD, &geometry, false);
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
                        assert_memory_equal(back->data, x->data, x->length * sizeof(float));
                        assert_padding_is_zero(there);
                }
                /* Asked for again, it is the same one: interned layouts compare as pointers. */
                assert_ptr_equal(kernel, scion_backend_conv2d(SCION_FORWARD, &geometry, false));
                scion_tape_reset(tape);
        }
}

/* --- Steady steps --------------------------------------------------------------------------------------- */

/* A step of everything, on the current tape. */
static void step(struct results *results)
{
        struct chain chain;

        results->used = 0;
        chain = run_chain(results, 3, 17, false);
        gather(results, scion_matmul(chain.part[PARTS - 1], chain.leaf[LAST], false, false));
        scion_tape_reset(tape);
}

static void a_steady_step_asks_for_nothing(void **state)
{
        static struct results results;
        struct scion_tape_usage tape_before, tape_after;
        struct scion_backend_usage before, after;

        (void)state;
        step(&results);
        tape_before = scion_tape_usage(tape);
        before = scion_backend_usage();
        for (int i = 0; i < 3; i++)
                step(&results);
        tape_after = scion_tape_usage(tape);
        after = scion_backend_usage();
        assert_int_equal(tape_before.bytes, tape_after.bytes);
        assert_int_equal(tape_before.allocations, tape_after.allocations);
        assert_true(before.kernels > 0);
        assert_int_equal(before.kernels, after.kernels);
        assert_int_equal(before.scratch, after.scratch);
}

/* Other kernels may do the work when no gradient is wanted, but what comes out is the same. */
static void evaluation_gives_the_bits_of_training(void **state)
{
        struct scion_tensor *trained = make_chain(3, 17, false).part[PARTS - 1], *evaluated;

        (void)state;
        scion_no_grad_begin();
        evaluated = make_chain(3, 17, false).part[PARTS - 1];
        scion_no_grad_end();
        assert_non_null(trained->node);
        assert_null(evaluated->node);
        assert_memory_equal(trained->data, evaluated->data, trained->length * sizeof(float));
        scion_tape_reset(tape);
}

/* The tape is the thread's own, and so are its kernels. */
static void *steps_elsewhere(void *first)
{
        const struct results *expected = first;
        struct results *again = calloc(1, sizeof *again);
        bool same = again && use_tape(NULL) == 0;

        for (int i = 0; same && i < 8; i++) {
                step(again);
                same = again->used == expected->used &&
                       memcmp(again->value, expected->value, again->used * sizeof(float)) == 0;
        }
        drop_tape(NULL);
        free(again);
        return same ? first : NULL;
}

static void the_same_bits_again(void **state)
{
        static struct results first, again;
        pthread_t thread[3];
        void *done;

        (void)state;
        for (int threads = 1; threads <= 3; threads++) {
                scion_backend_set_threads(threads);
                step(&first);
                for (int i = 0; i < 3; i++) {
                        step(&again);
                        assert_int_equal(first.used, again.used);
                        assert_memory_equal(first.value, again.value, first.used * sizeof(float));
                }
                for (int i = 0; i < 3; i++)
                        assert_int_equal(pthread_create(&thread[i], NULL, steps_elsewhere, &first), 0);
                for (int i = 0; i < 3; i++) {
                        assert_int_equal(pthread_join(thread[i], &done), 0);
                        assert_ptr_equal(done, &first);
                }
        }
        scion_backend_set_threads(1);
}

/* Loops of our own: each number is made on one thread, in one order, however many there are. Images in groups, the last
 * one of which is not full, and tensors large enough to be shared. */
static void our_loops_do_not_depend_on_threads(void **state)
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

                scion_backend_set_threads(threads);
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
                                kept[i] = memcpy(malloc(bytes), made[i]->data, bytes);
                        assert_memory_equal(kept[i], made[i]->data, bytes);
                }
                scion_tape_reset(tape);
        }
        for (int i = 0; i < KEPT; i++)
                free(kept[i]);
        scion_backend_set_threads(1);
}

/* --- Errors --------------------------------------------------------------------------------------------- */

static void what_the_library_refuses_is_told(void **state)
{
        struct scion_geometry wrong = { .x = SCION_SHAPE(2, 3, 7, 5),
                                        .weight = SCION_SHAPE(4, 3, 3, 3),
                                        .y = SCION_SHAPE(2, 4, 9, 9), /* cannot come from these */
                                        .window = { { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1 }, 1, false } };
        struct scion_product none = { .batch = 1, .m = 2, .n = 2, .k = -1 };
        size_t before = scion_backend_usage().kernels;
        float c[4];

        (void)state;
        assert_null(scion_backend_conv2d(SCION_FORWARD, &wrong, false));
        assert_error_has("conv2d: oneDNN: invalid_arguments", NULL);
        assert_null(scion_backend_conv2d(SCION_BACKWARD_X, &wrong, false));
        assert_error_has("conv2d: oneDNN: invalid_arguments", NULL);
        assert_null(scion_backend_pool2d(SCION_FORWARD, SCION_MAXIMUM, &wrong, NULL));
        assert_error_has("max_pool2d: oneDNN: invalid_arguments", NULL);
        assert_null(scion_backend_pool2d(SCION_FORWARD, SCION_AVERAGE, &wrong, NULL));
        assert_error_has("avg_pool2d: oneDNN: invalid_arguments", NULL);
        assert_false(scion_backend_multiply("matmul", &none, c, c, NULL, c));
        assert_error_has("matmul: oneDNN: invalid_arguments", NULL);
        assert_int_equal(scion_backend_usage().kernels, before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chains_agree_in_any_layout),
                cmocka_unit_test(padding_of_layouts_is_zero),
                cmocka_unit_test(reorders_keep_every_element),
                cmocka_unit_test(a_steady_step_asks_for_nothing),
                cmocka_unit_test(the_same_bits_again),
                cmocka_unit_test(our_loops_do_not_depend_on_threads),
                cmocka_unit_test(evaluation_gives_the_bits_of_training),
                cmocka_unit_test(what_the_library_refuses_is_told),
        };

        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
