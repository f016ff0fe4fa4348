/* A checkpoint is used only if it is intact and has the fingerprint of the training. */
#include "state/checkpoint.h"

#include <fcntl.h>

#include "support/folder.h"
#include "support/limit.h"

static const XXH128_hash_t fingerprint = { 1, 2 };

/* A small state: numbers, an array, an empty block. */
struct sample {
        int64_t epoch;
        double merit;
        float weights[5];
        struct scion_state state;
};

static void sample_fill(struct sample *sample, int64_t epoch)
{
        *sample = (struct sample){ .epoch = epoch, .merit = 0.5, .weights = { 1, 2, 3, 4, (float)epoch } };
        scion_state_add(&sample->state, "epoch", &sample->epoch, sizeof sample->epoch);
        scion_state_add(&sample->state, "merit", &sample->merit, sizeof sample->merit);
        scion_state_add(&sample->state, "weights", sample->weights, sizeof sample->weights);
        scion_state_add(&sample->state, "nothing", sample->weights, 0);
        assert_false(sample->state.failed);
}

static void write_sample(const char *path, int64_t epoch)
{
        struct sample sample;

        sample_fill(&sample, epoch);
        if (!scion_checkpoint_write(path, fingerprint, &sample.state))
                fail_msg("%s", scion_error());
        scion_state_finish(&sample.state);
}

static struct scion_checkpoint *open_good(const char *path)
{
        struct scion_checkpoint *checkpoint = scion_checkpoint_open(path, fingerprint);

        if (!checkpoint)
                fail_msg("%s", scion_error());
        return checkpoint;
}

/* Fails the test unless the file holds the sample of that epoch. */
static void assert_epoch(const char *path, int64_t epoch)
{
        struct scion_checkpoint *checkpoint = open_good(path);
        struct sample sample, expected;

        sample_fill(&sample, 0);
        sample_fill(&expected, epoch);
        assert_true(scion_checkpoint_restore(checkpoint, &sample.state));
        assert_int_equal(sample.epoch, epoch);
        assert_true(sample.merit == expected.merit);
        assert_memory_equal(sample.weights, expected.weights, sizeof sample.weights);
        scion_state_finish(&sample.state);
        scion_state_finish(&expected.state);
        scion_checkpoint_close(checkpoint);
}

static void round_trip(void **state)
{
        int entries = count_entries(".");

        (void)state;
        write_sample("trip", 7);
        assert_epoch("trip", 7);
        write_sample("trip", 8);
        assert_epoch("trip", 8);
        assert_int_equal(count_entries("."), entries + 1);
}

static void no_file(void **state)
{
        (void)state;
        scion_fail("an older message");
        assert_null(scion_checkpoint_open("missing", fingerprint));
        assert_string_equal(scion_error(), "");
        assert_null(scion_checkpoint_open(".", fingerprint));
        assert_error_has(".: ", NULL);
        write_text("text", "this is no checkpoint, though it is longer than a checkpoint's header would be.");
        assert_null(scion_checkpoint_open("text", fingerprint));
        assert_error_has("text: not a checkpoint", NULL);
}

static void another_fingerprint(void **state)
{
        XXH128_hash_t other = { 1, 3 };

        (void)state;
        write_sample("other", 1);
        assert_null(scion_checkpoint_open("other", other));
        assert_error_has("other: of another configuration", NULL);
}

/* A file that a crash or a disk has damaged is detected. */
static void torn_at_every_length(void **state)
{
        struct stat status;

        (void)state;
        write_sample("torn", 1);
        assert_int_equal(stat("torn", &status), 0);
        for (off_t length = status.st_size - 1; length >= 0; length--) {
                assert_int_equal(truncate("torn", length), 0);
                assert_null(scion_checkpoint_open("torn", fingerprint));
                assert_error_has("torn: ", NULL);
        }
        write_sample("torn", 1);
        assert_int_equal(truncate("torn", status.st_size + 1), 0);
        assert_null(scion_checkpoint_open("torn", fingerprint));
}

