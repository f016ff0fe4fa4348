/* The conformance tests of back ends: memory, and operations on small arrays compared with the processor's results. */
#include <math.h>
#include <scion/backend.h>
#include <scion/error.h>
#include <scion/random.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "conform/tests.h"

#define MOST_PAIRS 4
#define MOST_BYTES 4096  /* of a storage */
#define WATCHED 4711.25f /* the first value of elements that are not random, and of those around an array */
#define TOLERANCE 1e-5   /* relative to the largest element of the result */
#define USUAL 37         /* elements; not a multiple of a vector's width */

enum side { DEVICE, PROCESSOR, SIDES };

/* An array on the device, and an equal one in memory of the host for the processor's back end. In their storages one
 * more element lies before the array and one after it, which no operation may write. */
struct pair {
        struct scion_storage storage[SIDES];
        struct scion_array array[SIDES];
};

struct problem {
        struct scion_conform *conform;
        struct scion_instance *instance;
        const struct scion_backend_plugin *plugin[SIDES];
        void *self[SIDES];
        struct pair pair[MOST_PAIRS];
        int pairs;
};

/* --- Opening and closing -------------------------------------------------------------------------------- */

/* Creates an instance and configures both sides with the default settings. Returns false after a finding. */
static bool problem_open(struct problem *problem, struct scion_conform *conform)
{
        const struct scion_device_settings settings = { .threads = 1, .bf16 = false, .winograd = true };

        *problem = (struct problem){
                .conform = conform,
                .instance = scion_conform_instance(conform),
                .plugin = { &conform->descriptor->backend, scion_backend_cpu() },
        };
        if (!problem->instance)
                return false;
        problem->self[DEVICE] = problem->instance->self;
        scion_conform_doing(conform, "configure()");
        scion_error_clear();
        return problem->plugin[DEVICE]->configure(problem->self[DEVICE], &settings) ||
               scion_conform_wrong(conform, "configure() refuses the default settings: %s",
                                   scion_conform_reason());
}

static void problem_close(struct problem *problem)
{
        scion_conform_doing(problem->conform, "release()");
        for (int i = 0; i < problem->pairs; i++)
                for (int side = 0; side < SIDES; side++)
                        problem->plugin[side]->release(problem->self[side], &problem->pair[i].storage[side]);
        scion_conform_end(problem->conform, problem->instance);
}

/* Runs a test on an instance of the back end. */
static void problem_with(struct scion_conform *conform, bool (*test)(struct problem *problem))
{
        struct problem problem;

        if (problem_open(&problem, conform))
                test(&problem);
        problem_close(&problem);
}

/* Records a finding when a call of the table has failed. Returns `good`. */
static bool call_check(struct problem *problem, bool good, const char *what)
{
        return good || scion_conform_wrong(problem->conform, "%s fails: %s", what, scion_conform_reason());
}

/* --- Pairs of arrays ------------------------------------------------------------------------------------ */

/* Allocates a pair and uploads `bytes` to both sides, which are the elements with one before and one after them. Returns
 * NULL after a finding. */
static struct pair *pair_upload(struct problem *problem, struct scion_shape shape, enum scion_dtype dtype,
                                const void *bytes)
{
        struct pair *pair = &problem->pair[problem->pairs];
        size_t size = scion_dtype_bytes(dtype), room = ((size_t)scion_shape_size(&shape) + 2) * size;

        for (int side = 0; side < SIDES; side++) {
                struct scion_storage *storage = &pair->storage[side];

                *storage = (struct scion_storage){ .bytes = room };
                scion_conform_doing(problem->conform, "allocate() of %zu bytes", room);
                scion_error_clear();
                if (!call_check(problem, problem->plugin[side]->allocate(problem->self[side], storage),
                                "allocate()"))
                        return NULL;
                scion_conform_doing(problem->conform, "upload() of %zu bytes", room);
                if (!call_check(problem,
                                problem->plugin[side]->upload(problem->self[side], storage, 0, bytes, room),
                                "upload()"))
                        return NULL;
                pair->array[side] = scion_array_over(storage, size, shape, dtype);
        }
        problem->pairs++;
        return pair;
}

