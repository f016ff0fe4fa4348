#include "file/hash.h"

#include <stdio.h>
#include <stdlib.h>

#include "file/files.h"

const char *scion_hash_text(XXH128_hash_t hash, char text[SCION_HASH_TEXT])
{
        snprintf(text, SCION_HASH_TEXT, "%016llx%016llx", (unsigned long long)hash.high64,
                 (unsigned long long)hash.low64);
        return text;
}

const char *scion_hash_bytes(const void *data, size_t bytes, char text[SCION_HASH_TEXT])
{
        return scion_hash_text(XXH3_128bits(data, bytes), text);
}

bool scion_hash_file(const char *path, char text[SCION_HASH_TEXT])
{
        size_t bytes = 0;
        char *data = scion_file_read(path, SIZE_MAX, &bytes);

        if (data)
                scion_hash_bytes(data, bytes, text);
        free(data);
        return data != NULL;
}
