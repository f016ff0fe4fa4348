/* Training steps after the first epochs allocate no memory from the system. */
#include "support/test.h"

#include <malloc.h>

#include "data/data.h"
#include "nn/model.h"
#include "train/update.h"
#include "transfer/transfer.h"

struct training {
        struct scion_config *map;
        struct scion_tape *tape;
        struct scion_data *data;
        struct scion_batches *batches;
        struct scion_model *model;
        struct scion_instance *loss, *optimizer;
        struct scion_update *update;
        struct scion_transfer transfer;
};

static void training_begin(struct training *training, const char *model)
{
        char yaml[1024];

        snprintf(yaml, sizeof yaml,
                 "dataset: { use: random, shape: [1, 28, 28], num_classes: 5, train_size: 100 }\n"
                 "model: { use: %s }\nloss: { use: cross-entropy, label_smoothing: 0.1 }\n"
                 "optimizer: { use: adam }\n",
                 model);
        training->map = scion_config_parse(yaml, "steady.yaml");
        assert_non_null(training->map);
        training->tape = scion_tape_create();
        scion_tape_use(training->tape);
        training->data = scion_data_open(scion_config_get(training->map, "dataset"), 1);
        assert_non_null(training->data);
        training->batches = scion_batches_create(training->data, SCION_TRAIN, 32); /* 32, 32, 32, 4 */
        struct scion_shape shape = scion_data_shape(training->data);

        training->model = scion_model_create(scion_config_get(training->map, "model"), &shape, 5, 1);
        training->loss = scion_instance_create(SCION_LOSS, scion_config_get(training->map, "loss"), NULL);
        training->optimizer =
                scion_instance_create(SCION_OPTIMIZER, scion_config_get(training->map, "optimizer"), NULL);
        assert_non_null(training->model);
        training->update = scion_update_create(training->optimizer, &training->model, 1);
        training->transfer =
                (struct scion_transfer){ .target = training->model, .plan.loss = training->loss };
}

static void training_run_epoch(struct training *training, uint64_t number)
{
        struct scion_batch batch;
        enum scion_next next;

        scion_batches_shuffle(training->batches, 1, number);
        for (;;) {
                scion_tape_reset(training->tape);
                scion_tape_set_training(training->tape, true);
                next = scion_batches_next(training->batches, &batch);
                if (next != SCION_NEXT_BATCH)
                        break;
                scion_transfer_begin_step(&training->transfer, &batch);
                struct scion_tensor *loss = scion_transfer_loss(&training->transfer);

                scion_log_scalar(&training->transfer, "loss", loss);
                scion_model_clear_gradients(training->model);
                if (!scion_backward(loss))
                        fail_msg("%s", scion_error());
                assert_true(scion_update_step(training->update, 1));
        }
        assert_int_equal(next, SCION_NEXT_END);
}

static void training_end(struct training *training)
{
        scion_transfer_finish(&training->transfer);
        scion_update_destroy(training->update);
        scion_instance_destroy(training->optimizer);
        scion_instance_destroy(training->loss);
        scion_model_destroy(training->model);
        scion_batches_destroy(training->batches);
        scion_data_close(training->data);
        scion_tape_destroy(training->tape);
        scion_config_destroy(training->map);
}

/* Returns the bytes that malloc() has from the system: the heap, and blocks mapped one by one. */
static size_t system_memory(void)
{
        struct mallinfo2 info = mallinfo2();

        return info.arena + info.hblkhd;
}

static void assert_steady(const char *model)
{
        struct training training;

        training_begin(&training, model);
        training_run_epoch(&training, 1); /* allocates what is kept: kernels, blocks of every size */
        training_run_epoch(&training, 2);
        size_t allocations = scion_tape_usage(training.tape).allocations;
        size_t bytes = scion_tape_usage(training.tape).bytes;
        size_t system = system_memory();

        for (uint64_t i = 3; i < 13; i++)
                training_run_epoch(&training, i);
        assert_int_equal(scion_tape_usage(training.tape).allocations, allocations);
        assert_int_equal(scion_tape_usage(training.tape).bytes, bytes);
        assert_int_equal(system_memory(), system);
        assert_true(allocations > 0);
        training_end(&training);
}

static void lenet5(void **state)
{
        (void)state;
        assert_steady("lenet5");
}

static void mlp(void **state)
{
        (void)state;
        assert_steady("mlp, hidden: [64, 32], dropout: 0.5");
}

static void resnet(void **state)
{
        (void)state;
        assert_steady("resnet, depth: 8, width: 2");
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(lenet5), cmocka_unit_test(mlp),
                                            cmocka_unit_test(resnet) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
