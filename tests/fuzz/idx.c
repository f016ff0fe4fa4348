/*
 * Fuzzes the reader of IDX files, plain and compressed. The first byte says whether the rest is taken as
 * images or labels, and whether it is compressed first, so that what lies behind gzip's checksum is reached
 * too.
 */
#define _GNU_SOURCE /* memfd_create: a file that is only memory */
#include "../../plugins/datasets/idx.c"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IMAGES = 1, COMPRESS = 2 };

/* Compresses the bytes to a gzip member at the fastest level. Returns its size. */
static size_t compress_bytes(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
        z_stream z = { .next_in = (Bytef *)(uintptr_t)data,
                       .avail_in = (uInt)size,
                       .next_out = out,
                       .avail_out = (uInt)room };

        if (deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
            deflate(&z, Z_FINISH) != Z_STREAM_END)
                abort();
        deflateEnd(&z);
        return room - z.avail_out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t compressed[(1 << 20) + 4096];
        static char path[64];
        static int fd = -1;
        struct array array = { 0 };
        uint8_t how = size > 0 ? data[0] : 0;

        if (size < 1 || size > 1 << 20)
                return 0;
        data++;
        size--;
        if (how & COMPRESS) {
                size = compress_bytes(data, size, compressed, sizeof compressed);
                data = compressed;
        }
        if (fd < 0) {
                setenv("SCION_CACHE", "", 1); /* every input is inflated */
                fd = memfd_create("idx", MFD_CLOEXEC);
                snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        }
        if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
                abort();
        scion_error_clear();
        if (array_load(path, how & IMAGES, &array)) {
                /* All bytes of an array that was loaded can be read. */
                uLong sum = crc32(0, NULL, 0);

                for (size_t i = 0; i < array.bytes; i += 1u << 30)
                        sum = crc32(sum, array.values + i,
                                    (uInt)(array.bytes - i < 1u << 30 ? array.bytes - i : 1u << 30));
                if (array.axes < 1 || array.axes > MAX_AXES || array.length[0] == 0 || array.bytes == 0 ||
                    sum > UINT32_MAX)
                        abort();
        } else if (!scion_error()[0]) {
                abort(); /* refused without a reason */
        }
        array_unload(&array);
        return 0;
}
