/* reshape, permute, slice and concat. */
#include "support/gradcheck.h"
#include "support/tensors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* 0, 1, 2, ... */
static struct scion_tensor *counting(struct scion_shape shape)
{
        int64_t count = scion_shape_size(&shape);
        float *value = malloc((size_t)count * sizeof *value + 1);

        assert_non_null(value);
        for (int64_t i = 0; i < count; i++)
                value[i] = (float)i;
        struct scion_tensor *x = scion_from(shape, value);

        free(value);
        return x;
}

static void positions(const struct scion_shape *shape, int64_t index, int64_t position[SCION_MAX_DIMS])
{
        for (int i = shape->ndim - 1; i >= 0; i--) {
                position[i] = index % shape->dim[i];
                index /= shape->dim[i];
        }
}

static int64_t index_of(const struct scion_shape *shape, const int64_t position[SCION_MAX_DIMS])
{
        int64_t index = 0;

        for (int i = 0; i < shape->ndim; i++)
                index = index * shape->dim[i] + position[i];
        return index;
}

static void reshapes(void **state)
{
        struct scion_tensor *x = counting(SCION_SHAPE(2, 3, 4));

        (void)state;
        assert_shape(scion_reshape(x, SCION_SHAPE(4, 6)), SCION_SHAPE(4, 6));
        assert_shape(scion_reshape(x, SCION_SHAPE(4, -1)), SCION_SHAPE(4, 6));
        assert_shape(scion_reshape(x, SCION_SHAPE(-1)), SCION_SHAPE(24));
        assert_shape(scion_reshape(x, SCION_SHAPE(2, 3, 4, 1, 1)), SCION_SHAPE(2, 3, 4, 1, 1));
        assert_shape(scion_reshape(scion_scalar(3), SCION_SHAPE(1, 1)), SCION_SHAPE(1, 1));
        assert_shape(scion_reshape(scion_full(SCION_SHAPE(1, 1), 2), SCION_SCALAR), SCION_SCALAR);
        assert_values(scion_reshape(x, SCION_SHAPE(6, 4)), scion_data(x), 0);
        assert_ptr_equal(scion_reshape(x, SCION_SHAPE(2, 3, 4)), x);

        assert_shape(scion_flatten(x, 0), SCION_SHAPE(24));
        assert_shape(scion_flatten(x, 1), SCION_SHAPE(2, 12));
        assert_shape(scion_flatten(x, -2), SCION_SHAPE(2, 12));
        assert_ptr_equal(scion_flatten(x, 2), x);
        assert_values(scion_flatten(x, 1), scion_data(x), 0);

        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(4), (const int32_t[]){ 3, 1, 2, 0 });

        assert_int_equal(scion_data_i32(scion_reshape(labels, SCION_SHAPE(2, 2)))[2], 2);
}

struct order {
        struct scion_shape shape;
        int order[SCION_MAX_DIMS];
};

static const struct order orders[] = {
        { { 1, { 5 } }, { 0 } },
        { { 2, { 3, 7 } }, { 1, 0 } },
        { { 2, { 37, 50 } }, { -1, 0 } },
        { { 2, { 1, 6 } }, { 1, 0 } },
        { { 3, { 2, 3, 4 } }, { 0, 1, 2 } },
        { { 3, { 2, 3, 4 } }, { 2, 0, 1 } },
        { { 3, { 2, 3, 4 } }, { 1, 0, 2 } },
        { { 3, { 2, 17, 19 } }, { 0, 2, 1 } },
        { { 4, { 2, 3, 4, 5 } }, { 0, 2, 3, 1 } },
        { { 4, { 2, 3, 4, 5 } }, { 3, -2, 1, 0 } },
        { { 6, { 2, 3, 1, 2, 3, 2 } }, { 5, 3, 1, 0, 4, 2 } },
};