/* A pair of random elements of type float32, from that seed. */
static struct pair *pair_random(struct problem *problem, struct scion_shape shape, uint64_t seed)
{
        struct scion_random random = scion_random(seed, SCION_RANDOM_DATA, 0);
        float values[MOST_BYTES / sizeof(float)];
        int64_t count = scion_shape_size(&shape);

        values[0] = values[count + 1] = WATCHED;
        for (int64_t i = 1; i <= count; i++)
                values[i] = scion_random_normal(&random);
        return pair_upload(problem, shape, SCION_F32, values);
}

/* A pair for a result. */
static struct pair *pair_watched(struct problem *problem, struct scion_shape shape, enum scion_dtype dtype)
{
        float values[MOST_BYTES / sizeof(float)];

        for (size_t i = 0; i < MOST_BYTES / sizeof *values; i++)
                values[i] = WATCHED;
        return pair_upload(problem, shape, dtype, values);
}

/* Downloads the whole storage of a side. */
static bool pair_download(struct problem *problem, const struct pair *pair, enum side side, void *bytes)
{
        struct scion_storage storage = pair->storage[side];

        scion_conform_doing(problem->conform, "download() of %zu bytes", storage.bytes);
        scion_error_clear();
        return call_check(
                problem,
                problem->plugin[side]->download(problem->self[side], &storage, 0, bytes, storage.bytes),
                "download()");
}

static bool value_is_close(float value, float expected, float largest)
{
        if (isnan(value) || isnan(expected))
                return isnan(value) && isnan(expected);
        return value == expected || fabs((double)value - (double)expected) <= TOLERANCE * (double)largest;
}

/* Compares float32 elements, and the ones around them. */
static bool values_compare(struct problem *problem, const float *values, const float *expected, int64_t count,
                           const char *what)
{
        float largest = 0;

        if (values[0] != expected[0] || values[count + 1] != expected[count + 1])
                return scion_conform_wrong(problem->conform, "%s writes outside of its array", what);
        for (int64_t i = 1; i <= count; i++)
                if (isfinite(expected[i]))
                        largest = fmaxf(largest, fabsf(expected[i]));
        for (int64_t i = 1; i <= count; i++)
                if (!value_is_close(values[i], expected[i], largest))
                        return scion_conform_wrong(
                                problem->conform, "%s: element %lld is %.9g, and %.9g on the processor", what,
                                (long long)(i - 1), (double)values[i], (double)expected[i]);
        return true;
}

/* Compares the two sides: float32 within the tolerance, other types byte for byte. */
static bool pair_compare(struct problem *problem, const struct pair *pair, const char *what)
{
        const struct scion_array *array = &pair->array[DEVICE];
        float bytes[SIDES][MOST_BYTES / sizeof(float)];

        if (!pair_download(problem, pair, DEVICE, bytes[DEVICE]) ||
            !pair_download(problem, pair, PROCESSOR, bytes[PROCESSOR]))
                return false;
        if (array->dtype == SCION_F32)
                return values_compare(problem, bytes[DEVICE], bytes[PROCESSOR], (int64_t)array->length, what);
        return memcmp(bytes[DEVICE], bytes[PROCESSOR], pair->storage[DEVICE].bytes) == 0 ||
               scion_conform_wrong(problem->conform, "%s: %s elements differ from the processor's", what,
                                   scion_dtype_name(array->dtype));
}

/* --- Settings and memory -------------------------------------------------------------------------------- */

static void backend_accepts_settings(struct scion_conform *conform)
{
        struct problem problem;

        problem_open(&problem, conform);
        problem_close(&problem);
}

