/* Builds a tree from the events of libyaml's parser, with the position of every node. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/yaml_error.h"

#define MOST_ANCHORS 1000 /* searched linearly for each alias */

struct anchor {
        char *name;
        const struct scion_config *node;
        bool complete; /* false while the node is being read: an alias would make it contain itself */
};

struct reader {
        yaml_parser_t parser;
        const char *text;
        size_t length;
        const char *file;
        bool positions; /* store lines and columns */
        size_t nodes;   /* so far, with aliases expanded */
        size_t anchors;
        struct anchor anchor[MOST_ANCHORS];
        struct scion_config
                *parked; /* owns nodes outside the tree that may have anchors: keys, merged maps */
};

/* Returns a node with the position of the mark, for messages and new nodes. */
static struct scion_config reader_position(const struct reader *reader, yaml_mark_t mark)
{
        struct scion_config position = { .file = reader->file };

        if (reader->positions) {
                position.line = (int)mark.line + 1;
                position.column = (int)mark.column + 1;
        }
        return position;
}

#define FAIL(reader, mark, ...)                                            \
        do {                                                               \
                struct scion_config where = reader_position(reader, mark); \
                                                                           \
                scion_config_fail(&where, __VA_ARGS__);                    \
        } while (0)

static bool reader_next_event(struct reader *reader, yaml_event_t *event)
{
        if (yaml_parser_parse(&reader->parser, event))
                return true;
        scion_yaml_fail(&reader->parser, reader->text, reader->length, reader->file, reader->positions);
        return false;
}

static bool reader_count_nodes(struct reader *reader, size_t more, yaml_mark_t mark)
{
        reader->nodes += more;
        if (reader->nodes <= SCION_CONFIG_NODES)
                return true;
        FAIL(reader, mark, "too large: more than %d values, with all aliases written out",
             SCION_CONFIG_NODES);
        return false;
}

/* --- Anchors and aliases -------------------------------------------------------------------------------- */

static struct anchor *reader_find_anchor(struct reader *reader, const char *name)
{
        for (size_t i = 0; i < reader->anchors; i++)
                if (strcmp(reader->anchor[i].name, name) == 0)
                        return &reader->anchor[i];
        return NULL;
}

static bool reader_add_anchor(struct reader *reader, const yaml_char_t *name, const struct scion_config *node,
                              yaml_mark_t mark)
{
        struct anchor *anchor;

        if (!name)
                return true;
        anchor = reader_find_anchor(reader, (const char *)name);
        if (!anchor) {
                if (reader->anchors == MOST_ANCHORS) {
                        FAIL(reader, mark, "too many anchors: more than %d", MOST_ANCHORS);
                        return false;
                }
                anchor = &reader->anchor[reader->anchors];
                anchor->name = strdup((const char *)name);
                if (!anchor->name)
                        return scion_fail("out of memory");
                reader->anchors++;
        }
        anchor->node = node;
        anchor->complete = node->kind == SCION_CONFIG_SCALAR;
        return true;
}

/* Marks the node as complete, so that aliases may refer to it. */
static void reader_complete_anchor(struct reader *reader, const yaml_char_t *name,
                                   const struct scion_config *node)
{
        struct anchor *anchor = name ? reader_find_anchor(reader, (const char *)name) : NULL;

        if (anchor && anchor->node == node)
                anchor->complete = true;
}

/* Returns the node that an alias refers to, which it does not own. */
static const struct scion_config *reader_find_alias(struct reader *reader, const char *name, yaml_mark_t mark)
{
        struct anchor *anchor = reader_find_anchor(reader, name);

        if (!anchor)
                FAIL(reader, mark, "no anchor '&%s' before the alias '*%s'", name, name);
        else if (!anchor->complete)
                FAIL(reader, mark,
                     "the alias '*%s' is inside the node that it refers to, and would never end", name);
        else
                return anchor->node;
        return NULL;
}

static struct scion_config *reader_read_alias(struct reader *reader, const char *name, yaml_mark_t mark,
                                              int depth)
{
        const struct scion_config *named = reader_find_alias(reader, name, mark);

        if (!named || !reader_count_nodes(reader, scion_config_size(named), mark))
                return NULL;
        if (depth + scion_config_depth(named) > SCION_CONFIG_DEPTH) {
                FAIL(reader, mark, "nested too deeply: more than %d levels", SCION_CONFIG_DEPTH);
                return NULL;
        }
        return scion_config_copy(named);
}

