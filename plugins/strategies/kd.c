/* Knowledge distillation: the student learns from the teacher's outputs for each example, and from its label. */
#include <scion/scion.h>

struct kd {
        float temperature;
        float alpha;
};

static const struct scion_param params[] = {
        SCION_FLOAT(struct kd, temperature, 2, "temperature at which both models' outputs are compared",
                    .above_min = true),
        SCION_FLOAT(struct kd, alpha, 0.5, "weight of distillation; the task's loss has 1 - alpha", .max = 1),
        SCION_PARAMS_END,
};

/* (1 - alpha) task + alpha T^2 KL(teacher || student), both at temperature T. */
static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct kd *kd = self;
        float t = kd->temperature;
        struct scion_tensor *task = scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);

        return scion_add_kd(scion_scale(task, 1 - kd->alpha), transfer, batch, kd->alpha * t * t, t);
}

SCION_PLUGIN_STRATEGY(
        "kd",
        .summary = "knowledge distillation: learn from the teacher's softened outputs and from the labels",
        .reference = "Hinton, Vinyals, Dean. 2015. arXiv:1503.02531", .params = params,
        .size = sizeof(struct kd), .needs = SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES, .loss = loss);
