/*
 * Errors in the input: the command reports them with their place, exits with status 2, and writes nothing.
 * Each message has a unit test elsewhere; here the command itself is run.
 */
#include "support/command.h"

/* A run that takes milliseconds, in parts that the test cases replace. */
#define NAME "name: bad\n"
#define DATASET "  dataset: { use: random, shape: [8], num_classes: 2, train_size: 16, test_size: 8 }\n"
#define MODEL "  model: { use: mlp, hidden: [4] }\n"
#define TRAIN "  optimizer: { use: sgd, lr: 0.1 }\n  train: { epochs: 1, batch_size: 8 }\n"
#define SOURCE "source:\n" DATASET MODEL TRAIN
#define STRATEGY "strategy: { use: fine-tune }\n"
#define TARGET "target:\n" DATASET TRAIN
#define GOOD NAME SOURCE STRATEGY TARGET

/*
 * Checks that `scion run bad.yaml` is refused with both texts in its message, and that `scion check` says the
 * same.
 */
static void assert_refused(const char *yaml, const char *text, const char *more)
{
        write_text("bad.yaml", yaml);
        assert_output_has(run_scion_expecting(2, "run bad.yaml --out out"), text, more, NULL);
        assert_false(exists("out"));
        assert_output_has(run_scion_expecting(2, "check bad.yaml"), text, more, NULL);
}

static void good_file_is_good(void **state)
{
        (void)state;
        write_text("good.yaml", GOOD);
        assert_output_has(run_scion_expecting(0, "check good.yaml"), "good.yaml: good: 1 run", NULL);
        assert_false(exists("runs"));
        run_scion_expecting(0, "run good.yaml --out good");
        assert_true(exists("good/bad/results.csv"));
        remove_tree("good");
}

/* A key without a value removes the value from the extended file. */
static void left_out_by_null(void **state)
{
        (void)state;
        write_text("bad.yaml", GOOD);
        run_scion_expecting(0,
                            "check bad.yaml --set source=null --set strategy=scratch --set target.model=mlp");
        run_scion_expecting(0, "check bad.yaml --set target.loss= --set target.train=~");
        assert_output_has(run_scion_expecting(2, "check bad.yaml --set source=null --set strategy=scratch"),
                          "the target has no 'model'", NULL);
        assert_output_has(run_scion_expecting(2, "check bad.yaml --set source.model=null"),
                          "bad.yaml:3:3: the source has no 'model'", NULL);
}

static void keys_and_values(void **state)
{
        (void)state;
        assert_refused(GOOD "stratgy: { use: scratch }\n", "bad.yaml:12:1: ", "did you mean 'strategy'?");
        assert_refused(NAME SOURCE "strategy: { use: fine-tuen }\n" TARGET,
                       "bad.yaml:7:18: ", "did you mean 'fine-tune'?");
        assert_refused(NAME SOURCE "strategy: { use: fine-tuen }\n" TARGET, "looked in", "plugins");
        assert_refused(NAME SOURCE "strategy: { use: fine-tune, lr_scal: 2 }\n" TARGET,
                       "bad.yaml:7:29: ", "did you mean 'lr_scale'?");
        assert_refused(NAME SOURCE "strategy: { use: fine-tune, lr_scale: -2 }\n" TARGET,
                       "bad.yaml:7:39: ", "lr_scale must be at least 0");
        assert_refused(NAME SOURCE "strategy: { use: fine-tune, lr_scale: fast }\n" TARGET,
                       "bad.yaml:7:39: ", "'fast'");
        assert_refused(NAME SOURCE "strategy: { use: fine-tune, head: nwe }\n" TARGET,
                       "bad.yaml:7:35: ", "did you mean 'new'?");
        assert_refused(NAME SOURCE "strategy: { use: fine-tune, freeze: [conv1] }\n" TARGET,
                       "bad.yaml:7:11: ", "'conv1'");
        assert_refused(NAME SOURCE "strategy: { use: fine-tune, freeze: ['*'] }\n" TARGET,
                       "bad.yaml:9:", "nothing to train");
        assert_refused(NAME SOURCE "strategy: { use: fine-tune, head: keep }\n"
                                   "target:\n  dataset: { use: random, shape: [8], num_classes: 3 }\n" TRAIN,
                       "bad.yaml:7:11: ", "3x4");
        assert_refused(NAME SOURCE STRATEGY
                       "target:\n  loss: { use: cross-entropy, class_weights: [1, 2, 3] }\n" DATASET TRAIN,
                       "bad.yaml:9:9: target: ", "class_weights");
        assert_refused(NAME SOURCE STRATEGY
                       "target:\n  dataset: { use: random, shape: [8], num_classes: 0 }\n" TRAIN,
                       "bad.yaml:9:3: target: ", "cross-entropy");
        assert_refused(NAME NAME SOURCE STRATEGY TARGET, "bad.yaml:2:1: ", "name");
        assert_refused(NAME "source:\n\tdataset: {}\n", "bad.yaml:3:1: ", "tab");
        assert_refused("", "bad.yaml", "empty");
        assert_refused(NAME SOURCE TARGET, "bad.yaml", "strategy");
        assert_refused(NAME SOURCE "strategy:\n" TARGET, "bad.yaml:1:1: ", "no 'strategy'");
        assert_refused(NAME SOURCE STRATEGY "target:\n  dataset:\n" TRAIN,
                       "bad.yaml:9:3: ", "the target has no 'dataset'");
        assert_refused(NAME SOURCE STRATEGY "target:\n" DATASET "  optimizer: ~\n",
                       "bad.yaml:9:3: ", "no 'optimizer'");
        assert_refused(NAME STRATEGY TARGET, "bad.yaml", "no 'model'");
        assert_refused(NAME STRATEGY "target:\n" DATASET MODEL TRAIN, "bad.yaml:2:11: ", "needs a source");
        assert_refused("name: ../up\n" SOURCE STRATEGY TARGET, "bad.yaml:1:7: ", "folder");
        assert_refused(GOOD "precision: fp8\n", "bad.yaml:12:12: ", "fp32");
}

