/* Losses that are a formula of differentiable operations, and the Kullback-Leibler divergence. */
#include <scion/losses.h>

#include <math.h>
#include <scion/simd.h>

#include "backend/cpu/math.h"
#include "tensor/gradient.h"

#define COSINE_EPS 1e-8f

/* Broadcasting would quietly mean something else. */
static bool check_alike(const char *loss, const struct scion_tensor *a, const struct scion_tensor *b)
{
        char of_a[96], of_b[96];

        if (!scion_check_float(loss, a) || !scion_check_float(loss, b))
                return false;
        return scion_shape_equal(&a->shape, &b->shape) ||
               scion_refuse("%s: takes two tensors of one shape, got %s and %s", loss,
                            scion_shape_text(&a->shape, of_a, sizeof of_a),
                            scion_shape_text(&b->shape, of_b, sizeof of_b));
}

struct scion_tensor *scion_batch_values(const struct scion_batch *batch, const struct scion_tensor *outputs)
{
        char of_labels[96], text[96];

        if (!outputs)
                return NULL;
        if (!batch->labels && !batch->targets)
                return scion_fail_null("takes labels or values as targets, and this batch has neither");
        if (!batch->labels)
                return batch->targets;
        if (outputs->shape.ndim != 2)
                return scion_refuse_null("batch_values: labels of shape %s take outputs NxK, got %s",
                                         scion_shape_text(&batch->labels->shape, of_labels, sizeof of_labels),
                                         scion_shape_text(&outputs->shape, text, sizeof text));
        return scion_one_hot(batch->labels, outputs->shape.dim[1]);
}

struct scion_tensor *scion_cross_entropy(struct scion_tensor *logits, struct scion_tensor *labels)
{
        char of_logits[96], of_labels[96];

        if (!labels || !scion_check_float("cross_entropy", logits))
                return NULL;
        if (labels->dtype != SCION_I32)
                return scion_refuse_null("cross_entropy: labels are integers, got floats");
        if (logits->shape.ndim != 2 || labels->shape.ndim != 1 ||
            labels->shape.dim[0] != logits->shape.dim[0])
                return scion_refuse_null("cross_entropy: takes logits NxC and labels N, got %s and %s",
                                         scion_shape_text(&logits->shape, of_logits, sizeof of_logits),
                                         scion_shape_text(&labels->shape, of_labels, sizeof of_labels));
        return scion_neg(scion_mean(scion_pick(scion_log_softmax(logits, 1), labels), SCION_ALL_AXES, false));
}

struct scion_tensor *scion_mse(struct scion_tensor *a, struct scion_tensor *b)
{
        return check_alike("mse", a, b) ? scion_mean(scion_pow(scion_sub(a, b), 2), SCION_ALL_AXES, false)
                                        : NULL;
}

struct scion_tensor *scion_smooth_l1(struct scion_tensor *a, struct scion_tensor *b)
{
        return check_alike("smooth_l1", a, b)
                       ? scion_mean(scion_huber(scion_sub(a, b), 1), SCION_ALL_AXES, false)
                       : NULL;
}

struct scion_tensor *scion_cosine_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        if (!check_alike("cosine_distance", a, b))
                return NULL;
        if (a->shape.ndim == 0)
                return scion_refuse_null("cosine_distance: takes vectors, got scalars");
        struct scion_tensor *cosine = scion_sum(scion_mul(scion_normalize(a, SCION_AXIS(-1), COSINE_EPS),
                                                          scion_normalize(b, SCION_AXIS(-1), COSINE_EPS)),
                                                SCION_AXIS(-1), false);

        return scion_shift(scion_neg(scion_mean(cosine, SCION_ALL_AXES, false)), 1);
}

static struct scion_tensor *covariance(struct scion_tensor *x)
{
        struct scion_tensor *centred = scion_sub(x, scion_mean(x, SCION_AXIS(0), true));

        return scion_scale(scion_matmul(centred, centred, true, false), 1 / (float)(x->shape.dim[0] - 1));
}

