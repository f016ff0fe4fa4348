/* The tape: its memory, the backward pass, and how gradients are shared. */
#include "tensor/tape.h"

#include "support/memory.h"
#include "support/tensors.h"

static struct scion_tensor *leaf(struct scion_shape shape, float value)
{
        return scion_require_grad(scion_full(shape, value));
}

static struct scion_tensor *total(struct scion_tensor *x)
{
        return scion_sum(x, SCION_ALL_AXES, false);
}

static void assert_gradient(struct scion_tensor *x, float expected)
{
        struct scion_tensor *g = scion_grad(x);

        assert_non_null(g);
        for (int64_t i = 0; i < scion_size(g); i++)
                assert_float_equal(scion_data(g)[i], expected, 1e-6 * fabs((double)expected));
}

/* --- Tensors -------------------------------------------------------------------------------------------- */

static void creating_and_reading(void **state)
{
        struct scion_tensor *x = scion_from(SCION_SHAPE(2, 3), (const float[]){ 1, 2, 3, 4, 5, 6 });
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 7, -8 });
        struct scion_shape shape = SCION_SHAPE(64, 1, 28, 28);
        char text[96], small[6];

        (void)state;
        assert_int_equal(scion_size(x), 6);
        assert_int_equal(scion_dim(x, 1), 3);
        assert_int_equal(scion_dim(x, -2), 2);
        assert_int_equal(scion_dim(x, 2), 0);
        assert_int_equal(scion_dim(x, -3), 0);
        assert_int_equal(scion_dtype(x), SCION_F32);
        assert_int_equal(scion_dtype(labels), SCION_I32);
        assert_int_equal(scion_data_i32(labels)[1], -8);
        assert_float_equal(scion_data(x)[4], 5, 0);
        assert_float_equal(scion_item(scion_scalar(2.5f)), 2.5, 0);
        assert_true(isnan(scion_item(x)));
        assert_true(isnan(scion_item(NULL)));
        assert_int_equal(scion_size(scion_scalar(1)), 1);
        assert_string_equal(scion_shape_text(&shape, text, sizeof text), "64x1x28x28");
        assert_string_equal(scion_shape_text(&shape, small, sizeof small), "64x1x");
        assert_string_equal(scion_shape_text(&SCION_SCALAR, text, sizeof text), "scalar");
        assert_int_equal((uintptr_t)x->storage->memory % 64, 0);
}

static void wrong_shapes_and_types(void **state)
{
        struct scion_shape many = { .ndim = 7 };
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(1), (const int32_t[]){ 7 });

        (void)state;
        assert_null(scion_zeros(SCION_SHAPE(2, 0)));
        assert_error_has("axis 1 of a tensor has length 0", NULL);
        assert_null(scion_zeros(SCION_SHAPE(-1)));
        assert_error_has("axis 0 of a tensor has length -1", NULL);
        assert_null(scion_zeros(many));
        assert_error_has("0 to 6 axes, not 7", NULL);
        assert_null(scion_zeros(SCION_SHAPE(1 << 30, 1 << 30, 1 << 30)));
        assert_error_has("too large", NULL);
        assert_null(scion_from(SCION_SHAPE(2), NULL));
        assert_error_has("values that are NULL", NULL);
        assert_null(scion_data(labels));
        assert_error_has("the tensor holds int32", NULL);
        assert_null(scion_data_i32(scion_scalar(1)));
        assert_error_has("the tensor holds float32", NULL);
        assert_null(scion_require_grad(labels));
        assert_error_has("require_grad: takes float32, got int32", NULL);
        assert_null(scion_require_grad(NULL));
        assert_null(scion_data(NULL));
}

/* --- Memory --------------------------------------------------------------------------------------------- */

static void step(int64_t rows)
{
        struct scion_tensor *w = leaf(SCION_SHAPE(10, 33), 0.1f);
        struct scion_tensor *x = random_tensor(SCION_SHAPE(rows, 33), 1, -1, 1);
        struct scion_tensor *y =
                scion_log_softmax(scion_tanh(scion_mul(x, scion_mean(w, SCION_AXIS(0), true))), 1);

        for (int i = 0; i < 300; i++) /* more structures than a chunk of the tape holds */
                y = scion_shift(y, 1);
        assert_true(scion_backward(
                scion_mean(scion_concat((struct scion_tensor *[]){ y, x }, 2, 0), SCION_ALL_AXES, false)));
}

