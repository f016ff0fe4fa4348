/* The maximum mean discrepancy between outputs and targets in a batch. Labels become one-hot rows. */
#include <scion/loss.h>
#include <scion/losses.h>

struct mmd {
        int estimator;
        int heuristic;
        float bandwidth;
        int64_t kernels;
        float step;
};

static const char *const estimators[] = { "linear", "biased", "unbiased", NULL };
static const char *const heuristics[] = { "median", "mean", NULL };

static const struct scion_param params[] = {
        SCION_CHOICE(struct mmd, estimator, estimators, SCION_MMD_LINEAR,
                     "estimator: linear uses consecutive pairs, biased and unbiased all pairs of examples"),
        SCION_CHOICE(struct mmd, heuristic, heuristics, SCION_MMD_MEDIAN,
                     "statistic of the squared distances that is the bandwidth"),
        SCION_FLOAT(struct mmd, bandwidth, 0, "bandwidth of the middle kernel; 0: chosen by the heuristic",
                    .min = 0),
        SCION_INT(struct mmd, kernels, 33, "number of Gaussian kernels", .min = 1, .max = 256),
        SCION_FLOAT(struct mmd, step, 1.41421356, "factor between the bandwidths of neighbouring kernels",
                    .min = 1),
        SCION_PARAMS_END
};

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        const struct mmd *mmd = self;
        const struct scion_mmd kernel = { .estimator = (enum scion_mmd_estimator)mmd->estimator,
                                          .heuristic = (enum scion_mmd_bandwidth)mmd->heuristic,
                                          .bandwidth = mmd->bandwidth,
                                          .kernels = (int)mmd->kernels,
                                          .step = mmd->step };

        return scion_mmd(outputs, scion_batch_values(batch, outputs), &kernel);
}

SCION_PLUGIN_LOSS("mmd", .summary = "maximum mean discrepancy of outputs and targets in a batch",
                  .reference = "Long, Cao, Wang, Jordan. ICML 2015. arXiv:1502.02791", .params = params,
                  .size = sizeof(struct mmd), .loss = loss,
                  .detaches = true); /* the bandwidth of the heuristic */
