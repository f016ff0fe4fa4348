#include "conform/look.h"

#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "nn/model.h"
#include "tensor/tape.h"

/* --- Gradients ------------------------------------------------------------------------------------------ */

static bool check_gradients(const struct scion_model *model, const char *owner,
                            const struct scion_moment *moment)
{
        for (int i = 0; i < model->count; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const float *gradient = parameter->slot.data;

                for (size_t k = 0; parameter->value.has_grad && k < parameter->value.length; k++)
                        if (!isfinite(gradient[k]))
                                return scion_fail("in %s the gradient of %s '%s' is %s", moment->text, owner,
                                                  parameter->name,
                                                  isnan(gradient[k]) ? "not a number" : "infinite");
        }
        return true;
}

bool scion_look_at_gradients(struct scion_look *look, const struct scion_moment *moment)
{
        const struct scion_transfer *transfer = moment->transfer;
        bool good = check_gradients(transfer->target, "the target's", moment);

        (void)look;
        for (int i = 0; good && i < transfer->own_models; i++)
                good = check_gradients(transfer->own_model[i].model, transfer->own_model[i].name, moment);
        return good;
}

/* --- Frozen parameters ---------------------------------------------------------------------------------- */

/* What is made anew in each step does not count: its values are written for evaluation. */
static bool is_still(const struct scion_parameter *parameter)
{
        return parameter->frozen && !parameter->buffer && !parameter->stand_in;
}

static bool look_at_frozen(struct scion_look *look, const struct scion_moment *moment)
{
        struct scion_frozen_look *frozen = (struct scion_frozen_look *)look;
        const struct scion_model *model = moment->transfer->target;

        if (!frozen->values) {
                frozen->values = malloc(model->extent * sizeof *frozen->values + 1);
                frozen->frozen = malloc((size_t)model->count + 1);
        }
        if (!frozen->values || !frozen->frozen)
                return scion_fail("out of memory");
        for (int i = 0; i < model->count; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const float *now = parameter->value.data;
                float *before = frozen->values + (now - model->values);

                if (moment->step > 1 && frozen->frozen[i] && is_still(parameter) &&
                    memcmp(before, now, parameter->value.length * sizeof *now) != 0)
                        return scion_fail(
                                "'%s' is frozen, and has other values in %s than in the step before: only "
                                "setup(), begin_stage() and begin_epoch() may write into what is frozen, "
                                "for what frozen modules make is computed once and used again",
                                parameter->name, moment->text);
                memcpy(before, now, parameter->value.length * sizeof *now);
                frozen->frozen[i] = is_still(parameter);
        }
        return true;
}

struct scion_look *scion_look_at_frozen(struct scion_frozen_look *frozen)
{
        *frozen = (struct scion_frozen_look){ .look = { .step = look_at_frozen } };
        return &frozen->look;
}

/* --- The source ----------------------------------------------------------------------------------------- */

bool scion_look_at_source(struct scion_look *look, const struct scion_moment *moment)
{
        const struct scion_model *model = moment->transfer->source;

        (void)look;
        for (int i = 0; model && moment->source && i < model->count + model->buffers; i++) {
                const struct scion_parameter *parameter = &model->parameter[i];
                const float *now = parameter->value.data, *before = moment->source + (now - model->values);

                if (memcmp(before, now, parameter->value.length * sizeof *now) != 0)
                        return scion_fail(
                                "the source's '%s' has other values by %s than before setup(): what is to "
                                "change belongs in the target, or in a model of the strategy's own",
                                parameter->name, moment->text);
        }
        return true;
}

/* --- What is logged ------------------------------------------------------------------------------------- */

static bool look_at_log(struct scion_look *look, const struct scion_moment *moment)
{
        struct scion_log_look *log = (struct scion_log_look *)look;
        const struct scion_transfer *transfer = moment->transfer;

        if (moment->step == 1)
                log->examples = 0;
        log->examples += transfer->batch->size;
        for (int i = 0; i < transfer->scalars; i++) {
                const struct scion_scalar *scalar = &transfer->scalar[i];

                if (scalar->examples < log->examples)
                        return scion_fail(
                                "'%s' is not logged in every step: by %s it was logged for %lld of the "
                                "epoch's %lld examples; a column of metrics.csv is the mean of all steps",
                                scalar->name, moment->text, (long long)scalar->examples,
                                (long long)log->examples);
                if (scalar->examples > log->examples)
                        return scion_fail("'%s' is logged more than once in a step: %s", scalar->name,
                                          moment->text);
                if (!isfinite(scalar->sum))
                        return scion_fail("what is logged as '%s' is %s in %s", scalar->name,
                                          isnan(scalar->sum) ? "not a number" : "infinite", moment->text);
        }
        return true;
}

struct scion_look *scion_look_at_log(struct scion_log_look *log)
{
        *log = (struct scion_log_look){ .look = { .step = look_at_log } };
        return &log->look;
}

/* --- Memory --------------------------------------------------------------------------------------------- */

/* The first two steps of an epoch have batches of one size. Before the second epoch things are made that are kept. */
static bool look_at_memory(struct scion_look *look, const struct scion_moment *moment)
{
        struct scion_memory_look *memory = (struct scion_memory_look *)look;
        struct scion_usage now = scion_usage_now(scion_tape_current());

        if (moment->epoch > 1 && moment->step == 2)
                scion_growth_add(&memory->growth[moment->transfer->stage], &memory->before, &now);
        memory->before = now;
        return true;
}

static bool judge_memory(struct scion_look *look)
{
        const struct scion_memory_look *memory = (const struct scion_memory_look *)look;
        bool good = true;

        for (int i = 0; good && i <= SCION_MAX_STAGES; i++)
                good = memory->growth[i].pairs == 0 || scion_growth_check(&memory->growth[i]);
        return good;
}

struct scion_look *scion_look_at_memory(struct scion_memory_look *memory)
{
        *memory = (struct scion_memory_look){ .look = { .step = look_at_memory, .end = judge_memory } };
        return &memory->look;
}
