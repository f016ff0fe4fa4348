#include "state/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/files.h"

#define FILE_PIECE ((size_t)64 << 10)  /* bytes read from the file at a time */
#define DEVICE_PIECE ((size_t)1 << 20) /* bytes copied from or to the device at a time */
#define MAX_BLOCKS 65536

/* The file: this header, a table with an entry for each block, and the bytes of the blocks, without gaps. */
struct header {
        char magic[8];
        uint32_t version;
        uint32_t blocks;
        uint64_t bytes; /* of the whole file */
        uint64_t reserved;
        XXH128_canonical_t fingerprint;
        XXH128_canonical_t hash; /* of the whole file, itself taken as zeros */
};

struct entry {
        char name[SCION_BLOCK_NAME];
        uint64_t bytes;
};

_Static_assert(sizeof(struct header) == 64 && sizeof(struct entry) == 128,
               "padding would be written uninitialised");

struct scion_checkpoint {
        char *path;
        int descriptor;
        size_t count;
        struct entry *entry;
        bool *taken;
};

/* --- A state -------------------------------------------------------------------------------------------- */

/* Adds the block, whose name is not set yet. */
static void state_add_block(struct scion_state *state, const char *name, struct scion_block block)
{
        struct scion_block *larger;

        if (state->failed)
                return;
        state->failed = true;
        if (!*name || strlen(name) >= SCION_BLOCK_NAME) {
                scion_fail("a block of a checkpoint has a name of 1 to %d bytes, not '%s'",
                           SCION_BLOCK_NAME - 1, name);
                return;
        }
        for (size_t i = 0; i < state->count; i++)
                if (strcmp(state->block[i].name, name) == 0) {
                        scion_fail("two blocks of a checkpoint have the name '%s'", name);
                        return;
                }
        larger = realloc(state->block, (state->count + 1) * sizeof *larger);
        if (!larger) {
                scion_fail("out of memory");
                return;
        }
        state->block = larger;
        larger[state->count] = block;
        memcpy(larger[state->count++].name, name, strlen(name) + 1);
        state->failed = false;
}

void scion_state_add(struct scion_state *state, const char *name, void *data, size_t bytes)
{
        state_add_block(state, name, (struct scion_block){ .data = data, .bytes = bytes });
}

void scion_state_add_storage(struct scion_state *state, const char *name, struct scion_storage *storage,
                             size_t offset, size_t bytes)
{
        state_add_block(state, name,
                        (struct scion_block){ .storage = storage, .offset = offset, .bytes = bytes });
}

void scion_state_finish(struct scion_state *state)
{
        free(state->block);
        *state = (struct scion_state){ 0 };
}

/* Calls `visit` with the bytes of the block in order, in one piece or several, until a call fails. */
static bool block_visit(const struct scion_block *block,
                        bool (*visit)(void *context, const void *data, size_t bytes), void *context)
{
        if (!block->storage)
                return block->bytes == 0 || visit(context, block->data, block->bytes);
        char *piece = malloc(DEVICE_PIECE);
        bool good = piece || scion_fail("out of memory");

        for (size_t at = 0; good && at < block->bytes; at += DEVICE_PIECE) {
                size_t bytes = block->bytes - at < DEVICE_PIECE ? block->bytes - at : DEVICE_PIECE;

                good = scion_storage_read(block->storage, block->offset + at, piece, bytes) &&
                       visit(context, piece, bytes);
        }
        free(piece);
        return good;
}

/* --- Writing -------------------------------------------------------------------------------------------- */

static struct header header_make(XXH128_hash_t fingerprint, uint32_t blocks, uint64_t bytes)
{
        struct header header = { .magic = "scion-cp", .version = 1, .blocks = blocks, .bytes = bytes };

        XXH128_canonicalFromHash(&header.fingerprint, fingerprint);
        return header;
}

static struct entry *state_table(const struct scion_state *state, struct header *header,
                                 XXH128_hash_t fingerprint)
{
        struct entry *table = calloc(state->count + 1, sizeof *table);
        uint64_t bytes = sizeof *header + state->count * sizeof *table;

        if (!table)
                return scion_fail_null("out of memory");
        for (size_t i = 0; i < state->count; i++) {
                memcpy(table[i].name, state->block[i].name, SCION_BLOCK_NAME);
                table[i].bytes = state->block[i].bytes;
                bytes += state->block[i].bytes;
        }
        *header = header_make(fingerprint, (uint32_t)state->count, bytes);
        return table;
}