static void every_flipped_bit(void **state)
{
        int file;
        unsigned char byte;

        (void)state;
        write_sample("flipped", 1);
        file = open("flipped", O_RDWR);
        assert_true(file >= 0);
        for (off_t at = 0; pread(file, &byte, 1, at) == 1; at++) {
                for (int bit = 0; bit < 8; bit++) {
                        unsigned char flipped = (unsigned char)(byte ^ (1 << bit));

                        assert_int_equal(pwrite(file, &flipped, 1, at), 1);
                        if (scion_checkpoint_open("flipped", fingerprint))
                                fail_msg("bit %d of byte %d made no difference", bit, (int)at);
                }
                assert_int_equal(pwrite(file, &byte, 1, at), 1);
        }
        close(file);
        assert_epoch("flipped", 1);
}

/* Some file systems leave zeros in place of data that had not reached the disk. */
static void zeroed_tail(void **state)
{
        struct stat status;

        (void)state;
        write_sample("zeros", 1);
        assert_int_equal(stat("zeros", &status), 0);
        for (off_t length = status.st_size - 1; length >= 0; length--) { /* the last byte is none */
                assert_int_equal(truncate("zeros", length), 0);
                assert_int_equal(truncate("zeros", status.st_size), 0);
                assert_null(scion_checkpoint_open("zeros", fingerprint));
        }
}

static void blocks_are_taken(void **state)
{
        struct sample sample;
        size_t bytes = 99;

        (void)state;
        write_sample("taken", 3);
        struct scion_checkpoint *checkpoint = open_good("taken");
        float *weights = scion_checkpoint_take(checkpoint, "weights", &bytes);

        assert_int_equal(bytes, sizeof sample.weights);
        assert_true(weights[4] == 3);
        free(weights);
        char *nothing = scion_checkpoint_take(checkpoint, "nothing", &bytes);

        assert_int_equal(bytes, 0);
        assert_string_equal(nothing, "");
        free(nothing);
        assert_null(scion_checkpoint_take(checkpoint, "weights", &bytes));
        assert_error_has("taken: has no block 'weights'", NULL);

        int64_t epoch;
        int32_t narrow;

        assert_false(scion_checkpoint_take_into(checkpoint, "epoch", &narrow, sizeof narrow));
        assert_error_has("block 'epoch' has 8 bytes, not 4", NULL);
        assert_true(scion_checkpoint_take_into(checkpoint, "epoch", &epoch, sizeof epoch));
        assert_int_equal(epoch, 3);

        /* What is left. */
        double merit = 0;
        struct scion_state left = { 0 };

        scion_state_add(&left, "merit", &merit, sizeof merit);
        assert_true(scion_checkpoint_restore(checkpoint, &left));
        assert_true(merit == 0.5);
        scion_state_finish(&left);
        scion_checkpoint_close(checkpoint);
        scion_checkpoint_close(NULL);
}

/* Blocks in a device's memory that are copied in several pieces. The bytes around them are unchanged. */
static void storages(void **state)
{
        const size_t bytes = ((size_t)5 << 19) + 12, offset = 64;
        struct scion_storage *from = scion_storage_create(bytes + 2 * offset);
        struct scion_storage *to = scion_storage_create(bytes + 2 * offset);
        struct scion_state saved = { 0 }, restored = { 0 };
        unsigned char *data = malloc(bytes), *back = malloc(bytes + 2 * offset);

        (void)state;
        assert_true(from && to && data && back);
        for (size_t i = 0; i < bytes; i++)
                data[i] = (unsigned char)(i * 7 + i / 251 + 1);
        assert_true(scion_storage_write(from, offset, data, bytes));
        scion_state_add_storage(&saved, "storage", from, offset, bytes);
        scion_state_add_storage(&saved, "none", NULL, 0, 0);
        scion_state_add_storage(&restored, "storage", to, offset, bytes);
        scion_state_add_storage(&restored, "none", NULL, 0, 0);
        assert_true(scion_checkpoint_write("storages", fingerprint, &saved));
        struct scion_checkpoint *checkpoint = open_good("storages");

        assert_true(scion_checkpoint_restore(checkpoint, &restored));
        assert_true(scion_storage_read(to, 0, back, bytes + 2 * offset));
        assert_memory_equal(back + offset, data, bytes);
        for (size_t i = 0; i < offset; i++)
                assert_true(back[i] == 0 && back[offset + bytes + i] == 0);
        scion_checkpoint_close(checkpoint);

        /* Into the whole of a storage; one of another size stays as it is. */
        struct scion_storage *whole = scion_storage_create(bytes);

        checkpoint = open_good("storages");
        assert_false(scion_checkpoint_take_into_storage(checkpoint, "storage", from));
        assert_error_has("block 'storage' has", NULL);
        assert_true(whole && scion_checkpoint_take_into_storage(checkpoint, "storage", whole));
        assert_true(scion_storage_read(whole, 0, back, bytes));
        assert_memory_equal(back, data, bytes);
        scion_checkpoint_close(checkpoint);
        scion_state_finish(&saved);
        scion_state_finish(&restored);
        scion_storage_destroy(whole);
        scion_storage_destroy(from);
        scion_storage_destroy(to);
        free(data);
        free(back);
}