static void steady_steps_allocate_nothing(void **state)
{
        (void)state;
        assert_int_equal(scion_tape_usage(tape).tensors, 0);
        step(64);
        step(7);
        struct scion_tape_usage first = scion_tape_usage(tape);

        assert_true(first.bytes > 64 * 33 * 4 && first.allocations > 0);
        assert_true(first.tensors > 600);
        for (int i = 0; i < 5; i++) {
                scion_tape_reset(tape);
                assert_int_equal(scion_tape_usage(tape).tensors, 0);
                step(64);
                step(7);
                assert_int_equal(scion_tape_usage(tape).tensors, first.tensors);
                assert_int_equal(scion_tape_usage(tape).allocations, first.allocations);
                assert_int_equal(scion_tape_usage(tape).bytes, first.bytes);
        }
}

/* Blocks of sizes around the ends of the size classes do not overlap. */
static void buffers_are_large_enough_and_apart(void **state)
{
        static unsigned char bytes[1 << 21];
        struct scion_storage *buffer[200];
        size_t size[200];
        int count = 0;

        (void)state;
        for (int pass = 0; pass < 2; pass++) {
                count = 0;
                for (size_t base = 32; base <= 1 << 20; base *= 2)
                        for (int i = -1; i <= 1; i++)
                                for (size_t more = 0; more < 4; more++) {
                                        if (count == 200)
                                                break;
                                        size[count] = base + more * base / 4 + (size_t)i;
                                        buffer[count] = scion_tape_buffer(size[count]);
                                        assert_non_null(buffer[count]);
                                        assert_int_equal((uintptr_t)buffer[count]->memory % 64, 0);
                                        memset(bytes, count + 1, size[count]);
                                        assert_true(
                                                scion_storage_write(buffer[count], 0, bytes, size[count]));
                                        count++;
                                }
                for (int i = 0; i < count; i++) {
                        assert_true(scion_storage_read(buffer[i], 0, bytes, size[i]));
                        assert_int_equal(bytes[0], i + 1);
                        assert_int_equal(bytes[size[i] - 1], i + 1);
                }
                scion_tape_reset(tape);
        }
        size_t allocations = scion_tape_usage(tape).allocations;

        assert_in_range(allocations, 1, 200);
}

static void too_much_memory(void **state)
{
        (void)state;
        assert_null(scion_tape_buffer((size_t)1 << 60));
        assert_error_has("too large", NULL);
        assert_non_null(scion_zeros(SCION_SHAPE(3))); /* the tape can still be used */
}

static void structures_larger_than_a_chunk(void **state)
{
        size_t allocations = 0;

        (void)state;
        for (int pass = 0; pass < 3; pass++) {
                for (int i = 0; i < 10; i++) {
                        char *small = scion_tape_alloc(100), *large = scion_tape_alloc(200000);

                        for (int j = 0; j < 100; j++)
                                assert_int_equal(small[j], 0);
                        assert_int_equal(large[0] | large[199999], 0);
                        memset(small, 1, 100);
                        memset(large, 1, 200000);
                }
                if (pass > 0)
                        assert_int_equal(scion_tape_usage(tape).allocations, allocations);
                allocations = scion_tape_usage(tape).allocations;
                scion_tape_reset(tape);
        }
}

static void no_tape(void **state)
{
        struct scion_tape *before = scion_tape_use(NULL);

        (void)state;
        assert_ptr_equal(before, tape);
        assert_null(scion_zeros(SCION_SHAPE(2)));
        assert_error_has("no tape is current on this thread", NULL);
        scion_fail("the first message");
        assert_null(scion_dropout(NULL, 0.5f));
        assert_string_equal(scion_error(), "the first message");
        assert_null(scion_tape_use(before));
        scion_tape_destroy(NULL);
}

