/* Forward passes of the two models in a step: their outputs, and the outputs of their modules. */
#include <scion/error.h>
#include <scion/loss.h>
#include <string.h>

#include "nn/model.h"
#include "nn/module.h"
#include "tensor/tape.h"
#include "tensor/trace.h"
#include "transfer/transfer.h"

/* --- Forward passes of this step ------------------------------------------------------------------------ */

/* Returns the pass of the model over the batch, or NULL. While gradients are recorded it must have been made with them.
 * With `all_modules` it must be one in which every module has run. */
static struct scion_forward_pass *forward_pass_find(struct scion_transfer *transfer,
                                                    const struct scion_model *model,
                                                    const struct scion_batch *batch, bool all_modules)
{
        for (int i = 0; i < transfer->step.forward_passes; i++) {
                struct scion_forward_pass *pass = &transfer->step.forward_pass[i];

                if (pass->model == model && pass->inputs == batch->inputs &&
                    (pass->gradients || !scion_recording()) && !(all_modules && pass->front_left_out))
                        return pass;
        }
        return NULL;
}

/* Notes the output of every module, and the input of the head. Of a module that ran more than once it is the last one. */
static bool forward_pass_set_outputs(struct scion_forward_pass *pass, struct scion_model *model)
{
        const struct scion_modules *modules = &model->modules;
        const struct scion_module *head = scion_model_look_up_module(model, model->head);

        pass->made = scion_tape_alloc(modules->count * sizeof(struct scion_tensor *));
        if (!pass->made)
                return false;
        for (size_t i = 0; i < modules->count; i++)
                pass->made[i] = modules->module[i]->output;
        pass->features = head ? head->input : NULL;
        return true;
}

/* Adds a pass to those of the step. When there are too many it takes the place of the last one, which costs only time. */
static struct scion_forward_pass *forward_pass_add(struct scion_transfer *transfer,
                                                   struct scion_forward_pass pass, struct scion_model *model)
{
        struct scion_transfer_step *step = &transfer->step;

        if (step->forward_passes < SCION_MAX_FORWARD_PASSES)
                step->forward_passes++;
        struct scion_forward_pass *added = &step->forward_pass[step->forward_passes - 1];

        *added = pass;
        if (forward_pass_set_outputs(added, model))
                return added;
        step->forward_passes--;
        return NULL;
}

/* Returns the model's pass over the batch, and makes it if there is none yet. Without `all_modules` the target's frozen
 * front may be left out. */
static struct scion_forward_pass *forward_pass_of(struct scion_transfer *transfer, struct scion_model *model,
                                                  const struct scion_batch *batch, bool all_modules)
{
        struct scion_forward_pass *pass =
                batch ? forward_pass_find(transfer, model, batch, all_modules) : NULL;

        if (pass || !batch)
                return pass;
        enum scion_part before = scion_trace_part(SCION_PART_FORWARD);

        scion_model_forget_tensors(model);
        struct scion_tensor *outputs = NULL;

        bool may_reuse = !all_modules && transfer->reuse && model == transfer->target && scion_recording();
        bool good = !may_reuse || scion_reuse_target(transfer->reuse, model, batch, &outputs);
        bool front_left_out = outputs != NULL;

        if (good && !outputs)
                outputs = scion_model_forward(model, batch->inputs);
        scion_trace_part(before);
        if (!outputs)
                return NULL;
        return forward_pass_add(transfer,
                                (struct scion_forward_pass){ .model = model,
                                                             .inputs = batch->inputs,
                                                             .outputs = outputs,
                                                             .gradients = scion_recording(),
                                                             .front_left_out = front_left_out },
                                model);
}

/* The source's pass: as in evaluation (no dropout), without gradients. */
static struct scion_forward_pass *source_forward_pass(struct scion_transfer *transfer,
                                                      const struct scion_batch *batch)
{
        struct scion_tape *tape = scion_tape_current();

        if (!transfer->source)
                return scion_fail_null("the run has no source model");
        if (!tape)
                return NULL;
        bool training = scion_tape_training(tape);

        scion_tape_set_training(tape, false);
        scion_no_grad_begin();
        struct scion_forward_pass *pass = forward_pass_of(transfer, transfer->source, batch, true);

        scion_no_grad_end();
        scion_tape_set_training(tape, training);
        if (!pass)
                scion_fail_prefix("the source");
        return pass;
}

/* Returns the output of the module at `path`; for NULL the input of the head. */
static struct scion_tensor *forward_pass_features(const struct scion_forward_pass *pass,
                                                  struct scion_model *model, const char *path)
{
        struct scion_module *module = path ? scion_model_module(model, path) : NULL;

