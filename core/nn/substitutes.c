/* Masks, which fix elements of a parameter at 0 throughout training, and substitutes, which replace a parameter's values
 * for one step. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "nn/model.h"
#include "tensor/tape.h"

/* --- Masks ---------------------------------------------------------------------------------------------- */

static struct scion_array parameter_mask_array(const struct scion_parameter *parameter)
{
        return scion_array_over(parameter->device_mask, 0, parameter->value.shape, SCION_F32);
}

/* Sets the elements of x to 0 where the parameter's mask is 0. */
static bool parameter_mask_tensor(const struct scion_parameter *parameter, struct scion_tensor *x)
{
        if (!parameter->mask)
                return true;
        const struct scion_array mask = parameter_mask_array(parameter);

        return SCION_ON_DEVICE(mask, &mask, &x->array);
}

bool scion_parameter_mask_values(struct scion_parameter *parameter)
{
        return parameter_mask_tensor(parameter, &parameter->value);
}

bool scion_parameter_mask_gradient(struct scion_parameter *parameter)
{
        return parameter_mask_tensor(parameter, &parameter->slot);
}

void scion_parameter_free_mask(struct scion_parameter *parameter)
{
        free(parameter->mask);
        scion_storage_destroy(parameter->device_mask);
        parameter->mask = NULL;
        parameter->device_mask = NULL;
}

static bool mask_check(const struct scion_parameter *parameter, const float *mask)
{
        if (parameter->buffer)
                return scion_fail("%s is a buffer, which has no mask", parameter->name);
        for (size_t i = 0; i < parameter->value.length; i++)
                if (mask[i] != 0 && mask[i] != 1)
                        return scion_fail("a mask has zeros and ones, not %g (%s)", (double)mask[i],
                                          parameter->name);
        return true;
}

/* Replaces the parameter's mask by a copy of this one. */
static bool parameter_set_mask(struct scion_parameter *parameter, const float *mask)
{
        size_t bytes = parameter->value.length * sizeof *mask;
        float *copy = malloc(bytes);
        struct scion_storage *storage = copy ? scion_storage_create(bytes) : NULL;

        if (!copy)
                scion_fail("out of memory");
        if (!storage || !scion_storage_write(storage, 0, mask, bytes)) {
                free(copy);
                scion_storage_destroy(storage);
                return false;
        }
        memcpy(copy, mask, bytes); /* before the old mask is freed, which may be the same */
        scion_parameter_free_mask(parameter);
        parameter->mask = copy;
        parameter->device_mask = storage;
        return true;
}

bool scion_parameter_mask(struct scion_parameter *parameter, const float *mask)
{
        if (!parameter)
                return scion_fail("there is no parameter to mask");
        if (mask && (!mask_check(parameter, mask) || !parameter_set_mask(parameter, mask)))
                return false;
        if (!mask)
                scion_parameter_free_mask(parameter);
        scion_parameter_written();
        return scion_parameter_mask_values(parameter);
}

const float *scion_parameter_masked(const struct scion_parameter *parameter)
{
        return parameter ? parameter->mask : NULL;
}

/* --- Substitutes ---------------------------------------------------------------------------------------- */

static bool substitute_check(const struct scion_parameter *parameter, const struct scion_tensor *value)
{
        char is[96], wanted[96];

        if (parameter->buffer)
                return scion_fail("%s is a buffer, which cannot have a substitute", parameter->name);
        if (value->dtype == SCION_F32 && scion_shape_equal(&value->shape, &parameter->value.shape))
                return true;
        return scion_refuse("%s has floats of shape %s, but its substitute has %s of shape %s",
                            parameter->name, scion_shape_text(&parameter->value.shape, wanted, sizeof wanted),
                            value->dtype == SCION_F32 ? "floats" : "integers",
                            scion_shape_text(&value->shape, is, sizeof is));
}

bool scion_parameter_make(struct scion_parameter *parameter, struct scion_tensor *value)
{
        if (!value)
                return false;
        if (!parameter)
                return scion_fail("there is no parameter to substitute");
        if (!substitute_check(parameter, value))
                return false;
        if (parameter->mask)
                value = scion_mul(value, scion_tensor_over(parameter->device_mask, 0, parameter->value.shape,
                                                           SCION_F32));
        parameter->substitute = value;
        return value != NULL;
}

void scion_model_clear_substitutes(struct scion_model *model)
{
        for (int i = 0; i < model->count; i++)
                model->parameter[i].substitute = NULL;
}

bool scion_model_write_substitutes(struct scion_model *model)
{
        for (int i = 0; i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];

                if (!parameter->substitute)
                        continue;
                if (!scion_tensor_copy(parameter->substitute, &parameter->value))
                        return scion_fail_prefix("%s", parameter->name);
                if (!scion_parameter_mask_values(parameter))
                        return false;
                parameter->substitute = NULL;
        }
        return true;
}
