#include "train/scores.h"

#include <math.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The index of the largest; of the first among equals. */
static int64_t largest(const float *values, int64_t count)
{
        int64_t best = 0;

        for (int64_t i = 1; i < count; i++)
                if (values[i] > values[best])
                        best = i;
        return best;
}

static bool begin_values(struct scion_scores *scores, int64_t width)
{
        double *sums = calloc(4 * (size_t)width, sizeof *sums);

        if (!sums)
                return scion_fail("out of memory");
        scores->values = true;
        scores->width = width;
        scores->absolute = sums;
        scores->squared = sums + width;
        scores->target = sums + 2 * width;
        scores->target_squared = sums + 3 * width;
        return true;
}

static bool add_values(struct scion_scores *scores, const float *outputs, int64_t width,
                       const struct scion_batch *batch)
{
        const float *targets = scion_data(batch->targets);

        if (!targets || (!scores->absolute && !begin_values(scores, width)))
                return false;
        for (int64_t i = 0; i < batch->size * width; i++) {
                double error = (double)outputs[i] - (double)targets[i], y = (double)targets[i];

                scores->absolute[i % width] += fabs(error);
                scores->squared[i % width] += error * error;
                scores->target[i % width] += y;
                scores->target_squared[i % width] += y * y;
        }
        return true;
}

bool scion_scores_add(struct scion_scores *scores, double loss, struct scion_tensor *outputs,
                      const struct scion_batch *batch)
{
        const float *values = scion_data(outputs);
        int64_t width = scion_dim(outputs, -1);

        if (!values)
                return false;
        if (batch->labels) {
                const int32_t *labels = scion_data_i32(batch->labels);

                if (!labels)
                        return false;
                for (int64_t i = 0; i < batch->size; i++)
                        scores->correct += largest(values + i * width, width) == labels[i];
        } else if (!add_values(scores, values, width, batch)) {
                return false;
        }
        scores->examples += batch->size;
        scores->loss += loss * (double)batch->size;
        return true;
}

double scion_scores_loss(const struct scion_scores *scores)
{
        return scores->loss / (double)scores->examples;
}

static double mean(const double *sums, int64_t width, int64_t examples)
{
        double sum = 0;

        for (int64_t k = 0; k < width; k++)
                sum += sums[k];
        return sum / (double)width / (double)examples;
}

static double r2(const struct scion_scores *scores)
{
        double sum = 0, n = (double)scores->examples;

        for (int64_t k = 0; k < scores->width; k++) {
                double total = scores->target_squared[k] - scores->target[k] * scores->target[k] / n;

                /* As scikit-learn has it for targets that are all the same: 1 when met, else 0. */
                sum += total > 0 ? 1 - scores->squared[k] / total : scores->squared[k] > 0 ? 0 : 1;
        }
        return sum / (double)scores->width;
}

double scion_scores_merit(const struct scion_scores *scores)
{
        if (scores->values)
                return -mean(scores->squared, scores->width, scores->examples);
        return (double)scores->correct / (double)scores->examples;
}

const char *const *scion_scores_names(bool values)
{
        static const char *const of_classes[] = { "accuracy", NULL };
        static const char *const of_values[] = { "mae", "mse", "r2", NULL };

        return values ? of_values : of_classes;
}

static void put(struct scion_row *row, const char *prefix, const char *name, double value)
{
        char column[64];

        snprintf(column, sizeof column, "%s%s", prefix, name);
        scion_row_number(row, column, value);
}

void scion_scores_row(const struct scion_scores *scores, const char *prefix, bool with_loss,
                      struct scion_row *row)
{
        const char *const *names = scion_scores_names(scores->values);

        if (scores->examples == 0)
                return;
        if (with_loss)
                put(row, prefix, "loss", scion_scores_loss(scores));
        if (!scores->values) {
                put(row, prefix, names[0], scion_scores_merit(scores));
                return;
        }
        put(row, prefix, names[0], mean(scores->absolute, scores->width, scores->examples));
        put(row, prefix, names[1], mean(scores->squared, scores->width, scores->examples));
        put(row, prefix, names[2], r2(scores));
}

void scion_scores_clear(struct scion_scores *scores)
{
        if (scores->absolute)
                memset(scores->absolute, 0, 4 * (size_t)scores->width * sizeof *scores->absolute);
        scores->examples = 0;
        scores->correct = 0;
        scores->loss = 0;
}

void scion_scores_finish(struct scion_scores *scores)
{
        free(scores->absolute);
        *scores = (struct scion_scores){ 0 };
}
