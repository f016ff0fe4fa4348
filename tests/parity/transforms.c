/* Compares the transforms of datasets with PyTorch and NumPy. */
#include "parity/vectors.h"

#include "data/transform.h"

#define MOST 4096 /* values of an input */

/* Writes the input to the memory that the transforms work on. */
static void input_write(const json_t *test_case, enum scion_dtype element, int64_t values, void *input)
{
        uint64_t seed = (uint64_t)vectors_integer(test_case, "seed");
        int32_t bytes[MOST];

        if (element == SCION_F32) {
                vectors_fill(seed, 0, -1, 1, input, (size_t)values);
                return;
        }
        vectors_fill_labels(seed, 0, 256, bytes, (size_t)values);
        for (int64_t i = 0; i < values; i++)
                ((uint8_t *)input)[i] = (uint8_t)bytes[i];
}

static int64_t values_of(const struct scion_shape *shape)
{
        int64_t values = 1;

        for (int i = 0; i < shape->ndim; i++)
                values *= shape->dim[i];
        assert_in_range(values, 1, MOST);
        return values;
}

static void transform_agrees(void **state)
{
        const json_t *test_case = *state;
        bool bytes = vectors_flag(test_case, "bytes");
        struct scion_form form = { vectors_shape(test_case, "shape"), bytes ? SCION_U8 : SCION_F32, bytes };
        struct scion_shape before = form.shape, after = vectors_shape(test_case, "after");
        struct scion_config *config = scion_config_parse(vectors_text(test_case, "config"), "config");
        struct scion_transforms transforms = { 0 };
        float got[MOST];

        if (!config || !scion_transforms_read(&transforms, config) ||
            !scion_transforms_plan(&transforms, &form, MOST, 1))
                fail_msg("%s", scion_error());
        assert_int_equal(form.shape.ndim, after.ndim);
        for (int i = 0; i < after.ndim; i++)
                assert_int_equal(form.shape.dim[i], after.dim[i]);

        input_write(test_case, bytes ? SCION_U8 : SCION_F32, values_of(&before),
                    scion_transforms_input(&transforms));
        scion_transforms_apply(&transforms, (struct scion_example){ SCION_TRAIN, 0 }, got);

        int64_t values = values_of(&after);

        /* Begins with the last byte, so that no byte is overwritten before it is read. */
        for (int64_t i = values - 1; form.element == SCION_U8 && i >= 0; i--)
                got[i] = (float)((const uint8_t *)got)[i] / 255;
        vectors_compare("the input", got, (size_t)values, vectors_member(test_case, "values"),
                        vectors_tolerance(test_case));
        scion_transforms_finish(&transforms);
        scion_config_destroy(config);
}

int main(void)
{
        return vectors_run("transforms", transform_agrees);
}
