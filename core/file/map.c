#define _GNU_SOURCE /* mremap: memory that grows without being copied */
#include <scion/file.h>

#include <errno.h>
#include <fcntl.h>
#include <scion/error.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/decompressed.h"
#include "file/files.h"
#include "file/gzip.h"

#define FIRST_ROOM ((size_t)1 << 20)

struct opened {
        const char *path;
        int descriptor;
        uint64_t bytes; /* on the disk */
        bool gzip;
};

/* Closes what was opened also when it fails. */
static bool open_contents(struct opened *file, const char *path)
{
        unsigned char first[2];
        struct stat status;

        /* Without waiting for the other end of what turns out to be a pipe. */
        *file = (struct opened){ .path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
        if (file->descriptor < 0)
                return scion_fail("%s: %s", path, strerror(errno));
        if (fstat(file->descriptor, &status) < 0) {
                scion_fail("%s: %s", path, strerror(errno));
                goto failed;
        }
        if (!S_ISREG(status.st_mode)) {
                scion_fail("%s: %s", path,
                           S_ISDIR(status.st_mode) ? "is a directory, not a file" : "is not a file");
                goto failed;
        }
        file->bytes = (uint64_t)status.st_size;
        ssize_t got = scion_read_all(file->descriptor, first, sizeof first);

        if (got < 0 || lseek(file->descriptor, 0, SEEK_SET) < 0) {
                scion_fail("%s: %s", path, strerror(errno));
                goto failed;
        }
        file->gzip = got == 2 && first[0] == 0x1f && first[1] == 0x8b;
        return true;
failed:
        close(file->descriptor);
        return false;
}

bool scion_file_head(const char *path, void *head, size_t room, size_t *bytes)
{
        struct opened file;
        ssize_t got = -1;

        if (!open_contents(&file, path))
                return false;
        if (file.gzip) {
                struct scion_gzip gzip;

                if (scion_gzip_open(&gzip, path, file.descriptor))
                        got = scion_gzip_read(&gzip, head, room);
                scion_gzip_close(&gzip);
        } else {
                got = scion_read_all(file.descriptor, head, room);
                if (got < 0)
                        scion_fail("%s: %s", path, strerror(errno));
        }
        close(file.descriptor);
        *bytes = got < 0 ? 0 : (size_t)got;
        return got >= 0;
}

/* --- Memory: whole pages, at least one ------------------------------------------------------------------ */

static size_t page_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map_anonymous(size_t bytes)
{
        void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return data == MAP_FAILED ? NULL : data;
}

/* An entry of the cache begins with a header, in the same page as the contents' beginning. */
void scion_file_unmap(const void *data, size_t bytes)
{
        uintptr_t before = (uintptr_t)data % page_bytes();

        if (data)
                munmap((void *)((uintptr_t)data - before), before + bytes > 0 ? before + bytes : 1);
}

/* --- Plain files ---------------------------------------------------------------------------------------- */

static const void *map_plain(const struct opened *file, size_t most, size_t *bytes)
{
        void *data;

        if (file->bytes > most)
                return scion_fail_null("%s: too long: it has %llu bytes, %zu expected", file->path,
                                       (unsigned long long)file->bytes, most);
        *bytes = (size_t)file->bytes;
        data = file->bytes == 0 ? map_anonymous(1)
                                : mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
        return data && data != MAP_FAILED ? data : scion_fail_null("%s: %s", file->path, strerror(errno));
}

/* --- Compressed files ----------------------------------------------------------------------------------- */

/* Inflated bytes, in memory that grows with them: what a header promises is not believed. */
struct growing {
        unsigned char *data;
        size_t bytes, room; /* at least one byte of room, however few the bytes */
};

static bool grow(struct growing *memory, size_t room)
{
        void *data =
                memory->data ? mremap(memory->data, memory->room, room, MREMAP_MAYMOVE) : map_anonymous(room);

        if (!data || data == MAP_FAILED)
                return false;
        memory->data = data;
        memory->room = room;
        return true;
}

static bool too_long(const char *path, size_t most)
{
        return scion_fail("%s: too long: it has more than the %zu bytes expected", path, most);
}

/* Reads the data to their end, and no byte more than one too many. */
static bool inflate_all(struct scion_gzip *gzip, struct growing *memory, size_t most)
{
        size_t room = FIRST_ROOM;
        unsigned char more;
        ssize_t got;

        while (memory->bytes < most) {
                if (!grow(memory, room < most ? room : most))
                        return scion_fail("%s: out of memory for %zu bytes", gzip->path,
                                          room < most ? room : most);
                got = scion_gzip_read(gzip, memory->data + memory->bytes, memory->room - memory->bytes);
                if (got < 0)
                        return false;
                memory->bytes += (size_t)got;
                if (memory->bytes < memory->room)
                        return true;
                room = room < SIZE_MAX / 2 ? 2 * room : SIZE_MAX;
        }
        got = scion_gzip_read(gzip, &more, 1);
        return got <= 0 ? got == 0 : too_long(gzip->path, most);
}

/* Gives back the memory beyond the bytes, of which scion_file_unmap() knows nothing. */
static const void *trimmed(struct growing *memory, size_t *bytes)
{
        *bytes = memory->bytes;
        if (!grow(memory, memory->bytes > 0 ? memory->bytes : 1))
                return NULL;
        mprotect(memory->data, memory->room, PROT_READ);
        return memory->data;
}

static const void *map_inflated(const struct opened *file, size_t most, size_t *bytes)
{
        struct growing memory = { 0 };
        struct scion_gzip gzip;
        const void *data = NULL;

        if (scion_gzip_open(&gzip, file->path, file->descriptor) && inflate_all(&gzip, &memory, most)) {
                data = trimmed(&memory, bytes);
                if (!data)
                        scion_fail("%s: out of memory for %zu bytes", file->path, memory.bytes);
        }
        if (data) {
                /* The hash is that of the very bytes that were inflated, whatever happens to the file. */
                struct scion_compressed compressed = { scion_gzip_hash(&gzip), gzip.read };

                scion_inflated_keep(&compressed, data, *bytes);
        } else if (memory.data) {
                munmap(memory.data, memory.room);
        }
        scion_gzip_close(&gzip);
        return data;
}

const void *scion_file_map(const char *path, size_t most, size_t *bytes)
{
        const void *data = NULL;
        struct opened file;

        if (!open_contents(&file, path))
                return NULL;
        if (!file.gzip)
                data = map_plain(&file, most, bytes);
        else if (!(data = scion_inflated_find(file.descriptor, bytes)))
                data = map_inflated(&file, most, bytes);
        else if (*bytes > most) {
                scion_file_unmap(data, *bytes);
                data = NULL;
                too_long(path, most);
        }
        close(file.descriptor);
        return data;
}
