/*
 * The state of a training in a file: named blocks of memory of the host or of the device, written whole, read
 * strictly.
 *
 * The file is written under another name and renamed, so that it is complete or absent, and its hash covers every byte.
 * It holds the fingerprint of what the training depends on; opening it with another one fails. The bytes are in this
 * machine's order: a checkpoint is for continuing an interrupted training, not for archiving.
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

/* Initialise as { 0 }; scion_state_finish() frees it. */
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

/* Replaces the file by one with the state, synced to the disk. On failure, false with a message, the older file is still
 * there. */
bool scion_checkpoint_write(const char *path, XXH128_hash_t fingerprint, const struct scion_state *state);

struct scion_checkpoint;

/* Opens a file and checks every byte of it. NULL without a message when there is no file; with a message when it is
 * damaged or has another fingerprint. */
struct scion_checkpoint *scion_checkpoint_open(const char *path, XXH128_hash_t fingerprint);
void scion_checkpoint_close(struct scion_checkpoint *checkpoint); /* takes NULL */

/* Returns the bytes of a block and sets *bytes to their number; a NUL that is not counted follows them. The caller frees
 * them. NULL, with a message, when there is no such block. Each block can be taken once. */
void *scion_checkpoint_take(struct scion_checkpoint *checkpoint, const char *name, size_t *bytes);
/* Copies a block, which must have `bytes` bytes, to `data`. False, with a message. */
bool scion_checkpoint_take_into(struct scion_checkpoint *checkpoint, const char *name, void *data,
                                size_t bytes);
/* Copies a block, which must have the storage's size, into the storage. False, with a message. */
bool scion_checkpoint_take_into_storage(struct scion_checkpoint *checkpoint, const char *name,
                                        struct scion_storage *storage);

/* Copies all blocks that were not taken into the state's memory. Unless the state has the same blocks, by names and
 * sizes, nothing is copied; false, and the message says what differs. */
bool scion_checkpoint_restore(struct scion_checkpoint *checkpoint, const struct scion_state *state);

#endif