/* --- Nodes ---------------------------------------------------------------------------------------------- */

/* Accepts only YAML's core tags that fit the kind. Sets `string` if the tag makes the scalar a string. */
static bool reader_check_tag(struct reader *reader, const yaml_event_t *event, const yaml_char_t *tag,
                             enum scion_config_kind kind, bool *string)
{
        static const char yaml[] = "tag:yaml.org,2002:";
        static const char *const scalars[] = { "str", "int", "float", "bool", "null", NULL };
        static const char *const lists[] = { "seq", NULL };
        static const char *const maps[] = { "map", NULL };
        const char *const *known = kind == SCION_CONFIG_SCALAR ? scalars
                                   : kind == SCION_CONFIG_LIST ? lists
                                                               : maps;
        const char *name = (const char *)tag;

        *string = false;
        if (!name)
                return true;
        *string = strcmp(name, "!") == 0;
        if (*string)
                return true;
        bool core = strncmp(name, yaml, sizeof yaml - 1) == 0;
        if (core) {
                name += sizeof yaml - 1;
                for (; *known; known++) {
                        if (strcmp(name, *known) != 0)
                                continue;
                        *string = strcmp(name, "str") == 0;
                        return true;
                }
        }
        FAIL(reader, event->start_mark, "the tag '%s%.60s' has no meaning here: remove it", core ? "!!" : "",
             name);
        return false;
}

static struct scion_config *reader_read_node(struct reader *reader, yaml_event_t *event, int depth);

static struct scion_config *reader_new_node(struct reader *reader, enum scion_config_kind kind,
                                            yaml_mark_t mark)
{
        struct scion_config position = reader_position(reader, mark);

        return reader_count_nodes(reader, 1, mark)
                       ? scion_config_node(kind, position.file, position.line, position.column)
                       : NULL;
}

static struct scion_config *reader_read_scalar(struct reader *reader, const yaml_event_t *event)
{
        const char *text = (const char *)event->data.scalar.value;
        struct scion_config position = reader_position(reader, event->start_mark);
        struct scion_config *node;
        bool string;

        if (!reader_check_tag(reader, event, event->data.scalar.tag, SCION_CONFIG_SCALAR, &string))
                return NULL;
        if (strlen(text) != event->data.scalar.length) {
                scion_config_fail(&position, "a text must not contain the character NUL");
                return NULL;
        }
        string = string || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        if (!reader_count_nodes(reader, 1, event->start_mark))
                return NULL;
        node = scion_config_scalar(text, string, &position);
        if (node && !reader_add_anchor(reader, event->data.scalar.anchor, node, event->start_mark)) {
                scion_config_destroy(node);
                return NULL;
        }
        return node;
}

static struct scion_config *reader_read_list(struct reader *reader, const yaml_event_t *start, int depth)
{
        struct scion_config *list = reader_new_node(reader, SCION_CONFIG_LIST, start->start_mark);
        yaml_event_t event;
        bool string;

        if (!list ||
            !reader_check_tag(reader, start, start->data.sequence_start.tag, SCION_CONFIG_LIST, &string) ||
            !reader_add_anchor(reader, start->data.sequence_start.anchor, list, start->start_mark))
                goto fail;
        while (reader_next_event(reader, &event)) {
                struct scion_config *value;

                if (event.type == YAML_SEQUENCE_END_EVENT) {
                        yaml_event_delete(&event);
                        reader_complete_anchor(reader, start->data.sequence_start.anchor, list);
                        return list;
                }
                value = reader_read_node(reader, &event, depth + 1);
                yaml_event_delete(&event);
                if (!value || !scion_config_add(list, NULL, value->line, value->column, value))
                        goto fail;
        }
fail:
        scion_config_destroy(list);
        return NULL;
}

/* Returns the text of a key, which the caller frees. */
static char *reader_read_key(struct reader *reader, yaml_event_t *event)
{
        const struct scion_config *node = NULL;
        char *key;

        if (event->type == YAML_ALIAS_EVENT) {
                node = reader_find_alias(reader, (const char *)event->data.alias.anchor, event->start_mark);
        } else if (event->type == YAML_SCALAR_EVENT) {
                struct scion_config *scalar = reader_read_scalar(reader, event);

                if (scalar && scion_config_add(reader->parked, NULL, 0, 0, scalar))
                        node = scalar;
        } else {
                FAIL(reader, event->start_mark, "a key must be a word, not a %s",
                     event->type == YAML_MAPPING_START_EVENT ? "map" : "list");
        }
        if (!node)
                return NULL;
        if (node->kind != SCION_CONFIG_SCALAR || !*node->text) {
                FAIL(reader, event->start_mark,
                     node->text ? "a key is missing before the ':'"
                                : "a key must be a word, not a map or list");
                return NULL;
        }
        key = strdup(node->text);
        return key ? key : scion_fail_null("out of memory");
}