struct scion_tensor *scion_coral(struct scion_tensor *x, struct scion_tensor *y)
{
        if (!scion_check_rows("coral", x, y, 2)) /* a covariance divides by their number less 1 */
                return NULL;
        struct scion_tensor *apart = scion_sub(covariance(x), covariance(y));
        float width = (float)x->shape.dim[1];

        return scion_scale(scion_sum(scion_pow(apart, 2), SCION_ALL_AXES, false), 1 / (4 * width * width));
}

/* --- Kullback-Leibler divergence -------------------------------------------------------------------------- */

struct divergence {
        struct scion_tensor *of_student, *of_teacher; /* the gradients; NULL for one that is not wanted */
};

static bool kl_backward(struct scion_node *node)
{
        const struct divergence *kl = node->saved;
        float g = scion_item(node->output->grad);

        return (!kl->of_student || scion_grad_done(node->input[0], scion_scale(kl->of_student, g))) &&
               (!kl->of_teacher || scion_grad_done(node->input[1], scion_scale(kl->of_teacher, g)));
}

static const struct scion_op kl_op = { "kl_divergence", kl_backward };

/* Row by row, p = softmax(x / temperature), and its logarithm: in double, for two of them may be close. */
SCION_CLONES static void soften(const float *x, int64_t rows, int64_t classes, double temperature,
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

/* The sum over the classes of p (ln p - ln q), of one example. */
static double kl_row(const double *log_p, const double *p, const double *log_q, int64_t classes)
{
        double sum = 0;

        for (int64_t c = 0; c < classes; c++)
                sum += p[c] == 0 ? 0 : p[c] * (log_p[c] - log_q[c]); /* 0 ln 0 = 0 */
        return sum;
}

struct scion_tensor *scion_kl_divergence(struct scion_tensor *student_logits,
                                         struct scion_tensor *teacher_logits, float temperature)
{
        struct scion_tensor *s = student_logits, *t = teacher_logits;
        char text[96];

        if (!check_alike("kl_divergence", s, t))
                return NULL;
        if (s->shape.ndim != 2)
                return scion_refuse_null("kl_divergence: takes logits NxC, got %s",
                                         scion_shape_text(&s->shape, text, sizeof text));
        if (!(temperature > 0 && isfinite(temperature)))
                return scion_refuse_null("kl_divergence: the temperature must be above 0, got %g",
                                         (double)temperature);
        s = scion_tensor_plain(s);
        t = scion_tensor_plain(t);
        if (!s || !t)
                return NULL;
        int64_t rows = s->shape.dim[0], classes = s->shape.dim[1], count = rows * classes;
        double *log_p = scion_tape_buffer(4 * (size_t)count * sizeof *log_p), sum = 0;
        struct divergence kl = { 0 };

        if (!log_p ||
            (scion_wants_grad(s) && !(kl.of_student = scion_tensor_new(s->shape, SCION_F32, NULL))) ||
            (scion_wants_grad(t) && !(kl.of_teacher = scion_tensor_new(t->shape, SCION_F32, NULL))))
                return NULL;
        double *p = log_p + count, *log_q = p + count, *q = log_q + count;
        double factor = 1 / ((double)rows * (double)temperature);

        soften(t->data, rows, classes, (double)temperature, log_p, p);
        soften(s->data, rows, classes, (double)temperature, log_q, q);
        for (int64_t i = 0; i < count; i += classes) {
                double of_row = kl_row(log_p + i, p + i, log_q + i, classes);

                sum += of_row;
                for (int64_t c = i; kl.of_student && c < i + classes; c++)
                        ((float *)kl.of_student->data)[c] = (float)(factor * (q[c] - p[c]));
                for (int64_t c = i; kl.of_teacher && c < i + classes; c++)
                        ((float *)kl.of_teacher->data)[c] =
                                p[c] == 0 ? 0 : (float)(factor * p[c] * (log_p[c] - log_q[c] - of_row));
        }
        struct scion_tensor *y = scion_scalar((float)(sum / (double)rows));
        struct scion_node *node = y ? scion_record(&kl_op, y, s, t, NULL, sizeof kl) : NULL;

        if (node)
                *(struct divergence *)node->saved = kl;
        return y;
}
