/* Losses composed of differentiable operations, and the Kullback-Leibler divergence. */
#include <scion/losses.h>

#include <math.h>

#include "tensor/gradient.h"

#define COSINE_EPS 1e-8f

/* Refuses shapes that differ even if they broadcast, because the loss would silently mean something else. */
static bool shapes_check_equal(const char *loss, const struct scion_tensor *a, const struct scion_tensor *b)
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
                return scion_fail_null("needs labels or targets, but this batch has neither");
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
        return shapes_check_equal("mse", a, b)
                       ? scion_mean(scion_pow(scion_sub(a, b), 2), SCION_ALL_AXES, false)
                       : NULL;
}

struct scion_tensor *scion_smooth_l1(struct scion_tensor *a, struct scion_tensor *b)
{
        return shapes_check_equal("smooth_l1", a, b)
                       ? scion_mean(scion_huber(scion_sub(a, b), 1), SCION_ALL_AXES, false)
                       : NULL;
}

struct scion_tensor *scion_cosine_distance(struct scion_tensor *a, struct scion_tensor *b)
{
        if (!shapes_check_equal("cosine_distance", a, b))
                return NULL;
        if (a->shape.ndim == 0)
                return scion_refuse_null("cosine_distance: takes vectors, got scalars");
        struct scion_tensor *cosine = scion_sum(scion_mul(scion_normalize(a, SCION_AXIS(-1), COSINE_EPS),
                                                          scion_normalize(b, SCION_AXIS(-1), COSINE_EPS)),
                                                SCION_AXIS(-1), false);

        return scion_shift(scion_neg(scion_mean(cosine, SCION_ALL_AXES, false)), 1);
}

static struct scion_tensor *rows_covariance(struct scion_tensor *x)
{
        struct scion_tensor *centred = scion_sub(x, scion_mean(x, SCION_AXIS(0), true));

        return scion_scale(scion_matmul(centred, centred, true, false), 1 / (float)(x->shape.dim[0] - 1));
}

struct scion_tensor *scion_coral(struct scion_tensor *x, struct scion_tensor *y)
{
        if (!scion_check_rows("coral", x, y, 2)) /* a covariance divides by N - 1 */
                return NULL;
        struct scion_tensor *apart = scion_sub(rows_covariance(x), rows_covariance(y));
        float width = (float)x->shape.dim[1];

        return scion_scale(scion_sum(scion_pow(apart, 2), SCION_ALL_AXES, false), 1 / (4 * width * width));
}

/* --- Kullback-Leibler divergence -------------------------------------------------------------------------- */

struct kl_gradients {
        struct scion_tensor *of_student, *of_teacher; /* the gradients; NULL for one that is not required */
};

static bool kl_backward(struct scion_node *node)
{
        const struct kl_gradients *kl = node->saved;
        struct scion_tensor *g = node->output->grad;

        return (!kl->of_student || scion_grad_done(node->input[0], scion_mul(kl->of_student, g))) &&
               (!kl->of_teacher || scion_grad_done(node->input[1], scion_mul(kl->of_teacher, g)));
}

static const struct scion_op kl_op = { "kl_divergence", kl_backward };

struct scion_tensor *scion_kl_divergence(struct scion_tensor *student_logits,
                                         struct scion_tensor *teacher_logits, float temperature)
{
        struct scion_tensor *s = student_logits, *t = teacher_logits;
        char text[96];

        if (!shapes_check_equal("kl_divergence", s, t))
                return NULL;
        if (s->shape.ndim != 2)
                return scion_refuse_null("kl_divergence: takes logits NxC, got %s",
                                         scion_shape_text(&s->shape, text, sizeof text));
        if (!(temperature > 0 && isfinite(temperature)))
                return scion_refuse_null("kl_divergence: the temperature must be above 0, got %g",
                                         (double)temperature);
        s = scion_tensor_row_major(s);
        t = scion_tensor_row_major(t);
        if (!s || !t)
                return NULL;
        struct scion_tensor *y = scion_tensor_float(SCION_SCALAR, NULL);
        struct kl_gradients kl = { 0 };

        if (!y || (scion_wants_grad(s) && !(kl.of_student = scion_tensor_float(s->shape, NULL))) ||
            (scion_wants_grad(t) && !(kl.of_teacher = scion_tensor_float(t->shape, NULL))) ||
            !SCION_ON_DEVICE(kl_divergence, &s->array, &t->array, (double)temperature, &y->array,
                             scion_array_of(kl.of_student), scion_array_of(kl.of_teacher)))
                return NULL;
        struct scion_node *node = scion_record(&kl_op, y, s, t, NULL, sizeof kl);

        if (node)
                *(struct kl_gradients *)node->saved = kl;
        return y;
}
