#include "conform/look.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "conform/probe.h"
#include "nn/model.h"
#include "tensor/tape.h"

/* --- Gradients ------------------------------------------------------------------------------------------ */

static bool gradients_check(const struct scion_model *model, const float *gradients, const char *owner,
                            const struct scion_moment *moment)
{
        for (int i = 0; i < model->count; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const float *gradient = scion_probe_values_of(&parameter->slot, gradients);

                for (size_t k = 0; parameter->value.has_grad && k < parameter->value.length; k++)
                        if (!isfinite(gradient[k]))
                                return scion_fail("in %s the gradient of %s '%s' is %s", moment->text, owner,
                                                  parameter->name,
                                                  isnan(gradient[k]) ? "not a number" : "infinite");
        }
        return true;
}

static bool model_check_gradients(const struct scion_model *model, const char *owner,
                                  const struct scion_moment *moment)
{
        float *gradients = scion_probe_values(model->gradients);
        bool good = gradients && gradients_check(model, gradients, owner, moment);

        free(gradients);
        return good;
}

bool scion_look_at_gradients(struct scion_look *look, const struct scion_moment *moment)
{
        const struct scion_transfer *transfer = moment->transfer;
        bool good = model_check_gradients(transfer->target, "the target's", moment);

        (void)look;
        for (int i = 0; good && i < transfer->own_models; i++)
                good = model_check_gradients(transfer->own_model[i].model, transfer->own_model[i].name,
                                             moment);
        return good;
}

/* --- Frozen parameters ---------------------------------------------------------------------------------- */

/* Leaves out parameters that a reparametrisation computes in each step: their values are written for evaluation. */
static bool parameter_is_still(const struct scion_parameter *parameter)
{
        return parameter->frozen && !parameter->buffer && !parameter->substitute;
}

static bool frozen_look_step(struct scion_look *look, const struct scion_moment *moment)
{
        struct scion_frozen_look *frozen = (struct scion_frozen_look *)look;
        const struct scion_model *model = moment->transfer->target;

        float *before = frozen->values, *now = scion_probe_values(model->values);

        free(frozen->before);
        frozen->before = before;
        frozen->values = now;
        if (!now)
                return false;
        if (!frozen->frozen && !(frozen->frozen = calloc((size_t)model->count + 1, 1)))
                return scion_fail("out of memory");
        for (int i = 0; i < model->count; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const struct scion_tensor *value = &parameter->value;

                if (moment->step > 1 && before && frozen->frozen[i] && parameter_is_still(parameter) &&
                    memcmp(scion_probe_values_of(value, before), scion_probe_values_of(value, now),
                           value->length * sizeof *now) != 0)
                        return scion_fail(
                                "'%s' is frozen, and has other values in %s than in the step before: only "
                                "setup(), begin_stage() and begin_epoch() may write to frozen parameters, "
                                "because the outputs of frozen modules are computed once and used again",
                                parameter->name, moment->text);
                frozen->frozen[i] = parameter_is_still(parameter);
        }
        return true;
}

struct scion_look *scion_look_at_frozen(struct scion_frozen_look *frozen)
{
        *frozen = (struct scion_frozen_look){ .look = { .step = frozen_look_step } };
        return &frozen->look;
}

/* --- The source ----------------------------------------------------------------------------------------- */

static bool source_check(const struct scion_model *model, const float *now, const struct scion_moment *moment)
{
        for (int i = 0; i < model->count + model->buffers; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const struct scion_tensor *value = &parameter->value;

                if (memcmp(scion_probe_values_of(value, moment->source), scion_probe_values_of(value, now),
                           value->length * sizeof *now) != 0)
                        return scion_fail(
                                "the source's '%s' has other values by %s than before setup(): parameters "
                                "that change belong in the target, or in a model of the strategy's own",
                                parameter->name, moment->text);
        }
        return true;
}

bool scion_look_at_source(struct scion_look *look, const struct scion_moment *moment)
{
        const struct scion_model *model = moment->transfer->source;

        (void)look;
        if (!model || !moment->source)
                return true;
        float *now = scion_probe_values(model->values);
        bool good = now && source_check(model, now, moment);

        free(now);
        return good;
}

/* --- Logged scalars ------------------------------------------------------------------------------------- */

/* Returns the scalar's sum and examples with what was logged in this step, which the engine reads after the update. */
static struct scion_scalar scalar_so_far(const struct scion_transfer *transfer, int index)
{
        struct scion_scalar scalar = transfer->scalar[index];

        for (int i = 0; i < transfer->logged_count; i++) {
                const struct scion_logged *logged = &transfer->logged[i];

                if (logged->scalar != index)
                        continue;
                scalar.sum += (double)scion_item(transfer->readings.tensor[logged->reading]) *
                              (double)logged->examples;
                scalar.examples += logged->examples;
        }
        return scalar;
}

static bool log_look_step(struct scion_look *look, const struct scion_moment *moment)
{
        struct scion_log_look *log = (struct scion_log_look *)look;
        const struct scion_transfer *transfer = moment->transfer;

        if (moment->step == 1)
                log->examples = 0;
        log->examples += transfer->batch->size;
        for (int i = 0; i < transfer->scalars; i++) {
                const struct scion_scalar scalar = scalar_so_far(transfer, i);

                if (scalar.examples < log->examples)
                        return scion_fail(
                                "'%s' is not logged in every step: by %s it was logged for %lld of the "
                                "epoch's %lld examples; a column of metrics.csv is the mean of all steps",
                                scalar.name, moment->text, (long long)scalar.examples,
                                (long long)log->examples);
                if (scalar.examples > log->examples)
                        return scion_fail("'%s' is logged more than once in a step: %s", scalar.name,
                                          moment->text);
                if (!isfinite(scalar.sum))
                        return scion_fail("the scalar logged as '%s' is %s in %s", scalar.name,
                                          isnan(scalar.sum) ? "not a number" : "infinite", moment->text);
        }
        return true;
}

struct scion_look *scion_look_at_log(struct scion_log_look *log)
{
        *log = (struct scion_log_look){ .look = { .step = log_look_step } };
        return &log->look;
}

/* --- Memory --------------------------------------------------------------------------------------------- */

/* The first two steps of an epoch have batches of equal size. The first epoch is left out, because it allocates what
 * later epochs use again. */
static bool memory_look_step(struct scion_look *look, const struct scion_moment *moment)
{
        struct scion_memory_look *memory = (struct scion_memory_look *)look;
        struct scion_usage now = scion_usage_now(scion_tape_current());

        if (moment->epoch > 1 && moment->step == 2)
                scion_growth_add(&memory->growth[moment->transfer->stage], &memory->before, &now);
        memory->before = now;
        return true;
}

static bool memory_look_end(struct scion_look *look)
{
        const struct scion_memory_look *memory = (const struct scion_memory_look *)look;
        bool good = true;

        for (int i = 0; good && i <= SCION_MAX_STAGES; i++)
                good = memory->growth[i].pairs == 0 || scion_growth_check(&memory->growth[i]);
        return good;
}

struct scion_look *scion_look_at_memory(struct scion_memory_look *memory)
{
        *memory = (struct scion_memory_look){ .look = { .step = memory_look_step, .end = memory_look_end } };
        return &memory->look;
}
