#include "base/name_map.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct scion_name_map_slot {
        const char *name; /* NULL in a free slot */
        size_t value;
};

/* Returns the slot that holds the name, or the free slot where it belongs (linear probing). The number of
 * slots is a power of two, and at most half of them are used. */
static struct scion_name_map_slot *slot_find(const struct scion_name_map *map, const char *name)
{
        size_t at = (size_t)XXH64(name, strlen(name), 0) & (map->slots - 1);

        while (map->slot[at].name && strcmp(map->slot[at].name, name) != 0)
                at = (at + 1) & (map->slots - 1);
        return &map->slot[at];
}

static bool slots_grow(struct scion_name_map *map)
{
        struct scion_name_map larger = { .slots = map->slots ? 2 * map->slots : 16 };

        larger.slot = calloc(larger.slots, sizeof *larger.slot);
        if (!larger.slot)
                return scion_fail("out of memory");
        for (size_t i = 0; i < map->slots; i++)
                if (map->slot[i].name)
                        *slot_find(&larger, map->slot[i].name) = map->slot[i];
        free(map->slot);
        map->slot = larger.slot;
        map->slots = larger.slots;
        return true;
}

bool scion_name_map_add(struct scion_name_map *map, const char *name, size_t value)
{
        struct scion_name_map_slot *slot;

        if (2 * (map->count + 1) > map->slots && !slots_grow(map))
                return false;
        slot = slot_find(map, name);
        if (slot->name)
                return true;
        *slot = (struct scion_name_map_slot){ .name = name, .value = value };
        map->count++;
        return true;
}

size_t scion_name_map_find(const struct scion_name_map *map, const char *name)
{
        const struct scion_name_map_slot *slot = map->slots ? slot_find(map, name) : NULL;

        return slot && slot->name ? slot->value : SCION_NAME_NONE;
}

void scion_name_map_finish(struct scion_name_map *map)
{
        free(map->slot);
        *map = (struct scion_name_map){ 0 };
}
