/* Functions shared by the tests of data: opening a dataset from text and reading its examples. */
#ifndef SCION_TESTS_DATA_SUPPORT_H
#define SCION_TESTS_DATA_SUPPORT_H

#include "support/tape.h"

#include "config/config.h"
#include "data/data.h"
#include "plugin/plugin.h"

/* Opens the dataset described by YAML text in printf format. The file's name in messages is test.yaml. */
SCION_PRINTF(2, 3) static inline struct scion_data *open_data(uint64_t seed, const char *format, ...)
{
        char text[8192];
        va_list arguments;

        va_start(arguments, format);
        int length = vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        assert_in_range(length, 1, sizeof text - 1);
        struct scion_config *map = scion_config_parse(text, "test.yaml");

        if (!map)
                fail_msg("%s", scion_error());
        struct scion_data *data = scion_data_open(map, seed);

        scion_config_destroy(map);
        return data;
}

/* The same, but fails the test if the dataset cannot be opened. */
#define OPEN_DATA(...) must_open(open_data(__VA_ARGS__))

static inline struct scion_data *must_open(struct scion_data *data)
{
        if (!data)
                fail_msg("%s", scion_error());
        return data;
}

static inline void must_next(enum scion_next next, enum scion_next expected)
{
        if (next != expected)
                fail_msg("%d came, not %d: %s", (int)next, (int)expected, scion_error());
}

/* Reads all inputs and labels of a split into one tensor each, which are valid until the tape is reset. */
static inline struct scion_batch split_read(struct scion_data *data, enum scion_split split)
{
        struct scion_batches *batches = scion_batches_create(data, split, scion_data_size(data, split));
        struct scion_batch batch;

        must_next(scion_batches_next(batches, &batch), SCION_NEXT_BATCH);
        scion_batches_destroy(batches);
        return batch;
}

/* Creates a tape and makes the tests' own datasets available. */
static inline int start_data(void **state)
{
        return use_tape(state) || !scion_plugins_add_path(BUILD_DIR "/tests/data");
}

/* One pass over a split of the probe's float inputs. */
struct seen {
        int64_t count;
        int64_t id[256]; /* the example's index in the plugin's split, plus 10000 times the split */
        int32_t label[256];
};

static inline void look(struct scion_batches *batches, struct seen *seen)
{
        struct scion_batch batch;
        enum scion_next next;

        seen->count = 0;
        while ((next = scion_batches_next(batches, &batch)) == SCION_NEXT_BATCH) {
                const float *inputs = scion_data(batch.inputs);
                int64_t values = scion_size(batch.inputs) / batch.size;

                for (int64_t i = 0; i < batch.size; i++) {
                        assert_in_range(seen->count, 0, 255);
                        seen->id[seen->count] = (int64_t)inputs[i * values];
                        seen->label[seen->count++] = batch.labels ? scion_data_i32(batch.labels)[i] : -1;
                }
                scion_tape_reset(tape);
        }
        must_next(next, SCION_NEXT_END);
}

static inline struct seen look_at(struct scion_data *data, enum scion_split split)
{
        struct scion_batches *batches = scion_batches_create(data, split, 16);
        struct seen seen;

        assert_non_null(batches);
        look(batches, &seen);
        scion_batches_destroy(batches);
        assert_int_equal(seen.count, scion_data_size(data, split));
        return seen;
}

static inline bool contains(const struct seen *seen, int64_t id)
{
        for (int64_t i = 0; i < seen->count; i++)
                if (seen->id[i] == id)
                        return true;
        return false;
}

static inline int64_t count_label(const struct seen *seen, int32_t label)
{
        int64_t count = 0;

        for (int64_t i = 0; i < seen->count; i++)
                count += seen->label[i] == label;
        return count;
}

#endif
