/*
 * Reads IDX files, the format of MNIST and its successors, plain or compressed by gzip.
 *
 * An IDX file is two zero bytes, a byte for the type of its values, a byte for the number of axes, the length
 * of each axis as 32 bits, and the values, all in big-endian order. Images are unsigned bytes or floats of
 * three axes (count, rows, columns) or four (count, channels, rows, columns); labels are unsigned bytes.
 */
#include <scion/dataset.h>
#include <scion/file.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UNSIGNED_BYTES 0x08
#define FLOATS 0x0D
#define MAX_AXES 4

/* --- An array in a file --------------------------------------------------------------------------------- */

struct array {
        int type;
        int axes;
        uint32_t length[MAX_AXES];
        const unsigned char *values; /* big-endian, in `contents` */
        size_t bytes;                /* of the values */
        const void *contents;        /* of the file, from scion_file_map() */
        size_t contents_bytes;
};

static uint32_t big_endian(const unsigned char *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static size_t header_bytes(const struct array *array)
{
        return 4 + 4 * (size_t)array->axes;
}

static size_t value_bytes(const struct array *array)
{
        return array->type == FLOATS ? sizeof(float) : 1;
}

static const char *type_name(int type)
{
        switch (type) {
        case UNSIGNED_BYTES:
                return "unsigned bytes";
        case 0x09:
                return "signed bytes";
        case 0x0B:
                return "16-bit integers";
        case 0x0C:
                return "32-bit integers";
        case FLOATS:
                return "floats";
        case 0x0E:
                return "doubles";
        default:
                return "values of an unknown type";
        }
}

static bool file_fail_truncated(const char *path, size_t has, size_t expected)
{
        return scion_fail("%s: truncated: it has %zu bytes, %zu expected", path, has, expected);
}

static bool header_check_type(const char *path, const unsigned char *magic, bool images)
{
        int type = magic[2], axes = magic[3];

        if (magic[0] != 0 || magic[1] != 0)
                return scion_fail("%s: not an IDX file: it begins with %02x %02x %02x %02x, 00 00 and a type "
                                  "expected",
                                  path, magic[0], magic[1], magic[2], magic[3]);
        if (type != UNSIGNED_BYTES && !(images && type == FLOATS))
                return scion_fail("%s: holds %s (type 0x%02X); %s are unsigned bytes (0x08)%s", path,
                                  type_name(type), (unsigned)type, images ? "images" : "labels",
                                  images ? " or floats (0x0D)" : "");
        if (!images && axes != 1)
                return scion_fail("%s: has %d axes; labels have one%s", path, axes,
                                  axes == 3 || axes == 4 ? " (are these the images?)" : "");
        if (images && axes != 3 && axes != 4)
                return scion_fail("%s: has %d ax%s; images have three (count, rows, columns) or four (count, "
                                  "channels, rows, columns)%s",
                                  path, axes, axes == 1 ? "is" : "es",
                                  axes == 1 ? " (are these the labels?)" : "");
        return true;
}

/* Reads the header from the first `got` bytes of the file into `array`, except for the values. */
static bool header_read(const char *path, const unsigned char *head, size_t got, bool images,
                        struct array *array)
{
        if (got < 4)
                return got == 0 ? scion_fail("%s: is empty", path) : file_fail_truncated(path, got, 4);
        if (!header_check_type(path, head, images))
                return false;
        array->type = head[2];
        array->axes = head[3];
        if (got < header_bytes(array))
                return file_fail_truncated(path, got, header_bytes(array));

        array->bytes = value_bytes(array);
        for (int i = 0; i < array->axes; i++) {
                uint32_t length = big_endian(head + 4 + (size_t)4 * (size_t)i);

                if (length == 0)
                        return scion_fail("%s: %s", path,
                                          i > 0    ? "its images have no pixels"
                                          : images ? "holds no images"
                                                   : "holds no labels");
                if (length > (SIZE_MAX / 4) / array->bytes)
                        return scion_fail("%s: bad header: its axes are too long for any memory", path);
                array->length[i] = length;
                array->bytes *= length;
        }
        return true;
}

/* Maps a file. Its header gives the expected length; a longer file is refused. */
static bool array_load(const char *path, bool images, struct array *array)
{
        unsigned char head[4 + 4 * MAX_AXES];
        size_t got;

        if (!scion_file_head(path, head, sizeof head, &got) || !header_read(path, head, got, images, array))
                return false;
        size_t header = header_bytes(array), expected = header + array->bytes;

        array->contents = scion_file_map(path, expected, &array->contents_bytes);
        if (!array->contents)
                return false;
        if (array->contents_bytes < expected)
                return file_fail_truncated(path, array->contents_bytes, expected);
        if (memcmp(array->contents, head, header) != 0)
                return scion_fail("%s: changed while it was read", path);
        array->values = (const unsigned char *)array->contents + header;
        return true;
}

/* Copies `bytes` bytes of values from the offset `at`, converted to this machine's byte order. */
static void array_copy_values(const struct array *array, size_t at, size_t bytes, void *out)
{
        if (array->type != FLOATS) {
                memcpy(out, array->values + at, bytes);
                return;
        }
        for (size_t i = 0; i < bytes; i += sizeof(float)) {
                uint32_t bits = big_endian(array->values + at + i);

                memcpy((char *)out + i, &bits, sizeof bits);
        }
}

static void array_unload(struct array *array)
{
        scion_file_unmap(array->contents, array->contents_bytes);
}

/* --- The dataset ---------------------------------------------------------------------------------------- */

struct part {
        struct array images, labels;
};

struct idx {
        const char *root;
        const char *train_images, *train_labels, *test_images, *test_labels;
        int64_t num_classes;
        struct part part[SCION_SPLITS];
        size_t image_bytes;
};

static const struct scion_param params[] = {
        SCION_STRING(struct idx, root, NULL,
                     "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-..., plain "
                     "or .gz"),
        SCION_STRING(struct idx, train_images, NULL,
                     "file of the training images, instead of the one in root"),
        SCION_STRING(struct idx, train_labels, NULL,
                     "file of the training labels, instead of the one in root"),
        SCION_STRING(struct idx, test_images, NULL, "file of the test images, instead of the one in root"),
        SCION_STRING(struct idx, test_labels, NULL, "file of the test labels, instead of the one in root"),
        SCION_INT(struct idx, num_classes, 10,
                  "number of classes; labels are 0 to num_classes - 1; 0: the highest label + 1", .min = 0,
                  .max = 256),
        SCION_PARAMS_END
};

static bool idx_validate(void *self)
{
        const struct idx *idx = self;

        if (idx->root)
                return true;
        if (!idx->train_images && !idx->train_labels)
                return scion_fail("give root, the folder of the files, or train_images and train_labels");
        if (!idx->train_images || !idx->train_labels)
                return scion_fail("train_images and train_labels go together: %s is missing",
                                  idx->train_images ? "train_labels" : "train_images");
        if (!idx->test_images != !idx->test_labels)
                return scion_fail("test_images and test_labels go together: %s is missing",
                                  idx->test_images ? "test_labels" : "test_images");
        return true;
}

/* Finds a file in root by its usual names: "train-images" with 3 axes is train-images-idx3-ubyte. Returns its path,
 * which the caller frees. */
static char *root_find(const char *root, const char *stem, int axes)
{
        static const char *const spellings[] = { "%s/%s-idx%d-ubyte", "%s/%s.idx%d-ubyte",
                                                 "%s/%s-idx%d-ubyte.gz", "%s/%s.idx%d-ubyte.gz" };
        size_t room = strlen(root) + strlen(stem) + 32;
        char *path = malloc(room);
        struct stat status;

        if (!path)
                return scion_fail_null("out of memory");
        if (stat(root, &status) < 0) {
                scion_fail("root: %s: %s", root, strerror(errno));
                goto fail;
        }
        if (!S_ISDIR(status.st_mode)) {
                scion_fail("root: %s: is not a directory", root);
                goto fail;
        }
        for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
                snprintf(path, room, spellings[i], root, stem, axes);
                /* Other errors are reported when the file is opened. */
                if (stat(path, &status) == 0 || errno != ENOENT)
                        return path;
        }
        scion_fail("%s: no %s: looked for %s-idx%d-ubyte, %s.idx%d-ubyte, and the same with .gz", root, stem,
                   stem, axes, stem, axes);
fail:
        free(path);
        return NULL;
}

