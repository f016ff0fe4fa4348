/* Random numbers in bulk. */
#ifndef SCION_BASE_RANDOM_H
#define SCION_BASE_RANDOM_H

#include <scion/random.h>

/* Writes the next `count` numbers of scion_random_bits(), but faster than one call for each. */
void scion_random_fill(struct scion_random *random, uint32_t *numbers, size_t count);

#endif
