/* Masks and substitutes of parameters. */
#include "support/differences.h"
#include "support/tensors.h"

#define SEED 4

/* fc1 3 -> 4, norm, tanh, fc2 4 -> 2 */
static struct scion_model *new_net(void)
{
        const struct scion_shape input = SCION_SHAPE(3);
        struct scion_module *net = scion_nn_sequential();

        scion_nn_append(net, "fc1", scion_nn_linear(3, 4, true));
        scion_nn_append(net, "norm", scion_nn_batch_norm1d(4, 0.1f, 1e-5f));
        scion_nn_append(net, "tanh", scion_nn_tanh());
        scion_nn_append(net, "fc2", scion_nn_linear(4, 2, true));
        struct scion_model *model = scion_model_assemble(net, NULL, &input, 2, SEED);

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

static struct scion_tensor *loss_of(struct scion_model *model)
{
        struct scion_tensor *y = scion_model_forward(model, numbers(SCION_SHAPE(5, 3), 1));

        return scion_mean(scion_pow(scion_shift(y, 1), 3), SCION_ALL_AXES, false);
}

/* --- Masks ---------------------------------------------------------------------------------------------- */

static const float checks[12] = { 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0 };

static void assert_masked(struct scion_parameter *parameter)
{
        float values[12];

        assert_true(scion_parameter_read(parameter, values));
        for (int i = 0; i < 12; i++) {
                assert_true((values[i] == 0) == (checks[i] == 0));
                assert_true(!signbit(values[i]) || values[i] != 0);
        }
}

static void masks(void **state)
{
        struct scion_model *model = new_net(), *other = new_net();
        struct scion_parameter *weight = scion_model_find(model, "fc1.weight");
        float values[12], before[12], mask[12];

        (void)state;
        assert_null(scion_parameter_masked(weight));
        memcpy(mask, checks, sizeof mask);
        assert_true(scion_parameter_read(weight, before));
        assert_true(scion_parameter_mask(weight, mask));
        memset(mask, 0, sizeof mask); /* the model has a copy */
        assert_memory_equal(scion_parameter_masked(weight), checks, sizeof checks);
        assert_masked(weight);
        assert_true(scion_parameter_read(weight, values));
        for (int i = 0; i < 12; i += 2)
                assert_true(values[i] == before[i]);

        for (int i = 0; i < 12; i++)
                values[i] = i % 3 == 0 ? -1 : i % 3 == 1 ? INFINITY : -NAN;
        assert_true(scion_parameter_write(weight, values));
        assert_true(scion_parameter_read(weight, values));
        for (int i = 1; i < 12; i += 2)
                assert_true(values[i] == 0);
        assert_int_equal(scion_model_copy(model, other, true), 6);
        assert_masked(weight);

        /* The mask is kept when the model is laid out again, and also when that fails. */
        assert_true(scion_model_graft(model, "fc1", SCION_BEFORE, "in", scion_nn_linear(3, 3, true)));
        assert_false(scion_model_graft(model, "fc1", SCION_BEFORE, "bad", scion_nn_linear(4, 3, true)));
        weight = scion_model_find(model, "fc1.weight");
        assert_memory_equal(scion_parameter_masked(weight), checks, sizeof checks);
        assert_masked(weight);
        /* The mask is freed with the parameter. */
        assert_true(scion_model_graft(model, "fc1", SCION_INSTEAD, NULL, scion_nn_linear(3, 4, true)));
        weight = scion_model_find(model, "fc1.weight");
        assert_null(scion_parameter_masked(weight));

        /* A second mask replaces the first; NULL removes it. */
        assert_true(scion_parameter_mask(weight, checks));
        assert_true(scion_parameter_mask(weight, mask));
        assert_true(scion_parameter_mask(weight, NULL));
        assert_null(scion_parameter_masked(weight));
        assert_true(scion_parameter_write(weight, before));
        assert_true(scion_parameter_read(weight, values));
        assert_memory_equal(values, before, sizeof before);
        scion_model_destroy(model);
        scion_model_destroy(other);
}

static void bad_masks(void **state)
{
        struct scion_model *model = new_net();
        struct scion_parameter *weight = scion_model_find(model, "fc1.weight");
        float mask[12];

        (void)state;
        memcpy(mask, checks, sizeof mask);
        mask[7] = 0.5f;
        assert_false(scion_parameter_mask(weight, mask));
        assert_error_has("fc1.weight", "0.5", NULL);
        mask[7] = NAN;
        assert_false(scion_parameter_mask(weight, mask));
        assert_null(scion_parameter_masked(weight));
        assert_false(scion_parameter_mask(scion_model_buffer(model, 0), checks));
        assert_error_has("norm.running_mean", "buffer", NULL);
        assert_false(scion_parameter_mask(NULL, checks));
        assert_error_has("no parameter", NULL);
        assert_null(scion_parameter_masked(NULL));
        scion_model_destroy(model);
}

/* --- Substitutes ---------------------------------------------------------------------------------------- */

static struct scion_model *target; /* its parameters are computed from those of the part */

static struct scion_module *two_factors(void)
{
        struct scion_module *holder = scion_nn_sequential();
        const struct scion_init normal = { .kind = SCION_INIT_NORMAL, .gain = 1 };

