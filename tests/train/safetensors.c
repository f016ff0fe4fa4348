#include "support/folder.h"
#include "support/limit.h"

#include "state/safetensors.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define FOUR_BYTES "\0\0\x80\x3f" /* 1.0 */

/* Writes a file by hand: the header's length, the header, the data. */
static void write_file(const char *path, uint64_t length, const char *header, const char *data, size_t bytes)
{
        char text[4096];
        size_t used = strlen(header);

        assert_true(8 + used + bytes <= sizeof text);
        for (int i = 0; i < 8; i++)
                text[i] = (char)(length >> 8 * i);
        memcpy(text + 8, header, used);
        if (bytes)
                memcpy(text + 8 + used, data, bytes);
        write_bytes(path, text, 8 + used + bytes);
}

static const float six[6] = { 1, -2.5f, 3e-38f, 1e-45f, 3.4028235e38f, 0.1f };
static const float one[1] = { -0.0f };

static struct scion_safetensor tensors[] = {
        { .name = (char *)"layer1.0.conv1.weight", .shape = { 4, { 1, 3, 1, 2 } }, .values = six },
        { .name = (char *)"a \"quoted\" \\ \xc3\xa4\xe6\x97\xa5", .shape = { 0, { 0 } }, .values = one },
        { .name = (char *)"empty", .shape = { 2, { 0, 7 } }, .values = NULL },
        { .name = (char *)"", .shape = { 1, { 2 } }, .values = six + 1 },
};
static char *pairs[] = { (char *)"format", (char *)"pt", (char *)"\xc3\xbc", (char *)"\"\n" };
static const struct scion_safetensors whole = {
        .count = COUNT(tensors), .tensor = tensors, .metadata_count = 2, .metadata = pairs
};

static void assert_same(const struct scion_safetensors *a, const struct scion_safetensors *b)
{
        assert_int_equal(a->count, b->count);
        for (size_t i = 0; i < a->count; i++) {
                assert_string_equal(a->tensor[i].name, b->tensor[i].name);
                assert_true(scion_shape_equal(&a->tensor[i].shape, &b->tensor[i].shape));
                assert_int_equal((uintptr_t)a->tensor[i].values % sizeof(float), 0);
                size_t size = (size_t)scion_shape_size(&a->tensor[i].shape);

                if (size)
                        assert_memory_equal(a->tensor[i].values, b->tensor[i].values, size * sizeof(float));
        }
        assert_int_equal(a->metadata_count, b->metadata_count);
        for (size_t i = 0; i < 2 * a->metadata_count; i++)
                assert_string_equal(a->metadata[i], b->metadata[i]);
}

static void what_is_written_reads_back(void **state)
{
        struct scion_safetensors file, none = { 0 };

        (void)state;
        assert_true(scion_safetensors_write("whole.safetensors", &whole));
        assert_true(scion_safetensors_read("whole.safetensors", &file));
        assert_same(&file, &whole);
        assert_true(scion_safetensors_write("again.safetensors", &file));
        scion_safetensors_finish(&file);
        scion_safetensors_finish(&file); /* nothing is left to free */

        char *first = read_text("whole.safetensors"), *second = read_text("again.safetensors");

        assert_memory_equal(first, second, 8);
        assert_string_equal(first + 8, second + 8);
        free(first);
        free(second);

        assert_true(scion_safetensors_write("none.safetensors", &none));
        assert_true(scion_safetensors_read("none.safetensors", &file));
        assert_same(&file, &none);
        scion_safetensors_finish(&file);
}

