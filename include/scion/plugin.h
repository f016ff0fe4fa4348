/*
 * Plugins: a shared object that exports one symbol, `scion_plugin`, a constant descriptor. A macro at the end of each
 * kind's header defines it. The plugin NAME of a kind is the file DIRECTORY/FOLDER/NAME.so, where FOLDER is the
 * plural of the kind: strategies, losses, optimizers, datasets, models, backends.
 *
 * A descriptor contains its own size. Fields are only ever added at the end of a descriptor, so that a plugin
 * compiled before still works: fields that it does not have read as 0. A plugin is refused if its SCION_ABI differs,
 * or if its descriptor is larger than the one that this Scion knows.
 *
 * An instance is a block of `size` bytes, zero except for the parameters, which the engine has written. Each callback
 * gets it as `self`. For the callbacks of all kinds:
 *
 * - The engine calls them on the run's thread. Callbacks of one instance never run at the same time, except a
 *   dataset's read(). A process may have several instances of a plugin, so keep an instance's data in `self`, not in
 *   global variables.
 * - validate() is called first, once; then the callbacks of the kind; then finish(), once, also after a callback or
 *   validate() has failed. If the engine refuses the parameters, no callback is called.
 * - Arguments belong to the engine. They are not NULL unless a comment says so, and are valid only during the call,
 *   except `self` and the models of a transfer. Strings and lists among the parameters are valid until finish() has
 *   returned; a plugin must not change or free them.
 * - Tensors that a callback creates or returns belong to the current tape (scion/tape.h) and are gone after the step,
 *   so do not keep them in `self`. A tape is current where the kind's header says so; it belongs to the engine.
 * - A callback fails by returning false, or NULL for a pointer, with a message from scion_fail() or from the function
 *   of Scion that failed. The run then fails, or the file is refused, with that message and the position of `use:`. A
 *   callback must not call exit(). Its output to stdout and stderr goes to the run's log.txt.
 */
#ifndef SCION_PLUGIN_H
#define SCION_PLUGIN_H

#include <scion/error.h>
#include <scion/param.h>
#include <scion/random.h>

SCION_BEGIN

/* The number of the binary interface. It increases when plugins that were compiled before would no longer work. */
#define SCION_ABI 2

enum scion_kind {
        SCION_STRATEGY = 1,
        SCION_LOSS,
        SCION_OPTIMIZER,
        SCION_DATASET,
        SCION_MODEL,
        SCION_BACKEND,
        SCION_KINDS_END /* 1 more than the last kind */
};

/* The first fields of every descriptor. */
#define SCION_PLUGIN_FIELDS                                                                             \
        uint32_t abi;         /* SCION_ABI */                                                           \
        uint32_t bytes;       /* size of the descriptor */                                              \
        uint32_t param_bytes; /* size of struct scion_param */                                          \
        enum scion_kind kind;                                                                           \
        const char *name;                 /* as in `use: NAME` and in the file's name */                \
        const char *summary;              /* one line, lower case, no full stop */                      \
        const char *reference;            /* the paper or source that defines it; may be NULL */        \
        const struct scion_param *params; /* ended by SCION_PARAMS_END; NULL: no parameters */          \
        size_t size;                      /* of an instance, in bytes; may be 0 */                      \
        /* Checks the parameters beyond what the table can express. Called after they are set. May be \
         * NULL. */ \
        bool (*validate)(void *self);                                                                   \
        /* Frees what `self` points to, not `self`. Called once for each instance, also after another \
         * callback has failed. May be NULL. */ \
        void (*finish)(void *self);

struct scion_plugin {
        SCION_PLUGIN_FIELDS
};

/* Defines the exported symbol. `type` is the kind's descriptor, `number` its value in enum scion_kind. */
#define SCION_PLUGIN(type, number, plugin_name, ...)                                  \
        extern SCION_API const struct type scion_plugin;                              \
        const struct type scion_plugin = { .abi = SCION_ABI,                          \
                                           .bytes = sizeof(struct type),              \
                                           .param_bytes = sizeof(struct scion_param), \
                                           .kind = (number),                          \
                                           .name = (plugin_name),                     \
                                           __VA_ARGS__ }

SCION_END

#endif