        scion_nn_parameter(holder, "rows", SCION_SHAPE(4, 2), normal);
        scion_nn_parameter(holder, "columns", SCION_SHAPE(2, 3), normal);
        scion_nn_parameter(holder, "scale", SCION_SHAPE(4), normal);
        return holder;
}

/* fc1's weight = rows columns, norm's weight = scale^2. */
static bool make(struct scion_model *part)
{
        struct scion_tensor *rows = scion_parameter_tensor(scion_model_find(part, "rows"));
        struct scion_tensor *columns = scion_parameter_tensor(scion_model_find(part, "columns"));
        struct scion_tensor *scale = scion_parameter_tensor(scion_model_find(part, "scale"));

        return scion_parameter_make(scion_model_find(target, "fc1.weight"),
                                    scion_matmul(rows, columns, false, false)) &&
               scion_parameter_make(scion_model_find(target, "norm.weight"), scion_mul(scale, scale));
}

static struct scion_tensor *made_loss(struct scion_model *part)
{
        if (!make(part))
                fail_msg("%s", scion_error());
        return loss_of(target);
}

static void gradients_flow_into_substitutes(void **state)
{
        struct scion_model *part = scion_model_assemble_part(two_factors(), SEED);
        struct scion_parameter *weight;

        (void)state;
        assert_non_null(part);
        target = new_net();
        weight = scion_model_find(target, "fc1.weight");
        for (int training = 0; training < 2; training++) {
                scion_tape_set_training(tape, training);
                scion_model_clear_gradients(part);
                scion_model_clear_gradients(target);
                assert_true(scion_backward(made_loss(part)));
                assert_gradients(part, made_loss);
                assert_null(scion_grad(scion_parameter_tensor(weight)));
                assert_non_null(scion_grad(scion_parameter_tensor(scion_model_find(target, "fc2.weight"))));
        }
        /* Where the mask is 0 there is no gradient. */
        scion_model_clear_substitutes(target);
        assert_true(scion_parameter_mask(weight, checks));
        scion_model_clear_gradients(part);
        assert_true(scion_backward(made_loss(part)));
        assert_gradients(part, made_loss);
        for (int i = 0; i < 12; i++)
                assert_true((scion_data(weight->substitute)[i] == 0) == (checks[i] == 0));
        scion_model_destroy(part);
        scion_model_destroy(target);
}

static void substitutes_last_one_step(void **state)
{
        struct scion_model *part = scion_model_assemble_part(two_factors(), SEED);
        float before, made, after;

        (void)state;
        target = new_net();
        before = scion_item(loss_of(target));
        made = scion_item(made_loss(part));
        assert_true(made != before);
        scion_model_clear_substitutes(target);
        assert_true(scion_item(loss_of(target)) == before);

        /* Writing the substitutes copies their values into the parameters. */
        made_loss(part);
        struct scion_parameter *weight = scion_model_find(target, "fc1.weight");
        float wanted[12], is[12];

        memcpy(wanted, scion_data(weight->substitute), sizeof wanted);
        assert_true(scion_model_write_substitutes(target));
        assert_null(weight->substitute);
        assert_true(scion_parameter_read(weight, is));
        assert_memory_equal(is, wanted, sizeof is);
        after = scion_item(loss_of(target));
        assert_true(after == made);
        assert_true(scion_model_write_substitutes(target));
        assert_true(scion_item(loss_of(target)) == made);

        /* Writing to a masked parameter keeps its zeros. */
        scion_parameter_mask(weight, checks);
        made_loss(part);
        assert_true(scion_model_write_substitutes(target));
        assert_masked(weight);
        scion_model_destroy(part);
        scion_model_destroy(target);
}

/* A normalisation is in training mode if the substitute of its weight requires a gradient. */
static void frozen_norms(void **state)
{
        struct scion_model *part = scion_model_assemble_part(two_factors(), SEED);
        float mean[4];

        (void)state;
        target = new_net();
        assert_true(scion_model_freeze(target, "*"));
        scion_tape_set_training(tape, true);
        loss_of(target);
        assert_true(scion_parameter_read(scion_model_buffer(target, 0), mean));
        assert_true(mean[0] == 0);
        made_loss(part);
        assert_true(scion_parameter_read(scion_model_buffer(target, 0), mean));
        assert_true(mean[0] != 0);
        scion_model_destroy(part);
        scion_model_destroy(target);
}

static void bad_substitutes(void **state)
{
        struct scion_model *model = new_net();
        struct scion_parameter *weight = scion_model_find(model, "fc1.weight");

        (void)state;
        assert_false(scion_parameter_make(weight, scion_zeros(SCION_SHAPE(3, 4))));
        assert_error_has("fc1.weight", "4x3", "3x4", NULL);
        assert_false(scion_parameter_make(weight, scion_from_i32(SCION_SHAPE(4, 3), (int32_t[12]){ 0 })));
        assert_error_has("integers", NULL);
        assert_false(scion_parameter_make(scion_model_buffer(model, 0), scion_zeros(SCION_SHAPE(4))));
        assert_error_has("norm.running_mean", "buffer", NULL);
        assert_false(scion_parameter_make(NULL, scion_zeros(SCION_SHAPE(4, 3))));
        assert_error_has("no parameter", NULL);
        scion_fail("kept");
        assert_false(scion_parameter_make(weight, NULL));
        assert_string_equal(scion_error(), "kept");
        assert_null(weight->substitute);
        scion_model_destroy(model);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(masks),
                tape_test(bad_masks),
                tape_test(gradients_flow_into_substitutes),
                tape_test(frozen_norms),
                tape_test(bad_substitutes),
                tape_test(substitutes_last_one_step),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
