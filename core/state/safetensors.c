#include "state/safetensors.h"

#include "file/files.h"

#include <scion/error.h>
#include <scion/file.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8           /* of the header's length, at the file's start */
#define LONGEST_HEADER 100000000 /* bytes; the format's own limit */
#define METADATA "__metadata__"

_Static_assert(sizeof(float) == 4 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the data is little-endian IEEE singles, and read as it lies");

/* Sets *bytes to the size of a tensor whose elements have `size` bytes. False on overflow. */
static bool shape_count_bytes(const struct scion_shape *shape, size_t size, uint64_t *bytes)
{
        *bytes = size;
        for (int i = 0; i < shape->ndim; i++) {
                uint64_t length = (uint64_t)shape->dim[i];

                if (shape->dim[i] < 0 || (length && *bytes > INT64_MAX / length))
                        return false;
                *bytes *= length;
        }
        return true;
}

/* --- Reading -------------------------------------------------------------------------------------------- */

/* A tensor, and the offsets of its data from the end of the header. */
struct entry {
        struct scion_safetensor tensor;
        size_t size; /* of an element */
        uint64_t begin, end;
};

struct header {
        const char *path;
        uint64_t data_bytes; /* after the header */
        size_t count;
        struct entry *entry;
        size_t metadata_count;
        char **metadata;
};

static void header_finish(struct header *header)
{
        for (size_t i = 0; i < header->count; i++)
                free(header->entry[i].tensor.name);
        for (size_t i = 0; i < 2 * header->metadata_count; i++)
                free(header->metadata[i]);
        free(header->entry);
        free(header->metadata);
}

static bool header_read_metadata(struct header *header, json_t *object)
{
        const char *key;
        json_t *value;

        if (!json_is_object(object))
                return scion_fail("%s: header: " METADATA " is not an object of strings", header->path);
        header->metadata = calloc(2 * json_object_size(object) + 1, sizeof *header->metadata);
        if (!header->metadata)
                return scion_fail("%s: out of memory", header->path);
        json_object_foreach(object, key, value)
        {
                if (!json_is_string(value))
                        return scion_fail("%s: header: " METADATA ": '%s' is not a string", header->path,
                                          key);
                char **pair = header->metadata + 2 * header->metadata_count++;

                pair[0] = strdup(key);
                pair[1] = strdup(json_string_value(value));
                if (!pair[0] || !pair[1])
                        return scion_fail("%s: out of memory", header->path);
        }
        return true;
}

static bool tensor_is_float(const struct scion_safetensor *tensor)
{
        return strcmp(tensor->dtype, "F32") == 0;
}

/* Sets the name and the size of the element type. */
static bool entry_read_dtype(json_t *dtype, struct entry *entry)
{
        static const struct {
                const char *name;
                size_t size;
        } dtypes[] = { { "F32", 4 },     { "F16", 2 },     { "BF16", 2 }, { "F64", 8 },
                       { "I64", 8 },     { "I32", 4 },     { "I16", 2 },  { "I8", 1 },
                       { "U64", 8 },     { "U32", 4 },     { "U16", 2 },  { "U8", 1 },
                       { "F8_E5M2", 1 }, { "F8_E4M3", 1 }, { "C64", 8 },  { "BOOL", 1 } };
        const char *name = json_string_value(dtype);

        if (!name)
                return scion_fail("its dtype is missing or not a string");
        for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
                if (strcmp(name, dtypes[i].name) != 0)
                        continue;
                entry->tensor.dtype = dtypes[i].name;
                entry->size = dtypes[i].size;
                return true;
        }
        return scion_fail("its dtype '%s' is unknown; F32 was meant?", name);
}

static bool shape_read(json_t *array, struct scion_shape *shape)
{
        if (!json_is_array(array))
                return scion_fail("its shape is missing or not a list");
        if (json_array_size(array) > SCION_MAX_DIMS)
                return scion_fail("its shape has %zu axes; %d are the most", json_array_size(array),
                                  SCION_MAX_DIMS);
        *shape = (struct scion_shape){ .ndim = (int)json_array_size(array) };
        for (int i = 0; i < shape->ndim; i++) {
                json_t *length = json_array_get(array, (size_t)i);

                if (!json_is_integer(length) || json_integer_value(length) < 0)
                        return scion_fail("axis %d of its shape is not a whole number from 0 on", i);
                shape->dim[i] = json_integer_value(length);
        }
        return true;
}

