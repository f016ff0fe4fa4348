/* What a strategy adds in setup() (models, values, memory, stages), and the calls of its callbacks. */
#include "transfer/transfer.h"

#include <ctype.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "experiment/experiment.h"
#include "nn/model.h"
#include "nn/module.h"
#include "state/checkpoint.h"

static const struct scion_strategy_plugin *transfer_plugin(const struct scion_transfer *transfer)
{
        return transfer->plan.strategy ? (const struct scion_strategy_plugin *)transfer->plan.strategy->plugin
                                       : NULL;
}

/* Puts the strategy's name before the message that its callback has left; without one, says that there is none. Returns
 * false. */
static bool callback_fail(const struct scion_transfer *transfer, const char *callback)
{
        scion_plugin_failed(callback);
        return scion_fail_prefix("strategy '%s'", transfer->plan.strategy->plugin->name);
}

/* --- The models ----------------------------------------------------------------------------------------- */

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
        return transfer->plan.seed;
}

static bool transfer_check_setup(const struct scion_transfer *transfer, const char *what)
{
        return transfer->setting_up || scion_fail("%s may be called in setup() only", what);
}

static struct scion_model *blueprint_build(const struct scion_blueprint *plan, double width)
{
        return scion_model_create_scaled(plan->map, &plan->input, plan->outputs, plan->seed, width);
}

bool scion_target_like_source(struct scion_transfer *transfer, double width)
{
        struct scion_blueprint plan = transfer->plan.target;

        if (!transfer_check_setup(transfer, "scion_target_like_source()"))
                return false;
        if (!transfer->plan.source.map)
                return scion_fail("the run has no source whose architecture the target could have");
        if (transfer->plan.target_given)
                return scion_fail("the target gets the source's architecture: leave 'model' out of 'target'");
        plan.map = transfer->plan.source.map;
        struct scion_model *target = blueprint_build(&plan, width);

        if (!target)
                return false;
        scion_model_destroy(transfer->target);
        transfer->target = target;
        return true;
}

struct scion_model *scion_source_initial(struct scion_transfer *transfer)
{
        if (transfer->added.initial || !transfer_check_setup(transfer, "scion_source_initial()"))
                return transfer->added.initial;
        if (!transfer->plan.source_trained)
                return scion_fail_null("the source was not trained in this run, so its values before "
                                       "training are not known");
        transfer->added.initial = blueprint_build(&transfer->plan.source, 1);
        return transfer->added.initial;
}

/* --- What a strategy adds ------------------------------------------------------------------------------- */

bool scion_transfer_check_name(const char *what, const char *name)
{
        size_t length = name ? strlen(name) : 0;
        bool good = length > 0 && length < SCION_TRANSFER_NAME;

        for (size_t i = 0; good && i < length; i++)
                good = isalnum((unsigned char)name[i]) || name[i] == '_';
        return good || scion_fail("the name of %s has letters, digits and '_', at most %d: '%s'", what,
                                  SCION_TRANSFER_NAME - 1, name ? name : "");
}

static bool own_check_name(const struct scion_transfer *transfer, const char *function, const char *name)
{
        if (!transfer_check_setup(transfer, function) ||
            !scion_transfer_check_name("what is a strategy's own", name))
                return false;
        for (int i = 0; i < transfer->added.models; i++)
                if (strcmp(transfer->added.model[i].name, name) == 0)
                        return scion_fail("the strategy has a model called '%s' already", name);
        for (int i = 0; i < transfer->added.value_blocks; i++)
                if (strcmp(transfer->added.values[i].name, name) == 0)
                        return scion_fail("the strategy has values called '%s' already", name);
        return true;
}

struct scion_model *scion_own_model(struct scion_transfer *transfer, const char *name,
                                    struct scion_module *module)
{
        if (!module || !own_check_name(transfer, "scion_own_model()", name)) {
                scion_module_destroy(module);
                return NULL;
        }
        struct scion_own_model *longer =
                realloc(transfer->added.model, ((size_t)transfer->added.models + 1) * sizeof *longer);

        if (!longer) {
                scion_module_destroy(module);
                return scion_fail_null("out of memory");
        }
        transfer->added.model = longer;
        struct scion_own_model *own = &longer[transfer->added.models];

        snprintf(own->name, sizeof own->name, "%s", name);
        own->model = scion_model_assemble_part(module, scion_seed(transfer->plan.seed, name));
        if (!own->model) {
                scion_fail_prefix("%s", name);
                return NULL;
        }
        transfer->added.models++;
        return own->model;
}