/* Tensors of one tape can be used on another one that is reset earlier. */
static void two_tapes(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(3), 2);
        struct scion_tape *other = scion_tape_create();

        (void)state;
        scion_tape_use(other);
        for (int i = 0; i < 3; i++) {
                struct scion_tensor *loss = total(scion_mul(scion_detach(x), leaf(SCION_SCALAR, 1)));

                assert_true(scion_backward(loss));
                scion_tape_use(tape);
                assert_false(scion_backward(loss));
                assert_error_has("backward", "another tape", NULL);
                scion_tape_use(other);
                scion_tape_reset(other);
        }
        scion_tape_destroy(other);
        scion_tape_use(tape);
        assert_float_equal(scion_data(x)[2], 2, 0);
}

/* A tensor of another tape that requires a gradient is refused, because the gradient would be freed by a reset of the
 * current tape. */
static void gradients_stay_on_one_tape(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(3), 2), *y = scion_neg(x);
        struct scion_tape *other = scion_tape_create();

        (void)state;
        assert_true(scion_backward(total(scion_mul(x, x))));
        scion_tape_use(other);
        struct scion_tensor *pair[] = { leaf(SCION_SHAPE(3), 1), x };
        struct scion_tensor *wrong[] = { scion_mul(pair[0], x), scion_add(pair[0], y),
                                         scion_concat(pair, 2, 0), scion_reshape(y, SCION_SHAPE(3, 1)),
                                         scion_slice(x, 0, 1, 1) };

        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
                assert_false(scion_backward(total(wrong[i])));
                assert_error_has("gradient of ", "another tape", NULL);
                assert_gradient(x, 4); /* unchanged */
                assert_null(scion_grad(y));
        }
        scion_tape_destroy(other);
        scion_tape_use(tape);
        assert_true(scion_backward(total(y)));
        assert_gradient(x, -1);
}

/* --- The backward pass ---------------------------------------------------------------------------------- */

static void shared_gradients(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(2, 2), 3), *y, *z;

        (void)state;
        assert_true(scion_backward(total(scion_add(x, x))));
        assert_gradient(x, 2);
        assert_true(scion_backward(total(scion_sub(x, x))));
        assert_gradient(x, 0);
        assert_true(scion_backward(total(scion_mul(scion_mul(x, x), x)))); /* three times */
        assert_gradient(x, 27);
        y = scion_require_grad(scion_scale(x, 2)); /* a diamond: 2x + 4x^2 */
        z = scion_mul(y, y);
        assert_true(scion_backward(total(scion_add(y, z))));
        assert_gradient(x, 2 + 8 * 3);
        assert_gradient(y, 1 + 2 * 6);
        assert_gradient(z, 1);
        y = scion_add(x, x); /* each sum doubles the last, up to 8x; both operands share one gradient */
        y = scion_add(y, y);
        y = scion_add(y, y);
        assert_true(scion_backward(total(scion_add(y, x))));
        assert_gradient(x, 9);
        y = scion_reshape(x, SCION_SHAPE(4)); /* a view's gradient is a view */
        assert_true(scion_backward(
                total(scion_add(scion_add(y, scion_reshape(scion_neg(x), SCION_SHAPE(4))), y))));
        assert_gradient(x, 1);
        assert_gradient(y, 2);
}

/* Two tensors may share one gradient. Adding to the gradient of one does not change that of the other. */
static void gradients_are_not_mixed(void **state)
{
        struct scion_tensor *a = leaf(SCION_SHAPE(5), 1), *b = leaf(SCION_SHAPE(5), 1);
        struct scion_tensor *early = scion_scale(a, 3), *sum = scion_add(a, b);

        (void)state;
        assert_true(scion_backward(total(scion_add(sum, early))));
        assert_gradient(a, 4);
        assert_gradient(b, 1);
        assert_gradient(sum, 1);
}

static void backward_twice(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(3), 2), *z = leaf(SCION_SHAPE(3), 2);
        struct scion_tensor *y = scion_mul(x, x), *first = total(y), *second = total(scion_mul(y, z));

        (void)state;
        assert_true(scion_backward(first));
        assert_gradient(x, 4);
        assert_gradient(y, 1);
        assert_null(scion_grad(z));
        assert_true(scion_backward(second));
        assert_gradient(x, 8); /* of the second loss, not of both */
        assert_gradient(y, 2);
        assert_gradient(z, 4);
        assert_true(scion_backward(first));
        assert_gradient(x, 4);
        assert_null(scion_grad(z));
        assert_null(scion_grad(second));
}

