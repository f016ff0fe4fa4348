#include "train/transfer.h"

#include <ctype.h>
#include <scion/error.h>
#include <scion/loss.h>
#include <scion/tape.h>
#include <stdio.h>
#include <string.h>

#include "nn/model.h"
#include "tensor/tape.h"

struct scion_model *scion_source(struct scion_transfer *transfer)
{
        return transfer->source;
}

struct scion_model *scion_target(struct scion_transfer *transfer)
{
        return transfer->target;
}

uint64_t scion_transfer_seed(const struct scion_transfer *transfer)
{
        return transfer->seed;
}

struct scion_tensor *scion_target_logits(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *outputs;

        if (batch == transfer->batch && transfer->outputs)
                return transfer->outputs;
        outputs = scion_model_forward(transfer->target, batch->inputs);
        /* Those made while gradients were off do not serve when they are on. */
        if (batch == transfer->batch && outputs && outputs->requires_grad)
                transfer->outputs = outputs;
        return outputs;
}

struct scion_tensor *scion_source_logits(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_tensor *outputs;

        if (batch == transfer->batch && transfer->known)
                return transfer->known;
        if (!transfer->source)
                return scion_fail_null("the run has no source model");
        struct scion_tape *tape = scion_tape_current();
        bool training = tape && scion_tape_training(tape);

        if (!tape)
                return NULL;
        scion_tape_set_training(tape, false); /* what it knows, without dropout */
        scion_no_grad_begin();
        outputs = scion_model_forward(transfer->source, batch->inputs);
        scion_no_grad_end();
        scion_tape_set_training(tape, training);
        if (batch == transfer->batch)
                transfer->known = outputs;
        return outputs;
}

struct scion_tensor *scion_task_loss(struct scion_transfer *transfer, struct scion_tensor *outputs,
                                     const struct scion_batch *batch)
{
        const struct scion_loss_plugin *plugin = (const struct scion_loss_plugin *)transfer->loss->plugin;

        struct scion_tensor *loss = outputs ? plugin->loss(transfer->loss->self, outputs, batch) : NULL;

        transfer->loss_failed = outputs && !loss;
        return loss;
}

static bool is_name(const char *name)
{
        size_t length = strlen(name);

        for (size_t i = 0; i < length; i++)
                if (!isalnum((unsigned char)name[i]) && name[i] != '_')
                        return false;
        return length > 0 && length < SCION_SCALAR_NAME;
}

/* The sum of that name, made when there is none; NULL, with a message, when there can be none. */
static struct scion_scalar *find_scalar(struct scion_transfer *transfer, const char *name)
{
        for (int i = 0; i < transfer->scalars; i++)
                if (strcmp(transfer->scalar[i].name, name) == 0)
                        return &transfer->scalar[i];
        if (!is_name(name))
                return scion_fail_null("a logged name has letters, digits and '_', at most %d: '%s'",
                                       SCION_SCALAR_NAME - 1, name);
        if (transfer->scalars == SCION_MAX_SCALARS)
                return scion_fail_null("more than %d names are logged", SCION_MAX_SCALARS);
        struct scion_scalar *scalar = &transfer->scalar[transfer->scalars++];

        snprintf(scalar->name, sizeof scalar->name, "%s", name);
        return scalar;
}

void scion_log_scalar(struct scion_transfer *transfer, const char *name, struct scion_tensor *value)
{
        if (!value || !transfer->batch)
                return;
        if (scion_size(value) != 1) {
                scion_fail("the value logged as '%s' has %lld elements, not one", name,
                           (long long)scion_size(value));
                transfer->failed = true;
                return;
        }
        struct scion_scalar *scalar = find_scalar(transfer, name);

        if (!scalar) {
                transfer->failed = true;
                return;
        }
        scalar->sum += (double)scion_item(value) * (double)transfer->batch->size;
        scalar->examples += transfer->batch->size;
}

bool scion_transfer_setup(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin =
                (const struct scion_strategy_plugin *)transfer->strategy->plugin;

        if (transfer->source)
                scion_model_set_frozen(transfer->source, true);
        if (!plugin->setup || plugin->setup(transfer->strategy->self, transfer))
                return true;
        return scion_fail_prefix("strategy '%s'", plugin->name);
}

/* What the strategy says, or the task's loss when there is none, or none of its own. */
static struct scion_tensor *loss_of(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct scion_strategy_plugin *plugin =
                transfer->strategy ? (const struct scion_strategy_plugin *)transfer->strategy->plugin : NULL;
        struct scion_tensor *loss;

        if (!plugin || !plugin->loss)
                return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        loss = plugin->loss(transfer->strategy->self, transfer, batch);
        if (loss && !transfer->failed)
                return loss;
        scion_fail_prefix("strategy '%s'", plugin->name);
        return NULL;
}

struct scion_tensor *scion_transfer_loss(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        transfer->batch = batch;
        transfer->outputs = NULL;
        transfer->known = NULL;
        transfer->failed = false;
        return loss_of(transfer, batch);
}

void scion_transfer_clear_scalars(struct scion_transfer *transfer)
{
        for (int i = 0; i < transfer->scalars; i++)
                transfer->scalar[i].sum = 0, transfer->scalar[i].examples = 0;
}
