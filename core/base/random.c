/* Philox4x32-10: Salmon, Moraes, Dror, Shaw. Parallel random numbers: as easy as 1, 2, 3. SC 2011. */
#include "base/random.h"

#include <math.h>
#include <scion/simd.h>
#include <string.h>
#include <xxhash.h>

static void philox_block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
        uint32_t k0 = key[0], k1 = key[1];
        uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];

        for (int round = 0; round < 10; round++) {
                uint64_t p0 = (uint64_t)0xD2511F53u * c0;
                uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
                uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
                uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;

                c1 = (uint32_t)p1;
                c3 = (uint32_t)p0;
                c0 = n0;
                c2 = n2;
                k0 += 0x9E3779B9u;
                k1 += 0xBB67AE85u;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
}

#define BLOCKS_AT_ONCE 16

/* Computes BLOCKS_AT_ONCE consecutive blocks, beginning at counter, in loops that the compiler vectorises.
 * The caller ensures that the counter's low word does not overflow. */
SCION_CLONES static void philox_blocks(const uint32_t key[2], const uint32_t counter[4], uint32_t *out)
{
        uint32_t k0 = key[0], k1 = key[1];
        uint32_t c0[BLOCKS_AT_ONCE], c1[BLOCKS_AT_ONCE], c2[BLOCKS_AT_ONCE], c3[BLOCKS_AT_ONCE];

        for (uint32_t i = 0; i < BLOCKS_AT_ONCE; i++) {
                c0[i] = counter[0] + i;
                c1[i] = counter[1];
                c2[i] = counter[2];
                c3[i] = counter[3];
        }
        for (int round = 0; round < 10; round++) {
                for (int i = 0; i < BLOCKS_AT_ONCE; i++) {
                        uint64_t p0 = (uint64_t)0xD2511F53u * c0[i];
                        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2[i];

                        c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
                        c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
                        c1[i] = (uint32_t)p1;
                        c3[i] = (uint32_t)p0;
                }
                k0 += 0x9E3779B9u;
                k1 += 0xBB67AE85u;
        }
        for (int i = 0; i < BLOCKS_AT_ONCE; i++) {
                out[4 * i] = c0[i];
                out[4 * i + 1] = c1[i];
                out[4 * i + 2] = c2[i];
                out[4 * i + 3] = c3[i];
        }
}

/* The seed becomes the key. The counter's low word counts the blocks; the other words identify the stream. */
struct scion_random scion_random(uint64_t seed, enum scion_purpose purpose, uint64_t index)
{
        return (struct scion_random){
                .key = { (uint32_t)seed, (uint32_t)(seed >> 32) },
                .counter = { 0, (uint32_t)purpose, (uint32_t)index, (uint32_t)(index >> 32) },
        };
}

uint64_t scion_seed(uint64_t seed, const char *name)
{
        return XXH64(name, strlen(name), seed);
}

uint32_t scion_random_bits(struct scion_random *random)
{
        if (random->left == 0) {
                philox_block(random->key, random->counter, random->ready);
                random->left = 4;
                if (++random->counter[0] == 0) /* after 2^34 numbers; the purpose is in the low 16 bits */
                        random->counter[1] += 1u << 16;
        }
        return random->ready[4 - random->left--];
}

void scion_random_fill(struct scion_random *random, uint32_t *numbers, size_t count)
{
        for (; count > 0 && random->left > 0; count--)
                *numbers++ = scion_random_bits(random);
        for (; count >= 4 * BLOCKS_AT_ONCE && random->counter[0] <= UINT32_MAX - BLOCKS_AT_ONCE;
             count -= 4 * BLOCKS_AT_ONCE) {
                philox_blocks(random->key, random->counter, numbers);
                random->counter[0] += BLOCKS_AT_ONCE;
                numbers += 4 * BLOCKS_AT_ONCE;
        }
        for (; count > 0; count--)
                *numbers++ = scion_random_bits(random);
}

float scion_random_uniform(struct scion_random *random)
{
        return (float)(scion_random_bits(random) >> 8) * 0x1p-24f;
}

float scion_random_normal(struct scion_random *random)
{
        double u = ((double)scion_random_bits(random) + 1) * 0x1p-32; /* in (0, 1] */
        double v = (double)scion_random_bits(random) * 0x1p-32;

        return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586476925286766559 * v));
}

uint64_t scion_random_below(struct scion_random *random, uint64_t n)
{
        uint64_t limit = UINT64_MAX - UINT64_MAX % n; /* a multiple of n */
        uint64_t x;

        do {
                x = (uint64_t)scion_random_bits(random) << 32;
                x |= scion_random_bits(random);
        } while (x >= limit);
        return x % n;
}

void scion_random_shuffle(struct scion_random *random, int64_t *values, size_t count)
{
        for (size_t i = count; i > 1; i--) {
                size_t j = (size_t)scion_random_below(random, i);
                int64_t swap = values[i - 1];

                values[i - 1] = values[j];
                values[j] = swap;
        }
}
