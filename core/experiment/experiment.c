#include "experiment/experiment.h"

#include <scion/optimizer.h>
#include <scion/random.h>
#include <scion/strategy.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "config/tree.h"
#include "data/data.h"
#include "plugin/params.h"

/* --- The engine's own keys ------------------------------------------------------------------------------ */

enum { FP32, BF16 };

static const char *const precisions[] = { [FP32] = "fp32", [BF16] = "bf16", NULL };

struct run_keys {
        const char *name;
        int64_t seed;
        int64_t threads;
        int precision;
        bool winograd;
        const char *device;
};

const struct scion_param scion_run_params[] = {
        SCION_STRING(struct run_keys, name, NULL, "name of the suite or run; its output folder",
                     .required = true),
        SCION_INT(struct run_keys, seed, 1, "seed of everything random", .min = 0),
        SCION_INT(struct run_keys, threads, 1, "threads within a run", .min = 1, .max = 1024),
        SCION_CHOICE(struct run_keys, precision, precisions, FP32,
                     "what convolutions and fully connected layers multiply: bf16 is faster, and rounds to 8 "
                     "bits"),
        SCION_BOOL(struct run_keys, winograd, true,
                   "3x3 convolutions by Winograd's algorithm where it is faster; it rounds a little more"),
        SCION_STRING(struct run_keys, device, "cpu",
                     "what computes: cpu, or a back end of a plugin folder; left out: $SCION_DEVICE, or cpu"),
        SCION_PARAMS_END,
};

const char *const scion_run_parts[] = { "limits", "source", "strategy", "target", NULL };

struct limits_keys {
        float minutes;
        float memory_mib;
};

const struct scion_param scion_limits_params[] = {
        SCION_FLOAT(struct limits_keys, minutes, 0, "that a run may take; 0: any", .min = 0),
        SCION_FLOAT(struct limits_keys, memory_mib, 0, "of memory that it may have; 0: any", .min = 0),
        SCION_PARAMS_END,
};

struct train_keys {
        int64_t epochs;
        int64_t batch_size;
        bool drop_last;
        int test_split;
};

static const char *const splits[] = {
        [SCION_TRAIN] = "train", [SCION_VALID] = "valid", [SCION_TEST] = "test", NULL
};

const struct scion_param scion_train_params[] = {
        SCION_INT(struct train_keys, epochs, 10, "passes over the training split", .min = 0,
                  .max = 1000000000),
        SCION_INT(struct train_keys, batch_size, 64, "examples in a batch; the last may have fewer", .min = 1,
                  .max = INT32_MAX),
        SCION_BOOL(struct train_keys, drop_last, false, "leave out a last batch that is not full"),
        SCION_CHOICE(struct train_keys, test_split, splits, SCION_TEST,
                     "split that the test scores come from"),
        SCION_PARAMS_END,
};

struct stage_keys {
        const char *weights;
};

const struct scion_param scion_source_params[] = {
        SCION_STRING(struct stage_keys, weights, NULL, "safetensors file to load instead of training"),
        SCION_PARAMS_END,
};

static const struct scion_param target_params[] = { SCION_PARAMS_END };

const char *const scion_stage_parts[] = {
        "dataset", "model", "loss", "optimizer", "schedule", "train", NULL
};

/* --- Reading -------------------------------------------------------------------------------------------- */

static bool map_check(const struct scion_config *map, const char *what)
{
        return !map || map->kind == SCION_CONFIG_MAP || scion_config_fail(map, "%s must be a map", what);
}

/* Removes keys whose value is null, so that `source: null` removes a source that comes from `extends`. */
static void map_remove_nulls(struct scion_config *map, const char *const *keys)
{
        for (; *keys; keys++) {
                const struct scion_config *value = scion_config_get(map, *keys);

                if (value && scion_config_is_null(value))
                        scion_config_remove(map, *keys);
        }
}