static bool array_load_named(const struct idx *idx, const char *given, const char *stem, bool images,
                             struct array *array)
{
        if (given)
                return array_load(given, images, array);
        char *path = root_find(idx->root, stem, images ? 3 : 1);
        bool good = path && array_load(path, images, array);

        free(path);
        return good;
}

static bool part_load(struct idx *idx, enum scion_split split)
{
        struct part *part = &idx->part[split];
        bool train = split == SCION_TRAIN;
        const char *images = train ? idx->train_images : idx->test_images;
        const char *labels = train ? idx->train_labels : idx->test_labels;

        /* The labels first: they are small, so that a wrong root is noticed quickly. */
        if (!array_load_named(idx, labels, train ? "train-labels" : "t10k-labels", false, &part->labels) ||
            !array_load_named(idx, images, train ? "train-images" : "t10k-images", true, &part->images))
                return false;
        if (part->images.length[0] != part->labels.length[0])
                return scion_fail("%s: %u images, but %u labels", train ? "train" : "test",
                                  part->images.length[0], part->labels.length[0]);
        return true;
}

static bool images_check_alike(const struct array *train, const struct array *test)
{
        if (train->type != test->type)
                return scion_fail("the training images are %s, the test images are %s",
                                  type_name(train->type), type_name(test->type));
        if (train->axes == test->axes && memcmp(train->length + 1, test->length + 1,
                                                (size_t)(train->axes - 1) * sizeof train->length[0]) == 0)
                return true;

        const struct array *both[2] = { train, test };
        char text[2][48];

        for (int i = 0; i < 2; i++) {
                size_t used = 0;

                for (int axis = 1; axis < both[i]->axes; axis++)
                        used += (size_t)snprintf(text[i] + used, sizeof text[i] - used, "%s%u",
                                                 axis > 1 ? "x" : "", both[i]->length[axis]);
        }
        return scion_fail("the training images are %s, the test images are %s", text[0], text[1]);
}