static bool entry_read_offsets(json_t *array, struct entry *entry, uint64_t data_bytes)
{
        json_t *begin = json_array_get(array, 0), *end = json_array_get(array, 1);
        char text[128];
        uint64_t bytes;

        if (json_array_size(array) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
            json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
                return scion_fail("its data_offsets are not two whole numbers [begin, end], "
                                  "0 <= begin <= end");
        entry->begin = (uint64_t)json_integer_value(begin);
        entry->end = (uint64_t)json_integer_value(end);
        scion_shape_text(&entry->tensor.shape, text, sizeof text);
        if (!shape_count_bytes(&entry->tensor.shape, entry->size, &bytes))
                return scion_fail("its shape %s is larger than any file", text);
        if (bytes != entry->end - entry->begin)
                return scion_fail("its shape %s takes %" PRIu64 " bytes, and its data_offsets [%" PRIu64
                                  ", %" PRIu64 "] hold %" PRIu64,
                                  text, bytes, entry->begin, entry->end, entry->end - entry->begin);
        if (entry->end > data_bytes)
                return scion_fail("its data_offsets [%" PRIu64 ", %" PRIu64 "] reach past the file's %" PRIu64
                                  " bytes of data: is the file cut short?",
                                  entry->begin, entry->end, data_bytes);
        if (tensor_is_float(&entry->tensor) && entry->begin % sizeof(float))
                return scion_fail("its data_offsets begin at %" PRIu64 ", which is no multiple of 4",
                                  entry->begin);
        return true;
}

static bool header_read_entry(struct header *header, const char *name, json_t *object)
{
        struct entry *entry = header->entry + header->count;

        if (!json_is_object(object))
                return scion_fail("%s: tensor '%s': its entry in the header is not an object", header->path,
                                  name);
        for (const char *c = name; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7F)
                        return scion_fail("%s: tensor '%s': control characters are not allowed in a name",
                                          header->path, name);
        if (!entry_read_dtype(json_object_get(object, "dtype"), entry) ||
            !shape_read(json_object_get(object, "shape"), &entry->tensor.shape) ||
            !entry_read_offsets(json_object_get(object, "data_offsets"), entry, header->data_bytes))
                return scion_fail_prefix("%s: tensor '%s'", header->path, name);
        entry->tensor.name = strdup(name);
        if (!entry->tensor.name)
                return scion_fail("%s: out of memory", header->path);
        header->count++;
        return true;
}

/* Empty tensors sort before the tensor at the same offset. */
static int entry_compare(const void *left, const void *right)
{
        const struct entry *a = left, *b = right;

        if (a->begin != b->begin)
                return a->begin < b->begin ? -1 : 1;
        if (a->end != b->end)
                return a->end < b->end ? -1 : 1;
        return strcmp(a->tensor.name, b->tensor.name);
}

/* Sorts the tensors by offset, and checks that there are no gaps and no overlaps. */
static bool header_check_offsets(struct header *header)
{
        uint64_t end = 0;

        if (header->count)
                qsort(header->entry, header->count, sizeof *header->entry, entry_compare);
        for (size_t i = 0; i < header->count; i++) {
                const struct entry *entry = header->entry + i;

                if (entry->begin < end)
                        return scion_fail("%s: tensors '%s' and '%s' overlap: data_offsets [%" PRIu64
                                          ", %" PRIu64 "] and [%" PRIu64 ", %" PRIu64 "]",
                                          header->path, entry[-1].tensor.name, entry->tensor.name,
                                          entry[-1].begin, entry[-1].end, entry->begin, entry->end);
                if (entry->begin > end)
                        return scion_fail("%s: %" PRIu64
                                          " bytes of data before tensor '%s' belong to no tensor",
                                          header->path, entry->begin - end, entry->tensor.name);
                end = entry->end;
        }
        return end == header->data_bytes ||
               scion_fail("%s: the last %" PRIu64 " bytes of data belong to no tensor", header->path,
                          header->data_bytes - end);
}

static bool header_parse(struct header *header, const char *text, size_t length)
{
        json_error_t error;
        json_t *root = NULL, *value;
        const char *name;
        bool good = false;

        if (length == 0 || text[0] != '{')
                return scion_fail("%s: its header does not begin with '{': not a safetensors file?",
                                  header->path);
        root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                return scion_fail("%s: header: not JSON as it should be, at byte %d of it: %s", header->path,
                                  error.position, error.text);
        header->entry = calloc(json_object_size(root) + 1, sizeof *header->entry);
        if (!header->entry) {
                scion_fail("%s: out of memory", header->path);
                goto done;
        }
        json_object_foreach(root, name, value)
        {
                if (!strcmp(name, METADATA) ? !header_read_metadata(header, value)
                                            : !header_read_entry(header, name, value))
                        goto done;
        }
        good = header_check_offsets(header);
done:
        json_decref(root);
        return good;
}

/* Sets *length to the length of the header, checked against the size of the file. */
static bool header_read_length(const char *path, const unsigned char *data, size_t bytes, size_t *length)
{
        uint64_t value = 0;

        if (bytes < LENGTH_BYTES)
                return scion_fail("%s: too short for a safetensors file: %zu bytes", path, bytes);
        for (int i = LENGTH_BYTES - 1; i >= 0; i--)
                value = value << 8 | data[i];
        if (value > LONGEST_HEADER)
                return scion_fail("%s: its first 8 bytes give a header of %" PRIu64
                                  " bytes, and %d are the most: not a safetensors file?",
                                  path, value, LONGEST_HEADER);
        if (value > bytes - LENGTH_BYTES)
                return scion_fail("%s: its header is %" PRIu64
                                  " bytes long, and the file ends after %zu of them: "
                                  "is it cut short?",
                                  path, value, bytes - LENGTH_BYTES);
        *length = (size_t)value;
        return true;
}

/* Moves what the header holds to the file. On failure the caller still has to finish the header. */
static bool file_take_header(struct scion_safetensors *file, struct header *header)
{
        file->tensor = calloc(header->count + 1, sizeof *file->tensor);
        if (!file->tensor)
                return scion_fail("%s: out of memory", header->path);
        for (size_t i = 0; i < header->count; i++)
                file->tensor[i] = header->entry[i].tensor;
        file->count = header->count;
        file->metadata_count = header->metadata_count;
        file->metadata = header->metadata;
        return true;
}

bool scion_safetensors_parse(const char *path, void *memory, size_t bytes, struct scion_safetensors *file)
{
        struct header header = { .path = path };
        char *data;
        size_t length = 0;

        *file = (struct scion_safetensors){ 0 };
        if (!header_read_length(path, memory, bytes, &length))
                goto failed;
        data = (char *)memory + LENGTH_BYTES + length;
        header.data_bytes = bytes - LENGTH_BYTES - length;
        if (!header_parse(&header, (char *)memory + LENGTH_BYTES, length) || !file_take_header(file, &header))
                goto failed;
        if (length % sizeof(float)) /* the format does not ask for aligned data */
                data = memmove(memory, data, header.data_bytes);
        for (size_t i = 0; i < header.count; i++)
                if (tensor_is_float(&file->tensor[i]))
                        file->tensor[i].values = (const float *)(const void *)(data + header.entry[i].begin);
        file->memory = memory;
        free(header.entry);
        return true;
failed:
        header_finish(&header);
        free(memory);
        return false;
}

bool scion_safetensors_read_header(const char *path, struct scion_safetensors *file)
{
        struct header header = { .path = path };
        size_t bytes = 0, length = 0;
        const char *data = scion_file_map(path, SIZE_MAX, &bytes); /* what is not looked at is not read */
        bool good = data && header_read_length(path, (const unsigned char *)data, bytes, &length);

        *file = (struct scion_safetensors){ 0 };
        header.data_bytes = good ? bytes - LENGTH_BYTES - length : 0;
        good = good && header_parse(&header, data + LENGTH_BYTES, length) && file_take_header(file, &header);
        scion_file_unmap(data, bytes);
        if (good)
                free(header.entry);
        else
                header_finish(&header);
        return good;
}

bool scion_safetensors_read(const char *path, struct scion_safetensors *file)
{
        size_t bytes = 0;
        char *memory = scion_file_read(path, SIZE_MAX, &bytes);

        *file = (struct scion_safetensors){ 0 };
        return memory && scion_safetensors_parse(path, memory, bytes, file);
}

void scion_safetensors_finish(struct scion_safetensors *file)
{
        for (size_t i = 0; i < file->count; i++)
                free(file->tensor[i].name);
        for (size_t i = 0; i < 2 * file->metadata_count; i++)
                free(file->metadata[i]);
        free(file->tensor);
        free(file->metadata);
        free(file->memory);
        *file = (struct scion_safetensors){ 0 };
}

bool scion_safetensors_note(struct scion_safetensors *file, const char *key, const char *value)
{
        char **larger = realloc(file->metadata, 2 * (file->metadata_count + 1) * sizeof *larger);
        char *pair[2] = { strdup(key), strdup(value) };

        if (larger)
                file->metadata = larger;
        if (!larger || !pair[0] || !pair[1]) {
                free(pair[0]);
                free(pair[1]);
                return scion_fail("out of memory");
        }
        memcpy(larger + 2 * file->metadata_count++, pair, sizeof pair);
        return true;
}

const char *scion_safetensors_noted(const struct scion_safetensors *file, const char *key)
{
        for (size_t i = 0; i < file->metadata_count; i++)
                if (strcmp(file->metadata[2 * i], key) == 0)
                        return file->metadata[2 * i + 1];
        return NULL;
}

/* --- Writing -------------------------------------------------------------------------------------------- */

/* Takes ownership of `value`, and adds it to the object. NULL, a failure of jansson, fails. */
static bool object_add(json_t *object, const char *kind, const char *name, json_t *value)
{
        if (json_object_get(object, name)) {
                json_decref(value);
                return scion_fail("two %ss have the name '%s'", kind, name);
        }
        return !json_object_set_new(object, name, value) ||
               scion_fail("%s '%s': not UTF-8, or memory is out", kind, name);
}

static bool root_add_metadata(json_t *root, const struct scion_safetensors *file)
{
        json_t *object = json_object();

        for (size_t i = 0; i < file->metadata_count; i++)
                if (!object_add(object, "metadata key", file->metadata[2 * i],
                                json_string(file->metadata[2 * i + 1]))) {
                        json_decref(object);
                        return false;
                }
        return object_add(root, "metadata key", METADATA, object);
}

static bool root_add_tensor(json_t *root, const struct scion_safetensor *tensor, uint64_t *end)
{
        json_t *shape = json_array();
        uint64_t begin = *end, bytes;

        if (!strcmp(tensor->name, METADATA) || tensor->shape.ndim < 0 ||
            tensor->shape.ndim > SCION_MAX_DIMS ||
            !shape_count_bytes(&tensor->shape, sizeof(float), &bytes) ||
            bytes > (uint64_t)INT64_MAX - begin) {
                json_decref(shape);
                return scion_fail("tensor '%s': its %s is none that a file can hold", tensor->name,
                                  strcmp(tensor->name, METADATA) ? "shape" : "name");
        }
        for (int i = 0; i < tensor->shape.ndim; i++)
                if (json_array_append_new(shape, json_integer(tensor->shape.dim[i]))) {
                        json_decref(shape);
                        return scion_fail("out of memory");
                }
        *end = begin + bytes;
        /* json_pack() takes `shape`, and makes nothing of nothing; so then does object_add(). */
        return object_add(root, "tensor", tensor->name,
                          json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                                    (json_int_t)begin, (json_int_t)*end));
}