/* Returns the value of a key, to be changed in place, or NULL. */
static struct scion_config *map_get(struct scion_config *map, const char *key)
{
        return (struct scion_config *)scion_config_get(map, key);
}

/* Sets a key that is not there yet to `text`, which is YAML. */
static bool map_set_default(struct scion_config *map, const char *key, const char *text)
{
        if (scion_config_get(map, key))
                return true;
        struct scion_config *value = scion_config_parse(text, "default");

        if (!value)
                return false;
        value->file = map->file; /* messages about the default name the place of the map */
        value->line = map->line;
        value->column = map->column;
        bool good = scion_config_set(map, key, value);

        scion_config_destroy(value);
        return good;
}

/* Sets the keys of a training that the file leaves out. */
static bool training_set_defaults(struct scion_config *map)
{
        return map_set_default(map, "loss", "use: cross-entropy\n") &&
               map_set_default(map, "schedule", "use: constant\n") && map_set_default(map, "train", "{}\n");
}

static bool training_read(struct scion_stage *stage)
{
        if (!training_set_defaults(stage->map))
                return false;

        const struct scion_config *optimizer = scion_config_get(stage->map, "optimizer");
        const struct scion_config *loss = scion_config_get(stage->map, "loss");
        const struct scion_config *train = scion_config_get(stage->map, "train");
        const struct scion_config *schedule = scion_config_get(stage->map, "schedule");
        struct train_keys keys;

        if (!optimizer)
                return scion_config_fail(stage->map,
                                         "the %s has no 'optimizer'; for instance "
                                         "optimizer: { use: sgd, lr: 0.01 }",
                                         stage->name);
        if (!map_check(train, "train") || !scion_params_fill(scion_train_params, train, "train", NULL, &keys))
                return false;
        stage->epochs = keys.epochs;
        stage->batch_size = keys.batch_size;
        stage->drop_last = keys.drop_last;
        stage->test_split = keys.test_split;
        stage->loss = scion_instance_create(SCION_LOSS, loss, NULL);
        if (!stage->loss)
                return false;
        stage->optimizer = scion_instance_create(SCION_OPTIMIZER, optimizer, NULL);
        if (!stage->optimizer)
                return false;
        stage->schedule = scion_schedule_create(schedule);
        return stage->schedule != NULL;
}

static bool stage_read(struct scion_stage *stage, const char *name, struct scion_config *map,
                       const struct scion_param *params, uint64_t seed)
{
        struct stage_keys keys = { NULL };

        stage->name = name;
        stage->map = map;
        stage->seed = scion_seed(seed, name);
        map_remove_nulls(map, scion_stage_parts);
        if (!map_check(map, name) || !scion_params_fill(params, map, name, scion_stage_parts, &keys))
                return false;
        scion_params_release(params, &keys);
        stage->weights = scion_config_get(map, "weights");
        stage->dataset = scion_config_get(map, "dataset");
        stage->model = scion_config_get(map, "model");
        return true;
}

static bool source_read(struct scion_experiment *experiment, struct scion_config *map)
{
        struct scion_stage *source = &experiment->source;

        if (!stage_read(source, "source", map, scion_source_params, experiment->seed))
                return false;
        if (!source->model)
                return scion_config_fail(map,
                                         "the source has no 'model'; for instance model: { use: lenet5 }");
        if (source->weights)
                return true;
        if (!source->dataset)
                return scion_config_fail(
                        map, "the source has neither 'dataset', to train it on, nor 'weights', to "
                             "load");
        return training_read(source);
}

static bool target_read(struct scion_experiment *experiment, struct scion_config *map)
{
        struct scion_stage *target = &experiment->target;

        if (!stage_read(target, "target", map, target_params, experiment->seed))
                return false;
        if (!target->model)
                target->model = experiment->source.model;
        if (!target->model)
                return scion_config_fail(map,
                                         "the target has no 'model', and there is no source to take it from");
        if (!target->dataset)
                return scion_config_fail(map, "the target has no 'dataset'");
        return training_read(target);
}

