#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "data_support.h"

/* --- A folder of files, created for each test ----------------------------------------------------------- */

static char folder[64];

static const char *const names[] = { "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                     "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" };

static const char *in_folder(const char *name)
{
        static char path[4][256];
        static int turn;

        turn = (turn + 1) % 4;
        snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
        return path[turn];
}

static const char *const others[] = { "train-images-idx3-ubyte.gz",
                                      "train-labels-idx1-ubyte.gz",
                                      "t10k-images-idx3-ubyte.gz",
                                      "t10k-labels-idx1-ubyte.gz",
                                      "train-images.idx3-ubyte",
                                      "train-labels.idx1-ubyte",
                                      "t10k-images.idx3-ubyte",
                                      "t10k-labels.idx1-ubyte.gz",
                                      "a",
                                      "b" };

static void clear_folder(void)
{
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                remove(in_folder(names[i]));
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
                remove(in_folder(others[i]));
}

static int make_folder(void **state)
{
        (void)state;
        snprintf(folder, sizeof folder, "/tmp/scion-idx-XXXXXX");
        return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
        (void)state;
        clear_folder();
        return rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t count)
{
        FILE *file = fopen(in_folder(name), "wb");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, count, file), count);
        assert_int_equal(fclose(file), 0);
}

static void write_gzip(const char *name, const void *bytes, size_t count)
{
        gzFile file = gzopen(in_folder(name), "wb");

        assert_non_null(file);
        assert_int_equal(gzwrite(file, bytes, (unsigned)count), count);
        assert_int_equal(gzclose(file), Z_OK);
}

static size_t read_back(const char *name, unsigned char *bytes, size_t room)
{
        FILE *file = fopen(in_folder(name), "rb");

        assert_non_null(file);
        size_t count = fread(bytes, 1, room, file);

        assert_true(count < room);
        fclose(file);
        return count;
}

/* --- IDX files ------------------------------------------------------------------------------------------ */

struct idx {
        unsigned char bytes[8192];
        size_t count;
};

/* A header: the type, and the axes' lengths up to a 0. */
static struct idx idx(int type, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
        const uint32_t length[4] = { a, b, c, d };
        struct idx idx = { .bytes = { 0, 0, (unsigned char)type, 0 }, .count = 4 };

        for (int axis = 0; axis < 4 && length[axis] > 0; axis++, idx.bytes[3]++)
                for (int shift = 24; shift >= 0; shift -= 8)
                        idx.bytes[idx.count++] = (unsigned char)(length[axis] >> shift);
        return idx;
}

static unsigned char pixel(size_t i)
{
        return (unsigned char)(i * 37 + i / 11);
}

static struct idx images(uint32_t count, uint32_t rows, uint32_t columns)
{
        struct idx file = idx(0x08, count, rows, columns, 0);

        for (size_t i = 0; i < (size_t)count * rows * columns; i++)
                file.bytes[file.count++] = pixel(i);
        return file;
}

static struct idx labels(uint32_t count)
{
        struct idx file = idx(0x08, count, 0, 0, 0);

        for (size_t i = 0; i < count; i++)
                file.bytes[file.count++] = (unsigned char)(i * 3 % 10);
        return file;
}

/* 30 training images of 5 rows and 4 columns, 12 test images. */
static void write_all(void (*write)(const char *name, const void *bytes, size_t count),
                      const char *const file[4])
{
        struct idx part[4] = { images(30, 5, 4), labels(30), images(12, 5, 4), labels(12) };

        clear_folder();
        for (int i = 0; i < 4; i++)
                write(file[i], part[i].bytes, part[i].count);
}

