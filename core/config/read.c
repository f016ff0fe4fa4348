/* Text to a tree: libyaml finds the events, this puts them together and keeps the places. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/yaml_error.h"

/* Each alias looks through the anchors. */
#define MOST_ANCHORS 1000

struct anchor {
        char *name;
        const struct scion_config *node;
        bool whole; /* false while the node is being read: an alias to it would hold itself */
};

struct reader {
        yaml_parser_t parser;
        const char *text;
        size_t length;
        const char *file;
        bool places;
        size_t nodes;
        size_t anchors;
        struct anchor anchor[MOST_ANCHORS];
        struct scion_config *parked; /* nodes that no tree holds but an alias may name: keys, merged maps */
};

/* Somewhere to hang a message or a new node. */
static struct scion_config place_of(const struct reader *reader, yaml_mark_t mark)
{
        struct scion_config place = { .file = reader->file };

        if (reader->places) {
                place.line = (int)mark.line + 1;
                place.column = (int)mark.column + 1;
        }
        return place;
}

#define FAIL(reader, mark, ...)                                     \
        do {                                                        \
                struct scion_config where = place_of(reader, mark); \
                                                                    \
                scion_config_fail(&where, __VA_ARGS__);             \
        } while (0)

static bool next_event(struct reader *reader, yaml_event_t *event)
{
        if (yaml_parser_parse(&reader->parser, event))
                return true;
        scion_yaml_fail(&reader->parser, reader->text, reader->length, reader->file, reader->places);
        return false;
}

static bool count_nodes(struct reader *reader, size_t more, yaml_mark_t mark)
{
        reader->nodes += more;
        if (reader->nodes <= SCION_CONFIG_NODES)
                return true;
        FAIL(reader, mark, "too large: more than %d values, with all aliases written out",
             SCION_CONFIG_NODES);
        return false;
}

/* --- Anchors and aliases
 * --------------------------------------------------------------------------------------------- */

static struct anchor *find_anchor(struct reader *reader, const char *name)
{
        for (size_t i = 0; i < reader->anchors; i++)
                if (strcmp(reader->anchor[i].name, name) == 0)
                        return &reader->anchor[i];
        return NULL;
}

static bool add_anchor(struct reader *reader, const yaml_char_t *name, const struct scion_config *node,
                       yaml_mark_t mark)
{
        struct anchor *anchor;

        if (!name)
                return true;
        anchor = find_anchor(reader, (const char *)name);
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
        anchor->whole = node->kind == SCION_CONFIG_SCALAR;
        return true;
}

/* The node is read: aliases may name it. */
static void close_anchor(struct reader *reader, const yaml_char_t *name, const struct scion_config *node)
{
        struct anchor *anchor = name ? find_anchor(reader, (const char *)name) : NULL;

        if (anchor && anchor->node == node)
                anchor->whole = true;
}

/* What an alias names; it stays the anchor's. */
static const struct scion_config *look_up(struct reader *reader, const char *name, yaml_mark_t mark)
{
        struct anchor *anchor = find_anchor(reader, name);

        if (!anchor)
                FAIL(reader, mark, "no anchor '&%s' stands before the alias '*%s'", name, name);
        else if (!anchor->whole)
                FAIL(reader, mark, "the alias '*%s' stands inside of what it names, and would never end",
                     name);
        else
                return anchor->node;
        return NULL;
}

static struct scion_config *read_alias(struct reader *reader, const char *name, yaml_mark_t mark, int depth)
{
        const struct scion_config *named = look_up(reader, name, mark);

        if (!named || !count_nodes(reader, scion_config_size(named), mark))
                return NULL;
        if (depth + scion_config_depth(named) > SCION_CONFIG_DEPTH) {
                FAIL(reader, mark, "nested too deeply: more than %d levels", SCION_CONFIG_DEPTH);
                return NULL;
        }
        return scion_config_copy(named);
}

/* --- Nodes ---------------------------------------------------------------------------------------------- */

/* Takes YAML's own tags only; says whether the tag makes a string of anything. */
static bool check_tag(struct reader *reader, const yaml_event_t *event, const yaml_char_t *tag,
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
        FAIL(reader, event->start_mark, "the tag '%s%.60s' means nothing here: leave it out",
             core ? "!!" : "", name);
        return false;
}

static struct scion_config *read_node(struct reader *reader, yaml_event_t *event, int depth);

static struct scion_config *new_node(struct reader *reader, enum scion_config_kind kind, yaml_mark_t mark)
{
        struct scion_config place = place_of(reader, mark);

        return count_nodes(reader, 1, mark) ? scion_config_node(kind, place.file, place.line, place.column)
                                            : NULL;
}

