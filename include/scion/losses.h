/*
 * Losses for strategies and loss plugins. Each function returns a float32 scalar on the current tape. Gradients flow
 * into every float32 argument; use scion_detach() for arguments that must not get one. Each returns NULL, with the
 * shapes in the message, if the shapes do not fit, and NULL for a NULL argument.
 */
#ifndef SCION_LOSSES_H
#define SCION_LOSSES_H

#include <scion/batch.h>

SCION_BEGIN

/* Cross-entropy of logits [N, C] and labels [N]: the mean over examples of -ln softmax(logits)[label]. */
SCION_API struct scion_tensor *scion_cross_entropy(struct scion_tensor *logits, struct scion_tensor *labels);

/*
 * KL divergence of logits [N, C]: the mean over examples of KL(p || q) = sum_c p ln(p / q), with p = softmax(teacher
 * / temperature) and q = softmax(student / temperature). Does not multiply by temperature^2, which distillation
 * usually does to keep the gradients' size (Hinton, Vinyals, Dean. arXiv:1503.02531). A logit of -infinity is a
 * probability of 0. The temperature must be above 0. Computed in double precision.
 */
SCION_API struct scion_tensor *scion_kl_divergence(struct scion_tensor *student_logits,
                                                   struct scion_tensor *teacher_logits, float temperature);

/* Mean squared error of two tensors of one shape: the mean over all elements of (a - b)^2. */
SCION_API struct scion_tensor *scion_mse(struct scion_tensor *a, struct scion_tensor *b);

/* Smooth L1 loss of two tensors of one shape: with d = a - b, the mean over all elements of d^2 / 2 where |d| < 1,
 * and of |d| - 1/2 elsewhere. Girshick. ICCV 2015, arXiv:1504.08083. */
SCION_API struct scion_tensor *scion_smooth_l1(struct scion_tensor *a, struct scion_tensor *b);

/* Cosine distance of two tensors of one shape [..., D]: the mean over vectors of 1 - <a, b> / (|a| |b|), which is 1 if
 * one of the vectors is 0. */
SCION_API struct scion_tensor *scion_cosine_distance(struct scion_tensor *a, struct scion_tensor *b);

/*
 * CORAL loss of x [N, D] and y [M, D]: |C_x - C_y|^2 / (4 D^2), the squared Frobenius norm of the difference of the
 * covariance matrices, which divide by N - 1 and M - 1. N and M must be at least 2. Sun, Saenko. arXiv:1607.01719.
 */
SCION_API struct scion_tensor *scion_coral(struct scion_tensor *x, struct scion_tensor *y);

/* Estimators of scion_mmd(). k is the kernel (struct scion_mmd); x and x' are examples of one batch, y and y' of the
 * other. */
enum scion_mmd_estimator {
        /* The mean over i of k(x_2i, x_2i+1) + k(y_2i, y_2i+1) - k(x_2i, y_2i+1) - k(x_2i+1, y_2i). Unbiased, in
         * linear time; the estimator of the paper. Uses as many examples of each batch as the smaller one has,
         * rounded down to an even number. */
        SCION_MMD_LINEAR,
        /* mean k(x, x') + mean k(y, y') - 2 mean k(x, y), over all pairs, including those of an example with itself.
         * Never negative. */
        SCION_MMD_BIASED,
        /* The same, excluding pairs of an example with itself. */
        SCION_MMD_UNBIASED,
};

/* How the bandwidth gamma is chosen if it is not given: from the squared distances of the estimator's pairs, within
 * and across the two batches, excluding pairs of an example with itself. */
enum scion_mmd_bandwidth {
        SCION_MMD_MEDIAN, /* as in the paper; the mean if the median is 0 */
        SCION_MMD_MEAN,
};

/*
 * The kernel of scion_mmd(), a mean of K Gaussian kernels: k(a, b) = 1/K sum_u exp(-|a - b|^2 / gamma_u), with
 * gamma_u = gamma step^(u - floor(K / 2)) for u = 0 .. K-1. Fields that are 0 have the paper's values: 33 kernels,
 * from 2^-8 to 2^8 times the median in steps of sqrt(2), in linear time. Widely used code corresponds to {
 * SCION_MMD_BIASED, SCION_MMD_MEAN, 0, 5, 2 }, but takes the sum over the kernels instead of the mean.
 */
struct scion_mmd {
        enum scion_mmd_estimator estimator;
        enum scion_mmd_bandwidth heuristic;
        float bandwidth; /* gamma; 0: chosen by the heuristic in each call */
        int kernels;     /* K; 0: 33 */
        float step;      /* 0: sqrt(2) */
};

/*
 * The squared maximum mean discrepancy of two samples, x [N, D] and y [M, D]. No gradient flows through gamma. N and M
 * must be at least 2, except for SCION_MMD_BIASED. A `kernel` of NULL stands for one whose fields are all 0.
 * Long, Cao, Wang, Jordan. ICML 2015, arXiv:1502.02791.
 */
SCION_API struct scion_tensor *scion_mmd(struct scion_tensor *x, struct scion_tensor *y,
                                         const struct scion_mmd *kernel);

/* Returns the batch's targets as values [N, K], for outputs [N, K]: its targets, or its labels as one-hot rows. NULL,
 * with a message, for a batch that has neither. */
SCION_API struct scion_tensor *scion_batch_values(const struct scion_batch *batch,
                                                  const struct scion_tensor *outputs);

SCION_END

#endif
