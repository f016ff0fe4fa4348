/* Reading gzip data out of an open file. */
#ifndef SCION_FILE_GZIP_H
#define SCION_FILE_GZIP_H

#include <scion/api.h>
#include <sys/types.h>
#include <xxhash.h>
#include <zlib.h>

struct scion_gzip {
        const char *path; /* for messages; the caller's, as the descriptor is */
        int descriptor;
        bool started, ended;     /* ended: the last member is whole */
        uint64_t read, inflated; /* bytes of the file, and of the contents, so far */
        z_stream stream;
        unsigned char *input;
        XXH3_state_t *hash; /* of the bytes of the file */
};

/* Begins where the descriptor stands. To be closed also after a failure. */
bool scion_gzip_open(struct scion_gzip *gzip, const char *path, int descriptor);
void scion_gzip_close(struct scion_gzip *gzip);

/* Inflates the next `want` bytes; fewer when the data end. -1, with a message, when they are damaged. */
ssize_t scion_gzip_read(struct scion_gzip *gzip, void *out, size_t want);

/* Of what was read of the file: of all of it, once the data have ended. */
XXH128_hash_t scion_gzip_hash(const struct scion_gzip *gzip);

#endif