static void check_all(struct scion_data *data)
{
        struct scion_shape shape = scion_data_shape(data);

        assert_true(scion_shape_equal(&shape, &SCION_SHAPE(1, 5, 4)));
        assert_int_equal(scion_data_classes(data), 10);
        for (int split = 0; split < SCION_SPLITS; split++) {
                struct scion_batches *batches = scion_batches_create(data, (enum scion_split)split, 64);
                struct scion_batch batch;

                assert_int_equal(scion_data_size(data, (enum scion_split)split), split == SCION_TRAIN  ? 30
                                                                                 : split == SCION_TEST ? 12
                                                                                                       : 0);
                while (scion_batches_next(batches, &batch) == SCION_NEXT_BATCH) {
                        for (int64_t i = 0; i < batch.size; i++)
                                assert_int_equal(scion_data_i32(batch.labels)[i], i * 3 % 10);
                        for (int64_t i = 0; i < batch.size * 20; i++)
                                assert_float_equal(scion_data(batch.inputs)[i], pixel((size_t)i) / 255.0,
                                                   1e-7);
                        scion_tape_reset(tape);
                }
                scion_batches_destroy(batches);
        }
        scion_data_close(data);
}

/* --- Valid files ---------------------------------------------------------------------------------------- */

static void plain_and_compressed(void **state)
{
        (void)state;
        write_all(write_file, names);
        check_all(OPEN_DATA(1, "use: idx\nroot: %s\n", folder));
        write_all(write_gzip, others);
        check_all(OPEN_DATA(1, "use: idx\nroot: %s\n", folder));
        /* The content decides whether a file is compressed, not its name. */
        write_all(write_gzip, names);
        check_all(OPEN_DATA(1, "use: idx\nroot: %s/\n", folder));
        /* With a dot, as LeCun's own names are written on some systems. */
        write_all(write_file, others + 4);
        check_all(OPEN_DATA(1, "use: idx\nroot: %s\n", folder));
}

static void explicit_paths(void **state)
{
        (void)state;
        write_all(write_file, names);
        check_all(OPEN_DATA(
                1, "use: idx\ntrain_images: %s\ntrain_labels: %s\ntest_images: %s\ntest_labels: %s\n",
                in_folder(names[0]), in_folder(names[1]), in_folder(names[2]), in_folder(names[3])));

        /* Without a test split. */
        struct scion_data *data = OPEN_DATA(1, "use: idx\ntrain_images: %s\ntrain_labels: %s\n",
                                            in_folder(names[0]), in_folder(names[1]));

        assert_int_equal(scion_data_size(data, SCION_TEST), 0);
        scion_data_close(data);

        /* A path relative to the current directory, instead of one below root. */
        int before = open(".", O_RDONLY | O_DIRECTORY);

        assert_int_equal(rename(in_folder(names[3]), in_folder("a")), 0);
        assert_int_equal(chdir(folder), 0);
        check_all(OPEN_DATA(1, "use: idx\nroot: .\ntest_labels: a\n"));
        assert_int_equal(fchdir(before), 0);
        close(before);
}

static void number_of_classes(void **state)
{
        struct idx few = idx(0x08, 30, 0, 0, 0);

        (void)state;
        for (int i = 0; i < 30; i++)
                few.bytes[few.count++] = (unsigned char)(i % 7);
        write_all(write_file, names);
        write_file(names[1], few.bytes, few.count);

        struct scion_data *highest = OPEN_DATA(1, "use: idx\nroot: %s\nnum_classes: 0\n", folder);
        struct scion_data *train =
                OPEN_DATA(1, "use: idx\nnum_classes: 0\ntrain_images: %s\ntrain_labels: %s\n",
                          in_folder(names[0]), in_folder(names[1]));
        struct scion_data *more = OPEN_DATA(1, "use: idx\nroot: %s\nnum_classes: 26\n", folder);

        assert_int_equal(scion_data_classes(highest), 10); /* the test labels go to 9 */
        assert_int_equal(scion_data_classes(train), 7);
        assert_int_equal(scion_data_classes(more), 26);
        scion_data_close(highest);
        scion_data_close(train);
        scion_data_close(more);
}

