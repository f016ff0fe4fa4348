/* Trees: creating, copying and reading them, and messages with positions. */
#include "config/tree.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/text.h"
#include "config/scalar.h"

/* --- Nodes ---------------------------------------------------------------------------------------------- */

const char *scion_config_file_name(const char *name)
{
        struct name {
                struct name *next;
                char text[];
        };
        static struct name *names;
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        struct name *found;

        pthread_mutex_lock(&lock);
        for (found = names; found; found = found->next)
                if (strcmp(found->text, name) == 0)
                        break;
        if (!found) {
                size_t bytes = strlen(name) + 1;

                found = malloc(sizeof *found + bytes);
                if (found) {
                        memcpy(found->text, name, bytes);
                        found->next = names;
                        names = found;
                }
        }
        pthread_mutex_unlock(&lock);
        return found ? found->text : scion_fail_null("out of memory");
}

struct scion_config *scion_config_node(enum scion_config_kind kind, const char *file, int line, int column)
{
        struct scion_config *node = calloc(1, sizeof *node);

        if (!node)
                return scion_fail_null("out of memory");
        node->kind = kind;
        node->file = file;
        node->line = line;
        node->column = column;
        return node;
}

struct scion_config *scion_config_scalar(const char *text, bool quoted, const struct scion_config *position)
{
        struct scion_config *node =
                scion_config_node(SCION_CONFIG_SCALAR, position->file, position->line, position->column);

        if (!node)
                return NULL;
        node->quoted = quoted;
        node->text = strdup(text);
        if (!node->text) {
                scion_config_destroy(node);
                return scion_fail_null("out of memory");
        }
        return node;
}

bool scion_config_add(struct scion_config *parent, const char *key, int line, int column,
                      struct scion_config *value)
{
        char *name = NULL;

        if (!value)
                return false;
        if (key && !(name = strdup(key)))
                goto out_of_memory;
        if ((parent->count & (parent->count - 1)) == 0) { /* the allocated size is a power of two */
                size_t room = parent->count ? 2 * parent->count : 1;
                struct scion_config_entry *larger = realloc(parent->entry, room * sizeof *larger);

                if (!larger)
                        goto out_of_memory;
                parent->entry = larger;
        }
        parent->entry[parent->count++] =
                (struct scion_config_entry){ .key = name, .line = line, .column = column, .value = value };
        return true;

out_of_memory:
        free(name);
        scion_config_destroy(value);
        return scion_fail("out of memory");
}

struct scion_config *scion_config_copy(const struct scion_config *config)
{
        struct scion_config *copy =
                scion_config_node(config->kind, config->file, config->line, config->column);

        if (!copy)
                return NULL;
        copy->quoted = config->quoted;
        if (config->text && !(copy->text = strdup(config->text))) {
                scion_fail("out of memory");
                goto fail;
        }
        for (size_t i = 0; i < config->count; i++) {
                const struct scion_config_entry *entry = &config->entry[i];

                if (!scion_config_add(copy, entry->key, entry->line, entry->column,
                                      scion_config_copy(entry->value)))
                        goto fail;
        }
        return copy;

fail:
        scion_config_destroy(copy);
        return NULL;
}

static void entry_free(struct scion_config_entry *entry)
{
        free(entry->key);
        scion_config_destroy(entry->value);
}

void scion_config_destroy(struct scion_config *config)
{
        if (!config)
                return;
        for (size_t i = 0; i < config->count; i++)
                entry_free(&config->entry[i]);
        free(config->entry);
        free(config->text);
        free(config);
}

void scion_config_replace(struct scion_config_entry *entry, struct scion_config *value)
{
        scion_config_destroy(entry->value);
        entry->value = value;
        entry->line = value->line;
        entry->column = value->column;
}

void scion_config_remove(struct scion_config *map, const char *key)
{
        struct scion_config_entry *entry = scion_config_find(map, key);

        if (!entry)
                return;
        entry_free(entry);
        map->count--;
        memmove(entry, entry + 1, (size_t)(map->entry + map->count - entry) * sizeof *entry);
}

/* --- Access --------------------------------------------------------------------------------------------- */

struct scion_config_entry *scion_config_find(const struct scion_config *map, const char *key)
{
        if (!map || map->kind != SCION_CONFIG_MAP)
                return NULL;
        for (size_t i = 0; i < map->count; i++)
                if (strcmp(map->entry[i].key, key) == 0)
                        return &map->entry[i];
        return NULL;
}

const struct scion_config *scion_config_get(const struct scion_config *map, const char *key)
{
        const struct scion_config_entry *entry = scion_config_find(map, key);

        return entry ? entry->value : NULL;
}

static int by_name(const void *a, const void *b)
{
        const char *const *const *x = a, *const *const *y = b;
        int order = strcmp(**x, **y);

        return order ? order : *x < *y ? -1 : *x > *y; /* stable */
}

