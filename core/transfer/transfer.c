/* What a strategy sets up: models, values and stages of its own; and when the engine asks it. */
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

static const struct scion_strategy_plugin *plugin_of(const struct scion_transfer *transfer)
{
        return transfer->strategy ? (const struct scion_strategy_plugin *)transfer->strategy->plugin : NULL;
}

/* Names the strategy in the message that its callback has left. */
static bool blame(const struct scion_transfer *transfer, const char *callback)
{
        scion_plugin_failed(callback);
        return scion_fail_prefix("strategy '%s'", transfer->strategy->plugin->name);
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
        return transfer->seed;
}

static bool check_setting_up(const struct scion_transfer *transfer, const char *what)
{
        return transfer->setting_up || scion_fail("%s: only in setup()", what);
}

static struct scion_model *build(const struct scion_blueprint *plan, double width)
{
        return scion_model_create_scaled(plan->map, &plan->input, plan->outputs, plan->seed, width);
}

bool scion_target_like_source(struct scion_transfer *transfer, double width)
{
        struct scion_blueprint plan = transfer->target_plan;

        if (!check_setting_up(transfer, "a target like the source"))
                return false;
        if (!transfer->source_plan.map)
                return scion_fail("the run has no source whose architecture the target could have");
        if (transfer->target_given)
                return scion_fail("the target gets the source's architecture: leave 'model' out of 'target'");
        plan.map = transfer->source_plan.map;
        struct scion_model *target = build(&plan, width);

        if (!target)
                return false;
        scion_model_destroy(transfer->target);
        transfer->target = target;
        return true;
}

struct scion_model *scion_source_initial(struct scion_transfer *transfer)
{
        if (transfer->initial || !check_setting_up(transfer, "the source before its training"))
                return transfer->initial;
        if (!transfer->source_trained)
                return scion_fail_null(
                        "the source was not trained in this run: what it was before is not known");
        transfer->initial = build(&transfer->source_plan, 1);
        return transfer->initial;
}

/* --- What is the strategy's own ------------------------------------------------------------------------- */

/* Letters, digits and '_': a column's name, or part of a file's entry. */
bool scion_transfer_check_name(const char *what, const char *name)
{
        size_t length = name ? strlen(name) : 0;
        bool good = length > 0 && length < SCION_TRANSFER_NAME;

        for (size_t i = 0; good && i < length; i++)
                good = isalnum((unsigned char)name[i]) || name[i] == '_';
        return good || scion_fail("the name of %s has letters, digits and '_', at most %d: '%s'", what,
                                  SCION_TRANSFER_NAME - 1, name ? name : "");
}

static bool check_own(const struct scion_transfer *transfer, const char *name)
{
        if (!check_setting_up(transfer, name) || !scion_transfer_check_name("what is a strategy's own", name))
                return false;
        for (int i = 0; i < transfer->own_models; i++)
                if (strcmp(transfer->own_model[i].name, name) == 0)
                        return scion_fail("the strategy has a model called '%s' already", name);
        for (int i = 0; i < transfer->own_value_blocks; i++)
                if (strcmp(transfer->own_values[i].name, name) == 0)
                        return scion_fail("the strategy has values called '%s' already", name);
        return true;
}

struct scion_model *scion_own_model(struct scion_transfer *transfer, const char *name,
                                    struct scion_module *module)
{
        if (!module || !check_own(transfer, name)) {
                scion_module_destroy(module);
                return NULL;
        }
        struct scion_own_model *longer =
                realloc(transfer->own_model, ((size_t)transfer->own_models + 1) * sizeof *longer);

        if (!longer) {
                scion_module_destroy(module);
                return scion_fail_null("out of memory");
        }
        transfer->own_model = longer;
        struct scion_own_model *own = &longer[transfer->own_models];

        snprintf(own->name, sizeof own->name, "%s", name);
        own->model = scion_model_assemble_part(module, scion_seed(transfer->seed, name));
        if (!own->model) {
                scion_fail_prefix("%s", name);
                return NULL;
        }
        transfer->own_models++;
        return own->model;
}

float *scion_own_values(struct scion_transfer *transfer, const char *name, int64_t count)
{
        if (!check_own(transfer, name))
                return NULL;
        if (count < 1 || count > (int64_t)1 << 40)
                return scion_fail_null("%s: %lld values cannot be kept", name, (long long)count);
        struct scion_own_values *longer =
                realloc(transfer->own_values, ((size_t)transfer->own_value_blocks + 1) * sizeof *longer);

        if (!longer)
                return scion_fail_null("out of memory");
        transfer->own_values = longer;
        struct scion_own_values *own = &longer[transfer->own_value_blocks];

        snprintf(own->name, sizeof own->name, "%s", name);
        own->count = count;
        own->value = calloc((size_t)count, sizeof *own->value);
        if (!own->value)
                return scion_fail_null("out of memory: %lld values", (long long)count);
        transfer->own_value_blocks++;
        return own->value;
}