static struct scion_config *read_scalar(struct reader *reader, const yaml_event_t *event)
{
        const char *text = (const char *)event->data.scalar.value;
        struct scion_config place = place_of(reader, event->start_mark);
        struct scion_config *node;
        bool string;

        if (!check_tag(reader, event, event->data.scalar.tag, SCION_CONFIG_SCALAR, &string))
                return NULL;
        if (strlen(text) != event->data.scalar.length) {
                scion_config_fail(&place, "a text must not contain the character NUL");
                return NULL;
        }
        string = string || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        if (!count_nodes(reader, 1, event->start_mark))
                return NULL;
        node = scion_config_scalar(text, string, &place);
        if (node && !add_anchor(reader, event->data.scalar.anchor, node, event->start_mark)) {
                scion_config_destroy(node);
                return NULL;
        }
        return node;
}

static struct scion_config *read_list(struct reader *reader, const yaml_event_t *start, int depth)
{
        struct scion_config *list = new_node(reader, SCION_CONFIG_LIST, start->start_mark);
        yaml_event_t event;
        bool string;

        if (!list || !check_tag(reader, start, start->data.sequence_start.tag, SCION_CONFIG_LIST, &string) ||
            !add_anchor(reader, start->data.sequence_start.anchor, list, start->start_mark))
                goto fail;
        while (next_event(reader, &event)) {
                struct scion_config *value;

                if (event.type == YAML_SEQUENCE_END_EVENT) {
                        yaml_event_delete(&event);
                        close_anchor(reader, start->data.sequence_start.anchor, list);
                        return list;
                }
                value = read_node(reader, &event, depth + 1);
                yaml_event_delete(&event);
                if (!value || !scion_config_add(list, NULL, value->line, value->column, value))
                        goto fail;
        }
fail:
        scion_config_destroy(list);
        return NULL;
}

