/* Knowledge distillation from the source as a term of another loss. */
#include <scion/losses.h>
#include <scion/strategy.h>

#include "base/refuse.h"

struct scion_tensor *scion_add_kd(struct scion_tensor *loss, struct scion_transfer *transfer,
                                  const struct scion_batch *batch, float weight, float temperature)
{
        if (!loss || weight == 0)
                return loss;
        if (!batch->labels)
                return scion_refuse_null(
                        "add_kd: knowledge distillation needs classes, and the target's targets are values");
        struct scion_tensor *student = scion_target_logits(transfer, batch);
        struct scion_tensor *teacher = scion_source_logits(transfer, batch);

        if (student && teacher && scion_dim(student, 1) != scion_dim(teacher, 1))
                return scion_refuse_null(
                        "add_kd: the source has %lld outputs and the target %lld; distillation needs the "
                        "same classes in both",
                        (long long)scion_dim(teacher, 1), (long long)scion_dim(student, 1));
        struct scion_tensor *kd = scion_kl_divergence(student, teacher, temperature);

        scion_log_scalar(transfer, "kd", kd);
        return scion_add(loss, scion_scale(kd, weight));
}
