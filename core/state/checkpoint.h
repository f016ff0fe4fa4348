/*
 * The state of a training in a file: named blocks of memory, written whole, read strictly.
 *
 * A file is good to the last bit or not at all: it is written beside and renamed, and its hash covers every
 * byte. It holds the key of who wrote it, and is nobody else's. The bytes are this machine's: a checkpoint is
 * for going on where one stopped, not for keeping.
 */
#ifndef SCION_STATE_CHECKPOINT_H
#define SCION_STATE_CHECKPOINT_H

#include <scion/api.h>
#include <xxhash.h>

#define SCION_BLOCK_NAME 120 /* bytes, with the NUL */

/* Memory that is part of a state. */
struct scion_block {
        char name[SCION_BLOCK_NAME];
        void *data; /* the caller's */
        size_t bytes;
};

/* Starts as { 0 }. */
struct scion_state {
        size_t count;
        struct scion_block *block;
        bool failed; /* there is a message */
};

/* Adds memory under a name that no other block of the state has. It is looked at when the state is written, and
 * written to when the state is restored. */
void scion_state_add(struct scion_state *state, const char *name, void *data, size_t bytes);
void scion_state_finish(struct scion_state *state);

/* Writes the state in place of an older one, synced to the disk: on failure the older one is still there. */
bool scion_checkpoint_write(const char *path, XXH128_hash_t key, const struct scion_state *state);

struct scion_checkpoint;

/* Opens a file and checks every byte of it. NULL without a message when there is none; with a message when it
 * is damaged, or was written under another key. */
struct scion_checkpoint *scion_checkpoint_open(const char *path, XXH128_hash_t key);
void scion_checkpoint_close(struct scion_checkpoint *checkpoint); /* takes NULL */

/* Takes a block out, whatever its size, with a NUL after its bytes that is not counted. The caller frees it.
 * NULL, with a message, when there is none. */
void *scion_checkpoint_take(struct scion_checkpoint *checkpoint, const char *name, size_t *bytes);
/* The same for one that must have this size, into the caller's memory. */
bool scion_checkpoint_take_into(struct scion_checkpoint *checkpoint, const char *name, void *data,
                                size_t bytes);

/* Writes all blocks that were not taken into the state's memory. Unless they are the state's, one for one, by
 * their names and sizes, nothing is written to, and the message says what differs. */
bool scion_checkpoint_restore(struct scion_checkpoint *checkpoint, const struct scion_state *state);

#endif
