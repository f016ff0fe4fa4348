#include "support/test.h"

#include <math.h>

#include "base/random.h"

/* Known answers of philox4x32-10, from the Random123 distribution. */
static void philox_known_answers(void **state)
{
        static const struct {
                uint32_t counter[4], key[2], expected[4];
        } cases[] = {
                { { 0 }, { 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
                { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
                  { 0xffffffff, 0xffffffff },
                  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
                { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
                  { 0xa4093822, 0x299f31d0 },
                  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct scion_random random = { .left = 0 };

                memcpy(random.counter, cases[i].counter, sizeof random.counter);
                memcpy(random.key, cases[i].key, sizeof random.key);
                for (int j = 0; j < 4; j++)
                        assert_int_equal(scion_random_bits(&random), cases[i].expected[j]);
        }
}

/* scion_random_fill() gives the numbers of single calls, from any position of the stream. */
static void filled_and_drawn_are_the_same(void **state)
{
        static const size_t counts[] = { 0, 1, 3, 64, 65, 200, 1000 };
        uint32_t numbers[1000];

        (void)state;
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
                for (uint32_t before = 0; before < 50; before++) {
                        struct scion_random one = scion_random(5, SCION_RANDOM_DROPOUT, 9), many;

                        /* From near the end of the counter's low word, and across its overflow. */
                        if (before % 2)
                                one.counter[0] = UINT32_MAX - before;
                        for (uint32_t j = 0; j < before % 7; j++)
                                scion_random_bits(&one);
                        many = one;
                        scion_random_fill(&many, numbers, counts[i]);
                        for (size_t j = 0; j < counts[i]; j++)
                                assert_int_equal(numbers[j], scion_random_bits(&one));
                        assert_int_equal(scion_random_bits(&many), scion_random_bits(&one));
                }
}

static void streams_differ(void **state)
{
        struct scion_random streams[] = {
                scion_random(1, SCION_RANDOM_INIT, 0),
                scion_random(2, SCION_RANDOM_INIT, 0),
                scion_random(1, SCION_RANDOM_SHUFFLE, 0),
                scion_random(1, SCION_RANDOM_INIT, 1),
                scion_random(1, SCION_RANDOM_INIT, (uint64_t)1 << 32),
                scion_random(scion_seed(1, "source"), SCION_RANDOM_INIT, 0),
                scion_random(scion_seed(1, "target"), SCION_RANDOM_INIT, 0),
        };
        uint32_t first[sizeof streams / sizeof streams[0]];

        (void)state;
        for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
                first[i] = scion_random_bits(&streams[i]);
                for (size_t j = 0; j < i; j++)
                        assert_int_not_equal(first[i], first[j]);
        }
}

static void moments(void **state)
{
        struct scion_random random = scion_random(7, SCION_RANDOM_DATA, 0);
        double uniform = 0, normal = 0, square = 0;
        int n = 200000;

        (void)state;
        for (int i = 0; i < n; i++) {
                float u = scion_random_uniform(&random), z = scion_random_normal(&random);

                assert_true(u >= 0 && u < 1);
                uniform += u;
                normal += z;
                square += (double)z * z;
        }
        /* Five standard errors. */
        assert_true(fabs(uniform / n - 0.5) < 5 * sqrt(1.0 / 12 / n));
        assert_true(fabs(normal / n) < 5 * sqrt(1.0 / n));
        assert_true(fabs(square / n - 1) < 5 * sqrt(2.0 / n));
}

static void below_and_shuffle(void **state)
{
        struct scion_random random = scion_random(3, SCION_RANDOM_SHUFFLE, 0);
        int seen[7] = { 0 };
        int64_t values[100];
        bool there[100] = { false }, moved = false;

        (void)state;
        for (int i = 0; i < 70000; i++)
                seen[scion_random_below(&random, 7)]++;
        for (int i = 0; i < 7; i++)
                assert_in_range(seen[i], 9500, 10500);
        for (int i = 0; i < 100; i++)
                values[i] = i;
        scion_random_shuffle(&random, values, 100);
        for (int i = 0; i < 100; i++) {
                assert_false(there[values[i]]);
                there[values[i]] = true;
                moved = moved || values[i] != i;
        }
        assert_true(moved);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(philox_known_answers), cmocka_unit_test(filled_and_drawn_are_the_same),
                cmocka_unit_test(streams_differ),       cmocka_unit_test(moments),
                cmocka_unit_test(below_and_shuffle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
