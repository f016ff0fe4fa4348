#include "support/tape.h"

#include <math.h>

#include "train/scores.h"

static double cell(const struct scion_row *row, const char *column)
{
        const char *text = scion_row_get(row, column);

        return text ? strtod(text, NULL) : NAN;
}

/* Adds a batch with this loss and these outputs, and reads its scores. */
static void scores_take(struct scion_scores *scores, float loss, struct scion_tensor *outputs,
                        const struct scion_batch *batch)
{
        struct scion_readings readings = { 0 };

        assert_true(scion_scores_add(scores, &readings, scion_scalar(loss), batch->size, outputs, batch));
        assert_true(scion_readings_read(&readings));
        scion_scores_read(scores, &readings);
        scion_readings_finish(&readings);
}

static void accuracy_over_batches(void **state)
{
        static const float outputs[] = { 1, 3, 2, /**/ 5, 5, 1, /**/ 0, -1, 0.5f };
        static const int32_t labels[] = { 1, 1, 2 }; /* right; wrong: of equals the first counts; right */
        struct scion_scores scores = { 0 };
        struct scion_row row = { 0 };
        struct scion_batch batch = { .size = 3,
                                     .classes = 3,
                                     .labels = scion_from_i32(SCION_SHAPE(3), labels) };

        (void)state;
        scores_take(&scores, 2, scion_from(SCION_SHAPE(3, 3), outputs), &batch);
        batch = (struct scion_batch){ .size = 1,
                                      .classes = 3,
                                      .labels = scion_from_i32(SCION_SHAPE(1), labels) };
        scores_take(&scores, 6, scion_from(SCION_SHAPE(1, 3), outputs), &batch);
        assert_true(scion_scores_loss(&scores) == (3 * 2 + 6) / 4.0); /* examples weigh alike, not batches */
        assert_true(scion_scores_criterion(&scores) == 0.75);
        assert_true(scion_scores_row(&scores, "test_", true, &row));
        assert_string_equal(scion_row_get(&row, "test_accuracy"), "0.75");
        assert_string_equal(scion_row_get(&row, "test_loss"), "3");
        assert_null(scion_row_get(&row, "test_mse"));
        scion_row_finish(&row);
        assert_true(scion_scores_clear(&scores));
        assert_true(scion_scores_row(&scores, "test_", true, &row)); /* of nothing there is nothing to say */
        assert_int_equal(row.count, 0);
        scion_scores_finish(&scores);
}

/* sklearn.metrics on y = [[1, 10], [2, 20], [4, 40]], p = [[1, 12], [3, 18], [4, 44]]:
 * mean_absolute_error 1.5, mean_squared_error 4.1666667, r2_score 0.8671429 (uniform average). */
static void errors_of_values(void **state)
{
        static const float targets[] = { 1, 10, 2, 20, 4, 40 }, outputs[] = { 1, 12, 3, 18, 4, 44 };
        struct scion_scores scores = { 0 };
        struct scion_row row = { 0 };

        (void)state;
        for (int i = 0; i < 3; i++) { /* in three batches: the sums are over all */
                struct scion_batch batch = { .size = 1,
                                             .targets = scion_from(SCION_SHAPE(1, 2), targets + 2 * i) };

                scores_take(&scores, 1, scion_from(SCION_SHAPE(1, 2), outputs + 2 * i), &batch);
        }
        assert_true(scion_scores_row(&scores, "valid_", false, &row));
        assert_true(fabs(cell(&row, "valid_mae") - 1.5) < 1e-6);
        assert_true(fabs(cell(&row, "valid_mse") - 25.0 / 6) < 1e-5);
        assert_true(fabs(cell(&row, "valid_r2") - 0.5 * (1 - 1 / (14.0 / 3) + 1 - 24 / (1400.0 / 3))) < 1e-6);
        assert_null(scion_row_get(&row, "valid_loss"));
        assert_null(scion_row_get(&row, "valid_accuracy"));
        assert_true(fabs(scion_scores_criterion(&scores) + 25.0 / 6) < 1e-9);
        scion_row_finish(&row);
        scion_scores_finish(&scores);
}

/* sklearn.metrics.r2_score() of equal targets is 0 with errors. The sums of 0.1 in binary are not exact, so the target's
 * deviation is not exactly 0 either. The second value's spread is small beside its mean: r2_score() is 0.75. */
static void r2_of_equal_targets(void **state)
{
        struct scion_scores scores = { 0 };
        struct scion_row row = { 0 };

        (void)state;
        for (int i = 0; i < 1000; i++) {
                const float targets[] = { 0.1f, i % 2 ? 1001 : 999 },
                            outputs[] = { 0.3f, i % 2 ? 1000.5f : 999.5f };
                struct scion_batch batch = { .size = 1, .targets = scion_from(SCION_SHAPE(1, 2), targets) };

                scores_take(&scores, 1, scion_from(SCION_SHAPE(1, 2), outputs), &batch);
        }
        assert_true(scion_scores_row(&scores, "valid_", false, &row));
        assert_true(fabs(cell(&row, "valid_r2") - 0.5 * (0 + 0.75)) < 1e-9);
        scion_row_finish(&row);
        scion_scores_finish(&scores);
}

/* A step whose strategy has no outputs to score still counts for the loss. */
static void loss_without_outputs(void **state)
{
        static const float outputs[] = { 1, 3, 2 };
        static const int32_t labels[] = { 1 };
        const struct scion_batch batch = { .size = 1,
                                           .classes = 3,
                                           .labels = scion_from_i32(SCION_SHAPE(1), labels) };
        struct scion_scores scores = { 0 };
        struct scion_row row = { 0 };

        (void)state;
        scores_take(&scores, 2, NULL, &batch);
        assert_true(isnan(scion_scores_criterion(&scores)));
        assert_true(scion_scores_row(&scores, "train_", true, &row));
        assert_string_equal(scion_row_get(&row, "train_loss"), "2");
        assert_null(scion_row_get(&row, "train_accuracy"));
        scores_take(&scores, 4, scion_from(SCION_SHAPE(1, 3), outputs), &batch);
        assert_true(scion_scores_loss(&scores) == 3 && scion_scores_criterion(&scores) == 1);
        scion_row_finish(&row);
        scion_scores_finish(&scores);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(accuracy_over_batches),
                cmocka_unit_test(errors_of_values),
                cmocka_unit_test(r2_of_equal_targets),
                cmocka_unit_test(loss_without_outputs),
        };

        return cmocka_run_group_tests(tests, use_tape, drop_tape);
}
