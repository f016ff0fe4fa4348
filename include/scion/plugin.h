/*
 * Plugins: one shared object that exports one symbol, `scion_plugin`, a constant descriptor. The macros at
 * the foot of each kind's header write it. A plugin NAME of a kind is found as PLUGIN_DIR/<kind>s/NAME.so.
 *
 * A descriptor knows its own size. What is added to the interface is added at the end of a descriptor, so
 * that a plugin built before still works: what it does not have reads as 0. A plugin is refused when its
 * interface has another number, or its descriptor more than this Scion knows.
 *
 * An instance is `size` zeroed bytes into which the engine has written the parameters; each callback gets it
 * as `self`. What holds for the callbacks of every kind:
 *
 * - The engine calls them, on the run's one thread; callbacks of one instance are never called at the same time from
 *   two threads, but for a dataset's read(). A plugin may have several instances in a process, one after another or
 *   beside each other: what an instance needs belongs in `self`, not into variables of the plugin.
 * - validate() comes first, once; then the kind's own; then finish(), once, also after a callback has failed, and
 *   after validate() has. When the parameters themselves are refused, no callback is called.
 * - What is passed to a callback is the engine's, is not NULL where nothing else is said, and is valid during the call
 *   alone, but for `self`, and for the models of a transfer. Strings and lists among the parameters live until
 *   finish() has returned; the plugin changes and frees neither.
 * - Tensors that a callback makes or returns belong to the tape that is current (scion/tape.h), and are gone after the
 *   step: none is kept in `self`. A tape is current where a kind's header says so, and is the engine's.
 * - A callback fails by false, or NULL for a pointer, and leaves a message by scion_fail(), or keeps the one that a
 *   function of Scion has left. That ends the run, or refuses the file, with the message and the place of `use:`.
 *   A callback does not exit, and what it prints goes to the run's log.txt.
 */
#ifndef SCION_PLUGIN_H
#define SCION_PLUGIN_H

#include <scion/error.h>
#include <scion/param.h>
#include <scion/random.h>

SCION_BEGIN

/* Raised when a plugin built before would not work any more. */
#define SCION_ABI 2

enum scion_kind {
        SCION_STRATEGY = 1,
        SCION_LOSS,
        SCION_OPTIMIZER,
        SCION_DATASET,
        SCION_MODEL,
        SCION_BACKEND,
        SCION_KINDS_END /* one more than the last kind */
};

/* The foot that all descriptors stand on. */
#define SCION_PLUGIN_FIELDS                                                                                \
        uint32_t abi;         /* SCION_ABI */                                                              \
        uint32_t bytes;       /* of the whole descriptor */                                                \
        uint32_t param_bytes; /* of struct scion_param */                                                  \
        enum scion_kind kind;                                                                              \
        const char *name;                 /* as in `use: NAME`, and as the file is called */               \
        const char *summary;              /* one line, lower case, no full stop */                         \
        const char *reference;            /* the paper or source that defines it; may be NULL */           \
        const struct scion_param *params; /* may be NULL: takes none */                                    \
        size_t size;                      /* of an instance; 0 when it needs no state */                   \
        /* Checks what the table cannot say, after the parameters are in. May be NULL. */                  \
        bool (*validate)(void *self);                                                                      \
        /* Frees what `self` points to, not `self`. Called once per instance, also when another callback \
         * failed. May be NULL. */ \
        void (*finish)(void *self);

struct scion_plugin {
        SCION_PLUGIN_FIELDS
};

/* The one exported symbol. `type` is a kind's descriptor, `number` its SCION_... constant. */
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