/* The bytes are those of the format, not only what the reader accepts. */
static void the_bytes_are_the_formats(void **state)
{
        static const char expected[] = "\x58\0\0\0\0\0\0\0" /* 81 bytes and 7 of padding */
                                       "{\"__metadata__\":{\"k\":\"v\"},"
                                       "\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}"
                                       "       "
                                       "\0\0\x80\x3f\0\0\0\xc0";
        static const float values[] = { 1, -2 };
        struct scion_safetensor tensor = { .name = (char *)"w",
                                           .shape = SCION_SHAPE(2, 1),
                                           .values = values };
        char *pair[] = { (char *)"k", (char *)"v" };
        struct scion_safetensors file = {
                .count = 1, .tensor = &tensor, .metadata_count = 1, .metadata = pair
        };
        char *bytes;

        (void)state;
        assert_true(scion_safetensors_write("w.safetensors", &file));
        bytes = read_text("w.safetensors");
        assert_memory_equal(bytes, expected, sizeof expected - 1);
        free(bytes);
}

static void an_independent_reader_agrees(void **state)
{
        static const char command[] =
                "python3 '" SOURCE_DIR "/tests/train/read_safetensors.py' whole.safetensors";
        static const char expected[] = "layer1.0.conv1.weight F32 [1, 3, 1, 2] [1.0, -2.5, ";
        static const char rest[] = "a \"quoted\" \\ \xc3\xa4\xe6\x97\xa5 F32 [] [-0.0]\n"
                                   "empty F32 [0, 7] []\n";
        static const char last[] = "\nformat=pt\n\xc3\xbc=\"\n\n";
        char text[4096];

        (void)state;
        if (system("python3 -c 'import json' 2>/dev/null"))
                skip();
        assert_true(scion_safetensors_write("whole.safetensors", &whole));
        FILE *pipe = popen(command, "r");

        assert_non_null(pipe);
        text[fread(text, 1, sizeof text - 1, pipe)] = '\0';
        assert_int_equal(pclose(pipe), 0);
        assert_memory_equal(text, expected, sizeof expected - 1);
        assert_non_null(strstr(text, rest));
        assert_non_null(strstr(text, last));
}

/* Tensors of other types are listed, without values. */
static void other_types_are_named(void **state)
{
        static const char header[] = "{\"steps\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                     "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
        struct scion_safetensors file;

        (void)state;
        write_file("types.safetensors", strlen(header), header, "\1\0\0\0\0\0\0\0" FOUR_BYTES, 12);
        if (!scion_safetensors_read("types.safetensors", &file))
                fail_msg("%s", scion_error());
        assert_int_equal(file.count, 2);
        assert_string_equal(file.tensor[0].dtype, "I64");
        assert_null(file.tensor[0].values);
        assert_string_equal(file.tensor[1].dtype, "F32");
        assert_true(file.tensor[1].values[0] == 1);
        scion_safetensors_finish(&file);
}

/* Headers as other programs write them: in another order, with spaces and unknown keys, without padding. */
static void others_files_read(void **state)
{
        static const char data[] = FOUR_BYTES "\0\0\0\x40" FOUR_BYTES;
        static const char *const headers[] = {
                "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                "\"a\":{\"data_offsets\":[0,8],\"shape\":[2],\"dtype\":\"F32\",\"more\":null}}",
                "{ \"a\" : { \"dtype\":\"F32\",\n\"shape\":[ 2 ], \"data_offsets\":[0, 8]}, "
                "\"__metadata__\": {},"
                "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]} }  ",
        };
        char padded[512];
        struct scion_safetensors file;

        (void)state;
        for (size_t i = 0; i < COUNT(headers); i++)
                for (int padding = 0; padding < 5; padding++) { /* data at every place between words */
                        snprintf(padded, sizeof padded, "%s%*s", headers[i], padding, "");
                        write_file("other.safetensors", strlen(padded), padded, data, 12);
                        if (!scion_safetensors_read("other.safetensors", &file))
                                fail_msg("%s", scion_error());
                        assert_int_equal(file.count, 2);
                        assert_string_equal(file.tensor[0].name, "a"); /* in the data's order */
                        assert_string_equal(file.tensor[1].name, "b");
                        assert_int_equal((uintptr_t)file.tensor[0].values % sizeof(float), 0);
                        assert_true(file.tensor[0].values[0] == 1 && file.tensor[0].values[1] == 2);
                        assert_true(file.tensor[1].values[0] == 1);
                        scion_safetensors_finish(&file);
                }
}