static void recording_off(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(3), 2), *y;

        (void)state;
        scion_no_grad_begin();
        scion_no_grad_begin();
        scion_no_grad_end();
        y = total(scion_mul(x, x));
        scion_no_grad_end();
        assert_false(scion_backward(y));
        assert_error_has("backward: the loss depends on no tensor that requires a gradient", NULL);
        assert_true(scion_backward(total(scion_mul(x, scion_add(x, y)))));
        assert_gradient(x, 2 + 2 + 12); /* y is a constant */
        scion_no_grad_end();            /* an unmatched call has no effect */
        assert_true(scion_backward(total(x)));
}

static void detached(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(3), 2), *y = scion_mul(x, x), *fixed = scion_detach(y);

        (void)state;
        assert_values(fixed, (const float[]){ 4, 4, 4 }, 0);
        assert_true(scion_backward(total(scion_mul(fixed, x))));
        assert_gradient(x, 4);
        assert_null(scion_grad(y));
        assert_null(scion_grad(fixed));
        assert_false(scion_backward(total(fixed)));
        scion_require_grad(fixed); /* a result that was computed without recording can become a leaf */
        assert_true(scion_backward(total(scion_mul(fixed, x))));
        assert_gradient(fixed, 2);
        assert_null(scion_grad(y));
}

static void invalid_losses(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(2, 3), 2);

        (void)state;
        assert_false(scion_backward(scion_scale(x, 2)));
        assert_error_has("backward: the loss must be one number, its shape is 2x3", NULL);
        assert_false(scion_backward(scion_scalar(2)));
        assert_error_has("backward: the loss depends on no tensor that requires a gradient", NULL);
        assert_false(scion_backward(scion_from_i32(SCION_SHAPE(1), (const int32_t[]){ 1 })));
        assert_error_has("backward: takes float32, got int32", NULL);
        assert_true(scion_backward(scion_sum(x, SCION_ALL_AXES, true))); /* 1x1 is one number */
        assert_gradient(x, 1);
        struct scion_tensor *alone = leaf(SCION_SCALAR, 5);

        assert_true(scion_backward(alone));
        assert_gradient(alone, 1);
        assert_null(scion_grad(x));
}

static void the_first_message_stays(void **state)
{
        struct scion_tensor *x = leaf(SCION_SHAPE(2, 3), 2), *y = leaf(SCION_SHAPE(4), 2);

        (void)state;
        assert_false(scion_backward(
                scion_mean(scion_mul(scion_exp(scion_add(x, y)),
                                     scion_log_softmax(scion_reshape(NULL, SCION_SHAPE(2)), 1)),
                           SCION_ALL_AXES, false)));
        assert_string_equal(scion_error(), "add: shapes 2x3 and 4 do not fit together");
        assert_null(scion_concat(NULL, 2, 0));
        assert_string_equal(scion_error(), "add: shapes 2x3 and 4 do not fit together");
}

static bool fails_backward(struct scion_node *node)
{
        (void)node;
        return scion_fail("not today");
}

static void failing_gradients_name_the_operation(void **state)
{
        static const struct scion_op op = { "unlucky", fails_backward };
        struct scion_tensor *x = leaf(SCION_SCALAR, 1), *y = scion_scalar(1);

        (void)state;
        scion_record(&op, y, x, NULL, NULL, 0);
        assert_false(scion_backward(y));
        assert_string_equal(scion_error(), "gradient of unlucky: not today");
        assert_true(scion_backward(scion_scale(x, 2))); /* recording is on again afterwards */
        assert_gradient(x, 2);
}

/* --- Parameters ----------------------------------------------------------------------------------------- */

struct parameter {
        struct scion_storage *values, *gradients;
        struct scion_tensor slot, value;
};

static struct scion_tensor *parameter(struct parameter *p)
{
        static const float values[] = { 1, 2, 3, 4 }, gradients[] = { NAN, NAN, NAN, NAN };