float *scion_own_values(struct scion_transfer *transfer, const char *name, int64_t count)
{
        if (!own_check_name(transfer, "scion_own_values()", name))
                return NULL;
        if (count < 1 || count > (int64_t)1 << 40)
                return scion_fail_null("%s: %lld values cannot be kept", name, (long long)count);
        struct scion_own_values *longer =
                realloc(transfer->added.values, ((size_t)transfer->added.value_blocks + 1) * sizeof *longer);

        if (!longer)
                return scion_fail_null("out of memory");
        transfer->added.values = longer;
        struct scion_own_values *own = &longer[transfer->added.value_blocks];

        snprintf(own->name, sizeof own->name, "%s", name);
        own->count = count;
        own->value = calloc((size_t)count, sizeof *own->value);
        if (!own->value)
                return scion_fail_null("out of memory: %lld values", (long long)count);
        transfer->added.value_blocks++;
        return own->value;
}

void *scion_transfer_alloc(struct scion_transfer *transfer, size_t count, size_t size)
{
        if (!transfer_check_setup(transfer, "scion_transfer_alloc()"))
                return NULL;
        if (size > 0 && count > SIZE_MAX / size)
                return scion_fail_null("out of memory: %zu times %zu bytes", count, size);
        void **longer = realloc(transfer->added.memory, (transfer->added.memory_blocks + 1) * sizeof *longer);

        if (!longer)
                return scion_fail_null("out of memory");
        transfer->added.memory = longer;
        /* calloc() may return NULL for 0 bytes. */
        void *block = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

        if (!block)
                return scion_fail_null("out of memory: %zu times %zu bytes", count, size);
        return longer[transfer->added.memory_blocks++] = block;
}

int scion_add_stage(struct scion_transfer *transfer, const char *name, int64_t epochs)
{
        int number = transfer->added.stages;

        if (!transfer_check_setup(transfer, "scion_add_stage()") ||
            !scion_transfer_check_name("a stage", name))
                return -1;
        bool taken = strcmp(name, "source") == 0 || strcmp(name, "target") == 0;

        for (int i = 0; !taken && i < number; i++)
                taken = strcmp(transfer->added.stage[i].name, name) == 0;
        if (taken || number == SCION_MAX_STAGES || epochs < 0) {
                if (taken)
                        scion_fail("there is a stage called '%s' already", name);
                else if (epochs < 0)
                        scion_fail("stage '%s': %lld epochs are impossible", name, (long long)epochs);
                else
                        scion_fail("more than %d stages of a strategy's own", SCION_MAX_STAGES);
                return -1;
        }
        snprintf(transfer->added.stage[number].name, SCION_TRANSFER_NAME, "%s", name);
        transfer->added.stage[number].epochs = epochs;
        transfer->added.stages++;
        return number;
}

bool scion_train_nothing(struct scion_transfer *transfer)
{
        if (!transfer_check_setup(transfer, "scion_train_nothing()"))
                return false;
        transfer->added.untrained = true;
        return true;
}

static void additions_finish(struct scion_transfer_additions *added)
{
        for (int i = 0; i < added->models; i++)
                scion_model_destroy(added->model[i].model);
        for (int i = 0; i < added->value_blocks; i++)
                free(added->values[i].value);
        for (size_t i = 0; i < added->memory_blocks; i++)
                free(added->memory[i]);
        free(added->model);
        free(added->values);
        free(added->memory);
        scion_model_destroy(added->initial);
        *added = (struct scion_transfer_additions){ 0 };
}

static void step_finish(struct scion_transfer_step *step)
{
        free(step->logged);
        scion_readings_finish(&step->readings);
        scion_batches_destroy(step->source_stream.batches);
        scion_batches_destroy(step->unlabelled_stream.batches);
        *step = (struct scion_transfer_step){ 0 };
}

void scion_transfer_finish(struct scion_transfer *transfer)
{
        additions_finish(&transfer->added);
        step_finish(&transfer->step);
}

void scion_transfer_add_state(struct scion_transfer *transfer, struct scion_state *state)
{
        scion_state_add(state, "transfer.step", &transfer->position.step, sizeof transfer->position.step);
        scion_state_add(state, "transfer.scalars", &transfer->scalars.count, sizeof transfer->scalars.count);
        scion_state_add(state, "transfer.scalar", transfer->scalars.scalar, sizeof transfer->scalars.scalar);
        for (int i = 0; i < transfer->added.value_blocks; i++) {
                struct scion_own_values *own = &transfer->added.values[i];
                char name[SCION_TRANSFER_NAME + 8];

                snprintf(name, sizeof name, "values.%s", own->name);
                scion_state_add(state, name, own->value, (size_t)own->count * sizeof *own->value);
        }
}

/* --- Callbacks ------------------------------------------------------------------------------------------ */

int scion_stage(const struct scion_transfer *transfer)
{
        return transfer->position.stage;
}