static bool hash_bytes(void *hash, const void *data, size_t bytes)
{
        XXH3_128bits_update(hash, data, bytes);
        return true;
}

static bool state_hash(const struct scion_state *state, const struct entry *table, struct header *header)
{
        XXH3_state_t *hash = XXH3_createState();
        bool good = true;

        if (!hash)
                return scion_fail("out of memory");
        XXH3_128bits_reset(hash);
        XXH3_128bits_update(hash, header, sizeof *header);
        XXH3_128bits_update(hash, table, state->count * sizeof *table);
        for (size_t i = 0; good && i < state->count; i++)
                good = block_visit(&state->block[i], hash_bytes, hash);
        XXH128_canonicalFromHash(&header->hash, XXH3_128bits_digest(hash));
        XXH3_freeState(hash);
        return good;
}

static bool write_bytes(void *file, const void *data, size_t bytes)
{
        return scion_file_add(file, data, bytes);
}

static bool state_write(const char *path, const struct scion_state *state, const struct entry *table,
                        const struct header *header)
{
        struct scion_file *file = scion_file_create(path);
        bool good = file && scion_file_add(file, header, sizeof *header) &&
                    scion_file_add(file, table, state->count * sizeof *table);

        for (size_t i = 0; good && i < state->count; i++)
                good = block_visit(&state->block[i], write_bytes, file);
        if (good)
                return scion_file_commit(file);
        scion_file_discard(file);
        return false;
}

bool scion_checkpoint_write(const char *path, XXH128_hash_t fingerprint, const struct scion_state *state)
{
        struct header header;
        struct entry *table;
        bool good;

        if (state->failed)
                return false;
        if (state->count > MAX_BLOCKS)
                return scion_fail("%s: %zu blocks are more than a checkpoint has", path, state->count);
        table = state_table(state, &header, fingerprint);
        good = table && state_hash(state, table, &header) && state_write(path, state, table, &header);
        free(table);
        return good;
}

/* --- Reading -------------------------------------------------------------------------------------------- */

/* Reads `bytes` bytes of the file, from `at` on. */
static bool checkpoint_read_at(const struct scion_checkpoint *checkpoint, uint64_t at, void *data,
                               size_t bytes)
{
        if (lseek(checkpoint->descriptor, (off_t)at, SEEK_SET) < 0)
                return scion_fail("%s: %s", checkpoint->path, strerror(errno));
        ssize_t got = scion_read_all(checkpoint->descriptor, data, bytes);

        if (got < 0)
                return scion_fail("%s: %s", checkpoint->path, strerror(errno));
        return (size_t)got == bytes || scion_fail("%s: cut off", checkpoint->path);
}

/* Computes the hash of the file, with zeros in place of the hash itself. */
static bool checkpoint_hash_file(const struct scion_checkpoint *checkpoint, struct header header,
                                 XXH128_canonical_t *result)
{
        XXH3_state_t *hash = XXH3_createState();
        char *input = malloc(FILE_PIECE);
        bool good = (hash && input) || scion_fail("out of memory");

        memset(&header.hash, 0, sizeof header.hash);
        if (good) {
                XXH3_128bits_reset(hash);
                XXH3_128bits_update(hash, &header, sizeof header);
        }
        for (uint64_t at = sizeof header; good && at < header.bytes;) {
                size_t bytes = header.bytes - at < FILE_PIECE ? (size_t)(header.bytes - at) : FILE_PIECE;

                good = checkpoint_read_at(checkpoint, at, input, bytes);
                if (good)
                        XXH3_128bits_update(hash, input, bytes);
                at += bytes;
        }
        if (good)
                XXH128_canonicalFromHash(result, XXH3_128bits_digest(hash));
        XXH3_freeState(hash);
        free(input);
        return good;
}

static bool checkpoint_check_file(const struct scion_checkpoint *checkpoint, XXH128_hash_t fingerprint,
                                  struct header *header)
{
        struct stat status;
        XXH128_canonical_t hash;

