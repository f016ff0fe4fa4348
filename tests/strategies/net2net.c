/* Net2Net: the target computes what the source does, on real images where there are any. */
#include <math.h>
#include <unistd.h>

#include "data/data_support.h"

#include "nn/model.h"
#include "transfer/transfer.h"

#define FASHION "/usr/share/datasets/fashion-mnist"
#define SHOWN 1000

static struct scion_data *data;

/* Without the real ones, random ones: what is tested is the same. */
static int open_images(void **state)
{
        if (access(FASHION "/train-images-idx3-ubyte.gz", R_OK) == 0)
                data = open_data(1, "{ use: idx, root: " FASHION ", normalize: standard, limit: 512 }");
        else
                data = open_data(1, "{ use: random, shape: [1, 28, 28], num_classes: 10, train_size: 512, "
                                    "test_size: 1000 }");
        (void)state;
        return data ? 0 : -1;
}

static int close_images(void **state)
{
        (void)state;
        scion_data_close(data);
        return 0;
}

/* --- A trained source, and the target that the strategy makes of it ------------------------------------- */

struct pair {
        struct scion_config *config[3];
        struct scion_transfer transfer;
};

static struct scion_model *create(struct pair *pair, int which, const char *text, int64_t outputs,
                                  uint64_t seed)
{
        struct scion_shape shape = scion_data_shape(data);

        pair->config[which] = scion_config_parse(text, "net2net.yaml");
        struct scion_model *model =
                pair->config[which] ? scion_model_create(pair->config[which], &shape, outputs, seed) : NULL;

        if (!model)
                fail_msg("%s", scion_error());
        return model;
}

static struct scion_tensor *loss_of(struct scion_model *model, const struct scion_batch *batch)
{
        struct scion_tensor *known = scion_log_softmax(scion_model_forward(model, batch->inputs), 1);

        return scion_neg(scion_mean(scion_pick(known, batch->labels), SCION_ALL_AXES, false));
}

/* So many steps of gradient descent; running statistics move too. */
static void train(struct scion_model *model, int steps)
{
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 64);
        struct scion_batch batch;

        for (int step = 0; step < steps; step++) {
                scion_tape_reset(tape);
                scion_tape_set_training(tape, true);
                assert_true(scion_batches_at(batches, 1, (uint64_t)step, &batch));
                scion_model_clear_gradients(model);
                assert_true(scion_backward(loss_of(model, &batch)));
                for (int i = 0; i < scion_model_parameter_count(model); i++) {
                        struct scion_parameter *parameter = scion_model_parameter(model, i);
                        struct scion_tensor *w = scion_parameter_tensor(parameter);

                        assert_true(scion_parameter_write(
                                parameter, scion_data(scion_sub(w, scion_scale(scion_grad(w), 0.1f)))));
                }
        }
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
}

static bool set_up(struct pair *pair, const char *source, const char *target, const char *strategy, int steps)
{
        *pair = (struct pair){ 0 };
        struct scion_transfer *transfer = &pair->transfer;

        transfer->source = create(pair, 0, source, 10, 1);
        transfer->target = create(pair, 1, target, 10, 2);
        pair->config[2] = scion_config_parse(strategy, "net2net.yaml");
        transfer->strategy = scion_instance_create(SCION_STRATEGY, pair->config[2], NULL);
        transfer->seed = 3;
        transfer->target_data = data;
        train(transfer->source, steps);
        if (!transfer->strategy)
                fail_msg("%s", scion_error());
        return scion_transfer_setup(transfer);
}

static void finish(struct pair *pair)
{
        scion_tape_reset(tape);
        scion_transfer_finish(&pair->transfer);
        scion_model_destroy(pair->transfer.source);
        scion_model_destroy(pair->transfer.target);
        scion_instance_destroy(pair->transfer.strategy);
        for (int i = 0; i < 3; i++)
                scion_config_destroy(pair->config[i]);
}

/* The largest difference between the outputs of the two, for a thousand images. */
static double difference(const struct pair *pair, enum scion_split split, bool training)
{
        struct scion_batches *batches = scion_batches_create(data, split, 250);
        struct scion_batch batch;
        double largest = 0;

        for (int i = 0; i < SHOWN / 250; i++) {
                scion_tape_reset(tape);
                scion_tape_set_training(tape, training);
                if (scion_batches_next(batches, &batch) != SCION_NEXT_BATCH)
                        break;
                scion_no_grad_begin();
                struct scion_tensor *off =
                        scion_sub(scion_model_forward(pair->transfer.target, batch.inputs),
                                  scion_model_forward(pair->transfer.source, batch.inputs));

                off = scion_max(scion_abs(off), SCION_ALL_AXES, false);
                scion_no_grad_end();
                assert_non_null(off);
                largest = fmax(largest, (double)scion_item(off));
        }
        scion_batches_destroy(batches);
        return largest;
}

