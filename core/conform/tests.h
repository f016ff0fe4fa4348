/* Inside conformance: what the tests of the kinds share. One file a kind. */
#ifndef SCION_CONFORM_TESTS_H
#define SCION_CONFORM_TESTS_H

#include "base/text.h"
#include "config/config.h"
#include "plugin/loader.h"
#include "plugin/plugin.h"

struct scion_conform_shared;

/* What a test is given, and notes its findings in. */
struct scion_conform {
        const char *path;
        const union scion_descriptor *descriptor; /* NULL in the test that loads it */
        struct scion_config *map; /* { use: NAME, ...parameters }: what makes an instance of it */

        struct scion_conform_shared *shared; /* this and what follows is the frame's own */
        struct scion_text text;
        int findings;
};

/* A test: returns when it is through, whatever it found. Memory that it leaves goes with its process. */
struct scion_conform_test {
        const char *name; /* what is to hold, in plain words; NULL ends a list */
        void (*run)(struct scion_conform *conform);
};

/* A folder of the test's own, made in its process. It goes when the test has ended, be it by a crash or because it
 * hangs. NULL, with a message. */
const char *scion_conform_folder(struct scion_conform *conform);

/* --- What a test says. All return false, so that `return scion_conform_wrong(...)` reads well. --- */

/* The plugin does not hold to it: what was expected, what came, and where. Several are several findings. */
bool scion_conform_wrong(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);
/* The test does not apply to this plugin, and why. */
bool scion_conform_skip(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);
/* The plugin cannot be checked with the parameters given: scion_error() says why. No more tests are run. */
bool scion_conform_unusable(struct scion_conform *conform);
/* The checking itself failed (memory, files): scion_error() says why. */
bool scion_conform_trouble(struct scion_conform *conform);
/* Worth knowing about a test that holds: what it was done with. */
bool scion_conform_note(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);

/* What the plugin is being asked for, for the message when it crashes or hangs: "read() of train example 3". */
void scion_conform_doing(struct scion_conform *conform, const char *format, ...) SCION_PRINTF(2, 3);
/* What it was asked for last, in this process or one split off from it. */
const char *scion_conform_done(const struct scion_conform *conform);

/* The message that a callback left when it failed; what to say when it left none. Clear it before the call. */
const char *scion_conform_reason(void);

/* --- Instances --- */

/*
 * An instance with the parameters given, as the engine makes one, but for bytes after its state that are watched.
 * It was possible before; NULL when it is not this time, and the test can only return: what is wrong is noted.
 */
struct scion_instance *scion_conform_instance(struct scion_conform *conform);
/* The same with other parameters. `refused`: they cannot be, and scion_error() says why. */
struct scion_instance *scion_conform_make(struct scion_conform *conform, const struct scion_config *map,
                                          bool *refused);
/* Ends one of either, and notes when something was written past its state. Takes NULL. */
void scion_conform_end(struct scion_conform *conform, struct scion_instance *instance);

/* --- The tests, each list ended by a test without a name. Of a kind's, and of instances, the first is what the others
 * build on: when it fails, they are not run. --- */

extern const struct scion_conform_test scion_conform_loading[]; /* one: it can be loaded */
extern const struct scion_conform_test scion_conform_descriptor[];
extern const struct scion_conform_test scion_conform_instances[];
extern const struct scion_conform_test scion_conform_loss[];
extern const struct scion_conform_test scion_conform_optimizer[];
extern const struct scion_conform_test scion_conform_dataset[];
extern const struct scion_conform_test scion_conform_model[];
extern const struct scion_conform_test scion_conform_strategy[];

#endif
