/* Transfers between the host and a device that the host cannot address, in a step of training. */
#include "support/test.h"

#include <string.h>

#include "backend/mirror.h"
#include "run/run.h"
#include "tensor/tape.h"
#include "train/train.h"

#define IMAGES "{ use: random, shape: [1, 12, 12], num_classes: 4, train_size: 48, test_size: 8 }"
#define UNLABELLED "{ use: random, shape: [1, 12, 12], num_classes: 4, train_size: 48, unlabelled: true }"
#define TRAIN "optimizer: { use: %s, lr: 0.01 }\n  train: { epochs: 3, batch_size: 16 }\n"

/* The transfers that a step may make: one upload of the rows' numbers for each stream of batches, and one download. */
struct expected {
        const char *strategy, *model, *optimizer;
        bool source, unlabelled; /* the source's data and unlabelled examples are further streams */
        int64_t uploads;
        size_t weights; /* floats that the strategy uploads separately in each step */
        bool stored; /* outputs of frozen modules are: each epoch downloads the modules' values to compare them */
};

static const struct expected *expected;

static bool steps_count(void *context, struct scion_training *training)
{
        const struct mirror *mirror = scion_device.self;
        struct scion_steps *steps = scion_steps_create(training);

        (void)context;
        if (!steps)
                return false;
        /* In the first two epochs kernels are created, memory is allocated and the results of frozen parts are cached. */
        for (int i = 0; i < 6; i++)
                if (scion_steps_take(steps) == 0)
                        return false;
        for (int i = 0; i < 3; i++) {
                const struct mirror before = *mirror;
                size_t allocations = scion_tape_usage(training->tape).allocations;

                if (scion_steps_take(steps) == 0)
                        return false;
                assert_int_equal(mirror->downloads - before.downloads, i == 0 && expected->stored ? 2 : 1);
                /* The other steps of the epoch are steady. */
                if (i == 0)
                        continue;
                assert_int_equal(mirror->uploads - before.uploads,
                                 expected->uploads + (expected->weights > 0));
                assert_int_equal(mirror->uploaded - before.uploaded,
                                 (size_t)expected->uploads * 16 * sizeof(int32_t) +
                                         expected->weights * sizeof(float));
                assert_in_range(mirror->downloaded - before.downloaded, 1, 64);
                assert_int_equal(scion_tape_usage(training->tape).allocations, allocations);
        }
        scion_steps_destroy(steps);
        return true;
}

static void steady_step(void **state)
{
        char yaml[2048];

        expected = *state;
        snprintf(yaml, sizeof yaml,
                 "name: transfers\ndevice: mirror\nstrategy: %s\n"
                 "source:\n  dataset: %s\n  model: %s\n  " TRAIN "target:\n  dataset: %s\n  " TRAIN,
                 expected->strategy, IMAGES, expected->model, "sgd",
                 expected->unlabelled ? UNLABELLED : IMAGES, expected->optimizer);
        struct scion_config *config = scion_config_parse(yaml, "transfers.yaml");
        struct scion_run *run = config ? scion_run_prepare(config) : NULL;

        if (!run || !scion_run_lend(run, steps_count, NULL))
                fail_msg("%s: %s", expected->strategy, scion_error());
        scion_run_destroy(run);
        scion_config_destroy(config);
}

int main(void)
{
        static const struct expected cases[] = {
                { "{ use: fine-tune }", "{ use: mlp, hidden: [8] }", "sgd", false, false, 1, 0, false },
                { "{ use: fine-tune }", "{ use: lenet5 }", "adamw", false, false, 1, 0, false },
                { "{ use: fine-tune }", "{ use: resnet, depth: 8, width: 4 }", "adam", false, false, 1, 0,
                  false },
                { "{ use: fine-tune }", "{ use: vgg, width: 2, pool: 2, hidden: [8] }", "sgd", false, false,
                  1, 0, false },
                { "{ use: linear-probe }", "{ use: lenet5 }", "sgd", false, false, 1, 0, true },
                { "{ use: feature-map }", "{ use: lenet5 }", "sgd", false, false, 1, 0, true },
                { "{ use: l2-sp }", "{ use: lenet5 }", "sgd", false, false, 1, 0, false },
                { "{ use: delta, layers: [conv2] }", "{ use: lenet5 }", "sgd", false, false, 1, 16, true },
                { "{ use: linear-map }", "{ use: lenet5 }", "sgd", false, false, 1, 0, false },
                { "{ use: adapter, layers: [conv1] }", "{ use: lenet5 }", "sgd", false, false, 1, 0, false },
                { "{ use: lottery-ticket }", "{ use: lenet5 }", "sgd", false, false, 1, 0, false },
                { "{ use: kd }", "{ use: lenet5 }", "sgd", false, false, 1, 0, true },
                { "{ use: dkd }", "{ use: lenet5 }", "sgd", false, false, 1, 0, true },
                { "{ use: fitnet, layers: [relu3] }", "{ use: lenet5 }", "sgd", false, false, 1, 0, true },
                { "{ use: attention, layers: [relu1] }", "{ use: lenet5 }", "sgd", false, false, 1, 0, true },
                { "{ use: rkd }", "{ use: lenet5 }", "sgd", false, false, 1, 0, true },
                { "{ use: dan }", "{ use: lenet5 }", "sgd", true, true, 3, 0, false },
                { "{ use: deep-coral }", "{ use: lenet5 }", "sgd", true, true, 3, 0, false },
                { "{ use: dann }", "{ use: lenet5 }", "sgd", true, true, 3, 0, false },
        };
        struct CMUnitTest tests[sizeof cases / sizeof cases[0]];

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].strategy,
                                                .test_func = steady_step,
                                                .initial_state = (void *)&cases[i] };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