static void channels_and_floats(void **state)
{
        static const float values[12] = { 0, 1, -1, 0.5f, 1e30f, -1e-30f, 3.14159f, 2, 7, 8, 9, 10 };
        struct idx file = idx(0x0D, 2, 3, 1, 2), two = labels(2);

        (void)state;
        for (int i = 0; i < 12; i++) {
                uint32_t bits;

                memcpy(&bits, &values[i], sizeof bits);
                for (int shift = 24; shift >= 0; shift -= 8)
                        file.bytes[file.count++] = (unsigned char)(bits >> shift);
        }
        clear_folder();
        write_gzip("a", file.bytes, file.count);
        write_file("b", two.bytes, two.count);

        struct scion_data *data = OPEN_DATA(1, "use: idx\ntrain_images: %s\ntrain_labels: %s\n",
                                            in_folder("a"), in_folder("b"));
        struct scion_batches *batches = scion_batches_create(data, SCION_TRAIN, 2);
        struct scion_batch batch;
        struct scion_shape shape = scion_data_shape(data);

        assert_true(scion_shape_equal(&shape, &SCION_SHAPE(3, 1, 2)));
        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        assert_memory_equal(scion_data(batch.inputs), values, sizeof values);
        scion_tape_reset(tape);
        scion_batches_destroy(batches);
        scion_data_close(data);
}

/* Concatenated gzip files have the content of both. */
static void joined_gzip(void **state)
{
        struct idx part = images(30, 5, 4);
        unsigned char bytes[8192];

        (void)state;
        write_all(write_file, names);
        write_gzip("a", part.bytes, 100);
        write_gzip("b", part.bytes + 100, part.count - 100);
        size_t count = read_back("a", bytes, sizeof bytes);

        count += read_back("b", bytes + count, sizeof bytes - count);
        write_file(names[0], bytes, count);
        check_all(OPEN_DATA(1, "use: idx\nroot: %s\n", folder));
}

/* --- Invalid files -------------------------------------------------------------------------------------- */

/* Checks that opening the folder fails with a message that has the dataset's place, the file's name and the text. */
static void refused(const char *name, const char *text)
{
        scion_error_clear();
        struct scion_data *data = open_data(1, "use: idx\nroot: %s\n", folder);

        if (data)
                fail_msg("%s was taken; \"%s\" expected", name, text);
        assert_error_has("test.yaml:1:6: dataset 'idx': ", name, text, NULL);
}

/* Replaces the training images by a file, uncompressed and compressed, and expects the same failure of both. */
static void refused_both(const struct idx *file, const char *text)
{
        write_all(write_file, names);
        write_file(names[0], file->bytes, file->count);
        refused(in_folder(names[0]), text);
        write_gzip(names[0], file->bytes, file->count);
        refused(in_folder(names[0]), text);
}

static void missing_files(void **state)
{
        (void)state;
        for (int i = 0; i < 4; i++) {
                char stem[32];

                snprintf(stem, sizeof stem, "no %.*s:", (int)(strstr(names[i], "-idx") - names[i]), names[i]);
                write_all(write_file, names);
                remove(in_folder(names[i]));
                refused(folder, stem);
                assert_error_has(names[i], "the same with .gz", NULL);
        }
        assert_null(open_data(1, "use: idx\nroot: /nonexistent/mnist\n"));
        assert_error_has("test.yaml:1:6", "root: /nonexistent/mnist: No such file or directory", NULL);
        assert_null(open_data(1, "use: idx\nroot: %s\n", in_folder(names[0])));
        assert_error_has("test.yaml:1:6", "is not a directory", NULL);
        assert_null(open_data(1, "use: idx\ntrain_images: /nonexistent/a\ntrain_labels: %s\n",
                              in_folder(names[1])));
        assert_error_has("test.yaml:1:6", "/nonexistent/a: No such file or directory", NULL);
}

static void missing_parameters(void **state)
{
        (void)state;
        assert_null(open_data(1, "use: idx\n"));
        assert_error_has("test.yaml:1:", "give root", NULL);
        assert_null(open_data(1, "use: idx\ntrain_images: a\n"));
        assert_error_has("test.yaml:1:", "train_labels is missing", NULL);
        assert_null(open_data(1, "use: idx\ntrain_images: a\ntrain_labels: b\ntest_labels: c\n"));
        assert_error_has("test.yaml:1:", "test_images is missing", NULL);
        assert_null(open_data(1, "use: idx\nroot: x\nnum_classes: 257\n"));
        assert_error_has("test.yaml:3:14", "num_classes", NULL);
}