        *p = (struct parameter){ .values = scion_storage_create(sizeof values),
                                 .gradients = scion_storage_create(sizeof gradients) };
        assert_true(scion_storage_write(p->values, 0, values, sizeof values));
        assert_true(scion_storage_write(p->gradients, 0, gradients, sizeof gradients));
        p->slot = (struct scion_tensor){ .array = scion_array_over(p->gradients, 0, SCION_SHAPE(4),
                                                                   SCION_F32) };
        p->value = (struct scion_tensor){ .array = scion_array_over(p->values, 0, SCION_SHAPE(4), SCION_F32),
                                          .grad = &p->slot,
                                          .grad_is_slot = true,
                                          .requires_grad = true };
        return &p->value;
}

static void parameter_destroy(struct parameter *p)
{
        scion_storage_destroy(p->values);
        scion_storage_destroy(p->gradients);
}

static void gradients_of_parameters_add_up(void **state)
{
        struct parameter p;
        struct scion_tensor *w = parameter(&p);

        (void)state;
        for (int i = 1; i <= 3; i++) {
                assert_true(scion_backward(total(scion_mul(w, w))));
                assert_ptr_equal(scion_grad(w), &p.slot);
                assert_values(scion_grad(w), (const float[]){ 2.f * i, 4.f * i, 6.f * i, 8.f * i }, 0);
                scion_tape_reset(tape); /* they outlive the step */
        }
        w->has_grad = false;
        assert_true(
                scion_backward(total(scion_add(scion_neg(w), scion_slice(scion_concat(&w, 1, 0), 0, 0, 4)))));
        assert_values(scion_grad(w), (const float[]){ 0, 0, 0, 0 }, 0);
        parameter_destroy(&p);
}

static void frozen_parameters_get_none(void **state)
{
        struct parameter p, q;
        struct scion_tensor *w = parameter(&p), *v = parameter(&q);

        (void)state;
        w->requires_grad = false;
        assert_true(scion_backward(total(scion_mul(scion_mul(w, w), v))));
        assert_null(scion_grad(w));
        assert_true(isnan(floats_of(p.gradients)[0]));
        assert_values(scion_grad(v), (const float[]){ 1, 4, 9, 16 }, 0);
        assert_false(scion_backward(total(scion_mul(w, w))));
        assert_null(scion_require_grad(w)); /* it would still require one after the step */
        assert_error_has("require_grad: the parameter is frozen", NULL);
        assert_ptr_equal(scion_require_grad(v), v);
        parameter_destroy(&p);
        parameter_destroy(&q);
}

/* A chain of any length uses memory for two gradients, in addition to those that were requested. */
static void memory_of_gradients_is_reused(void **state)
{
        struct scion_tensor *x, *y, *asked = NULL;
        size_t bytes[2];

        (void)state;
        for (int i = 0; i < 2; i++) {
                x = y = leaf(SCION_SHAPE(300, 100), 1);
                for (int k = 0; k < 10; k++) {
                        y = scion_scale(y, k == 5 ? -2 : 2);
                        if (k == 7)
                                asked = i ? scion_require_grad(y) : y;
                }
                bytes[0] = scion_tape_usage(scion_tape_current()).bytes;
                assert_true(scion_backward(total(y)));
                bytes[1] = scion_tape_usage(scion_tape_current()).bytes;
                assert_gradient(x, -1024);
                if (i)
                        assert_gradient(asked, 4);
                else
                        assert_null(scion_grad(asked));
                assert_true(bytes[1] - bytes[0] <= (i ? 1 : 4) * (300 * 100 * sizeof(float) * 5 / 4 + 4096));
                scion_tape_reset(scion_tape_current());
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(creating_and_reading),
                tape_test(wrong_shapes_and_types),
                tape_test(steady_steps_allocate_nothing),
                tape_test(buffers_are_large_enough_and_apart),
                tape_test(too_much_memory),
                tape_test(structures_larger_than_a_chunk),
                tape_test(no_tape),
                tape_test(two_tapes),
                tape_test(gradients_stay_on_one_tape),
                tape_test(shared_gradients),
                tape_test(gradients_are_not_mixed),
                tape_test(backward_twice),
                tape_test(recording_off),
                tape_test(detached),
                tape_test(invalid_losses),
                tape_test(the_first_message_stays),
                tape_test(failing_gradients_name_the_operation),
                tape_test(gradients_of_parameters_add_up),
                tape_test(frozen_parameters_get_none),
                tape_test(memory_of_gradients_is_reused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
