/* The Kullback-Leibler divergence of two softmaxes, and its gradients. */
#include <math.h>
#include <scion/simd.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/math.h"

/* Computes p = softmax(x / temperature) of each row and its logarithm, in double precision, because the logarithms of
 * two similar distributions are subtracted from each other. */
SCION_CLONES static void rows_softmax(const float *x, int64_t rows, int64_t classes, double temperature,
                                      double *log_p, double *restrict p)
{
        for (int64_t i = 0; i < rows; i++) {
                float max = -INFINITY;

                for (int64_t c = i * classes; c < (i + 1) * classes; c++)
                        max = x[c] > max ? x[c] : max;
                for (int64_t c = i * classes; c < (i + 1) * classes; c++)
                        log_p[c] = ((double)x[c] - (double)max) / temperature;
        }
        for (int64_t c = 0; c < rows * classes; c++)
                p[c] = scion_exp_wide_of(log_p[c]);
        for (int64_t i = 0; i < rows; i++) {
                double sum = 0;

                for (int64_t c = i * classes; c < (i + 1) * classes; c++)
                        sum += p[c];
                double factor = 1 / sum, offset = log(sum);

                for (int64_t c = i * classes; c < (i + 1) * classes; c++) {
                        p[c] *= factor;
                        log_p[c] -= offset;
                }
        }
}

/* Returns the sum over the classes of p (ln p - ln q) for one row. */
static double row_divergence(const double *log_p, const double *p, const double *log_q, int64_t classes)
{
        double sum = 0;

        for (int64_t c = 0; c < classes; c++)
                sum += p[c] == 0 ? 0 : p[c] * (log_p[c] - log_q[c]); /* 0 ln 0 = 0 */
        return sum;
}

bool scion_cpu_kl_divergence(void *self, const struct scion_array *student, const struct scion_array *teacher,
                             double temperature, struct scion_array *value, struct scion_array *d_student,
                             struct scion_array *d_teacher)
{
        int64_t rows = student->shape.dim[0], classes = student->shape.dim[1], count = rows * classes;
        float *to_student = scion_cpu_data_or_null(d_student),
              *to_teacher = scion_cpu_data_or_null(d_teacher);
        double *log_p = scion_cpu_scratch(4 * (size_t)count * sizeof *log_p), sum = 0;

        (void)self;
        if (!log_p)
                return false;
        double *p = log_p + count, *log_q = p + count, *q = log_q + count;
        double factor = 1 / ((double)rows * temperature);

        rows_softmax(scion_cpu_data(teacher), rows, classes, temperature, log_p, p);
        rows_softmax(scion_cpu_data(student), rows, classes, temperature, log_q, q);
        for (int64_t i = 0; i < count; i += classes) {
                double of_row = row_divergence(log_p + i, p + i, log_q + i, classes);

                sum += of_row;
                for (int64_t c = i; to_student && c < i + classes; c++)
                        to_student[c] = (float)(factor * (q[c] - p[c]));
                for (int64_t c = i; to_teacher && c < i + classes; c++)
                        to_teacher[c] =
                                p[c] == 0 ? 0 : (float)(factor * p[c] * (log_p[c] - log_q[c] - of_row));
        }
        *(float *)scion_cpu_data(value) = (float)(sum / (double)rows);
        return true;
}
