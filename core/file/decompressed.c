#include "file/decompressed.h"

#include <fcntl.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/cache.h"
#include "file/files.h"
#include "file/hash.h"

#define INPUT ((size_t)64 << 10) /* bytes read at a time */

/* An entry is this header and then the contents. The header is in the machine's byte order, so that an
 * entry from a machine with the other order has a different version. */
struct header {
        char magic[8];
        uint32_t version;
        uint32_t reserved; /* 0 */
        uint64_t compressed_bytes, decompressed_bytes;
        XXH128_canonical_t compressed_hash, decompressed_hash;
};

_Static_assert(sizeof(struct header) == 64,
               "an entry's header is 64 bytes, so that the contents are aligned");

static struct header header_make(const struct scion_compressed *compressed, const void *data, size_t bytes)
{
        struct header header = { .magic = "scion-gz",
                                 .version = 1,
                                 .compressed_bytes = compressed->bytes,
                                 .decompressed_bytes = bytes };

        XXH128_canonicalFromHash(&header.compressed_hash, compressed->hash);
        XXH128_canonicalFromHash(&header.decompressed_hash, XXH3_128bits(data, bytes));
        return header;
}

/* Returns the path of the entry in the folder. NULL, without a message, when memory runs out. */
static char *entry_path(const char *folder, const struct scion_compressed *compressed)
{
        char hash[SCION_HASH_TEXT];
        char *path = scion_path_join(folder, scion_hash_text(compressed->hash, hash));

        if (!path)
                scion_error_clear();
        return path;
}

/* Maps an entry into memory if it is valid: its header, which has the hash of the contents, equals the
 * header computed from the contents found. Returns NULL otherwise. */
static const void *entry_map(const char *path, const struct scion_compressed *compressed, size_t *bytes)
{
        int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat status;
        const char *entry = MAP_FAILED;
        size_t size = 0;

        if (descriptor < 0)
                return NULL;
        if (!fstat(descriptor, &status) && S_ISREG(status.st_mode) &&
            status.st_size >= (off_t)sizeof(struct header) && (uintmax_t)status.st_size <= SIZE_MAX) {
                size = (size_t)status.st_size;
                entry = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        }
        close(descriptor);
        if (entry == MAP_FAILED)
                return NULL;
        const char *data = entry + sizeof(struct header);
        struct header good = header_make(compressed, data, size - sizeof good);

        if (memcmp(entry, &good, sizeof good) == 0) {
                *bytes = size - sizeof good;
                return data;
        }
        munmap((void *)(uintptr_t)entry, size);
        return NULL;
}

static bool descriptor_hash(int descriptor, struct scion_compressed *compressed)
{
        unsigned char *input = malloc(INPUT);
        XXH3_state_t *hash = XXH3_createState();
        ssize_t got = -1;

        compressed->bytes = 0;
        if (input && hash) {
                XXH3_128bits_reset(hash);
                while ((got = pread(descriptor, input, INPUT, (off_t)compressed->bytes)) > 0) {
                        XXH3_128bits_update(hash, input, (size_t)got);
                        compressed->bytes += (uint64_t)got;
                }
                compressed->hash = XXH3_128bits_digest(hash);
        }
        XXH3_freeState(hash);
        free(input);
        return got == 0;
}

const void *scion_decompressed_find(int descriptor, size_t *bytes)
{
        struct scion_compressed compressed;
        char *folder = scion_cache_folder("inflated");
        char *path =
                folder && descriptor_hash(descriptor, &compressed) ? entry_path(folder, &compressed) : NULL;
        const void *data = path ? entry_map(path, &compressed, bytes) : NULL;

        if (data)
                scion_cache_touch(path);
        free(path);
        free(folder);
        return data;
}

static bool entry_write(const char *path, const struct header *header, const void *data, size_t bytes)
{
        struct scion_file *file = scion_file_create(path);

        if (file && scion_file_add(file, header, sizeof *header) && scion_file_add(file, data, bytes))
                return scion_file_commit(file);
        scion_file_discard(file);
        return false;
}

void scion_decompressed_store(const struct scion_compressed *compressed, const void *data, size_t bytes)
{
        char *folder = scion_cache_folder("inflated");
        char *path = folder ? entry_path(folder, compressed) : NULL;
        struct header header = { 0 };

        if (path)
                header = header_make(compressed, data, bytes);
        if (path && !(scion_cache_create_folder(folder) && entry_write(path, &header, data, bytes)))
                scion_error_clear(); /* the cache is optional: the caller has the data */
        free(path);
        free(folder);
}
