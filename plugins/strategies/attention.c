/* Attention transfer: the student's feature maps are trained to be active where the teacher's are. */
#include <scion/scion.h>

enum { NORM, SQUARES };

struct attention {
        float beta, power, kd, temperature;
        struct scion_strings layers, source_layers;
        int distance;
        bool pool;
        struct scion_layers pair;
};

static const char *const distances[] = { [NORM] = "norm", [SQUARES] = "squares", NULL };

static const struct scion_param params[] = {
        SCION_FLOAT(struct attention, beta, 10, "weight of the distance between attention maps", .min = 0),
        SCION_FLOAT(struct attention, power, 2, "exponent of the activations in an attention map", .min = 1),
        SCION_STRINGS(struct attention, layers, NULL, "modules of the target whose outputs are maps",
                      .required = true),
        SCION_STRINGS(struct attention, source_layers, NULL,
                      "the same number of modules of the source; left out: those of layers"),
        SCION_CHOICE(struct attention, distance, distances, NORM,
                     "norm: as in the paper; squares: their mean, as in its code, with a beta of about 1000"),
        SCION_BOOL(struct attention, pool, false,
                   "average the larger of two maps to the size of the smaller"),
        SCION_FLOAT(struct attention, kd, 0, "weight of distillation from the teacher's outputs", .min = 0),
        SCION_FLOAT(struct attention, temperature, 4,
                    "temperature at which both models' outputs are compared", .above_min = true),
        SCION_PARAMS_END,
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct attention *at = self;

        if (!scion_layers_pair(transfer, &at->layers, &at->source_layers, &at->pair))
                return false;
        for (int i = 0; i < at->pair.count; i++) {
                struct scion_shape s = scion_layers_target_shape(transfer, &at->pair, i);
                struct scion_shape t = scion_layers_source_shape(transfer, &at->pair, i);

                if (s.ndim != 3 || t.ndim != 3)
                        return scion_layers_fail(transfer, &at->pair, i, "attention takes maps, CxHxW");
                if (!at->pool && (s.dim[1] != t.dim[1] || s.dim[2] != t.dim[2]))
                        return scion_layers_fail(transfer, &at->pair, i,
                                                 "maps of different sizes need 'pool: true'");
        }
        return true;
}

/* Returns the attention maps Q / |Q| of the examples, [N, H W], with Q = sum over channels of |A|^p. */
static struct scion_tensor *attention_map(const struct attention *at, struct scion_tensor *maps,
                                          int64_t height, int64_t width)
{
        if (scion_dim(maps, 2) > height || scion_dim(maps, 3) > width)
                maps = scion_adaptive_avg_pool2d(maps, height, width);
        struct scion_tensor *q = scion_sum(scion_pow(scion_abs(maps), at->power), SCION_AXIS(1), false);

        return scion_normalize(scion_flatten(q, 1), SCION_AXIS(1), 1e-12f);
}

static int64_t smaller(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* Returns the distance |Q_S / |Q_S| - Q_T / |Q_T|| of one pair of layers, as a mean over examples. */
static struct scion_tensor *maps_distance(const struct attention *at, struct scion_tensor *s,
                                          struct scion_tensor *t)
{
        if (!s || !t)
                return NULL;
        int64_t height = smaller(scion_dim(s, 2), scion_dim(t, 2)),
                width = smaller(scion_dim(s, 3), scion_dim(t, 3));
        struct scion_tensor *apart =
                scion_sub(attention_map(at, s, height, width), attention_map(at, t, height, width));

        return at->distance == NORM
                       ? scion_mean(scion_norm(apart, SCION_AXIS(1), false), SCION_ALL_AXES, false)
                       : scion_mean(scion_mul(apart, apart), SCION_ALL_AXES, false);
}

/* task + beta/2 sum over pairs of layers of the distance + kd T^2 KL(teacher || student) */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct attention *at = self;
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        struct scion_tensor *sum = scion_scalar(0);

        for (int i = 0; i < at->pair.count; i++)
                sum = scion_add(sum,
                                maps_distance(at, scion_target_features(transfer, batch, at->pair.target[i]),
                                              scion_source_features(transfer, batch, at->pair.source[i])));
        scion_log_scalar(transfer, "attention", sum);
        return scion_add_kd(scion_add(task, scion_scale(sum, at->beta / 2)), transfer, batch,
                            at->kd * at->temperature * at->temperature, at->temperature);
}

SCION_PLUGIN_STRATEGY("attention",
                      .summary = "attention transfer: feature maps active where the teacher's are",
                      .reference = "Zagoruyko, Komodakis. ICLR 2017. arXiv:1612.03928", .params = params,
                      .size = sizeof(struct attention), .needs = SCION_NEEDS_SOURCE, .setup = setup,
                      .loss = loss);