#define TENSOR(name, dtype, shape, offsets) \
        "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void bad_headers_are_refused(void **state)
{
        static const struct {
                const char *header, *message;
        } bad[] = {
                /* each with 8 bytes of data */
                { "", "its header does not begin with '{'" },
                { "[1,2]", "its header does not begin with '{'" },
                { "{\"a\":", "header: not JSON as it should be, at byte 5" },
                { "{} x", "header: not JSON as it should be" },
                { "{\"\xff\":1}", "header: not JSON as it should be" },
                { "{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("a", "F32", "[1]", "[4,8]") "}",
                  "duplicate object key" },
                { "{\"a\":3}", "tensor 'a': its entry in the header is not an object" },
                { "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "tensor 'a': its dtype is missing" },
                { "{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}",
                  "tensor 'a': its dtype is missing" },
                { "{" TENSOR("a", "I64", "[2]", "[0,8]") "}", "tensor 'a': its shape 2 takes 16 bytes" },
                { "{" TENSOR("a", "BOOL", "[2]", "[0,2]") "," TENSOR("b", "F32", "[1]", "[2,6]") "}",
                  "tensor 'b': its data_offsets begin at 2" },
                { "{" TENSOR("a", "float", "[2]", "[0,8]") "}", "tensor 'a': its dtype 'float' is unknown" },
                { "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "tensor 'a': its shape is missing" },
                { "{" TENSOR("a", "F32", "2", "[0,8]") "}",
                  "tensor 'a': its shape is missing or not a list" },
                { "{" TENSOR("a", "F32", "[1,-2]", "[0,8]") "}",
                  "tensor 'a': axis 1 of its shape is not a whole" },
                { "{" TENSOR("a", "F32", "[2.0]", "[0,8]") "}",
                  "tensor 'a': axis 0 of its shape is not a whole" },
                { "{" TENSOR("a", "F32", "[\"2\"]", "[0,8]") "}",
                  "tensor 'a': axis 0 of its shape is not a" },
                { "{" TENSOR("a", "F32", "[99999999999999999999]", "[0,8]") "}", "header: not JSON" },
                { "{" TENSOR("a", "F32", "[1,1,1,1,1,1,2]", "[0,8]") "}",
                  "tensor 'a': its shape has 7 axes; 6 are" },
                { "{" TENSOR("a", "F32", "[4294967296,4294967296,1]", "[0,8]") "}",
                  "tensor 'a': its shape 4294967296x4294967296x1 is larger than any file" },
                { "{" TENSOR("a", "F32", "[4611686018427387906]", "[0,8]") "}", "is larger than any file" },
                { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "tensor 'a': its data_offsets are not two" },
                { "{" TENSOR("a", "F32", "[2]", "[0]") "}", "tensor 'a': its data_offsets are not two" },
                { "{" TENSOR("a", "F32", "[2]", "[0,8,16]") "}", "tensor 'a': its data_offsets are not two" },
                { "{" TENSOR("a", "F32", "[2]", "[0,\"8\"]") "}",
                  "tensor 'a': its data_offsets are not two" },
                { "{" TENSOR("a", "F32", "[2]", "[-8,0]") "}", "tensor 'a': its data_offsets are not two" },
                { "{" TENSOR("a", "F32", "[2]", "[8,0]") "}", "tensor 'a': its data_offsets are not two" },
                { "{" TENSOR("a", "F32", "[2]", "{}") "}", "tensor 'a': its data_offsets are not two" },
                { "{" TENSOR("a", "F32", "[3]", "[0,8]") "}",
                  "tensor 'a': its shape 3 takes 12 bytes, and its data_offsets [0, 8] hold 8" },
                { "{" TENSOR("a", "F32", "[]", "[0,8]") "}",
                  "tensor 'a': its shape scalar takes 4 bytes, and its data_offsets [0, 8] hold 8" },
                { "{" TENSOR("a", "F32", "[2]", "[4,12]") "}",
                  "tensor 'a': its data_offsets [4, 12] reach past the file's 8 bytes of data" },
                { "{" TENSOR("a", "F32", "[2]", "[9223372036854775799,9223372036854775807]") "}",
                  "reach past the file's 8 bytes of data" },
                { "{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("b", "F32", "[1]", "[4,8]") "}",
                  "tensors 'a' and 'b' overlap: data_offsets [0, 8] and [4, 8]" },
                { "{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("b", "F32", "[2]", "[0,8]") "}",
                  "tensors 'a' and 'b' overlap" },
                { "{" TENSOR("a", "F32", "[2]", "[0,8]") "," TENSOR("b", "F32", "[0]", "[4,4]") "}",
                  "tensors 'a' and 'b' overlap" },
                { "{" TENSOR("a", "F32", "[1]", "[4,8]") "}",
                  "4 bytes of data before tensor 'a' belong to no" },
                { "{" TENSOR("a", "F32", "[1]", "[0,4]") "}",
                  "the last 4 bytes of data belong to no tensor" },
                { "{}", "the last 8 bytes of data belong to no tensor" },
                { "{\"__metadata__\":[]}", "header: __metadata__ is not an object of strings" },
                { "{\"__metadata__\":{\"a\":\"b\",\"step\":1}}",
                  "header: __metadata__: 'step' is not a string" },
        };
        struct scion_safetensors file;

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++) {
                write_file("bad.safetensors", strlen(bad[i].header), bad[i].header, FOUR_BYTES FOUR_BYTES, 8);
                if (scion_safetensors_read("bad.safetensors", &file))
                        fail_msg("this is read: %s", bad[i].header);
                assert_error_has("bad.safetensors: ", bad[i].message, NULL);
                assert_null(file.memory);
        }
        scion_safetensors_finish(&file);
}

