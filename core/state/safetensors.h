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
        const float *values; /* plain row-major; NULL, when read, for a tensor of another type than F32 */
        const char *dtype;   /* as the file names it: "F32"; not looked at when written */
};

struct scion_safetensors {
        size_t count;
        struct scion_safetensor *tensor; /* in the order of the file's data */
        size_t metadata_count;
        char **metadata; /* key, value, key, value, ... */
        void *memory;    /* what the values point into */
};

/* Reads and checks a file whole: the header's length, JSON, dtypes, shapes, offsets (in
 * range, no overlap, no gap, all data taken). A tensor may have no elements. False, with the file and the
 * tensor in the message. */
bool scion_safetensors_read(const char *path, struct scion_safetensors *file);
/* The same from memory that malloc() gave; it becomes `file`'s, also when this fails. `path` stands for the
 * file in messages. */
bool scion_safetensors_parse(const char *path, void *memory, size_t bytes, struct scion_safetensors *file);
/* Reads what is said of the tensors, and the metadata; `values` are NULL. What the data are is not looked at. */
bool scion_safetensors_read_header(const char *path, struct scion_safetensors *file);
/* Frees what a file that was read, or made by scion_weights_take(), holds. */
void scion_safetensors_finish(struct scion_safetensors *file);

/* Adds a pair to the metadata of such a file; the value of a key there, or NULL. */
bool scion_safetensors_note(struct scion_safetensors *file, const char *key, const char *value);
const char *scion_safetensors_noted(const struct scion_safetensors *file, const char *key);

/* Writes a file beside `path` and renames it: either the old or the whole new one is there. Synced to the
 * disk. Tensors and metadata go in the order given, and the same ones always make the same bytes. Names are
 * UTF-8, all different. Nothing of `file` is changed or kept. */
bool scion_safetensors_write(const char *path, const struct scion_safetensors *file);

#endif