void *scion_transfer_alloc(struct scion_transfer *transfer, size_t count, size_t size)
{
        if (!check_setting_up(transfer, "memory that goes with the transfer"))
                return NULL;
        if (size > 0 && count > SIZE_MAX / size)
                return scion_fail_null("out of memory: %zu times %zu bytes", count, size);
        void **longer = realloc(transfer->memory, (transfer->memory_blocks + 1) * sizeof *longer);

        if (!longer)
                return scion_fail_null("out of memory");
        transfer->memory = longer;
        /* Of nothing, calloc() may give NULL. */
        void *block = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

        if (!block)
                return scion_fail_null("out of memory: %zu times %zu bytes", count, size);
        return longer[transfer->memory_blocks++] = block;
}

int scion_add_stage(struct scion_transfer *transfer, const char *name, int64_t epochs)
{
        int number = transfer->own_stages;

        if (!check_setting_up(transfer, "a stage") || !scion_transfer_check_name("a stage", name))
                return -1;
        bool taken = strcmp(name, "source") == 0 || strcmp(name, "target") == 0;

        for (int i = 0; !taken && i < number; i++)
                taken = strcmp(transfer->own_stage[i].name, name) == 0;
        if (taken || number == SCION_MAX_STAGES || epochs < 0) {
                if (taken)
                        scion_fail("there is a stage called '%s' already", name);
                else if (epochs < 0)
                        scion_fail("stage '%s': %lld epochs are impossible", name, (long long)epochs);
                else
                        scion_fail("more than %d stages of a strategy's own", SCION_MAX_STAGES);
                return -1;
        }
        snprintf(transfer->own_stage[number].name, SCION_TRANSFER_NAME, "%s", name);
        transfer->own_stage[number].epochs = epochs;
        transfer->own_stages++;
        return number;
}

bool scion_train_nothing(struct scion_transfer *transfer)
{
        if (!check_setting_up(transfer, "to train nothing"))
                return false;
        transfer->untrained = true;
        return true;
}

void scion_transfer_finish(struct scion_transfer *transfer)
{
        for (int i = 0; i < transfer->own_models; i++)
                scion_model_destroy(transfer->own_model[i].model);
        for (int i = 0; i < transfer->own_value_blocks; i++)
                free(transfer->own_values[i].value);
        for (size_t i = 0; i < transfer->memory_blocks; i++)
                free(transfer->memory[i]);
        free(transfer->own_model);
        free(transfer->own_values);
        free(transfer->memory);
        free(transfer->logged);
        scion_readings_finish(&transfer->readings);
        scion_model_destroy(transfer->initial);
        scion_batches_destroy(transfer->source_batches.batches);
        scion_batches_destroy(transfer->unlabelled.batches);
        transfer->own_model = NULL;
        transfer->own_values = NULL;
        transfer->memory = NULL;
        transfer->logged = NULL;
        transfer->logged_count = transfer->logged_room = 0;
        transfer->memory_blocks = 0;
        transfer->own_models = transfer->own_value_blocks = 0;
        transfer->initial = NULL;
        transfer->source_batches = transfer->unlabelled = (struct scion_beside){ 0 };
}

void scion_transfer_describe(struct scion_transfer *transfer, struct scion_state *state)
{
        scion_state_add(state, "transfer.step", &transfer->step, sizeof transfer->step);
        scion_state_add(state, "transfer.scalars", &transfer->scalars, sizeof transfer->scalars);
        scion_state_add(state, "transfer.scalar", transfer->scalar, sizeof transfer->scalar);
        for (int i = 0; i < transfer->own_value_blocks; i++) {
                struct scion_own_values *own = &transfer->own_values[i];
                char name[SCION_TRANSFER_NAME + 8];

                snprintf(name, sizeof name, "values.%s", own->name);
                scion_state_add(state, name, own->value, (size_t)own->count * sizeof *own->value);
        }
}

/* --- When the engine asks ------------------------------------------------------------------------------- */

int scion_stage(const struct scion_transfer *transfer)
{
        return transfer->stage;
}

double scion_progress(const struct scion_transfer *transfer)
{
        return transfer->progress;
}