static void files(void **state)
{
        (void)state;
        assert_output_has(run_scion_expecting(2, "run none.yaml"), "none.yaml", NULL);
        assert_output_has(run_scion_expecting(2, "run ."), "director", NULL);
        assert_refused("extends: bad.yaml\n", "bad.yaml:1:10: ", "bad.yaml");
        assert_refused(
                "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
                "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, "
                "*c]\n"
                "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, "
                "*e]\n"
                "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n",
                "bad.yaml:", "alias");
        write_text("good.yaml", GOOD);
        assert_output_has(run_scion_expecting(2, "run good.yaml --set target.train.epoch=1"), "--set",
                          "'epochs'", NULL);
        assert_output_has(run_scion_expecting(2, "check good.yaml --set 'matrix.strategy=[scratch, "
                                                 "{use: scratch}]'"),
                          "the axis 'strategy' are called 'scratch': give one of them a `label`", NULL);
        assert_output_has(run_scion_expecting(2, "run good.yaml --jobs 0"), "--jobs", NULL);
        assert_output_has(run_scion_expecting(2, "run good.yaml --oot x"), "--oot", NULL);
        assert_output_has(run_scion_expecting(2, "run"), "no file", NULL);
        assert_output_has(run_scion_expecting(2, "rnu good.yaml"), "did you mean 'run'?", NULL);
        assert_output_has(run_scion_expecting(2, " "), "Usage", NULL);
}

static void output_that_cannot_be_written(void **state)
{
        (void)state;
        write_text("good.yaml", GOOD);
        write_text("file", "not a folder");
        assert_output_has(run_scion_expecting(2, "run good.yaml --out file"),
                          "file: the folder cannot be made", NULL);
        assert_output_has(run_scion_expecting(2, "run good.yaml --out /proc/scion"), "/proc/scion", NULL);
        assert_file_is("file", "not a folder");
}

/* --- Data ----------------------------------------------------------------------------------------------- */

/* Writes an IDX file whose header announces `count` 4x4 images, or labels, followed by `bytes` bytes. */
static void write_idx(const char *path, bool images, int count, size_t bytes, int value)
{
        unsigned char file[4096] = { 0, 0, 8, images ? 3 : 1, 0, 0, 0, (unsigned char)count, 0, 0, 0, 4, 0,
                                     0, 0, 4 };
        size_t head = images ? 16 : 8;

        memset(file + head, value, bytes);
        write_bytes(path, file, head + bytes);
}

static void write_dataset(void)
{
        mkdir("data", 0777);
        write_idx("data/train-images-idx3-ubyte", true, 20, 320, 100);
        write_idx("data/train-labels-idx1-ubyte", false, 20, 20, 1);
        write_idx("data/t10k-images-idx3-ubyte", true, 10, 160, 100);
        write_idx("data/t10k-labels-idx1-ubyte", false, 10, 10, 1);
}

#define IDX(more) NAME "strategy: scratch\ntarget:\n  dataset: { use: idx, root: data" more " }\n" MODEL TRAIN

static void data_files(void **state)
{
        (void)state;
        write_dataset();
        write_text("good.yaml", IDX(""));
        run_scion_expecting(0, "check good.yaml");
        assert_refused(IDX(", classes: [5, 6]"), "bad.yaml:4:", "class");
        assert_refused(IDX(", classes: [1, 11]"), "bad.yaml:4:", "11");
        assert_refused(IDX(", per_class: 21"), "bad.yaml:4:", "per_class");
        write_idx("data/train-images-idx3-ubyte", true, 20, 300, 100);
        assert_refused(IDX(""), "data/train-images-idx3-ubyte", "316");
        write_idx("data/train-images-idx3-ubyte", true, 20, 340, 100);
        assert_refused(IDX(""), "data/train-images-idx3-ubyte", "356");
        write_idx("data/train-images-idx3-ubyte", true, 19, 304, 100);
        assert_refused(IDX(""), "19", "20");
        write_dataset();
        write_idx("data/t10k-labels-idx1-ubyte", false, 10, 10, 10);
        assert_refused(IDX(""), "bad.yaml:4:", "label 10 of example 0");
        write_text("data/t10k-labels-idx1-ubyte", "<html>not found</html>");
        assert_refused(IDX(""), "data/t10k-labels-idx1-ubyte", "IDX");
        remove_tree("data/t10k-labels-idx1-ubyte");
        assert_refused(IDX(""), "no t10k-labels", "t10k-labels-idx1-ubyte");
        write_bytes("data/t10k-labels-idx1-ubyte.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03garbage", 17);
        assert_refused(IDX(""), "data/t10k-labels-idx1-ubyte.gz", "gz");
        remove_tree("data");
        assert_refused(IDX(""), "bad.yaml:4:", "data");
}

