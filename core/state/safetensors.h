/*
 * safetensors files: an 8-byte little-endian header length, a JSON header, plain row-major tensors.
 * https://github.com/huggingface/safetensors (format).
 */
#ifndef SCION_STATE_SAFETENSORS_H
#define SCION_STATE_SAFETENSORS_H

#include <scion/tensor.h>

struct scion_safetensor {
        char *name;
        struct scion_shape shape;
        const float *values; /* row-major; NULL for a tensor that was read and is not F32 */
        const char *dtype;   /* as the file names it: "F32"; ignored when writing */
};

struct scion_safetensors {
        size_t count;
        struct scion_safetensor *tensor; /* in the order of the file's data */
        size_t metadata_count;
        char **metadata; /* key, value, key, value, ... */
        void *memory;    /* that the values are in; freed by scion_safetensors_finish() */
};

/* Reads a file and checks all of it: the header's length, its JSON, types, shapes and offsets, which must be in range,
 * without overlap and without gaps. A tensor may have no elements. False, with the file and the tensor in the message. */
bool scion_safetensors_read(const char *path, struct scion_safetensors *file);
/* Reads the same from memory allocated by malloc(). Takes ownership of the memory, also on failure. `path` is for
 * messages. */
bool scion_safetensors_parse(const char *path, void *memory, size_t bytes, struct scion_safetensors *file);
/* Reads the header only: names, shapes and types of tensors, whose `values` are NULL, and the metadata. */
bool scion_safetensors_read_header(const char *path, struct scion_safetensors *file);
/* Frees what a file holds that was read, or filled by scion_weights_copy(). */
void scion_safetensors_finish(struct scion_safetensors *file);

/* Adds a pair to the metadata of such a file. False, with a message. */
bool scion_safetensors_note(struct scion_safetensors *file, const char *key, const char *value);
/* Returns the value of a key in the metadata, or NULL. */
const char *scion_safetensors_noted(const struct scion_safetensors *file, const char *key);

/* Writes a file next to `path`, syncs it to the disk and renames it, so that either the old or the whole new one is
 * there. Tensors and metadata are written in the order given, and the same ones always give the same bytes. Names are
 * UTF-8 and unique. False, with a message. */
bool scion_safetensors_write(const char *path, const struct scion_safetensors *file);

#endif