static void bad_lengths_are_refused(void **state)
{
        struct scion_safetensors file;

        (void)state;
        write_bytes("bad.safetensors", "\0\0\0\0\0\0\0", 7);
        assert_false(scion_safetensors_read("bad.safetensors", &file));
        assert_error_has("bad.safetensors: too short for a safetensors file: 7 bytes", NULL);
        write_bytes("bad.safetensors", "", 0);
        assert_false(scion_safetensors_read("bad.safetensors", &file));
        assert_error_has("bad.safetensors: too short", NULL);
        write_file("bad.safetensors", 0, "", "", 0);
        assert_false(scion_safetensors_read("bad.safetensors", &file));
        assert_error_has("bad.safetensors: its header does not begin with '{'", NULL);
        write_file("bad.safetensors", 3, "{}", "", 0);
        assert_false(scion_safetensors_read("bad.safetensors", &file));
        assert_error_has("bad.safetensors: its header is 3 bytes long, and the file ends after 2 of them",
                         NULL);
        write_file("bad.safetensors", 100000000, "{}", "", 0);
        assert_false(scion_safetensors_read("bad.safetensors", &file));
        assert_error_has("its header is 100000000 bytes long, and the file ends after 2", NULL);
        write_file("bad.safetensors", 100000001, "{}", "", 0);
        assert_false(scion_safetensors_read("bad.safetensors", &file));
        assert_error_has("its first 8 bytes give a header of 100000001 bytes, and 100000000 are the most",
                         NULL);
        write_file("bad.safetensors", UINT64_MAX, "{}", "", 0);
        assert_false(scion_safetensors_read("bad.safetensors", &file));
        assert_error_has("give a header of 18446744073709551615 bytes", NULL);
        assert_false(scion_safetensors_read("missing.safetensors", &file));
        assert_error_has("missing.safetensors: No such file", NULL);
        assert_false(scion_safetensors_read(".", &file));
        assert_error_has(".: is a directory", NULL);
}