/* --- Weights -------------------------------------------------------------------------------------------- */

/*
 * Writes a safetensors file with the JSON header and that many bytes of data; `length` is the header's length
 * as the file states it.
 */
static void write_weights(const char *json, uint64_t length, size_t data)
{
        char file[4096] = { 0 };

        for (int i = 0; i < 8; i++)
                file[i] = (char)(length >> 8 * i);
        memcpy(file + 8, json, strlen(json));
        write_bytes("w.safetensors", file, 8 + strlen(json) + data);
}

static void weights(void **state)
{
        static const char *const run =
                NAME "source:\n" MODEL "  weights: w.safetensors\n" STRATEGY "target:\n" DATASET TRAIN;
        static const char *const good =
                "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[4,8],\"data_offsets\":[0,128]},"
                "\"fc1.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[128,144]}}";
        char other[512];

        (void)state;
        assert_refused(run, "bad.yaml:4:12: ", "w.safetensors");
        write_weights(good, strlen(good), 144);
        write_text("good.yaml", run);
        run_scion_expecting(0, "check good.yaml");
        write_weights(good, 1 << 20, 144);
        assert_refused(run, "w.safetensors", "header");
        write_weights(good, strlen(good), 100);
        assert_refused(run, "w.safetensors", "fc1");
        snprintf(other, sizeof other, "%s", good);
        memcpy(strstr(other, "[128,144]"), "[112,128]", 9);
        write_weights(other, strlen(other), 128);
        assert_refused(run, "w.safetensors", "overlap");
        snprintf(other, sizeof other, "%s", good);
        memcpy(strstr(other, "F32"), "I32", 3);
        write_weights(other, strlen(other), 144);
        assert_refused(run, "bad.yaml:4:12: ", "'fc1.weight' is of dtype I32");
        snprintf(other, sizeof other, "%s", good);
        memcpy(strstr(other, "[4,8]"), "[8,4]", 5);
        write_weights(other, strlen(other), 144);
        assert_refused(run, "fc1.weight (8x4 in the file, 4x8 in the model)", "bad.yaml:4:12: ");
}

/* --- Plugins -------------------------------------------------------------------------------------------- */

static void plugins(void **state)
{
        static const struct {
                const char *name, *text;
        } bad[] = {
                { "no_symbol", "not a Scion plugin" },
                { "newer_abi", "built for plugin interface 3" },
                { "other_kind", "of the kind model, not strategy" },
                { "undefined", "scion_of_tomorrow" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                char yaml[2048];

                snprintf(yaml, sizeof yaml, NAME SOURCE "strategy: { use: %s }\n" TARGET, bad[i].name);
                write_text("bad.yaml", yaml);
                assert_output_has(
                        run_scion_expecting(2, "run bad.yaml --out out --plugin-path %s/tests/plugin/bad",
                                            BUILD_DIR),
                        "bad.yaml:7:", bad[i].name, bad[i].text, NULL);
                assert_false(exists("out"));
        }
}

/* --- While running
 * ------------------------------------------------------------------------------------------------------ */

/* The learning rate is so large that the outputs of the second step overflow. */
static void loss_that_is_no_number(void **state)
{
        (void)state;
        write_text("nan.yaml",
                   NAME "strategy: scratch\ntarget:\n" DATASET MODEL
                        "  optimizer: { use: sgd, lr: 1e30 }\n  train: { epochs: 4, batch_size: 8 }\n");
        assert_output_has(run_scion_expecting(1, "run nan.yaml --out nan"), "the loss became", "at step",
                          NULL);
        char *results = read_text("nan/bad/results.csv");

        assert_non_null(strstr(results, "failed"));
        assert_non_null(strstr(results, "the loss became"));
        assert_non_null(strstr(results, "the last good value was"));
        free(results);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_file_is_good),
                cmocka_unit_test(left_out_by_null),
                cmocka_unit_test(keys_and_values),
                cmocka_unit_test(files),
                cmocka_unit_test(output_that_cannot_be_written),
                cmocka_unit_test(data_files),
                cmocka_unit_test(weights),
                cmocka_unit_test(plugins),
                cmocka_unit_test(loss_that_is_no_number),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
