#include "train/scores.h"

#include <float.h>
#include <math.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Allocates the sums of values, all 0. */
static bool sums_create(struct scion_scores *scores, int64_t width)
{
        size_t bytes = 4 * (size_t)width * sizeof *scores->host_sums;

        if (!scores->host_sums && !(scores->host_sums = calloc(1, bytes)))
                return scion_fail("out of memory");
        scores->sums = scion_storage_create(bytes);
        if (!scores->sums)
                return false;
        scores->values = true;
        scores->width = width;
        return true;
}

static bool values_add(struct scion_scores *scores, struct scion_tensor *outputs,
                       const struct scion_batch *batch)
{
        struct scion_tensor *targets = scion_tensor_row_major(batch->targets);

        if (!targets || (!scores->sums && !sums_create(scores, scion_dim(outputs, -1))))
                return false;
        scores->sums_changed = true;
        return SCION_ON_DEVICE(errors, &outputs->array, &targets->array, scores->sums);
}

static bool classes_add(struct scion_scores *scores, struct scion_readings *readings,
                        struct scion_tensor *outputs, const struct scion_batch *batch)
{
        struct scion_tensor *count = scion_tensor_float(SCION_SCALAR, NULL);

        if (!count || !SCION_ON_DEVICE(correct, &outputs->array, &batch->labels->array, &count->array))
                return false;
        scores->correct_reading = scion_readings_add(readings, count);
        return scores->correct_reading >= 0;
}

bool scion_scores_add(struct scion_scores *scores, struct scion_readings *readings, struct scion_tensor *loss,
                      int64_t examples, struct scion_tensor *outputs, const struct scion_batch *scored)
{
        bool good = true;

        scores->correct_reading = -1;
        scores->batch_examples = examples;
        scores->batch_scored = outputs ? scored->size : 0;
        scores->loss_reading = scion_readings_add(readings, loss);
        if (scores->loss_reading < 0)
                return false;
        if (!outputs)
                return true;
        scion_no_grad_begin();
        outputs = scion_tensor_row_major(outputs);
        good = outputs && (scored->labels ? classes_add(scores, readings, outputs, scored)
                                          : values_add(scores, outputs, scored));
        scion_no_grad_end();
        return good;
}

void scion_scores_read(struct scion_scores *scores, const struct scion_readings *readings)
{
        scores->loss += (double)readings->value[scores->loss_reading] * (double)scores->batch_examples;
        scores->examples += scores->batch_examples;
        scores->scored += scores->batch_scored;
        if (scores->correct_reading >= 0)
                scores->correct += (int64_t)readings->value[scores->correct_reading];
}

double scion_scores_loss(const struct scion_scores *scores)
{
        return scores->loss / (double)scores->examples;
}

/* Brings the host's copy of the sums up to date. */
static bool sums_read(struct scion_scores *scores)
{
        size_t bytes = 4 * (size_t)scores->width * sizeof *scores->host_sums;

        if (scores->sums_changed && !scion_storage_read(scores->sums, 0, scores->host_sums, bytes))
                return false;
        scores->sums_changed = false;
        return true;
}

/* Returns the mean over values and examples. */
static double sums_mean(const double *sums, int64_t width, int64_t examples)
{
        double sum = 0;

        for (int64_t k = 0; k < width; k++)
                sum += sums[k];
        return sum / (double)width / (double)examples;
}

/* Returns the mean coefficient of determination of the values, as r2_score() of scikit-learn. For a value that is the
 * same in all targets it is 1 without errors, else 0. A value is taken to be the same in all targets when its sum of
 * squared deviations is within the rounding error of the sums. */
static double sums_r2(const struct scion_scores *scores)
{
        const double *squared = scores->host_sums + scores->width, *target = squared + scores->width;
        const double *target_squared = target + scores->width;
        double sum = 0, n = (double)scores->scored;

        for (int64_t k = 0; k < scores->width; k++) {
                double total = target_squared[k] - target[k] * target[k] / n;

                sum += total > n * DBL_EPSILON * target_squared[k] ? 1 - squared[k] / total
                       : squared[k] > 0                            ? 0
                                                                   : 1;
        }
        return sum / (double)scores->width;
}

double scion_scores_criterion(struct scion_scores *scores)
{
        if (scores->scored == 0)
                return NAN;
        if (scores->values)
                return sums_read(scores)
                               ? -sums_mean(scores->host_sums + scores->width, scores->width, scores->scored)
                               : NAN;
        return (double)scores->correct / (double)scores->scored;
}

const char *const *scion_scores_names(bool values)
{
        static const char *const of_classes[] = { "accuracy", NULL };
        static const char *const of_values[] = { "mae", "mse", "r2", NULL };

        return values ? of_values : of_classes;
}

static void cell_add(struct scion_row *row, const char *prefix, const char *name, double value)
{
        char column[64];

        snprintf(column, sizeof column, "%s%s", prefix, name);
        scion_row_number(row, column, value);
}

bool scion_scores_row(struct scion_scores *scores, const char *prefix, bool with_loss, struct scion_row *row)
{
        const char *const *names = scion_scores_names(scores->values);

        if (scores->examples == 0)
                return true;
        if (with_loss)
                cell_add(row, prefix, "loss", scion_scores_loss(scores));
        if (scores->scored == 0)
                return true;
        if (!scores->values) {
                cell_add(row, prefix, names[0], scion_scores_criterion(scores));
                return true;
        }
        if (!sums_read(scores))
                return false;
        cell_add(row, prefix, names[0], sums_mean(scores->host_sums, scores->width, scores->scored));
        cell_add(row, prefix, names[1],
                 sums_mean(scores->host_sums + scores->width, scores->width, scores->scored));
        cell_add(row, prefix, names[2], sums_r2(scores));
        return true;
}

bool scion_scores_clear(struct scion_scores *scores)
{
        scores->examples = scores->scored = 0;
        scores->correct = 0;
        scores->loss = 0;
        if (!scores->sums)
                return true;

        struct scion_array all =
                scion_array_over(scores->sums, 0, SCION_SHAPE((int64_t)scores->sums->bytes), SCION_U8);

        scores->sums_changed = true;
        return SCION_ON_DEVICE(fill, &all, 0);
}

void scion_scores_finish(struct scion_scores *scores)
{
        scion_storage_destroy(scores->sums);
        free(scores->host_sums);
        *scores = (struct scion_scores){ 0 };
}