/* --- Maps ----------------------------------------------------------------------------------------------- */

/* Fails at the first duplicate key in the file's order. */
static bool map_check_duplicates(const struct scion_config *map)
{
        const char **keys = malloc((map->count ? map->count : 1) * sizeof *keys);
        size_t first, again;
        bool good;

        if (!keys)
                return scion_fail("out of memory");
        for (size_t i = 0; i < map->count; i++)
                keys[i] = map->entry[i].key;
        good = scion_config_find_duplicate(keys, map->count, &first, &again);
        free(keys);
        if (!good || again == map->count)
                return good;
        if (map->line == 0)
                return scion_config_fail_key(map, again, "the key '%s' is given twice",
                                             map->entry[again].key);
        return scion_config_fail_key(map, again,
                                     "the key '%s' is given twice, the first time at line %d, column %d",
                                     map->entry[again].key, map->entry[first].line, map->entry[first].column);
}

/* Adds copies of the entries of `from` whose keys are neither in `map`, as built so far, nor in `own`. */
static bool reader_add_missing(struct reader *reader, struct scion_config *map,
                               const struct scion_config *own, const struct scion_config *from,
                               yaml_mark_t mark)
{
        for (size_t i = 0; i < from->count; i++) {
                const struct scion_config_entry *entry = &from->entry[i];

                if (scion_config_find(own, entry->key) || scion_config_find(map, entry->key))
                        continue;
                if (!reader_count_nodes(reader, scion_config_size(entry->value), mark) ||
                    !scion_config_add(map, entry->key, entry->line, entry->column,
                                      scion_config_copy(entry->value)))
                        return false;
        }
        return true;
}

/* Expands `<<: MAP` or `<<: [MAP, ...]`: adds the maps' entries, except keys that the map itself has. The
 * first map with a key wins. */
static bool reader_add_merged(struct reader *reader, struct scion_config *map, const struct scion_config *own,
                              const struct scion_config *value, yaml_mark_t mark)
{
        if (value->kind == SCION_CONFIG_MAP)
                return reader_add_missing(reader, map, own, value, mark);
        if (value->kind != SCION_CONFIG_LIST)
                return scion_config_fail(value, "'<<' takes a map (`<<: *name`) or a list of maps");
        for (size_t i = 0; i < value->count; i++) {
                const struct scion_config *from = value->entry[i].value;

                if (from->kind != SCION_CONFIG_MAP)
                        return scion_config_fail(from, "'<<' takes a map (`<<: *name`) or a list of maps");
                if (!reader_add_missing(reader, map, own, from, mark))
                        return false;
        }
        return true;
}

/* Replaces the merge key `<<` by the entries that it merges. */
static bool reader_resolve_merge(struct reader *reader, struct scion_config *map, yaml_mark_t mark)
{
        struct scion_config own = *map;
        size_t i = 0;
        bool good = true;

        if (!scion_config_find(map, "<<"))
                return true;
        map->count = 0;
        map->entry = NULL;
        for (; good && i < own.count; i++) {
                struct scion_config_entry *entry = &own.entry[i];

                if (strcmp(entry->key, "<<") == 0) {
                        if ((good = reader_add_merged(reader, map, &own, entry->value, mark))) {
                                good = scion_config_add(reader->parked, NULL, 0, 0, entry->value);
                                entry->value = NULL;
                        }
                } else {
                        struct scion_config *value = entry->value;

                        entry->value = NULL;
                        good = scion_config_add(map, entry->key, entry->line, entry->column, value);
                }
        }
        for (i = 0; i < own.count; i++) {
                free(own.entry[i].key);
                scion_config_destroy(own.entry[i].value);
        }
        free(own.entry);
        return good;
}

static struct scion_config *reader_read_map(struct reader *reader, const yaml_event_t *start, int depth)
{
        struct scion_config *map = reader_new_node(reader, SCION_CONFIG_MAP, start->start_mark);
        yaml_event_t event;
        bool string;