/* How far apart the source's outputs are. */
static double range(const struct pair *pair)
{
        struct scion_batches *batches = scion_batches_create(data, SCION_TEST, 250);
        struct scion_batch batch;

        scion_tape_reset(tape);
        scion_tape_set_training(tape, false);
        assert_int_equal(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        struct scion_tensor *y =
                scion_slice(scion_model_forward(pair->transfer.source, batch.inputs), 1, 0, 1);
        double range = (double)scion_item(scion_max(y, SCION_ALL_AXES, false)) +
                       (double)scion_item(scion_max(scion_neg(y), SCION_ALL_AXES, false));

        scion_batches_destroy(batches);
        return range;
}

/* --- What is the same ----------------------------------------------------------------------------------- */

static void nothing_changes(void **state)
{
        static const struct {
                const char *source, *target;
        } cases[] = {
                /* wider, deeper, both; then by layers in between */
                { "{ use: mlp, hidden: [24] }", "{ use: mlp, hidden: [60] }" },
                { "{ use: mlp, hidden: [24] }", "{ use: mlp, hidden: [24, 24] }" },
                { "{ use: mlp, hidden: [24, 16] }", "{ use: mlp, hidden: [30, 20, 20, 20], dropout: 0.5 }" },
                { "{ use: mlp, hidden: [24, 16] }", "{ use: mlp, hidden: [30, 30, 20] }" },
                { "{ use: lenet5 }", "{ use: lenet5, width: 1.5 }" },
                { "{ use: resnet, depth: 8, width: 4 }", "{ use: resnet, depth: 8, width: 7 }" },
                { "{ use: resnet, depth: 8, width: 4 }", "{ use: resnet, depth: 14, width: 4 }" },
                { "{ use: resnet, depth: 8, width: 4 }", "{ use: resnet, depth: 20, width: 6 }" },
                { "{ use: resnet, depth: 8, width: 4, shortcut: zeros }",
                  "{ use: resnet, depth: 14, width: 4, shortcut: zeros }" },
                { "{ use: vgg, depth: 11, width: 3 }", "{ use: vgg, depth: 11, width: 5 }" },
                { "{ use: vgg, depth: 11, width: 3 }", "{ use: vgg, depth: 16, width: 3 }" },
                { "{ use: vgg, depth: 11, width: 3, hidden: [10] }",
                  "{ use: vgg, depth: 19, width: 4, hidden: [14, 14] }" },
                { "{ use: vgg, depth: 11, width: 3, pool: 2, batch_norm: false }",
                  "{ use: vgg, depth: 13, width: 5, pool: 2, batch_norm: false }" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct pair pair;

                if (!set_up(&pair, cases[i].source, cases[i].target, "{ use: net2net }", i < 9 ? 6 : 30))
                        fail_msg("%s: %s", cases[i].target, scion_error());
                double off = difference(&pair, SCION_TEST, false);

                assert_true(range(&pair) > 0.005);
                if (!(off < 1e-5))
                        fail_msg("%s to %s: outputs differ by %g", cases[i].source, cases[i].target, off);
                finish(&pair);
        }
}

/* In training a new normalisation goes by the batch; it was made to give back what it takes. */
static void nearly_nothing_in_training(void **state)
{
        struct scion_batch batch;
        struct pair pair;

        (void)state;
        assert_true(set_up(&pair, "{ use: vgg, depth: 11, width: 3 }", "{ use: vgg, depth: 13, width: 3 }",
                           "{ use: net2net }", 30));
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 512);

        scion_tape_set_training(tape, true);
        assert_int_equal(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        scion_transfer_begin_step(&pair.transfer, &batch);
        struct scion_tensor *x = scion_target_features(&pair.transfer, &batch, "features.3"),
                            *y = scion_target_features(&pair.transfer, &batch, "features.4");
        double size = (double)scion_item(scion_mean(scion_abs(x), SCION_ALL_AXES, false)),
               off = (double)scion_item(scion_mean(scion_abs(scion_sub(y, x)), SCION_ALL_AXES, false));

        if (!(off < 0.1 * size))
                fail_msg("the new normalisation makes a difference of %g to values of %g", off, size);
        scion_batches_destroy(batches);
        finish(&pair);
}

/* --- What is different ---------------------------------------------------------------------------------- */

/* The source's unit that a unit of fc1 copies; the first one is its own. */
static int original(const struct pair *pair, const float *old, int n, const float *row)
{
        (void)pair;
        for (int i = 0; i < n; i++)
                if (memcmp(old + i * 784, row, 784 * sizeof *row) == 0)
                        return i;
        return -1;
}

/* Copies have what they copy, and with a spread of 0 the paper's equal shares of what goes out. */
static void equal_shares(void **state)
{
        enum { N = 8, M = 20 };
        float old[N * 784], old_out[10 * N], new[M * 784], new_out[10 * M];
        int of[M], count[N] = { 0 };
        struct pair pair;

        (void)state;
        assert_true(set_up(&pair, "{ use: mlp, hidden: [8] }", "{ use: mlp, hidden: [20] }",
                           "{ use: net2net, spread: 0 }", 2));
        scion_parameter_read(scion_model_find(pair.transfer.source, "fc1.weight"), old);
        scion_parameter_read(scion_model_find(pair.transfer.source, "fc2.weight"), old_out);
        scion_parameter_read(scion_model_find(pair.transfer.target, "fc1.weight"), new);
        scion_parameter_read(scion_model_find(pair.transfer.target, "fc2.weight"), new_out);
        for (int j = 0; j < M; j++) {
                of[j] = original(&pair, old, N, new + j * 784);
                assert_in_range(of[j], 0, N - 1);
                assert_true(j >= N || of[j] == j);
                count[of[j]]++;
        }
        for (int j = 0; j < 10 * M; j++) {
                double wanted = (double)old_out[j / M * N + of[j % M]] / count[of[j % M]];

                assert_true(fabs((double)new_out[j] - wanted) <= 1e-6 * fabs(wanted));
        }
        finish(&pair);
}

/* After training: do the rows of a unit and of its copy differ? */
static bool copies_differ(const char *strategy)
{
        float before[2 * 784], after[2 * 784];
        struct pair pair;

        assert_true(set_up(&pair, "{ use: mlp, hidden: [1] }", "{ use: mlp, hidden: [2] }", strategy, 2));
        struct scion_parameter *weight = scion_model_find(pair.transfer.target, "fc1.weight");

        assert_true(scion_parameter_read(weight, before));
        train(pair.transfer.target, 3);
        assert_true(
                scion_parameter_read(weight = scion_model_find(pair.transfer.target, "fc1.weight"), after));
        assert_memory_not_equal(before, after, sizeof before);
        finish(&pair);
        return memcmp(after, after + 784, 784 * sizeof *after) != 0;
}

static void copies_learn_to_differ(void **state)
{
        (void)state;
        assert_true(copies_differ("{ use: net2net }"));
        assert_false(copies_differ("{ use: net2net, spread: 0 }"));
        assert_true(copies_differ("{ use: net2net, spread: 0, noise: 0.01 }"));
}

static void noise_is_small(void **state)
{
        struct pair pair;

        (void)state;
        assert_true(set_up(&pair, "{ use: lenet5 }", "{ use: lenet5, width: 1.5 }",
                           "{ use: net2net, noise: 0.01 }", 6));
        double off = difference(&pair, SCION_TEST, false);

        assert_true(off > 1e-4);
        assert_true(off < 1);
        finish(&pair);
}

/* --- Refused -------------------------------------------------------------------------------------------- */

static void refuse(const char *source, const char *target, const char *text, const char *more)
{
        struct pair pair;

        assert_false(set_up(&pair, source, target, "{ use: net2net }", 1));
        assert_error_has("strategy 'net2net': ", text, more, NULL);
        finish(&pair);
}

static void no_growth(void **state)
{
        (void)state;
        refuse("{ use: mlp, hidden: [24] }", "{ use: mlp, hidden: [16] }", "'fc1' is 24x784 in the source",
               "'fc1' is 16x784 in the target");
        refuse("{ use: resnet, depth: 8, width: 4 }", "{ use: resnet, depth: 8, width: 3 }",
               "'conv1' is 4x1x3x3 in the source", "3x1x3x3 in the target");
        refuse("{ use: mlp, hidden: [24, 24] }", "{ use: mlp, hidden: [24] }",
               "no layer that could become the source's 'fc2'", "target");
        refuse("{ use: mlp, hidden: [24] }", "{ use: mlp, hidden: [24, 30] }",
               "'fc2', which the source does not have", "30x24");
        refuse("{ use: mlp, hidden: [24] }", "{ use: lenet5 }", "'conv1', which the source does not have",
               "6x1x5x5");
        refuse("{ use: mlp, hidden: [24], activation: tanh }",
               "{ use: mlp, hidden: [24, 24], activation: tanh }", "would differ from the source's by up to",
               "after ReLU");
        refuse("{ use: resnet, depth: 8, width: 4, shortcut: zeros }",
               "{ use: resnet, depth: 8, width: 6, shortcut: zeros }", "would differ", "wider");
}

static void other_inputs(void **state)
{
        struct scion_shape small = SCION_SHAPE(1, 14, 14);
        struct pair pair;

        (void)state;
        assert_true(set_up(&pair, "{ use: resnet, depth: 8, width: 4 }",
                           "{ use: resnet, depth: 8, width: 4 }", "{ use: net2net }", 1));
        scion_model_destroy(pair.transfer.target);
        pair.transfer.target = scion_model_create(pair.config[1], &small, 10, 1);
        assert_false(scion_transfer_setup(&pair.transfer));
        assert_error_has("the source's inputs are 1x28x28", "the target's 1x14x14", NULL);
        finish(&pair);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                tape_test(nothing_changes), tape_test(nearly_nothing_in_training),
                tape_test(equal_shares),    tape_test(copies_learn_to_differ),
                tape_test(noise_is_small),  tape_test(no_growth),
                tape_test(other_inputs),
        };

        return cmocka_run_group_tests(tests, open_images, close_images);
}