/* Uploads a part over the whole, and downloads another part. */
static bool problem_check_offsets(struct problem *problem)
{
        const struct scion_backend_plugin *plugin = problem->plugin[DEVICE];
        unsigned char whole[256], part[100], read[150];

        for (size_t i = 0; i < sizeof whole; i++)
                whole[i] = (unsigned char)i;
        memset(part, 0xA5, sizeof part);
        struct pair *pair = pair_upload(problem, SCION_SHAPE((int64_t)sizeof whole - 2), SCION_U8, whole);

        if (!pair)
                return false;
        scion_conform_doing(problem->conform, "upload() at byte 50");
        scion_error_clear();
        if (!call_check(problem,
                        plugin->upload(problem->self[DEVICE], &pair->storage[DEVICE], 50, part, sizeof part),
                        "upload() at byte 50"))
                return false;
        memset(part, 0, sizeof part); /* upload() has returned, so the memory may be used again */
        memset(whole + 50, 0xA5, sizeof part);
        scion_conform_doing(problem->conform, "download() at byte 100");
        if (!call_check(
                    problem,
                    plugin->download(problem->self[DEVICE], &pair->storage[DEVICE], 100, read, sizeof read),
                    "download() at byte 100"))
                return false;
        for (size_t i = 0; i < sizeof read; i++)
                if (read[i] != whole[100 + i])
                        return scion_conform_wrong(
                                problem->conform,
                                "byte %zu is %d after upload() at byte 50 and download() at byte 100; it "
                                "should be %d",
                                100 + i, read[i], whole[100 + i]);
        return true;
}

static void backend_copies(struct scion_conform *conform)
{
        problem_with(conform, problem_check_offsets);
}

static bool problem_check_map(struct problem *problem)
{
        const struct scion_backend_plugin *plugin = problem->plugin[DEVICE];
        struct pair *pair = pair_random(problem, SCION_SHAPE(USUAL), 1);
        float expected[USUAL + 2];

        if (!plugin->map)
                return scion_conform_skip(problem->conform, "the table has no map()");
        if (!pair || !pair_download(problem, pair, PROCESSOR, expected))
                return false;
        scion_conform_doing(problem->conform, "map()");
        const void *memory = plugin->map(problem->self[DEVICE], &pair->storage[DEVICE]);

        if (!memory)
                return scion_conform_skip(problem->conform, "map() returns NULL");
        return memcmp(memory, expected, sizeof expected) == 0 ||
               scion_conform_wrong(problem->conform,
                                   "the memory at the address that map() returns does not hold the bytes "
                                   "that were uploaded");
}

static void backend_maps(struct scion_conform *conform)
{
        problem_with(conform, problem_check_map);
}

/* --- Operations ----------------------------------------------------------------------------------------- */

/* Calls a function of the table on both sides; the arguments may use `side`. Makes the caller return false when a call
 * fails, which is a finding. */
#define ON_BOTH(problem, what, function, ...)                                                          \
        for (int side = 0; side < SIDES; side++) {                                                     \
                scion_conform_doing((problem)->conform, "%s", (what));                                 \
                scion_error_clear();                                                                   \
                if (!call_check((problem),                                                             \
                                (problem)->plugin[side]->function((problem)->self[side], __VA_ARGS__), \
                                (what)))                                                               \
                        return false;                                                                  \
        }

static bool problem_check_fill(struct problem *problem)
{
        static const struct {
                enum scion_dtype dtype;
                double value;
        } all[] = { { SCION_F32, 0 }, { SCION_F32, 1.5 }, { SCION_U8, 200 } };
        bool good = true;

        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                struct pair *y = pair_watched(problem, SCION_SHAPE(USUAL), all[i].dtype);
                char what[64];

                if (!y)
                        return false;
                snprintf(what, sizeof what, "fill() of %s with %g", scion_dtype_name(all[i].dtype),
                         all[i].value);
                ON_BOTH(problem, what, fill, &y->array[side], all[i].value)
                good = pair_compare(problem, y, what) && good;
        }
        return good;
}

static void backend_fills(struct scion_conform *conform)
{
        problem_with(conform, problem_check_fill);
}

static bool problem_check_reorder(struct problem *problem)
{
        static const enum scion_dtype types[] = { SCION_F32, SCION_BF16 };
        struct pair *x = pair_random(problem, SCION_SHAPE(USUAL), 1);
        bool good = x != NULL;

        for (size_t i = 0; x && i < sizeof types / sizeof *types; i++) {
                struct pair *y = pair_watched(problem, SCION_SHAPE(USUAL), types[i]);
                char what[64];

                if (!y)
                        return false;
                snprintf(what, sizeof what, "reorder() from float32 to %s", scion_dtype_name(types[i]));
                ON_BOTH(problem, what, reorder, &x->array[side], &y->array[side])
                good = pair_compare(problem, y, what) && good;
        }
        return good;
}