        if (!map ||
            !reader_check_tag(reader, start, start->data.mapping_start.tag, SCION_CONFIG_MAP, &string) ||
            !reader_add_anchor(reader, start->data.mapping_start.anchor, map, start->start_mark))
                goto fail;
        while (reader_next_event(reader, &event)) {
                struct scion_config position = reader_position(reader, event.start_mark);
                bool end = event.type == YAML_MAPPING_END_EVENT;
                struct scion_config *value;
                char *key;

                if (end) {
                        yaml_event_delete(&event);
                        if (!map_check_duplicates(map) ||
                            !reader_resolve_merge(reader, map, start->start_mark))
                                goto fail;
                        reader_complete_anchor(reader, start->data.mapping_start.anchor, map);
                        return map;
                }
                key = reader_read_key(reader, &event);
                yaml_event_delete(&event);
                if (!key)
                        goto fail;
                value = NULL;
                if (reader_next_event(reader, &event)) {
                        value = reader_read_node(reader, &event, depth + 1);
                        yaml_event_delete(&event);
                }
                bool added = scion_config_add(map, key, position.line, position.column, value);
                free(key);
                if (!added)
                        goto fail;
        }
fail:
        scion_config_destroy(map);
        return NULL;
}

static struct scion_config *reader_read_node(struct reader *reader, yaml_event_t *event, int depth)
{
        if (depth > SCION_CONFIG_DEPTH) {
                FAIL(reader, event->start_mark, "nested too deeply: more than %d levels", SCION_CONFIG_DEPTH);
                return NULL;
        }
        switch (event->type) {
        case YAML_ALIAS_EVENT:
                return reader_read_alias(reader, (const char *)event->data.alias.anchor, event->start_mark,
                                         depth - 1);
        case YAML_SCALAR_EVENT:
                return reader_read_scalar(reader, event);
        case YAML_SEQUENCE_START_EVENT:
                return reader_read_list(reader, event, depth);
        case YAML_MAPPING_START_EVENT:
                return reader_read_map(reader, event, depth);
        default:
                FAIL(reader, event->start_mark, "this is not YAML");
                return NULL;
        }
}

/* --- Documents ------------------------------------------------------------------------------------------ */

/* Consumes the next event. Fails with the message `otherwise` if it is not of the type given. */
static bool reader_expect(struct reader *reader, yaml_event_type_t type, const char *otherwise)
{
        yaml_event_t event;
        bool good;

        if (!reader_next_event(reader, &event))
                return false;
        good = event.type == type;
        if (!good)
                FAIL(reader, event.start_mark, "%s", otherwise);
        yaml_event_delete(&event);
        return good;
}

static struct scion_config *reader_read_document(struct reader *reader)
{
        struct scion_config *root = NULL;
        yaml_event_t event;

        if (!reader_expect(reader, YAML_STREAM_START_EVENT, "this is not YAML") ||
            !reader_next_event(reader, &event))
                return NULL;
        bool empty = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (!empty) {
                if (reader_next_event(reader, &event)) {
                        root = reader_read_node(reader, &event, 1);
                        yaml_event_delete(&event);
                }
                if (!root)
                        return NULL;
                empty = root->kind == SCION_CONFIG_SCALAR && !root->quoted && !*root->text;
        }
        if (empty)
                scion_fail("%s: empty: there are only blanks and comments", reader->file);
        else if (reader_expect(reader, YAML_DOCUMENT_END_EVENT, "this is not YAML") &&
                 reader_expect(reader, YAML_STREAM_END_EVENT,
                               "a second document starts here: one file holds one"))
                return root;
        scion_config_destroy(root);
        return NULL;
}

struct scion_config *scion_config_read(const char *text, size_t length, const char *name, bool positions)
{
        struct scion_config holder = { .kind = SCION_CONFIG_LIST };
        struct scion_config *root = NULL;
        struct reader *reader = calloc(1, sizeof *reader);

        if (!reader || !(reader->file = scion_config_file_name(name)) ||
            !yaml_parser_initialize(&reader->parser)) {
                free(reader);
                return scion_fail_null("out of memory");
        }
        if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
                text += 3;
                length -= 3;
        }
        reader->text = text;
        reader->length = length;
        reader->positions = positions;
        reader->parked = &holder;
        yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);
        root = reader_read_document(reader);

        yaml_parser_delete(&reader->parser);
        for (size_t i = 0; i < reader->anchors; i++)
                free(reader->anchor[i].name);
        for (size_t i = 0; i < holder.count; i++)
                scion_config_destroy(holder.entry[i].value);
        free(holder.entry);
        free(reader);
        return root;
}
