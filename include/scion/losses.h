/*
 * Losses that strategies and loss plugins share. Each is a float scalar made by differentiable operations;
 * gradients flow into every float argument, and the caller detaches what is to have none (scion_detach()). NULL,
 * with a message that tells the shapes, for shapes that do not fit.
 */
#ifndef SCION_LOSSES_H
#define SCION_LOSSES_H

#include <scion/batch.h>

SCION_BEGIN

/* logits [N, C], labels [N]: the mean over examples of -ln softmax(logits)[label]. */
SCION_API struct scion_tensor *scion_cross_entropy(struct scion_tensor *logits, struct scion_tensor *labels);

/*
 * Both [N, C]: the mean over examples of KL(p || q) = sum_c p ln(p / q), with p = softmax(teacher / temperature)
 * and q = softmax(student / temperature). It is not multiplied by temperature^2, by which distillation keeps
 * its gradients' size (Hinton, Vinyals, Dean. arXiv:1503.02531). A logit of -infinity is a probability of 0.
 * The temperature is above 0. Computed in double precision.
 */
SCION_API struct scion_tensor *scion_kl_divergence(struct scion_tensor *student_logits,
                                                   struct scion_tensor *teacher_logits, float temperature);

/* Of one shape: the mean over all elements of (a - b)^2. */
SCION_API struct scion_tensor *scion_mse(struct scion_tensor *a, struct scion_tensor *b);

/* Of one shape: the mean over all elements of d^2 / 2 where |d| < 1, |d| - 1/2 elsewhere, for d = a - b.
 * Girshick. ICCV 2015, arXiv:1504.08083. */
SCION_API struct scion_tensor *scion_smooth_l1(struct scion_tensor *a, struct scion_tensor *b);

/* Of one shape [..., D]: the mean over vectors of 1 - <a, b> / (|a| |b|); 1 for a vector of zeros. */
SCION_API struct scion_tensor *scion_cosine_distance(struct scion_tensor *a, struct scion_tensor *b);

/*
 * x [N, D], y [M, D]: |C_x - C_y|^2 / (4 D^2), the squared Frobenius norm of the difference of covariances, which
 * divide by N - 1 and M - 1: both have two examples or more. Sun, Saenko. arXiv:1607.01719.
 */
SCION_API struct scion_tensor *scion_coral(struct scion_tensor *x, struct scion_tensor *y);

/* How scion_mmd() estimates. k is the kernel, below; x and x' (y and y') are examples of one batch. */
enum scion_mmd_estimator {
        /* mean over i of k(x_2i, x_2i+1) + k(y_2i, y_2i+1) - k(x_2i, y_2i+1) - k(x_2i+1, y_2i): unbiased, in linear
         * time. The larger batch is cut to the smaller one, an odd example left out. The paper's. */
        SCION_MMD_LINEAR,
        /* mean k(x, x') + mean k(y, y') - 2 mean k(x, y) over all pairs, also of an example with itself: never
         * below 0. */
        SCION_MMD_BIASED,
        /* The same without pairs of an example with itself. */
        SCION_MMD_UNBIASED,
};

/* What stands for gamma when it is not given: of the squared distances between the estimator's pairs, those of an
 * example with itself left out, both within and across the two batches. */
enum scion_mmd_bandwidth {
        SCION_MMD_MEDIAN, /* the paper's; the mean, should the median be 0 */
        SCION_MMD_MEAN,
};

/*
 * k(a, b) = 1/K sum_u exp(-|a - b|^2 / gamma_u), with gamma_u = gamma step^(u - floor(K / 2)) for u = 0 .. K-1.
 * What is 0 is the paper's: 33 kernels, from 2^-8 to 2^8 times the median in steps of sqrt(2), weighted equally,
 * in linear time. Much of the code there is has { SCION_MMD_BIASED, SCION_MMD_MEAN, 0, 5, 2 }, and adds
 * where this takes the mean over kernels.
 */
struct scion_mmd {
        enum scion_mmd_estimator estimator;
        enum scion_mmd_bandwidth heuristic;
        float bandwidth; /* gamma; 0: by the heuristic, anew in each call */
        int kernels;     /* K; 0: 33 */
        float step;      /* 0: sqrt(2) */
};

/*
 * x [N, D], y [M, D]: the squared maximum mean discrepancy of two samples. gamma is a constant to gradients.
 * Batches have two examples or more, but for SCION_MMD_BIASED. `kernel` NULL is all zeros.
 * Long, Cao, Wang, Jordan. ICML 2015, arXiv:1502.02791.
 */
SCION_API struct scion_tensor *scion_mmd(struct scion_tensor *x, struct scion_tensor *y,
                                         const struct scion_mmd *kernel);

/* The batch's targets as values, for outputs [N, K]: labels become one-hot rows [N, K]. NULL, with a
 * message, of a batch that has neither. */
SCION_API struct scion_tensor *scion_batch_values(const struct scion_batch *batch,
                                                  const struct scion_tensor *outputs);

SCION_END

#endif