static void backend_reorders(struct scion_conform *conform)
{
        problem_with(conform, problem_check_reorder);
}

static const struct {
        const char *name;
        bool keeps; /* the gradient depends on x or y */
} unary[SCION_UNARIES] = {
        [SCION_UNARY_NEG] = { "NEG", false },
        [SCION_UNARY_SCALE] = { "SCALE", false },
        [SCION_UNARY_SHIFT] = { "SHIFT", false },
        [SCION_UNARY_EXP] = { "EXP", true },
        [SCION_UNARY_LOG] = { "LOG", true },
        [SCION_UNARY_SQRT] = { "SQRT", true },
        [SCION_UNARY_SQUARE] = { "SQUARE", true },
        [SCION_UNARY_POW] = { "POW", true },
        [SCION_UNARY_ABS] = { "ABS", true },
        [SCION_UNARY_RELU] = { "RELU", true },
        [SCION_UNARY_SIGMOID] = { "SIGMOID", true },
        [SCION_UNARY_TANH] = { "TANH", true },
        [SCION_UNARY_HUBER] = { "HUBER", true },
        [SCION_UNARY_REVERSE] = { "REVERSE", false },
        [SCION_UNARY_CLAMP_MIN] = { "CLAMP_MIN", true },
};

/* Compares each operation and its gradient. The gradient of a random x or y is compared, whether or not it could be a
 * result. */
static bool problem_check_unary(struct problem *problem)
{
        struct pair *x = pair_random(problem, SCION_SHAPE(USUAL), 1);
        struct pair *g = x ? pair_random(problem, SCION_SHAPE(USUAL), 2) : NULL;
        struct pair *y = g ? pair_watched(problem, SCION_SHAPE(USUAL), SCION_F32) : NULL;
        bool good = y != NULL;

        for (int op = 0; y && op < SCION_UNARIES; op++) {
                char what[64];

                snprintf(what, sizeof what, "unary() SCION_UNARY_%s", unary[op].name);
                ON_BOTH(problem, what, unary, (enum scion_unary)op, 0.5f, &x->array[side], &y->array[side])
                good = pair_compare(problem, y, what) && good;
                snprintf(what, sizeof what, "unary_gradient() SCION_UNARY_%s", unary[op].name);
                ON_BOTH(problem, what, unary_gradient, (enum scion_unary)op, 0.5f, &g->array[side],
                        unary[op].keeps ? &x->array[side] : NULL, &y->array[side])
                good = pair_compare(problem, y, what) && good;
        }
        return good;
}

static void backend_computes_unary(struct scion_conform *conform)
{
        problem_with(conform, problem_check_unary);
}

static bool problem_check_binary(struct problem *problem)
{
        static const char *const names[SCION_BINARIES] = { [SCION_BINARY_ADD] = "ADD",
                                                           [SCION_BINARY_SUB] = "SUB",
                                                           [SCION_BINARY_MUL] = "MUL",
                                                           [SCION_BINARY_DIV] = "DIV",
                                                           [SCION_BINARY_ADD_RELU] = "ADD_RELU" };
        struct pair *a = pair_random(problem, SCION_SHAPE(3, 4, 5), 1);
        struct pair *b = a ? pair_random(problem, SCION_SHAPE(3, 4, 5), 2) : NULL;
        struct pair *row = b ? pair_random(problem, SCION_SHAPE(4, 1), 3) : NULL;
        struct pair *y = row ? pair_watched(problem, SCION_SHAPE(3, 4, 5), SCION_F32) : NULL;
        bool good = y != NULL;

        for (int op = 0; y && op < SCION_BINARIES; op++) {
                char what[96];

                snprintf(what, sizeof what, "binary() SCION_BINARY_%s", names[op]);
                ON_BOTH(problem, what, binary, (enum scion_binary)op, &a->array[side], &b->array[side],
                        &y->array[side])
                good = pair_compare(problem, y, what) && good;
                snprintf(what, sizeof what, "binary() SCION_BINARY_%s of 3x4x5 and 4x1", names[op]);
                ON_BOTH(problem, what, binary, (enum scion_binary)op, &a->array[side], &row->array[side],
                        &y->array[side])
                good = pair_compare(problem, y, what) && good;
        }
        return good;
}