bool scion_config_find_duplicate(const char *const *names, size_t count, size_t *first, size_t *again)
{
        const char *const **sorted = malloc((count ? count : 1) * sizeof *sorted);

        *first = *again = count;
        if (!sorted)
                return scion_fail("out of memory");
        for (size_t i = 0; i < count; i++)
                sorted[i] = &names[i];
        qsort(sorted, count, sizeof *sorted, by_name);
        for (size_t i = 1; i < count; i++)
                if (strcmp(*sorted[i - 1], *sorted[i]) == 0 && (size_t)(sorted[i] - names) < *again) {
                        *first = (size_t)(sorted[i - 1] - names);
                        *again = (size_t)(sorted[i] - names);
                }
        free(sorted);
        return true;
}

size_t scion_config_size(const struct scion_config *config)
{
        size_t size = 1;

        for (size_t i = 0; i < config->count; i++)
                size += scion_config_size(config->entry[i].value);
        return size;
}

int scion_config_depth(const struct scion_config *config)
{
        int below = 0;

        for (size_t i = 0; i < config->count; i++) {
                int depth = scion_config_depth(config->entry[i].value);

                if (depth > below)
                        below = depth;
        }
        return below + 1;
}

bool scion_config_is_null(const struct scion_config *config)
{
        return config->kind == SCION_CONFIG_SCALAR && !config->quoted && scion_scalar_null(config->text);
}

const char *scion_config_describe(const struct scion_config *config, char *text, size_t bytes)
{
        const char *quote = config->quoted ? "\"" : "'";

        if (config->kind == SCION_CONFIG_LIST)
                snprintf(text, bytes, "a list");
        else if (config->kind == SCION_CONFIG_MAP)
                snprintf(text, bytes, "a map");
        else if (scion_config_is_null(config))
                snprintf(text, bytes, "nothing");
        else if (strlen(config->text) > 40)
                snprintf(text, bytes, "%s%.37s...%s", quote, config->text, quote);
        else
                snprintf(text, bytes, "%s%s%s", quote, config->text, quote);
        return scion_text_make_printable(text, false);
}

static bool scalars_equal(const struct scion_config *a, const struct scion_config *b)
{
        char x[SCION_SCALAR_BYTES], y[SCION_SCALAR_BYTES];

        if (a->quoted || b->quoted)
                return strcmp(a->text, b->text) == 0 &&
                       (a->quoted == b->quoted || !scion_scalar_typed(a->text));
        return strcmp(scion_scalar_meaning(a->text, x), scion_scalar_meaning(b->text, y)) == 0;
}

bool scion_config_equal(const struct scion_config *a, const struct scion_config *b)
{
        if (a->kind != b->kind || a->count != b->count)
                return false;
        if (a->kind == SCION_CONFIG_SCALAR)
                return scalars_equal(a, b);
        for (size_t i = 0; i < a->count; i++) {
                const struct scion_config *other = a->kind == SCION_CONFIG_LIST
                                                           ? b->entry[i].value
                                                           : scion_config_get(b, a->entry[i].key);

                if (!other || !scion_config_equal(a->entry[i].value, other))
                        return false;
        }
        return true;
}

/* Passes hashes on as seeds instead of hashing their bytes, because the order of bytes differs between
 * machines. */
uint64_t scion_config_hash(const struct scion_config *config)
{
        uint64_t hash = 0;

        if (config->kind == SCION_CONFIG_SCALAR) {
                char buffer[SCION_SCALAR_BYTES];
                const char *text = config->quoted ? config->text : scion_scalar_meaning(config->text, buffer);

                return XXH64(text, strlen(text), config->quoted && scion_scalar_typed(config->text));
        }
        for (size_t i = 0; i < config->count; i++) {
                const struct scion_config_entry *entry = &config->entry[i];
                uint64_t value = scion_config_hash(entry->value);

                if (config->kind == SCION_CONFIG_LIST)
                        hash = XXH64(",", 1, hash + value);
                else /* a sum does not depend on the order of keys */
                        hash += XXH64(entry->key, strlen(entry->key), value);
        }
        return XXH64(config->kind == SCION_CONFIG_LIST ? "[" : "{", 1, hash);
}

/* --- Messages ------------------------------------------------------------------------------------------- */

static bool position_fail(const char *file, int line, int column, const char *format, va_list arguments)
{
        char message[4096];

        vsnprintf(message, sizeof message, format, arguments);
        if (!file)
                return scion_fail("%s", message);
        if (line <= 0)
                return scion_fail("%s: %s", file, message);
        return scion_fail("%s:%d:%d: %s", file, line, column, message);
}

bool scion_config_fail(const struct scion_config *where, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        position_fail(where ? where->file : NULL, where ? where->line : 0, where ? where->column : 0, format,
                      arguments);
        va_end(arguments);
        return false;
}

bool scion_config_fail_key(const struct scion_config *map, size_t index, const char *format, ...)
{
        const struct scion_config_entry *entry = &map->entry[index];
        va_list arguments;

        va_start(arguments, format);
        position_fail(entry->value->file, entry->line, entry->column, format, arguments);
        va_end(arguments);
        return false;
}
