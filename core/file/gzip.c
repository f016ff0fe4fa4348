#include "file/gzip.h"

#include <errno.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "file/files.h"

#define INPUT ((size_t)64 << 10) /* bytes read at a time */

bool scion_gzip_open(struct scion_gzip *gzip, const char *path, int descriptor)
{
        *gzip = (struct scion_gzip){ .path = path, .descriptor = descriptor };
        gzip->input = malloc(INPUT);
        gzip->hash = XXH3_createState();
        if (!gzip->input || !gzip->hash || inflateInit2(&gzip->stream, 16 + MAX_WBITS) != Z_OK)
                return scion_fail("%s: out of memory", path);
        gzip->started = true;
        XXH3_128bits_reset(gzip->hash);
        return true;
}

void scion_gzip_close(struct scion_gzip *gzip)
{
        if (gzip->started)
                inflateEnd(&gzip->stream);
        XXH3_freeState(gzip->hash);
        free(gzip->input);
}

static bool input_fill(struct scion_gzip *gzip)
{
        ssize_t got = scion_read_all(gzip->descriptor, gzip->input, INPUT);

        if (got < 0)
                return scion_fail("%s: %s", gzip->path, strerror(errno));
        XXH3_128bits_update(gzip->hash, gzip->input, (size_t)got);
        gzip->read += (uint64_t)got;
        gzip->stream.next_in = gzip->input;
        gzip->stream.avail_in = (uInt)got;
        return true;
}

/* Called at the end of a gzip member: begins the next member, or finds the end of the file. Fails on other
 * data. */
static bool member_next(struct scion_gzip *gzip)
{
        if (gzip->stream.avail_in == 0 && !input_fill(gzip))
                return false;
        if (gzip->stream.avail_in == 0) {
                gzip->ended = true;
                return true;
        }
        if (gzip->stream.next_in[0] != 0x1f)
                return scion_fail("%s: bytes that are no gzip data after the end of its gzip data",
                                  gzip->path);
        inflateReset(&gzip->stream);
        return true;
}

ssize_t scion_gzip_read(struct scion_gzip *gzip, void *out, size_t want)
{
        z_stream *z = &gzip->stream;
        size_t got = 0;

        while (got < want && !gzip->ended) {
                size_t room = want - got < ((size_t)1 << 30) ? want - got : (size_t)1 << 30;

                if (z->avail_in == 0 && !input_fill(gzip))
                        return -1;
                if (z->avail_in == 0) {
                        scion_fail("%s: truncated gzip data: it ends after %llu decompressed bytes, in the "
                                   "middle",
                                   gzip->path, (unsigned long long)gzip->decompressed);
                        return -1;
                }
                z->next_out = (unsigned char *)out + got;
                z->avail_out = (uInt)room;
                int status = inflate(z, Z_NO_FLUSH);

                got += room - z->avail_out;
                gzip->decompressed += room - z->avail_out;
                if (status == Z_STREAM_END) {
                        if (!member_next(gzip))
                                return -1;
                } else if (status != Z_OK) {
                        scion_fail("%s: bad gzip data: %s", gzip->path, z->msg ? z->msg : zError(status));
                        return -1;
                }
        }
        return (ssize_t)got;
}

XXH128_hash_t scion_gzip_hash(const struct scion_gzip *gzip)
{
        return XXH3_128bits_digest(gzip->hash);
}