        if (!pass || (path && !module))
                return NULL;
        struct scion_tensor *made = path ? pass->made[module->index] : pass->features;

        return made ? made
                    : scion_fail_null("the model does not run its module '%s'", path ? path : model->head);
}

/* --- The target ----------------------------------------------------------------------------------------- */

struct scion_tensor *scion_target_logits(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        const struct scion_forward_pass *pass = forward_pass_of(transfer, transfer->target, batch, false);

        return pass ? pass->outputs : NULL;
}

struct scion_tensor *scion_target_features(struct scion_transfer *transfer, const struct scion_batch *batch,
                                           const char *path)
{
        const struct scion_forward_pass *pass = NULL;

        if (!path)
                pass = forward_pass_of(transfer, transfer->target, batch, false);
        if (path || (pass && !pass->features && pass->front_left_out)) {
                if (transfer->reuse)
                        scion_reuse_run_front(transfer->reuse);
                pass = forward_pass_of(transfer, transfer->target, batch, true);
        }
        return forward_pass_features(pass, transfer->target, path);
}

/* --- The source ----------------------------------------------------------------------------------------- */

/* Sets *output to what the source's module made of the batch (or took: `input`), if it was computed once for all epochs;
 * else to NULL. What is asked for in the dry run is recorded; only that is stored. Returns false, with a message, on
 * failure. */
static bool source_reuse(struct scion_transfer *transfer, struct scion_module *module, bool input,
                         const struct scion_batch *batch, struct scion_tensor **output)
{
        struct scion_reuse *reuse = transfer->reuse;

        *output = NULL;
        if (!reuse || !module || !batch || batch != transfer->step.batch)
                return true;
        if (transfer->mode != SCION_TRANSFER_DRY_RUN)
                return scion_reuse_source(reuse, transfer->source, module, input, batch, output);
        scion_reuse_record(reuse, module, input);
        return true;
}

struct scion_tensor *scion_source_logits(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct scion_module *root = transfer->source ? transfer->source->root : NULL;
        struct scion_tensor *outputs;

        if (!source_reuse(transfer, root, false, batch, &outputs) || outputs)
                return outputs;
        const struct scion_forward_pass *pass = source_forward_pass(transfer, batch);

        return pass ? pass->outputs : NULL;
}

struct scion_tensor *scion_source_features(struct scion_transfer *transfer, const struct scion_batch *batch,
                                           const char *path)
{
        struct scion_model *source = transfer->source;
        struct scion_module *module =
                source ? scion_model_look_up_module(source, path ? path : source->head) : NULL;
        struct scion_tensor *features;

        if (!source_reuse(transfer, module, !path, batch, &features) || features)
                return features;
        return forward_pass_features(source_forward_pass(transfer, batch), source, path);
}

/* --- Loss and scores ------------------------------------------------------------------------------------ */

/* Returns the target's outputs for these inputs; NULL if it has not run on them in this step. */
static struct scion_tensor *target_outputs(const struct scion_transfer *transfer,
                                           const struct scion_tensor *inputs)
{
        for (int i = 0; i < transfer->step.forward_passes; i++)
                if (transfer->step.forward_pass[i].model == transfer->target &&
                    transfer->step.forward_pass[i].inputs == inputs)
                        return transfer->step.forward_pass[i].outputs;
        return NULL;
}

struct scion_tensor *scion_transfer_outputs(const struct scion_transfer *transfer,
                                            const struct scion_batch **batch)
{
        const struct scion_domains *domains = &transfer->step.domains;
        struct scion_tensor *outputs = target_outputs(transfer, transfer->step.batch->inputs);
        int64_t first = 0;

        *batch = transfer->step.batch;
        if (outputs || !domains->made)
                return outputs;
        outputs = target_outputs(transfer, domains->batch.inputs);
        if (transfer->added.label_weight > 0)
                first = domains->source->size + domains->target->size;
        else
                *batch = domains->source;
        scion_no_grad_begin();
        outputs = outputs ? scion_slice(outputs, 0, first, (*batch)->size) : NULL;
        scion_no_grad_end();
        return outputs;
}

struct scion_tensor *scion_task_loss(struct scion_transfer *transfer, struct scion_tensor *outputs,
                                     const struct scion_batch *batch)
{
        const struct scion_loss_plugin *plugin =
                (const struct scion_loss_plugin *)transfer->plan.loss->plugin;

        struct scion_tensor *loss =
                outputs && batch ? plugin->loss(transfer->plan.loss->self, outputs, batch) : NULL;

        transfer->step.loss_failed = outputs && batch && !loss;
        return loss;
}
