/*
 * The MNIST family's files: IDX, plain or compressed by gzip.
 *
 * An IDX file is two zero bytes, a byte for the type of its values, a byte for the number of axes, the length
 * of each axis as 32 bits, and the values, all in big-endian order. Images are unsigned bytes or floats of
 * three axes (count, rows, columns) or four (count, channels, rows, columns); labels are unsigned bytes.
 */
#include <scion/dataset.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define UNSIGNED_BYTES 0x08
#define FLOATS 0x0D
#define MAX_AXES 4
#define INPUT ((size_t)256 << 10)

/* Deflate makes no more than this of one byte (zlib's technical notes: 1032). */
#define HIGHEST_RATIO 1032

/* --- A file, plain or compressed ---------------------------------------------------------------------- */

struct file {
        const char *path;
        int fd;
        uint64_t size; /* on the disk */
        bool gzip;
        bool ended; /* the last gzip member is whole */
        z_stream stream;
        unsigned char *input; /* of the stream; INPUT bytes */
};

static void close_file(struct file *file)
{
        if (file->gzip)
                inflateEnd(&file->stream);
        free(file->input);
        if (file->fd >= 0)
                close(file->fd);
}

/* Reads until `want` bytes are there or the file ends. -1, with a message, when it cannot be read. */
static ssize_t read_plain(struct file *file, unsigned char *out, size_t want)
{
        size_t got = 0;

        while (got < want) {
                ssize_t n = read(file->fd, out + got, want - got);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        scion_fail("%s: %s", file->path, strerror(errno));
                        return -1;
                }
                if (n == 0)
                        break;
                got += (size_t)n;
        }
        return (ssize_t)got;
}

static bool fill_input(struct file *file)
{
        ssize_t n = read_plain(file, file->input, INPUT);

        if (n < 0)
                return false;
        file->stream.next_in = file->input;
        file->stream.avail_in = (uInt)n;
        return true;
}

/* After the end of a gzip member: another one, the end of the file, or something that does not belong. */
static bool next_member(struct file *file)
{
        if (file->stream.avail_in == 0 && !fill_input(file))
                return false;
        if (file->stream.avail_in == 0) {
                file->ended = true;
                return true;
        }
        if (file->stream.next_in[0] != 0x1f)
                return scion_fail("%s: bytes that are no gzip data after the end of its gzip data",
                                  file->path);
        inflateReset(&file->stream);
        return true;
}

/* The same as read_plain(), inflated straight into the caller's memory. */
static ssize_t read_gzip(struct file *file, unsigned char *out, size_t want)
{
        z_stream *z = &file->stream;
        size_t got = 0;

        while (got < want && !file->ended) {
                size_t room = want - got < ((size_t)1 << 30) ? want - got : (size_t)1 << 30;

                if (z->avail_in == 0 && !fill_input(file))
                        return -1;
                if (z->avail_in == 0) {
                        scion_fail("%s: truncated gzip data: it ends after %llu inflated bytes, in the "
                                   "middle",
                                   file->path, (unsigned long long)z->total_out);
                        return -1;
                }
                z->next_out = out + got;
                z->avail_out = (uInt)room;
                int status = inflate(z, Z_NO_FLUSH);

                got += room - z->avail_out;
                if (status == Z_STREAM_END) {
                        if (!next_member(file))
                                return -1;
                } else if (status != Z_OK) {
                        scion_fail("%s: bad gzip data: %s", file->path, z->msg ? z->msg : zError(status));
                        return -1;
                }
        }
        return (ssize_t)got;
}

static ssize_t read_file(struct file *file, unsigned char *out, size_t want)
{
        return file->gzip ? read_gzip(file, out, want) : read_plain(file, out, want);
}

/* What a file is, its first bytes say, not its name. */
static bool open_file(struct file *file, const char *path)
{
        struct stat status;
        unsigned char first[2];

        *file = (struct file){ .path = path, .fd = -1 };
        if (stat(path, &status) < 0)
                return scion_fail("%s: %s", path, strerror(errno));
        if (!S_ISREG(status.st_mode))
                return scion_fail("%s: %s", path,
                                  S_ISDIR(status.st_mode) ? "is a directory, not a file" : "is not a file");
        file->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (file->fd < 0)
                return scion_fail("%s: %s", path, strerror(errno));
        file->size = (uint64_t)status.st_size;
        ssize_t got = read_plain(file, first, sizeof first);

        if (got < 0)
                return false;
        if (lseek(file->fd, 0, SEEK_SET) < 0)
                return scion_fail("%s: %s", path, strerror(errno));
        if (got < 2 || first[0] != 0x1f || first[1] != 0x8b)
                return true;
        file->input = malloc(INPUT);
        if (!file->input || inflateInit2(&file->stream, 16 + MAX_WBITS) != Z_OK)
                return scion_fail("%s: out of memory", path);
        file->gzip = true;
        return true;
}

