#define _GNU_SOURCE /* mremap() */
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

struct open_file {
        const char *path;
        int descriptor;
        uint64_t bytes; /* of the file itself, compressed or not */
        bool gzip;
};

/* Opens a regular file and detects gzip by its magic number. Leaves no descriptor open on failure. */
static bool contents_open(struct open_file *file, const char *path)
{
        unsigned char first[2];
        struct stat status;

        /* O_NONBLOCK, so that opening a pipe does not wait for its writer. */
        *file = (struct open_file){ .path = path,
                                    .descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
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
        struct open_file file;
        ssize_t got = -1;

        if (!contents_open(&file, path))
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

/* --- Memory, in pages ----------------------------------------------------------------------------------- */

static size_t page_bytes(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static void *memory_map_anonymous(size_t bytes)
{
        void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return data == MAP_FAILED ? NULL : data;
}

/* In an entry of the cache, the contents follow a header in the same page, so the mapping begins at the
 * page's start. */
void scion_file_unmap(const void *data, size_t bytes)
{
        uintptr_t before = (uintptr_t)data % page_bytes();

        if (data)
                munmap((void *)((uintptr_t)data - before), before + bytes > 0 ? before + bytes : 1);
}

/* --- Plain files ---------------------------------------------------------------------------------------- */

static const void *plain_map(const struct open_file *file, size_t most, size_t *bytes)
{
        void *data;

        if (file->bytes > most)
                return scion_fail_null("%s: too long: it has %llu bytes, %zu expected", file->path,
                                       (unsigned long long)file->bytes, most);
        *bytes = (size_t)file->bytes;
        data = file->bytes == 0 ? memory_map_anonymous(1)
                                : mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
        return data && data != MAP_FAILED ? data : scion_fail_null("%s: %s", file->path, strerror(errno));
}

/* --- Compressed files ----------------------------------------------------------------------------------- */

/* Memory for decompressed bytes. It grows with the data, because the size given in a gzip file cannot be
 * trusted. */
struct buffer {
        unsigned char *data;
        size_t bytes;
        size_t room; /* at least 1 */
};

static bool buffer_resize(struct buffer *buffer, size_t room)
{
        void *data = buffer->data ? mremap(buffer->data, buffer->room, room, MREMAP_MAYMOVE)
                                  : memory_map_anonymous(room);

        if (!data || data == MAP_FAILED)
                return false;
        buffer->data = data;
        buffer->room = room;
        return true;
}

static bool path_fail_too_long(const char *path, size_t most)
{
        return scion_fail("%s: too long: it has more than the %zu bytes expected", path, most);
}

/* Decompresses to the end of the data, or fails after at most one byte more than `most`. */
static bool buffer_decompress(struct buffer *buffer, struct scion_gzip *gzip, size_t most)
{
        size_t room = FIRST_ROOM;
        unsigned char more;
        ssize_t got;

        while (buffer->bytes < most) {
                if (!buffer_resize(buffer, room < most ? room : most))
                        return scion_fail("%s: out of memory for %zu bytes", gzip->path,
                                          room < most ? room : most);
                got = scion_gzip_read(gzip, buffer->data + buffer->bytes, buffer->room - buffer->bytes);
                if (got < 0)
                        return false;
                buffer->bytes += (size_t)got;
                if (buffer->bytes < buffer->room)
                        return true;
                room = room < SIZE_MAX / 2 ? 2 * room : SIZE_MAX;
        }
        got = scion_gzip_read(gzip, &more, 1);
        return got <= 0 ? got == 0 : path_fail_too_long(gzip->path, most);
}

/* Trims the memory to the pages that the bytes need, which is what scion_file_unmap() will release, and
 * makes it read-only. */
static const void *buffer_trim(struct buffer *buffer, size_t *bytes)
{
        *bytes = buffer->bytes;
        if (!buffer_resize(buffer, buffer->bytes > 0 ? buffer->bytes : 1))
                return NULL;
        mprotect(buffer->data, buffer->room, PROT_READ);
        return buffer->data;
}

static const void *decompressed_map(const struct open_file *file, size_t most, size_t *bytes)
{
        struct buffer buffer = { 0 };
        struct scion_gzip gzip;
        const void *data = NULL;

        if (scion_gzip_open(&gzip, file->path, file->descriptor) && buffer_decompress(&buffer, &gzip, most)) {
                data = buffer_trim(&buffer, bytes);
                if (!data)
                        scion_fail("%s: out of memory for %zu bytes", file->path, buffer.bytes);
        }
        if (data) {
                /* The hash was computed while decompressing, so it is right even if the file changes
                 * meanwhile. */
                struct scion_compressed compressed = { scion_gzip_hash(&gzip), gzip.read };

                scion_decompressed_store(&compressed, data, *bytes);
        } else if (buffer.data) {
                munmap(buffer.data, buffer.room);
        }
        scion_gzip_close(&gzip);
        return data;
}

const void *scion_file_map(const char *path, size_t most, size_t *bytes)
{
        const void *data = NULL;
        struct open_file file;

        if (!contents_open(&file, path))
                return NULL;
        if (!file.gzip)
                data = plain_map(&file, most, bytes);
        else if (!(data = scion_decompressed_find(file.descriptor, bytes)))
                data = decompressed_map(&file, most, bytes);
        else if (*bytes > most) {
                scion_file_unmap(data, *bytes);
                data = NULL;
                path_fail_too_long(path, most);
        }
        close(file.descriptor);
        return data;
}
