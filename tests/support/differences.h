/* Compares the gradients of a model's parameters with finite differences of its loss. */
#ifndef SCION_TESTS_SUPPORT_DIFFERENCES_H
#define SCION_TESTS_SUPPORT_DIFFERENCES_H

#include <math.h>

#include "nn/model.h"
#include "support/memory.h"

/* The loss with float number i of the parameter at x. */
static inline double loss_with(struct scion_model *model,
                               struct scion_tensor *(*loss_of)(struct scion_model *),
                               const struct scion_tensor *parameter, size_t i, float x)
{
        float before = memory_of(parameter)[i];

        memory_set(parameter, i, x);
        scion_no_grad_begin();
        double loss = (double)scion_item(loss_of(model));
        scion_no_grad_end();
        memory_set(parameter, i, before);
        return loss;
}

/* Fails the test unless the gradient of every parameter agrees with central differences of the loss. The
 * loss must be smooth within the step. */
static inline void assert_gradients(struct scion_model *model,
                                    struct scion_tensor *(*loss_of)(struct scion_model *))
{
        const float h = 0x1p-8f;

        for (int i = 0; i < model->count; i++) {
                struct scion_parameter *parameter = &model->parameter[i];

                if (!scion_grad(&parameter->value))
                        fail_msg("%s has no gradient", parameter->name);
                for (size_t k = 0; k < parameter->value.length; k++) {
                        float x = memory_of(&parameter->value)[k];
                        double difference = (loss_with(model, loss_of, &parameter->value, k, x + h) -
                                             loss_with(model, loss_of, &parameter->value, k, x - h)) /
                                            (2 * (double)h);
                        double gradient = (double)memory_of(&parameter->slot)[k];

                        if (fabs(gradient - difference) > 2e-3 * (1 + fabs(difference)))
                                fail_msg("%s[%zu]: gradient %g, difference %g", parameter->name, k, gradient,
                                         difference);
                }
        }
}

#endif
