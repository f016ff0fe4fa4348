/* Serialises the flags of a model's parameters, so that a training resumed from a checkpoint can restore them. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "nn/model.h"

/* One of these for each parameter is followed by the masks of all parameters, with one bit for each value. */
struct flags {
        float lr_scale;
        uint8_t frozen, decay, masked, unused;
};

size_t scion_model_flags_bytes(const struct scion_model *model)
{
        return (size_t)model->count * sizeof(struct flags) + (model->length + 7) / 8;
}

/* Returns the index of the first bit of the parameter's mask among the bits of all masks. */
static size_t parameter_first_bit(const struct scion_parameter *parameter)
{
        return parameter->value.offset / sizeof(float);
}

void scion_model_read_flags(const struct scion_model *model, unsigned char *bytes)
{
        unsigned char *bits = bytes + (size_t)model->count * sizeof(struct flags);

        memset(bytes, 0, scion_model_flags_bytes(model));
        for (int i = 0; i < model->count; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const struct flags flags = { .lr_scale = parameter->lr_scale,
                                             .frozen = parameter->frozen,
                                             .decay = parameter->decay,
                                             .masked = parameter->mask != NULL };
                size_t bit = parameter_first_bit(parameter);

                memcpy(bytes + (size_t)i * sizeof flags, &flags, sizeof flags);
                for (size_t k = 0; parameter->mask && k < parameter->value.length; k++, bit++)
                        bits[bit / 8] |= (unsigned char)((parameter->mask[k] != 0) << bit % 8);
        }
}

static bool parameter_read_mask(struct scion_parameter *parameter, const unsigned char *bits, size_t bit)
{
        float *mask = malloc((parameter->value.length + 1) * sizeof *mask);

        if (!mask)
                return scion_fail("out of memory");
        for (size_t k = 0; k < parameter->value.length; k++, bit++)
                mask[k] = (float)(bits[bit / 8] >> bit % 8 & 1);
        bool good = scion_parameter_mask(parameter, mask);

        free(mask);
        return good;
}

bool scion_model_write_flags(struct scion_model *model, const unsigned char *bytes)
{
        const unsigned char *bits = bytes + (size_t)model->count * sizeof(struct flags);

        for (int i = 0; i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];
                struct flags flags;

                memcpy(&flags, bytes + (size_t)i * sizeof flags, sizeof flags);
                parameter->lr_scale = flags.lr_scale;
                parameter->decay = flags.decay;
                scion_parameter_freeze(parameter, flags.frozen);
                if (!(flags.masked ? parameter_read_mask(parameter, bits, parameter_first_bit(parameter))
                                   : scion_parameter_mask(parameter, NULL)))
                        return false;
        }
        return true;
}
