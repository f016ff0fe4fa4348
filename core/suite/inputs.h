/* What a run is made from beside its configuration: the contents of its plugins, weights and data files. */
#ifndef SCION_SUITE_INPUTS_H
#define SCION_SUITE_INPUTS_H

#include "base/name_map.h"
#include "suite/plan.h"

/* Hashes of files, so that each is read once for all runs of a suite. Initialise with { 0 }. */
struct scion_inputs {
        struct scion_name_map paths; /* path to index in `file` */
        size_t count;
        struct scion_input_file *file;
};

void scion_inputs_finish(struct scion_inputs *inputs);

/*
 * Returns the run's inputs as lines of text, which the caller frees: the hash of each plugin's file, of
 * source.weights, and of every file that a string parameter of a plugin names; of a folder, the hash of the
 * files directly in it. Two runs of one configuration with the same text have the same inputs. Files that a
 * plugin finds by itself are not among them. NULL, with a message, if memory runs out or a plugin is missing.
 */
char *scion_inputs_describe(struct scion_inputs *inputs, const struct scion_planned *planned);

/*
 * Returns whether the finished run in `folder` was made from other inputs than `text`. False if the folder
 * has no record, as of a run of an earlier version.
 */
bool scion_inputs_changed(const char *folder, const char *text);

/* Records the inputs in the run's folder. Returns false, with a message, if that fails. */
bool scion_inputs_record(const char *folder, const char *text);

#endif
