#include "data_support.h"

#define PROBE "use: probe\nshape: [2]\n"

static void all_by_default(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE);
        struct seen train = look_at(data, SCION_TRAIN), test = look_at(data, SCION_TEST);

        (void)state;
        assert_int_equal(train.count, 100);
        assert_int_equal(test.count, 20);
        assert_int_equal(scion_data_size(data, SCION_VALID), 0);
        assert_int_equal(scion_data_classes(data), 5);
        assert_int_equal(scion_data_outputs(data), 5);
        for (int64_t i = 0; i < 100; i++) {
                assert_int_equal(train.id[i], i);
                assert_int_equal(train.label[i], i % 5);
        }
        for (int64_t i = 0; i < 20; i++)
                assert_int_equal(test.id[i], 20000 + i);
        scion_data_close(data);
        scion_data_close(NULL);
}

static void classes_are_renumbered_in_the_order_given(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "valid_size: 30\nclasses: [4, 0, 2]\n");
        static const int64_t of[3] = { 4, 0, 2 };

        (void)state;
        assert_int_equal(scion_data_classes(data), 3);
        for (int split = 0; split < SCION_SPLITS; split++) {
                struct seen seen = look_at(data, (enum scion_split)split);
                int64_t size = split == SCION_TRAIN ? 60 : split == SCION_VALID ? 18 : 12;

                assert_int_equal(seen.count, size);
                for (int64_t i = 0; i < seen.count; i++) {
                        assert_int_equal(seen.id[i] % 10000 % 5, of[seen.label[i]]);
                        assert_true(i == 0 || seen.id[i] > seen.id[i - 1]);
                }
        }
        scion_data_close(data);
}

static void per_class_limits_each_class(void **state)
{
        struct scion_data *few = OPEN_DATA(7, PROBE "per_class: 3\n");
        struct scion_data *many = OPEN_DATA(7, PROBE "per_class: 11\n");
        struct scion_data *two = OPEN_DATA(7, PROBE "per_class: 3\nclasses: [3, 1]\nnormalize: none\n");
        struct scion_data *other = OPEN_DATA(8, PROBE "per_class: 3\n");
        struct seen a = look_at(few, SCION_TRAIN), b = look_at(many, SCION_TRAIN),
                    c = look_at(two, SCION_TRAIN), d = look_at(other, SCION_TRAIN);
        bool differs = false, spread = false;

        (void)state;
        assert_int_equal(a.count, 15);
        assert_int_equal(b.count, 55);
        assert_int_equal(c.count, 6);
        for (int32_t class = 0; class < 5; class ++) {
                assert_int_equal(count_label(&a, class), 3);
                assert_int_equal(count_label(&b, class), 11);
        }
        for (int64_t i = 0; i < a.count; i++) {
                assert_true(contains(&b, a.id[i])); /* a smaller choice is a subset of a larger one */
                differs = differs || !contains(&d, a.id[i]);
                spread = spread || a.id[i] >= 50;
        }
        for (int64_t i = 0; i < c.count; i++) /* and does not depend on the other classes */
                assert_true(contains(&a, c.id[i]));
        assert_true(differs);
        assert_true(spread);
        assert_int_equal(scion_data_size(few, SCION_TEST), 20);
        scion_data_close(few);
        scion_data_close(many);
        scion_data_close(two);
        scion_data_close(other);
}

static void limit_comes_after_per_class(void **state)
{
        struct scion_data *small = OPEN_DATA(3, PROBE "limit: 10\n");
        struct scion_data *large = OPEN_DATA(3, PROBE "limit: 40\n");
        struct scion_data *both = OPEN_DATA(3, PROBE "per_class: 2\nlimit: 7\n");
        struct scion_data *pairs = OPEN_DATA(3, PROBE "per_class: 2\n");
        struct scion_data *beyond = OPEN_DATA(3, PROBE "limit: 1000\n");
        struct seen a = look_at(small, SCION_TRAIN), b = look_at(large, SCION_TRAIN),
                    c = look_at(both, SCION_TRAIN), d = look_at(pairs, SCION_TRAIN);

        (void)state;
        assert_int_equal(a.count, 10);
        assert_int_equal(b.count, 40);
        assert_int_equal(c.count, 7);
        assert_int_equal(scion_data_size(beyond, SCION_TRAIN), 100);
        assert_int_equal(scion_data_size(small, SCION_TEST), 20);
        for (int64_t i = 0; i < a.count; i++)
                assert_true(contains(&b, a.id[i]));
        for (int64_t i = 0; i < c.count; i++)
                assert_true(contains(&d, c.id[i]));
        scion_data_close(small);
        scion_data_close(large);
        scion_data_close(both);
        scion_data_close(pairs);
        scion_data_close(beyond);
}