/* --- An array out of a file --------------------------------------------------------------------------- */

struct array {
        int type;
        int axes;
        uint32_t length[MAX_AXES];
        size_t bytes;
        unsigned char *values;
};

static uint32_t big_endian(const unsigned char *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
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

static bool truncated(const struct file *file, size_t has, size_t expected)
{
        return scion_fail("%s: truncated: it has %zu bytes, %zu expected", file->path, has, expected);
}

static bool check_type(const char *path, const unsigned char *magic, bool images)
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

/* Reads the header into `array`, all but the values, and says how many bytes the file must have. */
static bool read_header(struct file *file, struct array *array, bool images, size_t *expected)
{
        unsigned char magic[4], lengths[4 * MAX_AXES];
        ssize_t got = read_file(file, magic, sizeof magic);

        if (got < 0)
                return false;
        if (got < (ssize_t)sizeof magic)
                return got == 0 ? scion_fail("%s: is empty", file->path)
                                : truncated(file, (size_t)got, sizeof magic);
        if (!check_type(file->path, magic, images))
                return false;
        array->type = magic[2];
        array->axes = magic[3];
        got = read_file(file, lengths, 4 * (size_t)array->axes);
        if (got < 0)
                return false;
        if (got < 4 * array->axes)
                return truncated(file, 4 + (size_t)got, 4 + 4 * (size_t)array->axes);

        array->bytes = array->type == FLOATS ? sizeof(float) : 1;
        for (int i = 0; i < array->axes; i++) {
                uint32_t length = big_endian(lengths + (size_t)4 * (size_t)i);

                if (length == 0)
                        return scion_fail("%s: %s", file->path,
                                          i > 0    ? "its images have no pixels"
                                          : images ? "holds no images"
                                                   : "holds no labels");
                if (length > (SIZE_MAX / 4) / array->bytes)
                        return scion_fail("%s: bad header: its axes are too long for any memory", file->path);
                array->length[i] = length;
                array->bytes *= length;
        }
        *expected = 4 + 4 * (size_t)array->axes + array->bytes;
        return true;
}

/* What the header claims is believed as far as the file's size allows; of a compressed file, memory grows
 * as it inflates. */
static bool read_values(struct file *file, struct array *array, size_t expected)
{
        size_t header = expected - array->bytes, got = 0, room = array->bytes;

        if (!file->gzip && file->size < expected)
                return truncated(file, (size_t)file->size, expected);
        if (!file->gzip && file->size > expected)
                return scion_fail("%s: too long: it has %llu bytes, %zu expected", file->path,
                                  (unsigned long long)file->size, expected);
        if (file->gzip && room / HIGHEST_RATIO > file->size)
                return scion_fail("%s: truncated: its %llu compressed bytes cannot hold the %zu expected",
                                  file->path, (unsigned long long)file->size, expected);
        if (file->gzip && room > 4 * file->size + INPUT)
                room = 4 * (size_t)file->size + INPUT;
        while (got < array->bytes) {
                unsigned char *values = realloc(array->values, room);

                if (!values)
                        return scion_fail("%s: out of memory for %zu bytes", file->path, room);
                array->values = values;
                ssize_t n = read_file(file, values + got, room - got);

                if (n < 0)
                        return false;
                got += (size_t)n;
                if (got < room)
                        return truncated(file, header + got, expected);
                room = array->bytes / 2 < room ? array->bytes : 2 * room;
        }
        return true;
}

static bool check_end(struct file *file, size_t expected)
{
        unsigned char more;
        ssize_t n = read_file(file, &more, 1);

        if (n < 0)
                return false;
        return n == 0 ||
               scion_fail("%s: too long: it has more than the %zu bytes expected", file->path, expected);
}

static void floats_to_host(struct array *array)
{
        for (size_t i = 0; i < array->bytes; i += sizeof(float)) {
                uint32_t bits = big_endian(array->values + i);

                memcpy(array->values + i, &bits, sizeof bits);
        }
}

static bool load(const char *path, bool images, struct array *array)
{
        struct file file;
        size_t expected = 0;
        bool good = open_file(&file, path) && read_header(&file, array, images, &expected) &&
                    read_values(&file, array, expected) && check_end(&file, expected);

        close_file(&file);
        if (good && array->type == FLOATS)
                floats_to_host(array);
        return good;
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
        SCION_STRING(
                struct idx, root, NULL,
                "folder of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-..., plain or .gz"),
        SCION_STRING(struct idx, train_images, NULL,
                     "file of the training images, instead of the one in root"),
        SCION_STRING(struct idx, train_labels, NULL,
                     "file of the training labels, instead of the one in root"),
        SCION_STRING(struct idx, test_images, NULL, "file of the test images, instead of the one in root"),
        SCION_STRING(struct idx, test_labels, NULL, "file of the test labels, instead of the one in root"),
        SCION_INT(struct idx, num_classes, 10, "labels are 0 to one less; 0: as many as the labels say",
                  .min = 0, .max = 256),
        SCION_PARAMS_END
};

static bool validate(void *self)
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

/* The path of a file in root under one of the names it goes by: "train-images" and 3 axes are
 * train-images-idx3-ubyte. The caller frees it. */
static char *find(const char *root, const char *stem, int axes)
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
                /* Whatever else is wrong with it, opening it will say. */
                if (stat(path, &status) == 0 || errno != ENOENT)
                        return path;
        }
        scion_fail("%s: no %s: looked for %s-idx%d-ubyte, %s.idx%d-ubyte, and the same with .gz", root, stem,
                   stem, axes, stem, axes);