/* A state with other blocks or sizes is unchanged. */
static void another_state(void **state)
{
        struct scion_checkpoint *checkpoint;
        struct sample sample;
        int64_t more = 5;

        (void)state;
        write_sample("state", 3);
        checkpoint = open_good("state");
        sample_fill(&sample, 0);
        scion_state_add(&sample.state, "more", &more, sizeof more);
        assert_false(scion_checkpoint_restore(checkpoint, &sample.state));
        assert_error_has("state: has no block 'more'", NULL);
        sample.state.count--;
        sample.state.block[2].bytes -= sizeof(float);
        assert_false(scion_checkpoint_restore(checkpoint, &sample.state));
        assert_error_has("block 'weights' has 20 bytes, not 16", NULL);
        sample.state.count -= 2;
        assert_false(scion_checkpoint_restore(checkpoint, &sample.state));
        assert_error_has("there is nothing to restore from block 'weights'", NULL);
        assert_int_equal(sample.epoch, 0);
        assert_true(sample.weights[4] == 0);
        assert_int_equal(more, 5);
        scion_state_finish(&sample.state);
        scion_checkpoint_close(checkpoint);
}

static void names(void **state)
{
        char longest[SCION_BLOCK_NAME + 1];
        struct scion_state blocks = { 0 };
        int64_t value = 0;

        (void)state;
        memset(longest, 'x', sizeof longest);
        longest[SCION_BLOCK_NAME] = '\0';
        scion_state_add(&blocks, longest + 1, &value, sizeof value);
        assert_false(blocks.failed);
        scion_state_add(&blocks, longest + 1, &value, sizeof value);
        assert_true(blocks.failed);
        assert_error_has("two blocks", NULL);
        assert_false(scion_checkpoint_write("names", fingerprint, &blocks));
        assert_int_equal(access("names", F_OK), -1);
        scion_state_finish(&blocks);
        scion_state_add(&blocks, longest, &value, sizeof value);
        assert_true(blocks.failed);
        scion_state_finish(&blocks);
        scion_state_add(&blocks, "", &value, sizeof value);
        assert_true(blocks.failed);
        scion_state_finish(&blocks);
}

/* Wherever the disk becomes full, the older file is still there, and no other file is. */
static void full_disk(void **state)
{
        struct stat status;
        struct sample sample;
        int entries;

        (void)state;
        write_sample("full", 1);
        assert_int_equal(stat("full", &status), 0);
        entries = count_entries(".");
        sample_fill(&sample, 2);
        for (off_t room = 0; room < status.st_size; room += 8) {
                limit_files_to((rlim_t)room);
                assert_false(scion_checkpoint_write("full", fingerprint, &sample.state));
                assert_error_has("full: cannot be written: ", NULL);
        }
        limit_files_no_more();
        assert_int_equal(count_entries("."), entries);
        assert_epoch("full", 1);
        assert_true(scion_checkpoint_write("full", fingerprint, &sample.state));
        assert_epoch("full", 2);
        scion_state_finish(&sample.state);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(round_trip),          cmocka_unit_test(no_file),
                cmocka_unit_test(another_fingerprint), cmocka_unit_test(torn_at_every_length),
                cmocka_unit_test(every_flipped_bit),   cmocka_unit_test(zeroed_tail),
                cmocka_unit_test(blocks_are_taken),    cmocka_unit_test(storages),
                cmocka_unit_test(another_state),       cmocka_unit_test(names),
                cmocka_unit_test(full_disk),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