static void backend_computes_binary(struct scion_conform *conform)
{
        problem_with(conform, problem_check_binary);
}

static bool problem_check_sum(struct problem *problem)
{
        const struct scion_shape shapes[] = { SCION_SHAPE(4, 1, 6), SCION_SHAPE(6), SCION_SCALAR };
        struct pair *x = pair_random(problem, SCION_SHAPE(4, 5, 6), 1);
        bool good = x != NULL;

        for (size_t i = 0; x && i < sizeof shapes / sizeof *shapes; i++) {
                struct pair *y = pair_watched(problem, shapes[i], SCION_F32);
                char what[64], text[32];

                if (!y)
                        return false;
                snprintf(what, sizeof what, "sum() of 4x5x6 to %s",
                         scion_shape_text(&shapes[i], text, sizeof text));
                ON_BOTH(problem, what, sum, &x->array[side], 0.25, &y->array[side])
                good = pair_compare(problem, y, what) && good;
        }
        return good;
}

static void backend_sums(struct scion_conform *conform)
{
        problem_with(conform, problem_check_sum);
}

/* Compares products with each transposition, then with a bias, and then added to the result before. */
static bool problem_check_multiply(struct problem *problem)
{
        struct scion_product product = { .batch = 2, .m = 3, .n = 5, .k = 7 };
        struct pair *a = pair_random(problem, SCION_SHAPE(2, 3, 7), 1);
        struct pair *b = a ? pair_random(problem, SCION_SHAPE(2, 7, 5), 2) : NULL;
        struct pair *bias = b ? pair_random(problem, SCION_SHAPE(5), 3) : NULL;
        struct pair *c = bias ? pair_watched(problem, SCION_SHAPE(2, 3, 5), SCION_F32) : NULL;
        bool good = c != NULL;

        for (int i = 0; c && i < 4; i++) {
                char what[64];

                product.transpose_a = i & 1;
                product.transpose_b = i & 2;
                snprintf(what, sizeof what, "multiply()%s%s", i & 1 ? ", A transposed" : "",
                         i & 2 ? ", B transposed" : "");
                ON_BOTH(problem, what, multiply, "matmul", &product, &a->array[side], &b->array[side], NULL,
                        &c->array[side])
                good = pair_compare(problem, c, what) && good;
        }
        if (!c)
                return false;
        product.transpose_a = product.transpose_b = false;
        ON_BOTH(problem, "multiply() with a bias", multiply, "matmul", &product, &a->array[side],
                &b->array[side], &bias->array[side], &c->array[side])
        good = pair_compare(problem, c, "multiply() with a bias") && good;
        product.accumulate = true;
        ON_BOTH(problem, "multiply() that accumulates", multiply, "matmul", &product, &a->array[side],
                &b->array[side], NULL, &c->array[side])
        return pair_compare(problem, c, "multiply() that accumulates") && good;
}

static void backend_multiplies(struct scion_conform *conform)
{
        problem_with(conform, problem_check_multiply);
}

const struct scion_conform_test scion_conform_backend[] = {
        { "the default settings are accepted", backend_accepts_settings },
        { "bytes are uploaded to and downloaded from any offset", backend_copies },
        { "map() returns the memory of a storage, or NULL", backend_maps },
        { "fill() sets the elements of an array and no others", backend_fills },
        { "reorder() copies and converts elements", backend_reorders },
        { "operations on single elements agree with the processor's", backend_computes_unary },
        { "operations on two arrays agree with the processor's", backend_computes_binary },
        { "sums agree with the processor's", backend_sums },
        { "products of matrices agree with the processor's", backend_multiplies },
        { NULL, NULL },
};