fail:
        free(path);
        return NULL;
}

static bool load_named(const struct idx *idx, const char *given, const char *stem, bool images,
                       struct array *array)
{
        if (given)
                return load(given, images, array);
        char *path = find(idx->root, stem, images ? 3 : 1);
        bool good = path && load(path, images, array);

        free(path);
        return good;
}

static bool load_part(struct idx *idx, enum scion_split split)
{
        struct part *part = &idx->part[split];
        bool train = split == SCION_TRAIN;
        const char *images = train ? idx->train_images : idx->test_images;
        const char *labels = train ? idx->train_labels : idx->test_labels;

        /* The labels first: they are small, and tell a wrong root at once. */
        if (!load_named(idx, labels, train ? "train-labels" : "t10k-labels", false, &part->labels) ||
            !load_named(idx, images, train ? "train-images" : "t10k-images", true, &part->images))
                return false;
        if (part->images.length[0] != part->labels.length[0])
                return scion_fail("%s: %u images, but %u labels", train ? "train" : "test",
                                  part->images.length[0], part->labels.length[0]);
        return true;
}

static bool check_alike(const struct array *train, const struct array *test)
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

static bool check_labels(struct idx *idx, int64_t *classes)
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

static bool open_idx(void *self, uint64_t seed, struct scion_dataset_info *info)
{
        struct idx *idx = self;
        const struct array *images = &idx->part[SCION_TRAIN].images;
        bool test = idx->root || idx->test_images;

        (void)seed;
        if (!load_part(idx, SCION_TRAIN) || (test && !load_part(idx, SCION_TEST)))
                return false;
        if (test && !check_alike(images, &idx->part[SCION_TEST].images))
                return false;
        if (!check_labels(idx, &info->classes))
                return false;
        idx->image_bytes = images->bytes / images->length[0];
        info->element = images->type == FLOATS ? SCION_REALS : SCION_BYTES;
        info->shape = images->axes == 3
                              ? SCION_SHAPE(1, images->length[1], images->length[2])
                              : SCION_SHAPE(images->length[1], images->length[2], images->length[3]);
        info->size[SCION_TRAIN] = images->length[0];
        info->size[SCION_TEST] = idx->part[SCION_TEST].images.length[0];
        return true;
}

static bool read_idx(void *self, enum scion_split split, int64_t index, void *input, void *target)
{
        const struct idx *idx = self;
        const struct part *part = &idx->part[split];
        int32_t label = part->labels.values[index];

        if (input)
                memcpy(input, part->images.values + (size_t)index * idx->image_bytes, idx->image_bytes);
        memcpy(target, &label, sizeof label);
        return true;
}

static void finish(void *self)
{
        struct idx *idx = self;

        for (int split = 0; split < SCION_SPLITS; split++) {
                free(idx->part[split].images.values);
                free(idx->part[split].labels.values);
        }
}

/* clang-format off */
SCION_PLUGIN_DATASET("idx",
        .summary   = "images and labels in IDX files, as MNIST and Fashion-MNIST come in",
        .reference = "LeCun, Cortes, Burges. The MNIST database of handwritten digits. yann.lecun.com/exdb/mnist",
        .params    = params,
        .size      = sizeof(struct idx),
        .validate  = validate,
        .finish    = finish,
        .open      = open_idx,
        .read      = read_idx);