static void bad_headers(void **state)
{
        struct idx file;

        (void)state;
        file = images(30, 5, 4);
        file.bytes[0] = 'P';
        refused_both(&file, "not an IDX file: it begins with 50 00 08 03");
        file = images(30, 5, 4);
        file.bytes[2] = 0x0E;
        refused_both(&file, "holds doubles (type 0x0E); images are unsigned bytes (0x08) or floats (0x0D)");
        file.bytes[2] = 0x42;
        refused_both(&file, "holds values of an unknown type (type 0x42)");
        file = idx(0x08, 30, 20, 0, 0);
        refused_both(&file, "has 2 axes; images have three");
        file = labels(30);
        refused_both(&file, "are these the labels?");
        file.count = 3;
        refused_both(&file, "truncated: it has 3 bytes, 4 expected");
        file = images(30, 5, 4);
        file.count = 11;
        refused_both(&file, "truncated: it has 11 bytes, 16 expected");

        /* Errors of label files. */
        write_all(write_file, names);
        file = images(30, 5, 4);
        write_file(names[1], file.bytes, file.count);
        refused(in_folder(names[1]), "are these the images?");
        file = idx(0x0D, 30, 0, 0, 0);
        write_file(names[1], file.bytes, file.count);
        refused(in_folder(names[1]), "holds floats (type 0x0D); labels are unsigned bytes (0x08)");
}

static void wrong_lengths(void **state)
{
        struct idx file = images(30, 5, 4);

        (void)state;
        file.count = 0;
        refused_both(&file, "is empty");
        file.count = 16;
        refused_both(&file, "truncated: it has 16 bytes, 616 expected");
        file.count = 615;
        refused_both(&file, "truncated: it has 615 bytes, 616 expected");
        file.count = 617;
        write_all(write_file, names);
        write_file(names[0], file.bytes, file.count);
        refused(in_folder(names[0]), "too long: it has 617 bytes, 616 expected");
        write_gzip(names[0], file.bytes, file.count);
        refused(in_folder(names[0]), "too long: it has more than the 616 bytes expected");

        file = images(1, 5, 4);
        memset(file.bytes + 4, 0, 4);
        refused_both(&file, "holds no images");
        file = images(30, 5, 4);
        memset(file.bytes + 8, 0, 4);
        refused_both(&file, "its images have no pixels");

        write_all(write_file, names);
        file = labels(1);
        memset(file.bytes + 4, 0, 4);
        write_file(names[3], file.bytes, file.count);
        refused(in_folder(names[3]), "holds no labels");
}

/* A size that is only claimed by a header allocates no memory. */
static void absurd_sizes(void **state)
{
        struct idx file = idx(0x0D, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX);

        (void)state;
        refused_both(&file, "its axes are too long for any memory");
        file = idx(0x08, 1 << 30, 1 << 30, 1, 0);
        refused_both(&file, "truncated: ");
        file = idx(0x08, 1 << 20, 1 << 10, 1 << 10, 0);
        refused_both(&file, "truncated: ");
}

static void counts_and_shapes(void **state)
{
        struct idx file = labels(29);

        (void)state;
        write_all(write_file, names);
        write_file(names[1], file.bytes, file.count);
        refused("train: ", "30 images, but 29 labels");
        write_all(write_file, names);
        file = images(13, 5, 4);
        write_file(names[2], file.bytes, file.count);
        refused("test: ", "13 images, but 12 labels");
        write_all(write_file, names);
        file = images(12, 4, 5);
        write_file(names[2], file.bytes, file.count);
        refused("the training images are 5x4", "the test images are 4x5");
        file = idx(0x0D, 12, 5, 4, 0);
        file.count += 12 * 5 * 4 * 4;
        write_file(names[2], file.bytes, file.count);
        refused("the training images are unsigned bytes", "the test images are floats");
}

