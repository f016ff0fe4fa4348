/* A hash table from names to numbers. The names are not copied. */
#ifndef SCION_BASE_NAME_MAP_H
#define SCION_BASE_NAME_MAP_H

#include <scion/api.h>

#define SCION_NAME_NONE SIZE_MAX

/* Initialise with { 0 }. */
struct scion_name_map {
        size_t count; /* names in the map */
        size_t slots; /* allocated */
        struct scion_name_map_slot *slot;
};

/* Maps name to value; a name that is in the map already keeps its value. The string must live as long as
 * the map. Returns false, with a message, when memory runs out. */
bool scion_name_map_add(struct scion_name_map *map, const char *name, size_t value);

/* Returns the value stored for name, or SCION_NAME_NONE. */
size_t scion_name_map_find(const struct scion_name_map *map, const char *name);

/* Frees the table and resets the map to { 0 }. */
void scion_name_map_finish(struct scion_name_map *map);

#endif