static void permutations(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(orders); i++) {
                const struct scion_shape *shape = &orders[i].shape;
                struct scion_tensor *x = counting(*shape), *y = scion_permute(x, orders[i].order);
                struct scion_shape expected = *shape;
                int64_t to[SCION_MAX_DIMS], from[SCION_MAX_DIMS];

                for (int k = 0; k < shape->ndim; k++)
                        expected.dim[k] = scion_dim(x, orders[i].order[k]);
                assert_shape(y, expected);
                for (int64_t j = 0; j < scion_size(y); j++) {
                        positions(&expected, j, to);
                        for (int k = 0; k < shape->ndim; k++)
                                from[(orders[i].order[k] + shape->ndim) % shape->ndim] = to[k];
                        assert_int_equal((int64_t)scion_data(y)[j], index_of(shape, from));
                }
                scion_tape_reset(tape);
        }
        struct scion_tensor *x = counting(SCION_SHAPE(2, 3));

        assert_values(scion_transpose(x, 0, 1), (const float[]){ 0, 3, 1, 4, 2, 5 }, 0);
        assert_values(scion_transpose(x, -1, -2), (const float[]){ 0, 3, 1, 4, 2, 5 }, 0);
        assert_ptr_equal(scion_transpose(x, 1, -1), x);
        struct scion_tensor *whole =
                scion_from_i32(SCION_SHAPE(2, 2), (const int32_t[]){ 1, -2, 0x7fc00001, 4 });

        assert_int_equal(scion_data_i32(scion_transpose(whole, 0, 1))[1], 0x7fc00001);
}

struct part {
        struct scion_shape shape;
        int axis;
        int64_t start, length;
};

static const struct part parts[] = {
        { { 1, { 9 } }, 0, 2, 5 },           { { 1, { 9 } }, 0, 0, 9 },
        { { 2, { 6, 7 } }, 0, 1, 4 },        { { 2, { 6, 7 } }, 1, 3, 2 },
        { { 2, { 6, 7 } }, -1, 6, 1 },       { { 3, { 1, 6, 7 } }, 1, 2, 3 },
        { { 3, { 4, 6, 3 } }, 1, 5, 1 },     { { 4, { 2, 3, 4, 5 } }, 1, 1, 2 },
        { { 4, { 2, 3, 4, 5 } }, -2, 0, 3 }, { { 4, { 2, 3, 4, 5 } }, 3, 2, 1 },
};

static void slices(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(parts); i++) {
                const struct part *part = &parts[i];
                struct scion_tensor *x = counting(part->shape);
                struct scion_tensor *y = scion_slice(x, part->axis, part->start, part->length);
                struct scion_shape expected = part->shape;
                int axis = part->axis < 0 ? part->axis + expected.ndim : part->axis;
                int64_t position[SCION_MAX_DIMS];

                expected.dim[axis] = part->length;
                assert_shape(y, expected);
                for (int64_t j = 0; j < scion_size(y); j++) {
                        positions(&expected, j, position);
                        position[axis] += part->start;
                        assert_int_equal((int64_t)scion_data(y)[j], index_of(&part->shape, position));
                }
                scion_tape_reset(tape);
        }
}

static void joins(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(parts);
             i++) { /* a tensor cut into two or three parts and concatenated is unchanged */
                const struct part *part = &parts[i];
                struct scion_tensor *x = counting(part->shape), *piece[3];
                int64_t end = part->start + part->length, all = scion_dim(x, part->axis);
                int count = 0;

                if (part->start > 0)
                        piece[count++] = scion_slice(x, part->axis, 0, part->start);
                piece[count++] = scion_slice(x, part->axis, part->start, part->length);
                if (end < all)
                        piece[count++] = scion_slice(x, part->axis, end, all - end);
                struct scion_tensor *y = scion_concat(piece, count, part->axis);

                assert_shape(y, part->shape);
                assert_values(y, scion_data(x), 0);
                scion_tape_reset(tape);
        }
        struct scion_tensor *labels = scion_from_i32(SCION_SHAPE(2), (const int32_t[]){ 5, 6 });
        struct scion_tensor *twice = scion_concat((struct scion_tensor *[]){ labels, labels }, 2, 0);

        assert_int_equal(scion_data_i32(twice)[3], 6);
}