static bool limits_read(const struct scion_config *map, struct scion_limits *limits)
{
        struct limits_keys keys;

        if (!map_check(map, "limits") || !scion_params_fill(scion_limits_params, map, "limits", NULL, &keys))
                return false;
        limits->minutes = (double)keys.minutes;
        limits->memory_mib = (double)keys.memory_mib;
        return true;
}

/* Checks the strategy's needs that depend on the file alone. `source` is NULL when the file has none. */
static bool needs_check(const struct scion_experiment *experiment, const struct scion_config *strategy,
                        const struct scion_config *source)
{
        const unsigned with_source = SCION_NEEDS_SOURCE | SCION_NEEDS_SOURCE_BATCHES |
                                     SCION_NEEDS_SAME_CLASSES | SCION_NEEDS_ARCHITECTURE;
        const struct scion_strategy_plugin *plugin =
                (const struct scion_strategy_plugin *)experiment->strategy->plugin;

        if (plugin->needs & with_source && !source)
                return scion_config_fail(
                        strategy, "strategy '%s' needs a source, and the file has no 'source'", plugin->name);
        if (plugin->needs & SCION_NEEDS_SOURCE_BATCHES && !experiment->source.dataset)
                return scion_config_fail(source,
                                         "strategy '%s' needs the source's data, and it has no 'dataset'",
                                         plugin->name);
        return true;
}

static bool experiment_read(struct scion_config *config, struct scion_experiment *experiment)
{
        struct scion_config *source = map_get(config, "source"), *target = map_get(config, "target");
        const struct scion_config *strategy = scion_config_get(config, "strategy");

        if (!strategy)
                return scion_config_fail(config, "no 'strategy'; for instance strategy: { use: fine-tune }");
        if (!target)
                return scion_config_fail(config, "no 'target'");
        if (!limits_read(scion_config_get(config, "limits"), &experiment->limits))
                return false;
        if (source && !source_read(experiment, source))
                return false;
        experiment->has_source = source != NULL;
        if (!target_read(experiment, target))
                return false;

        experiment->strategy = scion_instance_create(SCION_STRATEGY, strategy, NULL);
        return experiment->strategy && needs_check(experiment, strategy, source);
}

/* --- Writing defaults ----------------------------------------------------------------------------------- */

static bool plugin_complete(struct scion_config *map, enum scion_kind kind)
{
        if (!map)
                return true;
        const struct scion_config *use = scion_config_get(map, "use");
        const struct scion_plugin *plugin = use && use->text ? scion_plugin_find(kind, use->text) : NULL;

        if (!plugin)
                return use && use->text ? scion_config_fail(use, "%s", scion_error())
                                        : scion_config_fail(map,
                                                            "%s: write { use: NAME }; 'scion plugins %s' "
                                                            "lists them",
                                                            scion_kind_name(kind), scion_kind_name(kind));
        return !plugin->params || scion_params_complete(plugin->params, map);
}

static bool stage_complete(struct scion_config *map)
{
        if (!map)
                return true;
        struct scion_config *dataset = map_get(map, "dataset");

        if (!plugin_complete(dataset, SCION_DATASET) || (dataset && !scion_data_complete(dataset)) ||
            !plugin_complete(map_get(map, "model"), SCION_MODEL))
                return false;
        if (scion_config_get(map, "weights"))
                return true;
        return plugin_complete(map_get(map, "loss"), SCION_LOSS) &&
               plugin_complete(map_get(map, "optimizer"), SCION_OPTIMIZER) &&
               scion_schedule_complete(map_get(map, "schedule")) &&
               scion_params_complete(scion_train_params, map_get(map, "train"));
}

