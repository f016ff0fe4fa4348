/* What parameters are in a step: masks, which hold through training, and stand-ins, which hold for the step. */
#include <scion/error.h>
#include <scion/simd.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "nn/model.h"
#include "tensor/tape.h"

/* --- Masks ---------------------------------------------------------------------------------------------- */

/* Not a product: what is infinite, or no number, becomes 0 too. */
SCION_CLONES static void clear_masked(float *restrict x, const float *restrict mask, size_t count)
{
        for (size_t i = 0; i < count; i++)
                x[i] = mask[i] != 0 ? x[i] : 0;
}

void scion_parameter_mask_values(struct scion_parameter *parameter)
{
        if (parameter->mask)
                clear_masked(parameter->value.data, parameter->mask, parameter->value.length);
}

void scion_parameter_mask_gradient(struct scion_parameter *parameter)
{
        if (parameter->mask)
                clear_masked(parameter->slot.data, parameter->mask, parameter->slot.length);
}

static bool check_mask(const struct scion_parameter *parameter, const float *mask)
{
        if (parameter->buffer)
                return scion_fail("%s is a buffer, which has no mask", parameter->name);
        for (size_t i = 0; i < parameter->value.length; i++)
                if (mask[i] != 0 && mask[i] != 1)
                        return scion_fail("a mask has zeros and ones, not %g (%s)", (double)mask[i],
                                          parameter->name);
        return true;
}

bool scion_parameter_mask(struct scion_parameter *parameter, const float *mask)
{
        if (!parameter)
                return scion_fail("there is no parameter to mask");
        if (mask && !check_mask(parameter, mask))
                return false;
        size_t bytes = parameter->value.length * sizeof *mask;
        float *copy = mask ? malloc(bytes) : NULL;

        if (mask && !copy)
                return scion_fail("out of memory");
        if (mask)
                memcpy(copy, mask, bytes);
        free(parameter->mask);
        parameter->mask = copy;
        scion_parameter_written();
        scion_parameter_mask_values(parameter);
        return true;
}

const float *scion_parameter_masked(const struct scion_parameter *parameter)
{
        return parameter ? parameter->mask : NULL;
}

/* --- Stand-ins ------------------------------------------------------------------------------------------ */

static bool check_stand_in(const struct scion_parameter *parameter, const struct scion_tensor *value)
{
        char is[96], wanted[96];

        if (parameter->buffer)
                return scion_fail("%s is a buffer, which nothing can stand in for", parameter->name);
        if (value->dtype == SCION_F32 && scion_shape_equal(&value->shape, &parameter->value.shape))
                return true;
        return scion_refuse("%s has floats of shape %s; what is to stand in for it has %s of %s",
                            parameter->name, scion_shape_text(&parameter->value.shape, wanted, sizeof wanted),
                            value->dtype == SCION_F32 ? "floats" : "integers",
                            scion_shape_text(&value->shape, is, sizeof is));
}

bool scion_parameter_make(struct scion_parameter *parameter, struct scion_tensor *value)
{
        if (!value)
                return false;
        if (!parameter)
                return scion_fail("there is no parameter to stand in for");
        if (!check_stand_in(parameter, value))
                return false;
        if (parameter->mask)
                value = scion_mul(value,
                                  scion_tensor_wrap(parameter->value.shape, SCION_F32, parameter->mask));
        parameter->stand_in = value;
        return value != NULL;
}

void scion_model_clear_stand_ins(struct scion_model *model)
{
        for (int i = 0; i < model->count; i++)
                model->parameter[i].stand_in = NULL;
}

bool scion_model_settle(struct scion_model *model)
{
        for (int i = 0; i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];

                if (!parameter->stand_in)
                        continue;
                if (!scion_tensor_copy(parameter->stand_in, &parameter->value))
                        return scion_fail_prefix("%s", parameter->name);
                scion_parameter_mask_values(parameter);
                parameter->stand_in = NULL;
        }
        return true;
}