        if (fstat(checkpoint->descriptor, &status))
                return scion_fail("%s: %s", checkpoint->path, strerror(errno));
        if (!S_ISREG(status.st_mode) || (uintmax_t)status.st_size < sizeof *header)
                return scion_fail("%s: not a checkpoint", checkpoint->path);
        if (!checkpoint_read_at(checkpoint, 0, header, sizeof *header))
                return false;
        struct header good = header_make(fingerprint, header->blocks, (uint64_t)status.st_size);

        if (memcmp(header->magic, good.magic, sizeof good.magic) != 0 || header->version != good.version)
                return scion_fail("%s: not a checkpoint, or one of another version", checkpoint->path);
        if (memcmp(&header->fingerprint, &good.fingerprint, sizeof good.fingerprint) != 0)
                return scion_fail("%s: of another configuration, data or plugin", checkpoint->path);
        good.hash = header->hash;
        if (memcmp(header, &good, sizeof good) != 0 || !checkpoint_hash_file(checkpoint, *header, &hash) ||
            memcmp(&hash, &header->hash, sizeof hash) != 0)
                return scion_fail("%s: damaged", checkpoint->path);
        return true;
}

/* Reads the table. Names end with NUL even if the hash matches by accident. */
static bool checkpoint_read_table(struct scion_checkpoint *checkpoint, const struct header *header)
{
        if (header->blocks > MAX_BLOCKS)
                return scion_fail("%s: damaged", checkpoint->path);
        checkpoint->count = header->blocks;
        checkpoint->entry = calloc(checkpoint->count + 1, sizeof *checkpoint->entry);
        checkpoint->taken = calloc(checkpoint->count + 1, sizeof *checkpoint->taken);
        if (!checkpoint->entry || !checkpoint->taken)
                return scion_fail("out of memory");
        if (!checkpoint_read_at(checkpoint, sizeof *header, checkpoint->entry,
                                checkpoint->count * sizeof *checkpoint->entry))
                return false;
        for (size_t i = 0; i < checkpoint->count; i++)
                checkpoint->entry[i].name[SCION_BLOCK_NAME - 1] = '\0';
        return true;
}

struct scion_checkpoint *scion_checkpoint_open(const char *path, XXH128_hash_t fingerprint)
{
        struct scion_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
        struct header header;

        if (!checkpoint)
                return scion_fail_null("out of memory");
        checkpoint->path = strdup(path);
        checkpoint->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (!checkpoint->path)
                scion_fail("out of memory");
        else if (checkpoint->descriptor < 0 && errno == ENOENT)
                scion_error_clear();
        else if (checkpoint->descriptor < 0)
                scion_fail("%s: %s", path, strerror(errno));
        else if (checkpoint_check_file(checkpoint, fingerprint, &header) &&
                 checkpoint_read_table(checkpoint, &header))
                return checkpoint;
        scion_checkpoint_close(checkpoint);
        return NULL;
}

void scion_checkpoint_close(struct scion_checkpoint *checkpoint)
{
        if (!checkpoint)
                return;
        if (checkpoint->descriptor >= 0)
                close(checkpoint->descriptor);
        free(checkpoint->path);
        free(checkpoint->entry);
        free(checkpoint->taken);
        free(checkpoint);
}

/* Returns the index of the block of that name if it was not taken yet; else -1, with a message. */
static int checkpoint_find(const struct scion_checkpoint *checkpoint, const char *name)
{
        for (size_t i = 0; i < checkpoint->count; i++)
                if (!checkpoint->taken[i] && strcmp(checkpoint->entry[i].name, name) == 0)
                        return (int)i;
        scion_fail("%s: has no block '%s'", checkpoint->path, name);
        return -1;
}

/* Returns the offset of the block in the file. */
static uint64_t block_start(const struct scion_checkpoint *checkpoint, int index)
{
        uint64_t at = sizeof(struct header) + checkpoint->count * sizeof(struct entry);

        for (int i = 0; i < index; i++)
                at += checkpoint->entry[i].bytes;
        return at;
}

static bool block_read(const struct scion_checkpoint *checkpoint, int index, void *data)
{
        return checkpoint_read_at(checkpoint, block_start(checkpoint, index), data,
                                  checkpoint->entry[index].bytes);
}