/* --- Gradients ------------------------------------------------------------------------------------------ */

static struct scion_tensor *build_permute(struct scion_tensor *const *leaf, const void *context)
{
        return scion_permute(leaf[0], ((const struct order *)context)->order);
}

static struct scion_tensor *build_slice(struct scion_tensor *const *leaf, const void *context)
{
        const struct part *part = context;

        return scion_slice(leaf[0], part->axis, part->start, part->length);
}

static struct scion_tensor *build_many_slices(struct scion_tensor *const *leaf, const void *context)
{
        struct scion_tensor *sum = scion_slice(leaf[0], -1, 0, 1);

        (void)context;
        for (int64_t i = 1; i < scion_dim(leaf[0], -1); i++)
                sum = scion_mul(sum, scion_shift(scion_slice(leaf[0], -1, i, 1), 1));
        return scion_add(sum, scion_slice(leaf[0], 0, 1, 1));
}

static struct scion_tensor *build_concat(struct scion_tensor *const *leaf, const void *context)
{
        int axis = *(const int *)context;
        struct scion_tensor *middle = scion_concat(leaf, 3, axis);
        struct scion_tensor *again[] = { leaf[1], middle, leaf[1], scion_full(scion_shape(leaf[0]), 2) };

        return scion_concat(again, 4, axis);
}

static struct scion_tensor *build_reshape(struct scion_tensor *const *leaf, const void *context)
{
        struct scion_tensor *x = scion_flatten(scion_transpose(leaf[0], 0, 2), 1);

        (void)context;
        return scion_add(scion_reshape(x, SCION_SHAPE(5, -1)), scion_reshape(leaf[0], SCION_SHAPE(5, 6)));
}

static void gradients(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(orders); i++) {
                if (scion_shape_size(&orders[i].shape) <= 1000)
                        gradcheck(&(struct gradcheck){ .name = "permute",
                                                       .build = build_permute,
                                                       .context = &orders[i],
                                                       .leaves = 1,
                                                       .shape = { orders[i].shape } });
        }
        for (size_t i = 0; i < COUNT(parts); i++)
                gradcheck(&(struct gradcheck){ .name = "slice",
                                               .build = build_slice,
                                               .context = &parts[i],
                                               .leaves = 1,
                                               .shape = { parts[i].shape } });
        gradcheck(&(struct gradcheck){ .name = "many slices",
                                       .build = build_many_slices,
                                       .leaves = 1,
                                       .shape = { SCION_SHAPE(3, 5) } });
        for (int axis = -3; axis < 3; axis++) {
                struct scion_shape shape[3] = { SCION_SHAPE(2, 3, 4), SCION_SHAPE(2, 3, 4),
                                                SCION_SHAPE(2, 3, 4) };

                shape[1].dim[(axis + 3) % 3] = 1;
                shape[2].dim[(axis + 3) % 3] = 7;
                gradcheck(&(struct gradcheck){ .name = "concat",
                                               .build = build_concat,
                                               .context = &axis,
                                               .leaves = 3,
                                               .shape = { shape[0], shape[1], shape[2] } });
        }
        gradcheck(&(struct gradcheck){
                .name = "reshape", .build = build_reshape, .leaves = 1, .shape = { SCION_SHAPE(2, 3, 5) } });
}

/* --- Errors --------------------------------------------------------------------------------------------- */