/* A file that is cut off at any length is refused. */
static void truncated_files_are_refused(void **state)
{
        struct scion_safetensors file;
        FILE *in;
        char bytes[4096];
        size_t length;

        (void)state;
        assert_true(scion_safetensors_write("whole.safetensors", &whole));
        in = fopen("whole.safetensors", "rb");
        assert_non_null(in);
        length = fread(bytes, 1, sizeof bytes, in);
        fclose(in);
        assert_in_range(length, 100, sizeof bytes - 1);
        for (size_t cut = 0; cut <= length; cut++) {
                char *copy = malloc(cut + 1);

                assert_non_null(copy);
                memcpy(copy, bytes, cut);
                assert_int_equal(scion_safetensors_parse("cut", copy, cut, &file), cut == length);
                scion_safetensors_finish(&file);
        }
        char *copy = malloc(length + 1);

        assert_non_null(copy);
        memcpy(copy, bytes, length);
        copy[length] = 'x';
        assert_false(scion_safetensors_parse("long", copy, length + 1, &file));
        assert_error_has("long: the last 1 bytes of data belong to no tensor", NULL);
}

static void what_no_file_can_hold_is_not_written(void **state)
{
        static const float value = 1;
        struct scion_safetensor two[] = {
                { .name = (char *)"a", .values = &value },
                { .name = (char *)"a", .values = &value },
        };
        struct scion_safetensors file = { .count = 2, .tensor = two };

        (void)state;
        write_text("kept.safetensors", "old");
        assert_false(scion_safetensors_write("kept.safetensors", &file));
        assert_error_has("kept.safetensors: two tensors have the name 'a'", NULL);
        two[1].name = (char *)"\xff";
        assert_false(scion_safetensors_write("kept.safetensors", &file));
        assert_error_has("kept.safetensors: tensor '?': not UTF-8", NULL);
        two[1].name = (char *)"__metadata__";
        assert_false(scion_safetensors_write("kept.safetensors", &file));
        assert_error_has("tensor '__metadata__': its name is none that a file can hold", NULL);
        two[1].name = (char *)"b";
        two[1].shape = SCION_SHAPE(INT64_MAX / 4, 3);
        assert_false(scion_safetensors_write("kept.safetensors", &file));
        assert_error_has("tensor 'b': its shape is none that a file can hold", NULL);
        two[1].shape = SCION_SHAPE(-1);
        assert_false(scion_safetensors_write("kept.safetensors", &file));
        two[1].shape = SCION_SCALAR;
        assert_false(scion_safetensors_write("no/folder", &file));
        assert_error_has("no/folder: cannot be written: No such file", NULL);
        char *same[] = { (char *)"k", (char *)"v", (char *)"k", (char *)"w" };

        file.metadata = same;
        file.metadata_count = 2;
        assert_false(scion_safetensors_write("kept.safetensors", &file));
        assert_error_has("two metadata keys have the name 'k'", NULL);
        assert_file_is("kept.safetensors", "old");
}

static void full_disk_keeps_the_old_file(void **state)
{
        static float much[5000];
        struct scion_safetensor tensor = { .name = (char *)"a", .shape = SCION_SHAPE(5000), .values = much };
        struct scion_safetensors file = { .count = 1, .tensor = &tensor };

        (void)state;
        write_text("full.safetensors", "old");
        int entries = count_entries(".");

        limit_files_to(10000);
        bool written = scion_safetensors_write("full.safetensors", &file);

        limit_files_no_more();
        assert_false(written);
        assert_error_has("full.safetensors: cannot be written: ", strerror(EFBIG), NULL);
        assert_file_is("full.safetensors", "old");
        assert_int_equal(count_entries("."), entries);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_reads_back),
                cmocka_unit_test(the_bytes_are_the_formats),
                cmocka_unit_test(an_independent_reader_agrees),
                cmocka_unit_test(other_types_are_named),
                cmocka_unit_test(others_files_read),
                cmocka_unit_test(bad_headers_are_refused),
                cmocka_unit_test(bad_lengths_are_refused),
                cmocka_unit_test(truncated_files_are_refused),
                cmocka_unit_test(what_no_file_can_hold_is_not_written),
                cmocka_unit_test(full_disk_keeps_the_old_file),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
