/* What the conformance tests of all kinds share. Each kind has a file of tests. */
#ifndef SCION_CONFORM_TESTS_H
#define SCION_CONFORM_TESTS_H

#include "base/text.h"
#include "config/config.h"
#include "plugin/loader.h"
#include "plugin/plugin.h"

struct scion_conform_shared;

/* The plugin that a test checks, and the findings of the test. */
struct scion_conform {
        const char *path;
        const union scion_descriptor *descriptor; /* NULL in the test that loads it */
        struct scion_config *map; /* { use: NAME, ...parameters }, from which instances are made */

        struct scion_conform_shared *shared; /* this and the fields below are used by conform.c only */
        struct scion_text text;
        int findings;
};

/* A test. It reports findings by the functions below. It may leave memory allocated, because its process ends. */
struct scion_conform_test {
        const char *name; /* the requirement, in plain words; NULL ends a list */
        void (*run)(struct scion_conform *conform);
};

/* Creates a folder for the test. It is removed when the test has ended, also after a crash or a time-out. Returns its
 * path, or NULL with a message. */
const char *scion_conform_folder(struct scion_conform *conform);

/* --- Findings. All functions return false, so that `return scion_conform_wrong(...)` reads well. --- */

/* Records that the test failed: the text says what was expected, what was found, and where. May be called again. */
bool scion_conform_wrong(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);
/* Records that the test does not apply to this plugin, and why. */
bool scion_conform_skip(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);
/* Records that the plugin cannot be checked with the given parameters, for the reason in scion_error(). No more tests
 * are run. */
bool scion_conform_unusable(struct scion_conform *conform);
/* Records that the checking itself failed (memory, files), for the reason in scion_error(). */
bool scion_conform_trouble(struct scion_conform *conform);
/* Adds a remark to a test that passes, for example what it was run with. */
bool scion_conform_note(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);

/* Records the call of the plugin that comes next, for the message when it crashes or hangs: "read() of train example
 * 3". */
void scion_conform_doing(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);
/* Returns the call that was recorded last, in this process or one forked from it. */
const char *scion_conform_done(const struct scion_conform *conform);

/* Returns the message of a callback that failed, or a text that says that it left none. Call scion_error_clear() before
 * the callback. */
const char *scion_conform_reason(void);

/* --- Instances --- */

/*
 * Creates an instance with the given parameters, as the engine does, with guard bytes after its state. Returns NULL when
 * that fails; the finding is recorded, and the test returns.
 */
struct scion_instance *scion_conform_instance(struct scion_conform *conform);
/* The same with other parameters. Sets `refused` when the plugin refuses them, for the reason in scion_error(). */
struct scion_instance *scion_conform_make(struct scion_conform *conform, const struct scion_config *map,
                                          bool *refused);
/* Destroys an instance of either, and records when bytes after its state were written to. Takes NULL. */
void scion_conform_end(struct scion_conform *conform, struct scion_instance *instance);

/* --- The lists of tests, each ended by a test without a name. The first test of instances, and of each kind, must pass
 * before the others are run. --- */

extern const struct scion_conform_test scion_conform_loading[]; /* one test: the plugin can be loaded */
extern const struct scion_conform_test scion_conform_descriptor[];
extern const struct scion_conform_test scion_conform_instances[];
extern const struct scion_conform_test scion_conform_loss[];
extern const struct scion_conform_test scion_conform_optimizer[];
extern const struct scion_conform_test scion_conform_dataset[];
extern const struct scion_conform_test scion_conform_model[];
extern const struct scion_conform_test scion_conform_strategy[];
extern const struct scion_conform_test scion_conform_backend[];

#endif