/* Reads the block into a storage, from `offset` on. */
static bool block_read_into_storage(const struct scion_checkpoint *checkpoint, int index,
                                    struct scion_storage *storage, size_t offset)
{
        uint64_t start = block_start(checkpoint, index), length = checkpoint->entry[index].bytes;
        char *piece = malloc(DEVICE_PIECE);
        bool good = piece || scion_fail("out of memory");

        for (uint64_t at = 0; good && at < length; at += DEVICE_PIECE) {
                size_t bytes = length - at < DEVICE_PIECE ? (size_t)(length - at) : DEVICE_PIECE;

                good = checkpoint_read_at(checkpoint, start + at, piece, bytes) &&
                       scion_storage_write(storage, offset + (size_t)at, piece, bytes);
        }
        free(piece);
        return good;
}

void *scion_checkpoint_take(struct scion_checkpoint *checkpoint, const char *name, size_t *bytes)
{
        int index = checkpoint_find(checkpoint, name);
        char *data;

        if (index < 0)
                return NULL;
        *bytes = checkpoint->entry[index].bytes;
        data = malloc(*bytes + 1);
        if (!data)
                return scion_fail_null("%s: out of memory for '%s'", checkpoint->path, name);
        data[*bytes] = '\0';
        checkpoint->taken[index] = block_read(checkpoint, index, data);
        if (checkpoint->taken[index])
                return data;
        free(data);
        return NULL;
}

static bool block_check_size(const struct scion_checkpoint *checkpoint, int index, size_t bytes)
{
        return checkpoint->entry[index].bytes == bytes ||
               scion_fail("%s: block '%s' has %llu bytes, not %zu", checkpoint->path,
                          checkpoint->entry[index].name, (unsigned long long)checkpoint->entry[index].bytes,
                          bytes);
}

/* Takes the block of that name and size into the memory of `into`, whose own name is not used. */
static bool checkpoint_take_block(struct scion_checkpoint *checkpoint, const char *name,
                                  const struct scion_block *into)
{
        int index = checkpoint_find(checkpoint, name);

        if (index < 0 || !block_check_size(checkpoint, index, into->bytes))
                return false;
        checkpoint->taken[index] =
                into->storage ? block_read_into_storage(checkpoint, index, into->storage, into->offset)
                              : block_read(checkpoint, index, into->data);
        return checkpoint->taken[index];
}

bool scion_checkpoint_take_into(struct scion_checkpoint *checkpoint, const char *name, void *data,
                                size_t bytes)
{
        struct scion_block block = { .data = data, .bytes = bytes };

        return checkpoint_take_block(checkpoint, name, &block);
}

bool scion_checkpoint_take_into_storage(struct scion_checkpoint *checkpoint, const char *name,
                                        struct scion_storage *storage)
{
        struct scion_block block = { .storage = storage, .bytes = storage->bytes };

        return checkpoint_take_block(checkpoint, name, &block);
}

/* Checks that the blocks that were not taken are those of the state. */
static bool checkpoint_check_state(const struct scion_checkpoint *checkpoint, const struct scion_state *state)
{
        size_t left = 0;

        for (size_t i = 0; i < state->count; i++) {
                int index = checkpoint_find(checkpoint, state->block[i].name);

                if (index < 0 || !block_check_size(checkpoint, index, state->block[i].bytes))
                        return false;
        }
        for (size_t i = 0; i < checkpoint->count; i++)
                left += !checkpoint->taken[i];
        for (size_t i = 0; left > state->count && i < checkpoint->count; i++) {
                bool known = checkpoint->taken[i];

                for (size_t j = 0; !known && j < state->count; j++)
                        known = strcmp(state->block[j].name, checkpoint->entry[i].name) == 0;
                if (!known)
                        return scion_fail("%s: there is nothing to restore from block '%s'", checkpoint->path,
                                          checkpoint->entry[i].name);
        }
        return true;
}

bool scion_checkpoint_restore(struct scion_checkpoint *checkpoint, const struct scion_state *state)
{
        if (state->failed || !checkpoint_check_state(checkpoint, state))
                return false;
        for (size_t i = 0; i < state->count; i++)
                if (!checkpoint_take_block(checkpoint, state->block[i].name, &state->block[i]))
                        return false;
        return true;
}