const char *scion_transfer_stage_name(const struct scion_transfer *transfer, const struct scion_stage *main)
{
        return transfer->stage < transfer->own_stages ? transfer->own_stage[transfer->stage].name
                                                      : main->name;
}

int64_t scion_transfer_stage_epochs(const struct scion_transfer *transfer, const struct scion_stage *main)
{
        if (transfer->stage < transfer->own_stages)
                return transfer->own_stage[transfer->stage].epochs;
        return transfer->untrained ? 0 : main->epochs;
}

/* The training that comes has memory for the models as they are. */
static void close_models(struct scion_transfer *transfer)
{
        static const char why[] = "modules are grafted in setup() only";

        transfer->target->closed = why;
        for (int i = 0; i < transfer->own_models; i++)
                transfer->own_model[i].model->closed = why;
}

bool scion_transfer_setup(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = plugin_of(transfer);

        if (transfer->source) {
                scion_model_set_frozen(transfer->source, true);
                transfer->source->closed =
                        "the source's modules stay as they are: changes belong in the target";
        }
        transfer->setting_up = true;
        transfer->failed = false;
        scion_error_clear();
        /* What is fitted, or compared, before anything is trained loses nothing to rounding. */
        bool rounding = scion_device_set_bf16(false);
        bool good = !plugin->setup || plugin->setup(transfer->strategy->self, transfer);
        scion_device_set_bf16(rounding);

        transfer->setting_up = false;
        transfer->passes = 0; /* of what it tried out */
        close_models(transfer);
        return good || blame(transfer, "setup");
}

bool scion_transfer_begin_stage(struct scion_transfer *transfer, int stage)
{
        const struct scion_strategy_plugin *plugin = plugin_of(transfer);

        transfer->stage = stage;
        transfer->progress = 0;
        transfer->scalars = 0; /* what another stage has logged is no concern of this one */
        scion_error_clear();
        return !plugin || !plugin->begin_stage ||
               plugin->begin_stage(transfer->strategy->self, transfer, stage) ||
               blame(transfer, "begin_stage");
}

bool scion_transfer_begin_epoch(struct scion_transfer *transfer, int64_t epoch)
{
        const struct scion_strategy_plugin *plugin = plugin_of(transfer);

        scion_error_clear();
        return !plugin || !plugin->begin_epoch ||
               plugin->begin_epoch(transfer->strategy->self, transfer, epoch) ||
               blame(transfer, "begin_epoch");
}

static bool make(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = plugin_of(transfer);

        scion_error_clear();
        return !plugin || !plugin->make || plugin->make(transfer->strategy->self, transfer) ||
               blame(transfer, "make");
}

bool scion_transfer_settle(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = plugin_of(transfer);

        if (!plugin || !plugin->make)
                return true;
        scion_no_grad_begin();
        bool good = make(transfer) && scion_model_write_substitutes(transfer->target);

        scion_no_grad_end();
        scion_transfer_clear_substitutes(transfer);
        return good;
}

void scion_transfer_clear_substitutes(struct scion_transfer *transfer)
{
        scion_model_clear_substitutes(transfer->target);
        if (transfer->source)
                scion_model_clear_substitutes(transfer->source);
        for (int i = 0; i < transfer->own_models; i++)
                scion_model_clear_substitutes(transfer->own_model[i].model);
}

void scion_transfer_end_step(struct scion_transfer *transfer)
{
        transfer->batch = NULL;
        transfer->passes = 0;
        transfer->source_batches.drawn = transfer->unlabelled.drawn = false;
        transfer->domains.made = false;
        transfer->logged_count = 0;
        scion_readings_clear(&transfer->readings);
}

void scion_transfer_begin_step(struct scion_transfer *transfer, const struct scion_batch *batch)
{
        scion_transfer_end_step(transfer);
        transfer->batch = batch;
        transfer->failed = false;
}

/* What the strategy says, or the task's loss when there is none, or none of its own. */
struct scion_tensor *scion_transfer_loss(struct scion_transfer *transfer)
{
        const struct scion_strategy_plugin *plugin = plugin_of(transfer);
        const struct scion_batch *batch = transfer->batch;
        struct scion_tensor *loss;

        if (!make(transfer))
                return NULL;
        if (!plugin || !plugin->loss)
                return scion_task_loss(transfer, scion_target_logits(transfer, batch), batch);
        scion_error_clear(); /* why there is none is for the strategy to say */
        loss = plugin->loss(transfer->strategy->self, transfer, batch);
        if (loss && !transfer->failed)
                return loss;
        blame(transfer, "loss");
        return NULL;
}