static void valid_holds_out_each_class_alike(void **state)
{
        /* 70, 20 and 10 of the three classes: 15% are 10.5, 3 and 1.5; of 15 in all the halves cannot both be
         * rounded up. */
        struct scion_data *data = OPEN_DATA(5, PROBE "skewed: true\nnum_classes: 3\nvalid: 0.15\n");
        struct scion_data *again =
                OPEN_DATA(5, PROBE "skewed: true\nnum_classes: 3\nvalid: 0.15\nlimit: 100\n");
        struct scion_data *more = OPEN_DATA(5, PROBE "skewed: true\nnum_classes: 3\nvalid: 0.3\n");
        struct scion_data *other = OPEN_DATA(6, PROBE "skewed: true\nnum_classes: 3\nvalid: 0.15\n");
        struct seen train = look_at(data, SCION_TRAIN), valid = look_at(data, SCION_VALID),
                    same = look_at(again, SCION_VALID), larger = look_at(more, SCION_VALID),
                    another = look_at(other, SCION_VALID);

        (void)state;
        assert_int_equal(train.count, 85);
        assert_int_equal(valid.count, 15);
        assert_int_equal(count_label(&valid, 0), 11);
        assert_int_equal(count_label(&valid, 1), 3);
        assert_int_equal(count_label(&valid, 2), 1);
        for (int64_t id = 0; id < 100; id++)
                assert_int_equal(contains(&train, id) + contains(&valid, id), 1);
        for (int64_t i = 0; i < 15; i++) {
                assert_int_equal(same.id[i], valid.id[i]);
                assert_true(contains(&larger, valid.id[i]));
        }
        assert_memory_not_equal(another.id, valid.id, sizeof valid.id[0] * 15);
        scion_data_close(data);
        scion_data_close(again);
        scion_data_close(more);
        scion_data_close(other);
}

static void valid_leaves_one_example_of_a_class(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "per_class: 1\nlimit: 5\ntrain_size: 10\nvalid: 0\n");
        struct scion_data *most = OPEN_DATA(1, PROBE "per_class: 2\nvalid: 0.99\n");
        struct seen train = look_at(most, SCION_TRAIN), valid = look_at(most, SCION_VALID);

        (void)state;
        assert_int_equal(scion_data_size(data, SCION_TRAIN), 5);
        assert_int_equal(valid.count, 5);
        for (int32_t class = 0; class < 5; class ++)
                assert_int_equal(count_label(&train, class), 1);
        scion_data_close(data);
        scion_data_close(most);
}

static void values_are_held_out_too(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "num_classes: 0\nvalid: 0.25\nlimit: 40\n");
        struct seen train = look_at(data, SCION_TRAIN), valid = look_at(data, SCION_VALID);

        (void)state;
        assert_int_equal(train.count, 30);
        assert_int_equal(valid.count, 10);
        assert_int_equal(scion_data_classes(data), 0);
        assert_int_equal(scion_data_outputs(data), 2);
        scion_data_close(data);
}

static void a_test_split_may_be_missing(void **state)
{
        struct scion_data *data = OPEN_DATA(1, PROBE "test_size: 0\nclasses: [1]\n");

        (void)state;
        assert_int_equal(scion_data_size(data, SCION_TRAIN), 20);
        assert_int_equal(scion_data_size(data, SCION_TEST), 0);
        scion_data_close(data);
}

