/* Two domains in one step: their examples go through the target in one batch. */
#include <scion/error.h>

#include "transfer/transfer.h"

static bool domains_check_shapes(const struct scion_transfer *transfer)
{
        const struct scion_shape *source = &transfer->plan.source.input,
                                 *target = &transfer->plan.target.input;
        char texts[2][64];

        return scion_shape_equal(source, target) ||
               scion_fail("the source's examples are %s, the target's %s: both domains go through one model",
                          scion_shape_text(source, texts[0], sizeof texts[0]),
                          scion_shape_text(target, texts[1], sizeof texts[1]));
}

bool scion_join_domains(struct scion_transfer *transfer, float supervised)
{
        if (!transfer->setting_up)
                return scion_fail("scion_join_domains() may be called in setup() only");
        if (!(supervised >= 0))
                return scion_fail("the weight of the target's labels must be at least 0, got %g",
                                  (double)supervised);
        if (!domains_check_shapes(transfer))
                return false;
        transfer->added.joins_domains = true;
        transfer->added.label_weight = supervised;
        return true;
}

/* Joins the batches of both domains, once in a step. */
static bool domains_make(struct scion_transfer *transfer)
{
        struct scion_domains *domains = &transfer->step.domains;

        if (!transfer->added.joins_domains)
                return scion_fail("domains must be joined by scion_join_domains() in setup() first");
        if (domains->made)
                return true;
        if (!transfer->step.batch)
                return scion_fail("joined batches are available in loss() only");
        domains->source = scion_source_batch(transfer);
        domains->target = scion_unlabelled_batch(transfer);
        if (!domains->source || !domains->target)
                return false;
        const struct scion_batch *parts[] = { domains->source, domains->target, transfer->step.batch };
        struct scion_tensor *inputs[3];
        int count = transfer->added.label_weight > 0 ? 3 : 2;

        domains->batch = (struct scion_batch){ .classes = transfer->step.batch->classes };
        for (int i = 0; i < count; i++) {
                inputs[i] = parts[i]->inputs;
                domains->batch.size += parts[i]->size;
        }
        domains->batch.inputs = scion_concat(inputs, count, 0);
        return domains->made = domains->batch.inputs != NULL;
}

struct scion_tensor *scion_domain_features(struct scion_transfer *transfer, enum scion_domain domain,
                                           const char *path)
{
        const struct scion_domains *domains = &transfer->step.domains;

        if (!domains_make(transfer))
                return NULL;
        struct scion_tensor *all = scion_target_features(transfer, &domains->batch, path);
        int64_t from = domain == SCION_DOMAIN_SOURCE ? 0 : domains->source->size;
        int64_t count = domain == SCION_DOMAIN_SOURCE ? domains->source->size : domains->target->size;

        if (all && scion_dim(all, 0) != domains->batch.size)
                return scion_fail_null("what '%s' makes has no axis of examples",
                                       path ? path : scion_model_head(transfer->target));
        return scion_flatten(scion_slice(all, 0, from, count), 1);
}

struct scion_tensor *scion_domains_loss(struct scion_transfer *transfer)
{
        const struct scion_domains *domains = &transfer->step.domains;

        if (!domains_make(transfer))
                return NULL;
        const struct scion_batch *source = domains->source, *labelled = transfer->step.batch;
        struct scion_tensor *outputs = scion_target_logits(transfer, &domains->batch);
        struct scion_tensor *loss =
                scion_task_loss(transfer, scion_slice(outputs, 0, 0, source->size), source);

        if (transfer->added.label_weight == 0 || !loss)
                return loss;
        outputs = scion_slice(outputs, 0, source->size + domains->target->size, labelled->size);
        return scion_add(loss, scion_scale(scion_task_loss(transfer, outputs, labelled),
                                           transfer->added.label_weight));
}
