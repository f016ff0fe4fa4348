/* Loading plugins: shared by the files of core/plugin. */
#ifndef SCION_PLUGIN_LOADER_H
#define SCION_PLUGIN_LOADER_H

#include <scion/backend.h>
#include <scion/dataset.h>
#include <scion/loss.h>
#include <scion/model_plugin.h>
#include <scion/optimizer.h>
#include <scion/strategy.h>

/* Holds a descriptor of any kind. */
union scion_descriptor {
        struct scion_plugin plugin;
        struct scion_strategy_plugin strategy;
        struct scion_loss_plugin loss;
        struct scion_optimizer_plugin optimizer;
        struct scion_dataset_plugin dataset;
        struct scion_model_plugin model;
        struct scion_backend_plugin backend;
};

/* Returns the size in bytes of this Scion's descriptor of a kind; 0 for an unknown kind. */
size_t scion_kind_bytes(enum scion_kind kind);

/* Returns the size in bytes of a parameter's field in the state; 0 for an unknown type. */
size_t scion_param_bytes(enum scion_param_type type);

/*
 * Checks that the file is a complete ELF shared object. dlopen() maps what the program headers describe, so
 * for a truncated file the first access to a missing page would end the process. The message does not
 * contain the path.
 */
bool scion_elf_check(const char *path);

/* Checks that a descriptor, which is complete and of this ABI, has the callbacks that its kind requires and
 * a valid parameter table. The message does not contain the path. */
bool scion_descriptor_check(const union scion_descriptor *descriptor);

/* Checks a plugin's name: letters, digits, '-', '_' and '.', the first of them not '.'. */
bool scion_plugin_name_check(const char *name);

/*
 * Returns the plugin in the file; a file is loaded only once. Fails if it is of another kind than `kind`,
 * unless kind is 0. The message begins with the path.
 */
const struct scion_plugin *scion_plugin_load(const char *path, enum scion_kind kind);

#endif
