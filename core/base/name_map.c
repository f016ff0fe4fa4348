#include "base/name_map.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct scion_index_slot {
        const char *name; /* NULL: free */
        size_t value;
};

/* Where the name is, or would be: the room is a power of two, and never full. */
static struct scion_index_slot *slot_of(const struct scion_index *index, const char *name)
{
        size_t at = (size_t)XXH64(name, strlen(name), 0) & (index->room - 1);

        while (index->slot[at].name && strcmp(index->slot[at].name, name) != 0)
                at = (at + 1) & (index->room - 1);
        return &index->slot[at];
}

static bool grow(struct scion_index *index)
{
        struct scion_index larger = { .room = index->room ? 2 * index->room : 16 };

        larger.slot = calloc(larger.room, sizeof *larger.slot);
        if (!larger.slot)
                return scion_fail("out of memory");
        for (size_t i = 0; i < index->room; i++)
                if (index->slot[i].name)
                        *slot_of(&larger, index->slot[i].name) = index->slot[i];
        free(index->slot);
        index->slot = larger.slot;
        index->room = larger.room;
        return true;
}

bool scion_index_add(struct scion_index *index, const char *name, size_t value)
{
        struct scion_index_slot *slot;

        if (2 * (index->count + 1) > index->room && !grow(index))
                return false;
        slot = slot_of(index, name);
        if (slot->name)
                return true;
        *slot = (struct scion_index_slot){ .name = name, .value = value };
        index->count++;
        return true;
}

size_t scion_index_find(const struct scion_index *index, const char *name)
{
        const struct scion_index_slot *slot = index->room ? slot_of(index, name) : NULL;

        return slot && slot->name ? slot->value : SCION_INDEX_NONE;
}

void scion_index_finish(struct scion_index *index)
{
        free(index->slot);
        *index = (struct scion_index){ 0 };
}