static bool labels_check(struct idx *idx, int64_t *classes)
{
        int64_t highest = 0;

        for (int split = 0; split < SCION_SPLITS; split++) {
                const struct array *labels = &idx->part[split].labels;

                for (size_t i = 0; i < labels->bytes; i++) {
                        int64_t label = labels->values[i];

                        if (idx->num_classes > 0 && label >= idx->num_classes)
                                return scion_fail(
                                        "%s: label %lld of example %zu is out of range: num_classes is %lld, "
                                        "so labels are 0 to %lld",
                                        split == SCION_TRAIN ? "train" : "test", (long long)label, i,
                                        (long long)idx->num_classes, (long long)idx->num_classes - 1);
                        if (label > highest)
                                highest = label;
                }
        }
        *classes = idx->num_classes > 0 ? idx->num_classes : highest + 1;
        return true;
}

static bool idx_open(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        struct idx *idx = self;
        const struct array *images = &idx->part[SCION_TRAIN].images;
        bool test = idx->root || idx->test_images;

        (void)seed;
        if (!part_load(idx, SCION_TRAIN) || (test && !part_load(idx, SCION_TEST)))
                return false;
        if (test && !images_check_alike(images, &idx->part[SCION_TEST].images))
                return false;
        if (!labels_check(idx, &info->classes))
                return false;
        idx->image_bytes = images->bytes / images->length[0];
        info->element = images->type == FLOATS ? SCION_F32 : SCION_U8;
        info->shape = images->axes == 3
                              ? SCION_SHAPE(1, images->length[1], images->length[2])
                              : SCION_SHAPE(images->length[1], images->length[2], images->length[3]);
        info->size[SCION_TRAIN] = images->length[0];
        info->size[SCION_TEST] = idx->part[SCION_TEST].images.length[0];
        return true;
}

static bool idx_read(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        const struct idx *idx = self;
        const struct part *part = &idx->part[split];
        int32_t label = part->labels.values[index];

        if (input)
                array_copy_values(&part->images, (size_t)index * idx->image_bytes, idx->image_bytes, input);
        memcpy(target, &label, sizeof label);
        return true;
}

static void idx_finish(void *self)
{
        struct idx *idx = self;

        for (int split = 0; split < SCION_SPLITS; split++) {
                array_unload(&idx->part[split].images);
                array_unload(&idx->part[split].labels);
        }
}

/* clang-format off */
SCION_PLUGIN_DATASET("idx",
        .summary   = "images and labels in IDX files, the format of MNIST and Fashion-MNIST",
        .reference = "LeCun, Cortes, Burges. The MNIST database of handwritten digits. yann.lecun.com/exdb/mnist",
        .params    = params,
        .size      = sizeof(struct idx),
        .validate  = idx_validate,
        .finish    = idx_finish,
        .open      = idx_open,
        .read      = idx_read);