/* A key's text, which the caller frees. */
static char *read_key(struct reader *reader, yaml_event_t *event)
{
        const struct scion_config *node = NULL;
        char *key;

        if (event->type == YAML_ALIAS_EVENT) {
                node = look_up(reader, (const char *)event->data.alias.anchor, event->start_mark);
        } else if (event->type == YAML_SCALAR_EVENT) {
                struct scion_config *scalar = read_scalar(reader, event);

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

/* The first key, in the order of the file, that stands there a second time is an error. */
static bool check_duplicates(const struct scion_config *map)
{
        const char **keys = malloc((map->count ? map->count : 1) * sizeof *keys);
        size_t first, again;
        bool good;

        if (!keys)
                return scion_fail("out of memory");
        for (size_t i = 0; i < map->count; i++)
                keys[i] = map->entry[i].key;
        good = scion_config_twice(keys, map->count, &first, &again);
        free(keys);
        if (!good || again == map->count)
                return good;
        if (map->line == 0)
                return scion_config_fail_key(map, again, "the key '%s' is there twice",
                                             map->entry[again].key);
        return scion_config_fail_key(map, again,
                                     "the key '%s' is there twice, the first time at line %d, column %d",
                                     map->entry[again].key, map->entry[first].line, map->entry[first].column);
}

/* Adds copies of what `from` has and neither `map`, so far, nor `own` has. */
static bool add_missing(struct reader *reader, struct scion_config *map, const struct scion_config *own,
                        const struct scion_config *from, yaml_mark_t mark)
{
        for (size_t i = 0; i < from->count; i++) {
                const struct scion_config_entry *entry = &from->entry[i];

                if (scion_config_find(own, entry->key) || scion_config_find(map, entry->key))
                        continue;
                if (!count_nodes(reader, scion_config_size(entry->value), mark) ||
                    !scion_config_add(map, entry->key, entry->line, entry->column,
                                      scion_config_copy(entry->value)))
                        return false;
        }
        return true;
}

/* `<<: MAP` or `<<: [MAP, ...]`: the map's entries, where they are not given beside it; the first map wins. */
static bool add_merged(struct reader *reader, struct scion_config *map, const struct scion_config *own,
                       const struct scion_config *value, yaml_mark_t mark)
{
        if (value->kind == SCION_CONFIG_MAP)
                return add_missing(reader, map, own, value, mark);
        if (value->kind != SCION_CONFIG_LIST)
                return scion_config_fail(value, "'<<' takes a map (`<<: *name`) or a list of maps");
        for (size_t i = 0; i < value->count; i++) {
                const struct scion_config *from = value->entry[i].value;

                if (from->kind != SCION_CONFIG_MAP)
                        return scion_config_fail(from, "'<<' takes a map (`<<: *name`) or a list of maps");
                if (!add_missing(reader, map, own, from, mark))
                        return false;
        }
        return true;
}

/* Puts what a merge key brings in its place. */
static bool resolve_merge(struct reader *reader, struct scion_config *map, yaml_mark_t mark)
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
                        if ((good = add_merged(reader, map, &own, entry->value, mark))) {
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

static struct scion_config *read_map(struct reader *reader, const yaml_event_t *start, int depth)
{
        struct scion_config *map = new_node(reader, SCION_CONFIG_MAP, start->start_mark);
        yaml_event_t event;
        bool string;

        if (!map || !check_tag(reader, start, start->data.mapping_start.tag, SCION_CONFIG_MAP, &string) ||
            !add_anchor(reader, start->data.mapping_start.anchor, map, start->start_mark))
                goto fail;
        while (next_event(reader, &event)) {
                struct scion_config place = place_of(reader, event.start_mark);
                bool end = event.type == YAML_MAPPING_END_EVENT;
                struct scion_config *value;
                char *key;

                if (end) {
                        yaml_event_delete(&event);
                        if (!check_duplicates(map) || !resolve_merge(reader, map, start->start_mark))
                                goto fail;
                        close_anchor(reader, start->data.mapping_start.anchor, map);
                        return map;
                }
                key = read_key(reader, &event);
                yaml_event_delete(&event);
                if (!key)
                        goto fail;
                value = NULL;
                if (next_event(reader, &event)) {
                        value = read_node(reader, &event, depth + 1);
                        yaml_event_delete(&event);
                }
                bool added = scion_config_add(map, key, place.line, place.column, value);
                free(key);
                if (!added)
                        goto fail;
        }
fail:
        scion_config_destroy(map);
        return NULL;
}

static struct scion_config *read_node(struct reader *reader, yaml_event_t *event, int depth)
{
        if (depth > SCION_CONFIG_DEPTH) {
                FAIL(reader, event->start_mark, "nested too deeply: more than %d levels", SCION_CONFIG_DEPTH);
                return NULL;
        }
        switch (event->type) {
        case YAML_ALIAS_EVENT:
                return read_alias(reader, (const char *)event->data.alias.anchor, event->start_mark,
                                  depth - 1);
        case YAML_SCALAR_EVENT:
                return read_scalar(reader, event);
        case YAML_SEQUENCE_START_EVENT:
                return read_list(reader, event, depth);
        case YAML_MAPPING_START_EVENT:
                return read_map(reader, event, depth);
        default:
                FAIL(reader, event->start_mark, "this is not YAML");
                return NULL;
        }
}

/* --- Documents
 * ------------------------------------------------------------------------------------------------------- */

/* Takes the next event, which is of that type in any stream that libyaml accepts. */
static bool expect(struct reader *reader, yaml_event_type_t type, const char *otherwise)
{
        yaml_event_t event;
        bool good;

        if (!next_event(reader, &event))
                return false;
        good = event.type == type;
        if (!good)
                FAIL(reader, event.start_mark, "%s", otherwise);
        yaml_event_delete(&event);
        return good;
}

static struct scion_config *read_document(struct reader *reader)
{
        struct scion_config *root = NULL;
        yaml_event_t event;

        if (!expect(reader, YAML_STREAM_START_EVENT, "this is not YAML") || !next_event(reader, &event))
                return NULL;
        bool empty = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (!empty) {
                if (next_event(reader, &event)) {
                        root = read_node(reader, &event, 1);
                        yaml_event_delete(&event);
                }
                if (!root)
                        return NULL;
                empty = root->kind == SCION_CONFIG_SCALAR && !root->quoted && !*root->text;
        }
        if (empty)
                scion_fail("%s: empty: there is nothing but blanks and comments", reader->file);
        else if (expect(reader, YAML_DOCUMENT_END_EVENT, "this is not YAML") &&
                 expect(reader, YAML_STREAM_END_EVENT, "a second document starts here: one file holds one"))
                return root;
        scion_config_destroy(root);
        return NULL;
}

struct scion_config *scion_config_read(const char *text, size_t length, const char *name, bool places)
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
        reader->places = places;
        reader->parked = &holder;
        yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader->parser, (const unsigned char *)text, length);
        root = read_document(reader);

        yaml_parser_delete(&reader->parser);
        for (size_t i = 0; i < reader->anchors; i++)
                free(reader->anchor[i].name);
        for (size_t i = 0; i < holder.count; i++)
                scion_config_destroy(holder.entry[i].value);
        free(holder.entry);
        free(reader);
        return root;
}