static void labels_out_of_range(void **state)
{
        struct idx file = labels(12);

        (void)state;
        write_all(write_file, names);
        file.bytes[8 + 4] = 10;
        write_file(names[3], file.bytes, file.count);
        refused("test: ", "label 10 of example 4 is out of range: num_classes is 10, so labels are 0 to 9");
        assert_null(open_data(1, "use: idx\nroot: %s\nnum_classes: 4\n", folder));
        assert_error_has("train: label 6 of example 2 is out of range", "labels are 0 to 3", NULL);
}

static void bad_gzip(void **state)
{
        struct idx part = images(30, 5, 4);
        unsigned char bytes[8192];

        (void)state;
        write_all(write_file, names);
        write_gzip(names[0], part.bytes, part.count);
        size_t count = read_back(names[0], bytes, sizeof bytes - 16);

        /* Truncated in the header, in the data, and in the checksum at the end. */
        for (size_t cut = 2; cut < count; cut += cut < 20 || cut > count - 10 ? 1 : 29) {
                write_file(names[0], bytes, cut);
                refused(in_folder(names[0]), "truncated gzip data");
        }
        bytes[count - 8] ^= 1;
        write_file(names[0], bytes, count);
        refused(in_folder(names[0]), "bad gzip data: incorrect data check");
        bytes[count - 8] ^= 1;
        bytes[count - 1] ^= 1;
        write_file(names[0], bytes, count);
        refused(in_folder(names[0]), "bad gzip data: incorrect length check");
        bytes[count - 1] ^= 1;
        bytes[2] = 7;
        write_file(names[0], bytes, count);
        refused(in_folder(names[0]), "bad gzip data: unknown compression method");
        bytes[2] = 8;
        bytes[10] = 0xff;
        write_file(names[0], bytes, count);
        refused(in_folder(names[0]), "bad gzip data: invalid block type");

        write_gzip(names[0], part.bytes, part.count);
        count = read_back(names[0], bytes, sizeof bytes - 16);
        memcpy(bytes + count, "end", 3);
        write_file(names[0], bytes, count + 3);
        refused(in_folder(names[0]), "after the end of its gzip data");
        check_all((write_file(names[0], bytes, count), OPEN_DATA(1, "use: idx\nroot: %s\n", folder)));
}

static void no_files_at_all(void **state)
{
        (void)state;
        write_all(write_file, names);
        remove(in_folder(names[2]));
        assert_int_equal(mkdir(in_folder(names[2]), 0700), 0);
        refused(in_folder(names[2]), "is a directory, not a file");
        rmdir(in_folder(names[2]));
        assert_int_equal(mkfifo(in_folder(names[2]), 0600), 0);
        refused(in_folder(names[2]), "is not a file");
        remove(in_folder(names[2]));
        assert_int_equal(symlink(names[2], in_folder(names[2])), 0);
        refused(in_folder(names[2]), "");
        if (geteuid() != 0) {
                write_all(write_file, names);
                assert_int_equal(chmod(in_folder(names[2]), 0), 0);
                refused(in_folder(names[2]), "Permission denied");
        }
}

static int start(void **state)
{
        return start_data(state) || make_folder(state);
}

static int finish(void **state)
{
        return drop_tape(state) || remove_folder(state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain_and_compressed),
                cmocka_unit_test(explicit_paths),
                cmocka_unit_test(number_of_classes),
                cmocka_unit_test(channels_and_floats),
                cmocka_unit_test(joined_gzip),
                cmocka_unit_test(missing_files),
                cmocka_unit_test(missing_parameters),
                cmocka_unit_test(bad_headers),
                cmocka_unit_test(wrong_lengths),
                cmocka_unit_test(absurd_sizes),
                cmocka_unit_test(counts_and_shapes),
                cmocka_unit_test(labels_out_of_range),
                cmocka_unit_test(bad_gzip),
                cmocka_unit_test(no_files_at_all),
        };

        return cmocka_run_group_tests(tests, start, finish);
}