static bool experiment_complete(struct scion_config *config)
{
        struct scion_config *source = map_get(config, "source");

        return scion_params_complete(scion_run_params, config) &&
               (!source || scion_params_complete(scion_source_params, source)) && stage_complete(source) &&
               stage_complete(map_get(config, "target")) &&
               plugin_complete(map_get(config, "strategy"), SCION_STRATEGY);
}

/* --- The device ------------------------------------------------------------------------------------------- */

static bool device_is_cpu(const struct scion_experiment *experiment)
{
        return strcmp(experiment->device->text, "cpu") == 0;
}

static bool bf16_fail(const struct scion_config *config)
{
        return scion_config_fail(scion_config_get(config, "precision"),
                                 "this processor has no bfloat16 arithmetic (AVX512_BF16); it takes "
                                 "precision: fp32");
}

/* Checks what can be checked without opening the device: planning a suite opens none. */
static bool device_check(const struct scion_experiment *experiment, const struct scion_config *config)
{
        const struct scion_backend_plugin *cpu = scion_backend_cpu();

        if (!device_is_cpu(experiment))
                return scion_plugin_find(SCION_BACKEND, experiment->device->text) ||
                       scion_config_fail(experiment->device, "%s", scion_error());
        return !experiment->bf16 || cpu->has_bf16(NULL) || bf16_fail(config);
}

bool scion_experiment_open_device(const struct scion_experiment *experiment)
{
        const struct scion_device_settings settings = { .threads = (int)experiment->threads,
                                                        .winograd = experiment->winograd,
                                                        .bf16 = experiment->bf16 };

        if (!scion_device_open(experiment->device->text))
                return scion_config_fail(experiment->device, "%s", scion_error());
        if (experiment->bf16 && !scion_device.plugin->has_bf16(scion_device.self))
                return scion_config_fail(experiment->device, "the device '%s' has no bfloat16 arithmetic",
                                         experiment->device->text);
        return scion_device_configure(&settings) ||
               scion_config_fail(experiment->device, "%s", scion_error());
}

/* --- All of it ------------------------------------------------------------------------------------------ */

bool scion_experiment_read(struct scion_config *config, struct scion_experiment *experiment)
{
        struct run_keys keys = { 0 };

        memset(experiment, 0, sizeof *experiment);
        if (config->kind != SCION_CONFIG_MAP)
                return scion_config_fail(config, "an experiment is a map of keys");
        map_remove_nulls(config, scion_run_parts);
        if (!map_set_default(config, "device", scion_device_default()) ||
            !scion_params_fill(scion_run_params, config, "experiment", scion_run_parts, &keys))
                return false;
        scion_params_release(scion_run_params, &keys);
        experiment->name = scion_config_get(config, "name")->text;
        experiment->seed = (uint64_t)keys.seed;
        experiment->threads = keys.threads;
        experiment->winograd = keys.winograd;
        experiment->bf16 = keys.precision == BF16;
        experiment->device = scion_config_get(config, "device");
        if (!device_check(experiment, config))
                return false;
        if (experiment_read(config, experiment) && experiment_complete(config))
                return true;
        scion_experiment_finish(experiment);
        return false;
}

static void stage_finish(struct scion_stage *stage)
{
        scion_instance_destroy(stage->loss);
        scion_instance_destroy(stage->optimizer);
        scion_schedule_destroy(stage->schedule);
}

void scion_experiment_finish(struct scion_experiment *experiment)
{
        stage_finish(&experiment->source);
        stage_finish(&experiment->target);
        scion_instance_destroy(experiment->strategy);
        memset(experiment, 0, sizeof *experiment);
}

void scion_experiment_strip(struct scion_config *config)
{
        scion_config_remove(config, "name");
        scion_config_remove(config, "limits");
        /* A run on the processor has the id that it had before there were other devices. */
        if (scion_config_get(config, "device") &&
            strcmp(scion_config_get(config, "device")->text, "cpu") == 0)
                scion_config_remove(config, "device");
}