/* The message of every invalid option has its place in the file and says what is wrong. */
static void bad_options(void **state)
{
        static const struct {
                const char *yaml, *place, *text;
        } cases[] = {
                { PROBE "classes: [1, 5]\n", "test.yaml:3:14", "no class 5; the dataset has 0 to 4" },
                { PROBE "classes: [1, -1]\n", "test.yaml:3:14", "-1" },
                { PROBE "classes: [1, 2, 1]\n", "test.yaml:3:17", "class 1 is listed twice" },
                { PROBE "classes: []\n", "test.yaml:3:10", "the list is empty" },
                { PROBE "classes: [3]\nskewed: true\n", "test.yaml:3:10", "none of the 100 train examples" },
                { PROBE "classes: [4]\ntest_size: 3\n", "test.yaml:3:10", "none of the 3 test examples" },
                { PROBE "per_class: 21\n", "test.yaml:3:12",
                  "21 of each class, but class 0 has only 20 training examples" },
                { PROBE "per_class: 11\nskewed: true\nclasses: [0, 2]\n", "test.yaml:3:12",
                  "class 2 has only 10" },
                { PROBE "per_class: -1\n", "test.yaml:3:12", "per_class" },
                { PROBE "limit: many\n", "test.yaml:3:8", "limit" },
                { PROBE "valid: 1\n", "test.yaml:3:8", "valid" },
                { PROBE "valid: 0.001\n", "test.yaml:3:8", "0.001 of 100 training examples holds out none" },
                { PROBE "valid: 0.5\nper_class: 1\n", "test.yaml:3:8", "holds out none" },
                { PROBE "valid: 0.1\nvalid_size: 5\n", "test.yaml:3:8", "already has a validation split" },
                { PROBE "normalize: standrad\n", "test.yaml:3:12", "standard" },
                { PROBE "num_classes: 0\nclasses: [1]\n", "test.yaml:4:10", "targets are values" },
                { PROBE "num_classes: 0\nper_class: 2\n", "test.yaml:4:12", "targets are values" },
                { PROBE "perclass: 2\n", "test.yaml:3:1", "per_class" },
                { PROBE "wrong: open\n", "test.yaml:1:6", "dataset 'probe': the disk is gone" },
                { PROBE "wrong: train-size\n", "test.yaml:1:6", "no training examples" },
                { PROBE "wrong: test-size\n", "test.yaml:1:6", "-1 test examples are impossible" },
                { PROBE "wrong: axes\n", "test.yaml:1:6", "6 axes" },
                { PROBE "wrong: no-axes\n", "test.yaml:1:6", "0 axes" },
                { PROBE "wrong: length\n", "test.yaml:1:6", "of shape 0 are impossible" },
                { PROBE "wrong: huge-input\n", "test.yaml:1:6", "are impossible" },
                { PROBE "wrong: element\n", "test.yaml:1:6", "unknown element type 7" },
                { PROBE "wrong: classes\n", "test.yaml:1:6", "are impossible" },
                { PROBE "wrong: targets\n", "test.yaml:1:6", "are impossible" },
                { PROBE "fail_at: 57\n", "test.yaml:1:6", "train example 57: the disk is gone" },
                { PROBE "num_classes: 0\nfail_at: 57\n", "test.yaml:1:6",
                  "train example 57: the disk is gone" },
                { PROBE "label_at: 99\n", "test.yaml:1:6",
                  "train example 99 has label 5; labels are 0 to 4" },
                { PROBE "nan_at: 42\n", "test.yaml:1:6", "train example 42 has an input that is infinite" },
                { PROBE "nan_at: 42\nnormalize: standard\nclasses: [0]\n", "test.yaml:1:6",
                  "train example 42" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                scion_error_clear();
                struct scion_data *data = open_data(1, "%s", cases[i].yaml);

                if (data)
                        fail_msg("no error from:\n%s", cases[i].yaml);
                assert_error_has(cases[i].place, cases[i].text, NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_by_default),
                cmocka_unit_test(classes_are_renumbered_in_the_order_given),
                cmocka_unit_test(per_class_limits_each_class),
                cmocka_unit_test(limit_comes_after_per_class),
                cmocka_unit_test(valid_holds_out_each_class_alike),
                cmocka_unit_test(valid_leaves_one_example_of_a_class),
                cmocka_unit_test(values_are_held_out_too),
                cmocka_unit_test(a_test_split_may_be_missing),
                cmocka_unit_test(bad_options),
        };

        return cmocka_run_group_tests(tests, start_data, drop_tape);
}
