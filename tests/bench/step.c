/*
 * Times the training step: step NETWORK [BLOCKS [STEPS]]. Trains a network on random data as a run does,
 * through the plugins, and prints the milliseconds a step takes: the median over blocks of steps. The networks
 * are those of step.py, which compares them with PyTorch's. Plugins are found as the command finds them.
 */
#include <math.h>
#include <scion/error.h>
#include <scion/tape.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "data/data.h"
#include "nn/model.h"
#include "train/scores.h"
#include "train/transfer.h"
#include "train/update.h"

#define MOST_BLOCKS 1000

struct network {
        const char *name, *model;
        int batch;
};

static const struct network networks[] = {
        { "lenet5", "{ use: lenet5 }", 64 },
        { "mlp-128", "{ use: mlp, hidden: [128] }", 64 },
        { "mlp-512-512", "{ use: mlp, hidden: [512, 512] }", 128 },
};

struct training {
        struct scion_config *map;
        struct scion_tape *tape;
        struct scion_data *data;
        struct scion_batches *batches;
        struct scion_model *model;
        struct scion_instance *loss, *optimizer;
        struct scion_update *update;
        struct scion_transfer transfer;
        struct scion_scores scores;
        uint64_t epoch, step;
};

static bool begin(struct training *t, const struct network *network)
{
        char yaml[512];

        snprintf(yaml, sizeof yaml,
                 "dataset: { use: random, shape: [1, 28, 28], train_size: %d, test_size: 1 }\nmodel: %s\n"
                 "loss: { use: cross-entropy }\noptimizer: { use: sgd, lr: 0.01, momentum: 0.9 }\n",
                 network->batch * 32, network->model);
        t->map = scion_config_parse(yaml, "step.yaml");
        t->tape = scion_tape_create();
        if (!t->map || !t->tape)
                return false;
        scion_tape_use(t->tape);
        t->data = scion_data_open(scion_config_get(t->map, "dataset"), 1);
        if (!t->data || !(t->batches = scion_batches_create(t->data, SCION_TRAIN, network->batch)))
                return false;
        struct scion_shape shape = scion_data_shape(t->data);

        t->model = scion_model_create(scion_config_get(t->map, "model"), &shape, 10, 1);
        t->loss = scion_instance_create(SCION_LOSS, scion_config_get(t->map, "loss"), NULL);
        t->optimizer = scion_instance_create(SCION_OPTIMIZER, scion_config_get(t->map, "optimizer"), NULL);
        if (!t->model || !t->loss || !t->optimizer)
                return false;
        t->update = scion_update_create(t->optimizer, &t->model, 1);
        t->transfer = (struct scion_transfer){ .target = t->model, .loss = t->loss };
        scion_batches_shuffle(t->batches, 1, ++t->epoch);
        return t->update != NULL;
}

static void end(struct training *t)
{
        scion_update_destroy(t->update);
        scion_scores_finish(&t->scores);
        scion_instance_destroy(t->optimizer);
        scion_instance_destroy(t->loss);
        scion_model_destroy(t->model);
        scion_batches_destroy(t->batches);
        scion_data_close(t->data);
        scion_tape_destroy(t->tape);
        scion_config_destroy(t->map);
}

static bool take_step(struct training *t)
{
        struct scion_batch batch;
        enum scion_next next;

        scion_tape_reset(t->tape);
        scion_tape_set_training(t->tape, true);
        scion_tape_set_seed(t->tape, 1, t->step++);
        next = scion_batches_next(t->batches, &batch);
        if (next == SCION_NEXT_END) {
                scion_batches_shuffle(t->batches, 1, ++t->epoch);
                next = scion_batches_next(t->batches, &batch);
        }
        if (next != SCION_NEXT_BATCH)
                return false;
        scion_transfer_begin_step(&t->transfer, &batch);
        struct scion_tensor *loss = scion_transfer_loss(&t->transfer);
        float value = scion_item(loss);

        if (!loss || !isfinite(value))
                return false;
        if (!scion_scores_add(&t->scores, (double)value, scion_target_logits(&t->transfer, &batch), &batch))
                return false;
        scion_model_clear_gradients(t->model);
        if (!scion_backward(loss))
                return false;
        scion_update_step(t->update, 1);
        return true;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Milliseconds a step, the median over the blocks; negative, with a message, when it fails. */
static double measure(const struct network *network, int blocks, int steps)
{
        struct training training = { 0 };
        double took[MOST_BLOCKS], result = -1;

        if (!begin(&training, network))
                goto out;
        for (int i = 0; i < 50; i++) /* makes what is kept, and wakes the processor up */
                if (!take_step(&training))
                        goto out;
        for (int i = 0; i < blocks; i++) {
                double start = scion_clock();

                for (int j = 0; j < steps; j++)
                        if (!take_step(&training))
                                goto out;
                took[i] = (scion_clock() - start) * 1e3 / steps;
        }
        qsort(took, (size_t)blocks, sizeof took[0], compare);
        result = (took[(blocks - 1) / 2] + took[blocks / 2]) / 2;
out:
        end(&training);
        return result;
}

int main(int argc, char **argv)
{
        int blocks = argc > 2 ? atoi(argv[2]) : 7, steps = argc > 3 ? atoi(argv[3]) : 50;

        if (argc > 1 && blocks > 0 && blocks <= MOST_BLOCKS && steps > 0)
                for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
                        if (strcmp(networks[i].name, argv[1]) == 0) {
                                double result = measure(&networks[i], blocks, steps);

                                if (result < 0) {
                                        fprintf(stderr, "step: %s\n", scion_error());
                                        return 1;
                                }
                                printf("%.6f\n", result);
                                return 0;
                        }
        fprintf(stderr, "usage: step NETWORK [BLOCKS [STEPS]]; the networks:");
        for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
                fprintf(stderr, " %s", networks[i].name);
        fprintf(stderr, "; at most %d blocks\n", MOST_BLOCKS);
        return 2;
}
