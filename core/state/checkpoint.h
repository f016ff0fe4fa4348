/*
 * The state of a training in a file: named blocks of memory of the host or of the device, written whole, read
 * strictly.
 *
 * The file is written under another name and renamed, so that it is complete or absent, and its hash covers every byte.
 * It holds a key; reading it under another key fails. The bytes are in this machine's order: a checkpoint is for
 * continuing an interrupted training, not for archiving.
 */
#ifndef SCION_STATE_CHECKPOINT_H
#define SCION_STATE_CHECKPOINT_H

#include <xxhash.h>

#include "backend/backend.h"

#define SCION_BLOCK_NAME 120 /* bytes, with the NUL */

/* Memory that is part of a state: the caller's, of the host or of the device. */
struct scion_block {
        char name[SCION_BLOCK_NAME];
        void *data;                    /* of the host; not used when there is a storage */
        struct scion_storage *storage; /* of the device; NULL: host memory */
        size_t offset;                 /* in the storage, in bytes */
        size_t bytes;
};

/* Starts as { 0 }. */
struct scion_state {
        size_t count;
        struct scion_block *block;
        bool failed; /* there is a message */
};

/* Adds memory under a name that no other block of the state has. It is read when the state is written to a file, and
 * written when the state is restored. A failure is noted in `failed`. */
void scion_state_add(struct scion_state *state, const char *name, void *data, size_t bytes);
/* The same for `bytes` bytes of a storage, from `offset` on. Writing the state downloads them, restoring uploads them. A
 * storage of no bytes may be NULL. */
void scion_state_add_storage(struct scion_state *state, const char *name, struct scion_storage *storage,
                             size_t offset, size_t bytes);
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
/* The same into the whole of a storage. */
bool scion_checkpoint_take_into_storage(struct scion_checkpoint *checkpoint, const char *name,
                                        struct scion_storage *storage);

/* Writes all blocks that were not taken into the state's memory. Unless they are the state's, one for one, by
 * their names and sizes, nothing is written to, and the message says what differs. */
bool scion_checkpoint_restore(struct scion_checkpoint *checkpoint, const struct scion_state *state);

#endif
