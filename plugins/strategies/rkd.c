/* Relational distillation: distances and angles between examples are trained to be the same as the teacher's. */
#include <scion/scion.h>

struct rkd {
        float distance, angle, kd, temperature;
        bool normalize;
        struct scion_strings layers, source_layers;
        struct scion_layers pair;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct rkd, distance, 25, "weight of the distance term", .min = 0),
        SCION_FLOAT(struct rkd, angle, 50, "weight of the angle term", .min = 0),
        SCION_STRINGS(struct rkd, layers, NULL,
                      "modules of the target whose outputs are compared; left out: the head's input"),
        SCION_STRINGS(struct rkd, source_layers, NULL,
                      "the same number of modules of the source; left out: those of layers"),
        SCION_BOOL(struct rkd, normalize, true,
                   "normalise features to length 1 first, as the paper's code does for classification"),
        SCION_FLOAT(struct rkd, kd, 0, "weight of distillation from the teacher's outputs", .min = 0),
        SCION_FLOAT(struct rkd, temperature, 4, "temperature at which both models' outputs are compared",
                    .above_min = true),
        SCION_PARAMS_END,
};

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct rkd *rkd = self;

        return scion_layers_pair(transfer, &rkd->layers, &rkd->source_layers, &rkd->pair);
}

/* Returns one vector for each example: [N, D]. */
static struct scion_tensor *features_vectors(const struct rkd *rkd, struct scion_tensor *features)
{
        struct scion_tensor *x = scion_flatten(features, 1);

        return rkd->normalize ? scion_normalize(x, SCION_AXIS(1), 1e-12f) : x;
}

/* Returns |x_i - x_j| / mu as [N, N], where mu is the mean over pairs. */
static struct scion_tensor *distances(struct scion_tensor *x)
{
        float pairs = (float)(scion_dim(x, 0) * (scion_dim(x, 0) - 1));
        struct scion_tensor *d = scion_pairwise_distance(x, x);
        struct scion_tensor *mu = scion_scale(scion_sum(d, SCION_ALL_AXES, false), 1 / pairs);

        return scion_div(d, scion_shift(mu, 1e-12f)); /* 0 if all examples are equal */
}

/* Returns the cosines of the angles at x_j between x_i and x_k, as [j, i, k]. */
static struct scion_tensor *angles(struct scion_tensor *x)
{
        int64_t n = scion_dim(x, 0), d = scion_dim(x, 1);
        struct scion_tensor *from_j =
                scion_sub(scion_reshape(x, SCION_SHAPE(1, n, d)), scion_reshape(x, SCION_SHAPE(n, 1, d)));
        struct scion_tensor *e = scion_normalize(from_j, SCION_AXIS(2), 1e-12f);

        return scion_matmul(e, e, false, true);
}

/* Returns the mean of Huber's function of the differences over `count` tuples of different examples. Tuples with equal
 * examples contribute 0, because their values are the same for student and teacher. */
static struct scion_tensor *tuples_loss(struct scion_tensor *student, struct scion_tensor *teacher,
                                        double count)
{
        struct scion_tensor *sum =
                scion_sum(scion_huber(scion_sub(student, teacher), 1), SCION_ALL_AXES, false);

        return scion_scale(sum, (float)(1 / count));
}

/* task + distance L_D + angle L_A + kd T^2 KL(teacher || student), with L_D and L_A summed over pairs of layers */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct rkd *rkd = self;
        double n = (double)batch->size;
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        struct scion_tensor *distance = scion_scalar(0), *angle = scion_scalar(0);

        for (int i = 0; i < rkd->pair.count; i++) {
                const char *of_student = rkd->pair.target[i], *of_teacher = rkd->pair.source[i];
                struct scion_tensor *s =
                        features_vectors(rkd, scion_target_features(transfer, batch, of_student));
                struct scion_tensor *t =
                        features_vectors(rkd, scion_source_features(transfer, batch, of_teacher));

                distance = scion_add(distance, tuples_loss(distances(s), distances(t), n * (n - 1)));
                angle = scion_add(angle, tuples_loss(angles(s), angles(t), n * (n - 1) * (n - 2)));
        }
        scion_log_scalar(transfer, "distance", distance);
        scion_log_scalar(transfer, "angle", angle);
        struct scion_tensor *relations =
                scion_add(scion_scale(distance, rkd->distance), scion_scale(angle, rkd->angle));

        return scion_add_kd(scion_add(task, relations), transfer, batch,
                            rkd->kd * rkd->temperature * rkd->temperature, rkd->temperature);
}

SCION_PLUGIN_STRATEGY("rkd", .summary = "relational distillation: distances and angles between examples",
                      .reference = "Park, Kim, Lu, Cho. CVPR 2019. arXiv:1904.05068", .params = params,
                      .size = sizeof(struct rkd), .needs = SCION_NEEDS_SOURCE, .setup = setup, .loss = loss,
                      .min_batch = 3);
