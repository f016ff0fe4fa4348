/* Random numbers by the thousand. */
#ifndef SCION_BASE_RANDOM_H
#define SCION_BASE_RANDOM_H

#include <scion/random.h>

/* The next `count` numbers that scion_random_bits() would give. */
void scion_random_fill(struct scion_random *random, uint32_t *numbers, size_t count);

#endif
