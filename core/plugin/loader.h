/* Inside the loader: what its files share. */
#ifndef SCION_PLUGIN_LOADER_H
#define SCION_PLUGIN_LOADER_H

#include <scion/dataset.h>
#include <scion/loss.h>
#include <scion/model_plugin.h>
#include <scion/optimizer.h>
#include <scion/strategy.h>

/* Room for any kind's descriptor. */
union scion_descriptor {
        struct scion_plugin plugin;
        struct scion_strategy_plugin strategy;
        struct scion_loss_plugin loss;
        struct scion_optimizer_plugin optimizer;
        struct scion_dataset_plugin dataset;
        struct scion_model_plugin model;
};

/* Bytes of a kind's descriptor as this Scion knows it; 0 for what is no kind. */
size_t scion_kind_bytes(enum scion_kind kind);

/* Bytes of a parameter's field in the state; 0 for what is no type. */
size_t scion_param_bytes(enum scion_param_type type);

/*
 * Is the file a whole ELF shared object? dlopen() maps what the program headers say, and a file that was cut
 * off would then end the process at the first touch of a page that is not there. Messages do not repeat the
 * path.
 */
bool scion_elf_check(const char *path);

/* Does a descriptor, whole and of this ABI, have what its kind must have, and a sound parameter table?
 * Messages do not repeat the path. */
bool scion_descriptor_check(const union scion_descriptor *descriptor);

/* The same for a name alone: letters, digits, '-', '_' and '.', not first a '.'. */
bool scion_plugin_name_check(const char *name);

/*
 * The plugin in the file, from the cache when it was opened before. `kind` is the one wanted, 0 for any.
 * Messages begin with the path.
 */
const struct scion_plugin *scion_plugin_load(const char *path, enum scion_kind kind);

#endif