static void errors_of_shape(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));
        struct scion_shape many = { .ndim = 7 };

        (void)state;
        assert_null(scion_reshape(x, SCION_SHAPE(4)));
        assert_error_has("reshape: 2x3 does not fit into 4", NULL);
        assert_null(scion_reshape(x, SCION_SHAPE(4, -1)));
        assert_error_has("reshape: 2x3 does not fit into 4x-1", NULL);
        assert_null(scion_reshape(x, SCION_SHAPE(-1, -1)));
        assert_error_has("reshape: 2x3 does not fit into -1x-1", NULL);
        assert_null(scion_reshape(x, SCION_SHAPE(6, 0)));
        assert_error_has("reshape: 2x3 does not fit into 6x0", NULL);
        assert_null(scion_reshape(x, SCION_SHAPE(INT64_MAX, INT64_MAX, 6)));
        assert_error_has("reshape: 2x3 does not fit into", NULL);
        assert_null(scion_reshape(x, many));
        assert_error_has("reshape: a tensor has 0 to 6 axes, not 7", NULL);
        assert_null(scion_flatten(x, 2));
        assert_error_has("flatten: no axis 2 in a tensor of shape 2x3", NULL);
        assert_null(scion_permute(x, (const int[]){ 0, 2 }));
        assert_error_has("permute: no axis 2 in a tensor of shape 2x3", NULL);
        assert_null(scion_permute(x, (const int[]){ 1, -1 }));
        assert_error_has("permute: axis -1 is given twice", NULL);
        assert_null(scion_transpose(x, 0, -3));
        assert_error_has("transpose: no axis -3 in a tensor of shape 2x3", NULL);
}

static void errors_of_parts(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3)), *y = scion_zeros(SCION_SHAPE(2, 4));
        struct scion_tensor *labels =
                scion_from_i32(SCION_SHAPE(2, 3), (const int32_t[]){ 1, 2, 3, 4, 5, 6 });
        const int64_t wrong[][2] = { { -1, 2 }, { 0, 4 }, { 2, 2 }, { 3, 1 }, { 0, 0 }, { 1, INT64_MAX } };

        (void)state;
        for (size_t i = 0; i < COUNT(wrong); i++) {
                char text[96];

                snprintf(text, sizeof text, "slice: %lld elements from %lld on are not in axis 1",
                         (long long)wrong[i][1], (long long)wrong[i][0]);
                assert_null(scion_slice(x, -1, wrong[i][0], wrong[i][1]));
                assert_error_has(text, "shape 2x3", NULL);
        }
        assert_null(scion_slice(x, 2, 0, 1));
        assert_error_has("slice: no axis 2 in a tensor of shape 2x3", NULL);
        assert_null(scion_concat((struct scion_tensor *[]){ x, y }, 2, 0));
        assert_error_has("concat: shapes 2x3 and 2x4 do not fit together along axis 0", NULL);
        assert_null(scion_concat((struct scion_tensor *[]){ x, scion_zeros(SCION_SHAPE(3)) }, 2, 0));
        assert_error_has("concat: shapes 2x3 and 3 do not fit together along axis 0", NULL);
        assert_null(scion_concat((struct scion_tensor *[]){ x, labels }, 2, 0));
        assert_error_has("concat: tensors of float32 and int32", NULL);
        assert_null(scion_concat(&x, 1, 2));
        assert_error_has("concat: no axis 2 in a tensor of shape 2x3", NULL);
        assert_null(scion_concat(&x, 0, 0));
        assert_error_has("concat: takes one tensor or more, got 0", NULL);
}

static void null_gives_null(void **state)
{
        struct scion_tensor *x = scion_zeros(SCION_SHAPE(2, 3));

        (void)state;
        scion_fail("the first message");
        assert_null(scion_reshape(NULL, SCION_SHAPE(4)));
        assert_null(scion_flatten(NULL, 1));
        assert_null(scion_permute(NULL, (const int[]){ 0, 1 }));
        assert_null(scion_transpose(NULL, 0, 1));
        assert_null(scion_slice(NULL, 0, 0, 1));
        assert_null(scion_concat((struct scion_tensor *[]){ x, NULL }, 2, 0));
        assert_null(scion_detach(NULL));
        assert_string_equal(scion_error(), "the first message");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(reshapes),        tape_test(permutations),    tape_test(slices),
                tape_test(joins),           tape_test(gradients),       tape_test(errors_of_shape),
                tape_test(errors_of_parts), tape_test(null_gives_null),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