double scion_progress(const struct scion_transfer *transfer)
{
        return transfer->position.progress;
}

const char *scion_transfer_stage_name(const struct scion_transfer *transfer,
                                      const struct scion_stage *main_stage)
{
        return transfer->position.stage < transfer->added.stages
                       ? transfer->added.stage[transfer->position.stage].name
                       : main_stage->name;
}

int64_t scion_transfer_stage_epochs(const struct scion_transfer *transfer,
                                    const struct scion_stage *main_stage)
{
        if (transfer->position.stage < transfer->added.stages)
                return transfer->added.stage[transfer->position.stage].epochs;
        return transfer->added.untrained ? 0 : main_stage->epochs;
}

/* Grafting ends with setup(): the optimizer allocates its state for the models as they are. */
static void models_close(struct scion_transfer *transfer)
{
        static const char why[] = "modules are grafted in setup() only";

        transfer->target->closed = why;
        for (int i = 0; i < transfer->added.models; i++)
                transfer->added.model[i].model->closed = why;
}

bool scion_transfer_setup(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = transfer_plugin(transfer);

        if (transfer->source) {
                scion_model_set_frozen(transfer->source, true);
                transfer->source->closed =
                        "the source's modules stay as they are: changes belong in the target";
        }
        transfer->setting_up = true;
        transfer->step.failed = false;
        scion_error_clear();
        /* Without bfloat16, so that what setup() fits or compares is not rounded. */
        bool rounding = scion_device.settings.bf16;
        bool good = scion_device_set_bf16(false) &&
                    (!plugin->setup || plugin->setup(transfer->plan.strategy->self, transfer));

        good = scion_device_set_bf16(rounding) && good;
        transfer->setting_up = false;
        transfer->step.forward_passes = 0;
        models_close(transfer);
        return good || callback_fail(transfer, "setup");
}

bool scion_transfer_begin_stage(struct scion_transfer *transfer, int stage)
{
        const struct scion_strategy_plugin *plugin = transfer_plugin(transfer);

        transfer->position.stage = stage;
        transfer->position.progress = 0;
        transfer->scalars.count = 0;
        scion_error_clear();
        return !plugin || !plugin->begin_stage ||
               plugin->begin_stage(transfer->plan.strategy->self, transfer, stage) ||
               callback_fail(transfer, "begin_stage");
}

bool scion_transfer_begin_epoch(struct scion_transfer *transfer, int64_t epoch)
{
        const struct scion_strategy_plugin *plugin = transfer_plugin(transfer);

        scion_error_clear();
        return !plugin || !plugin->begin_epoch ||
               plugin->begin_epoch(transfer->plan.strategy->self, transfer, epoch) ||
               callback_fail(transfer, "begin_epoch");
}

/* Calls the strategy's make(). */
static bool parameters_make(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = transfer_plugin(transfer);

        scion_error_clear();
        return !plugin || !plugin->make || plugin->make(transfer->plan.strategy->self, transfer) ||
               callback_fail(transfer, "make");
}

bool scion_transfer_settle(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = transfer_plugin(transfer);

        if (!plugin || !plugin->make)
                return true;
        scion_no_grad_begin();
        bool good = parameters_make(transfer) && scion_model_write_substitutes(transfer->target);

        scion_no_grad_end();
        scion_transfer_clear_substitutes(transfer);
        return good;
}

void scion_transfer_clear_substitutes(struct scion_transfer *transfer)
{
        scion_model_clear_substitutes(transfer->target);
        if (transfer->source)
                scion_model_clear_substitutes(transfer->source);
        for (int i = 0; i < transfer->added.models; i++)
                scion_model_clear_substitutes(transfer->added.model[i].model);
}

void scion_transfer_end_step(struct scion_transfer *transfer)
{
        transfer->step.batch = NULL;
        transfer->step.forward_passes = 0;
        transfer->step.source_stream.drawn = transfer->step.unlabelled_stream.drawn = false;
        transfer->step.domains.made = false;
        transfer->step.logged_count = 0;
        scion_readings_clear(&transfer->step.readings);
}

void scion_transfer_begin_step(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        scion_transfer_end_step(transfer);
        transfer->step.batch = batch;
        transfer->step.failed = false;
}

struct scion_tensor *scion_transfer_loss(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = transfer_plugin(transfer);
        const struct scion_batch *batch = transfer->step.batch;
        struct scion_tensor *loss;

        if (!parameters_make(transfer))
                return NULL;
        if (!plugin || !plugin->loss)
                return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        scion_error_clear(); /* so that a message after this is the strategy's */
        loss = plugin->loss(transfer->plan.strategy->self, transfer, batch);
        if (loss && !transfer->step.failed)
                return loss;
        callback_fail(transfer, "loss");
        return NULL;
}
