#include "conform/probe.h"

#include <math.h>
#include <scion/error.h>
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

/* Gray images, small and larger colour images, vectors. */
const struct scion_shape scion_probe_shapes[] = {
        { .ndim = 3, .dim = { 1, 28, 28 } },
        { .ndim = 3, .dim = { 3, 32, 32 } },
        { .ndim = 3, .dim = { 3, 64, 64 } },
        { .ndim = 1, .dim = { 20 } },
        { .ndim = 0 },
};

/* --- Building ------------------------------------------------------------------------------------------- */

struct scion_model *scion_probe_build(struct scion_conform *conform, const struct scion_shape *input,
                                      int64_t outputs, uint64_t seed, enum scion_probe_verdict *verdict)
{
        const struct scion_model_plugin *plugin = &conform->descriptor->model;
        struct scion_instance *instance = scion_instance_create(SCION_MODEL, conform->map, NULL);
        char text[96];

        *verdict = SCION_PROBE_WRONG;
        if (!instance)
                return NULL;
        scion_shape_text(input, text, sizeof text);
        scion_conform_doing(conform, "build() for inputs of %s and %lld outputs", text, (long long)outputs);
        scion_error_clear();
        struct scion_module *root = plugin->build(instance->self, input, outputs);

        if (!root && !*scion_error()) {
                scion_instance_destroy(instance);
                return scion_fail_null("build() returned NULL for inputs of %s and %lld outputs, and gave no "
                                       "reason: return scion_fail_null(\"...\") tells the user what it takes",
                                       text, (long long)outputs);
        }
        struct scion_model *model = scion_model_assemble(root, plugin->head, input, outputs, seed);

        *verdict = model ? SCION_PROBE_BUILT : SCION_PROBE_REFUSED;
        if (model)
                model->instance = instance;
        else
                scion_instance_destroy(instance);
        return model;
}

void scion_refusals_add(struct scion_refusals *refusals, const struct scion_shape *input)
{
        const char *separator = "";
        char text[96];

        if (refusals->text.length > 0 &&
            strncmp(refusals->reason, scion_error(), sizeof refusals->reason - 1) == 0)
                separator = ", ";
        else if (refusals->text.length > 0)
                scion_text_add(&refusals->text, ": %s; ", refusals->reason);
        scion_text_add(&refusals->text, "%s%s", separator, scion_shape_text(input, text, sizeof text));
        snprintf(refusals->reason, sizeof refusals->reason, "%s", scion_error());
}

bool scion_refusals_fail(const struct scion_refusals *refusals)
{
        return scion_fail("it takes none of the inputs that were tried: %s: %s",
                          refusals->text.failed ? "out of memory" : refusals->text.text, refusals->reason);
}

struct scion_model *scion_probe_any(struct scion_conform *conform)
{
        struct scion_refusals refusals = { 0 };
        struct scion_model *model = NULL;
        enum scion_probe_verdict verdict = SCION_PROBE_REFUSED;

        for (const struct scion_shape *input = scion_probe_shapes;
             verdict == SCION_PROBE_REFUSED && input->ndim > 0; input++) {
                model = scion_probe_build(conform, input, SCION_PROBE_OUTPUTS, SCION_PROBE_SEED, &verdict);
                if (verdict == SCION_PROBE_REFUSED)
                        scion_refusals_add(&refusals, input);
        }
        if (verdict == SCION_PROBE_REFUSED)
                scion_refusals_fail(&refusals);
        free(refusals.text.text);
        return model;
}

/* --- Running -------------------------------------------------------------------------------------------- */

struct scion_tensor *scion_probe_random(struct scion_shape shape, struct scion_random *random)
{
        int64_t count = scion_shape_size(&shape);
        float *values = malloc((size_t)count * sizeof *values);

        if (!values)
                return scion_fail_null("out of memory");
        for (int64_t i = 0; i < count; i++)
                values[i] = scion_random_normal(random);
        struct scion_tensor *x = scion_from(shape, values);

        free(values);
        return x;
}

float *scion_probe_values(struct scion_storage *storage)
{
        float *values = malloc(storage->bytes + 1);

        if (!values)
                return scion_fail_null("out of memory");
        if (scion_storage_read(storage, 0, values, storage->bytes))
                return values;
        free(values);
        return NULL;
}

const float *scion_probe_values_of(const struct scion_tensor *x, const float *values)
{
        return values + x->offset / sizeof *values;
}

struct scion_tensor *scion_probe_inputs(const struct scion_model *model, int64_t examples, uint64_t index)
{
        struct scion_random random = scion_random(SCION_PROBE_SEED, SCION_RANDOM_DATA, index);
        struct scion_shape shape = { .ndim = model->input.ndim + 1, .dim = { examples } };

        for (int i = 0; i < model->input.ndim; i++)
                shape.dim[i + 1] = model->input.dim[i];
        return scion_probe_random(shape, &random);
}

const float *scion_probe_run(struct scion_model *model, struct scion_tensor *x)
{
        int64_t examples = scion_dim(x, 0);
        struct scion_shape wanted = SCION_SHAPE(examples, model->outputs);
        struct scion_tensor *y = scion_model_forward(model, x);
        char made[96], asked[96];

        if (!y)
                return scion_fail_null("the model does not run on a batch of %lld: %s", (long long)examples,
                                       scion_error());
        if (!scion_shape_equal(&y->shape, &wanted))
                return scion_fail_null("of a batch of %lld it makes outputs of shape %s, not %s",
                                       (long long)examples, scion_shape_text(&y->shape, made, sizeof made),
                                       scion_shape_text(&wanted, asked, sizeof asked));
        const float *values = scion_data(y);

        for (int64_t i = 0; values && i < scion_size(y); i++)
                if (!isfinite(values[i]))
                        return scion_fail_null("an output is %s for random inputs, a batch of %lld",
                                               isnan(values[i]) ? "not a number" : "infinite",
                                               (long long)examples);
        return values;
}

const float *scion_probe_evaluate(struct scion_model *model, struct scion_tape *tape, int64_t examples,
                                  uint64_t index)
{
        scion_tape_reset(tape);
        scion_tape_set_training(tape, false);
        scion_no_grad_begin();
        const float *y = scion_probe_run(model, scion_probe_inputs(model, examples, index));

        scion_no_grad_end();
        return y;
}

const float *scion_probe_train(struct scion_model *model, struct scion_tape *tape, int64_t examples,
                               uint64_t index, uint64_t seed)
{
        scion_tape_reset(tape);
        scion_tape_set_training(tape, true);
        scion_tape_set_seed(tape, seed, 0);
        scion_no_grad_begin();
        const float *y = scion_probe_run(model, scion_probe_inputs(model, examples, index));

        scion_no_grad_end();
        return y;
}