/* Returns the text of the header, padded so that the data is aligned, and sets *length. The caller frees it. NULL, with a
 * message. */
static char *header_create_text(const struct scion_safetensors *file, size_t *length)
{
        json_t *root = json_object();
        uint64_t end = 0;
        size_t used;
        char *text = NULL, *padded;

        if (file->metadata_count && !root_add_metadata(root, file))
                goto done;
        for (size_t i = 0; i < file->count; i++)
                if (!root_add_tensor(root, file->tensor + i, &end))
                        goto done;
        text = json_dumps(root, JSON_COMPACT); /* in the order of insertion */
        used = text ? strlen(text) : 0;
        *length = (used + 7) / 8 * 8;
        padded = text ? realloc(text, *length + 1) : NULL;
        if (!padded) {
                scion_fail("out of memory");
                free(text);
                text = NULL;
                goto done;
        }
        text = padded;
        memset(text + used, ' ', *length - used);
        if (*length > LONGEST_HEADER) {
                scion_fail("its header would be %zu bytes long, and %d are the most", *length,
                           LONGEST_HEADER);
                free(text);
                text = NULL;
        }
done:
        json_decref(root);
        return text;
}

bool scion_safetensors_write(const char *path, const struct scion_safetensors *file)
{
        unsigned char start[LENGTH_BYTES];
        size_t length = 0;
        char *header = header_create_text(file, &length);
        struct scion_file *out = NULL;

        if (!header)
                return scion_fail_prefix("%s", path);
        for (int i = 0; i < LENGTH_BYTES; i++)
                start[i] = (unsigned char)((uint64_t)length >> 8 * i);
        out = scion_file_create(path);
        if (!out || !scion_file_add(out, start, sizeof start) || !scion_file_add(out, header, length))
                goto failed;
        for (size_t i = 0; i < file->count; i++) {
                uint64_t bytes;

                if (shape_count_bytes(&file->tensor[i].shape, sizeof(float), &bytes) &&
                    !scion_file_add(out, file->tensor[i].values, (size_t)bytes))
                        goto failed;
        }
        free(header);
        return scion_file_commit(out);
failed:
        scion_file_discard(out);
        free(header);
        return false;
}
