/* Finds names among many: a hash table over strings that others own. */
#ifndef SCION_BASE_NAME_MAP_H
#define SCION_BASE_NAME_MAP_H

#include <scion/api.h>

#define SCION_INDEX_NONE SIZE_MAX

/* Starts as { 0 }. */
struct scion_index {
        size_t count, room;
        struct scion_index_slot *slot;
};

/* Adds a name, which must outlive the index, and what it stands for. One that is there already stays as it is.
 * False when memory is out. */
bool scion_index_add(struct scion_index *index, const char *name, size_t value);

/* What the name stands for; SCION_INDEX_NONE when it is not there. */
size_t scion_index_find(const struct scion_index *index, const char *name);

void scion_index_finish(struct scion_index *index);

#endif
