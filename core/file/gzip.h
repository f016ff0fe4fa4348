/* Reads gzip data from an open file. */
#ifndef SCION_FILE_GZIP_H
#define SCION_FILE_GZIP_H

#include <scion/api.h>
#include <sys/types.h>
#include <xxhash.h>
#include <zlib.h>

struct scion_gzip {
        const char *path;      /* for messages; not copied */
        int descriptor;        /* the caller closes it */
        bool started;          /* zlib's state is initialised */
        bool ended;            /* the last member was read to its end */
        uint64_t read;         /* compressed bytes so far */
        uint64_t decompressed; /* decompressed bytes so far */
        z_stream stream;
        unsigned char *input;
        XXH3_state_t *hash; /* of the compressed bytes */
};

/* Starts at the descriptor's present offset. Call scion_gzip_close() also after a failure. */
bool scion_gzip_open(struct scion_gzip *gzip, const char *path, int descriptor);
void scion_gzip_close(struct scion_gzip *gzip);

/* Decompresses the next `want` bytes. Returns how many there were: fewer at the end of the data; -1, with a
 * message, if the data are damaged. */
ssize_t scion_gzip_read(struct scion_gzip *gzip, void *out, size_t want);

/* Returns the hash of the compressed bytes read so far: of the complete file once the data have ended. */
XXH128_hash_t scion_gzip_hash(const struct scion_gzip *gzip);

#endif
