/* Writes trees as YAML with libyaml's emitter. */
#include "config/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "config/scalar.h"

/* The widest map or list, in columns, that is written on one line. */
#define LINE_WIDTH 90

static int text_append(void *data, unsigned char *buffer, size_t size)
{
        struct scion_text *text = data;

        scion_text_add(text, "%.*s", (int)size, (const char *)buffer);
        return !text->failed;
}

static bool emitter_send(yaml_emitter_t *emitter, int made, yaml_event_t *event)
{
        if (!made)
                return scion_fail("cannot write as YAML: the text is not UTF-8, or out of memory");
        if (!yaml_emitter_emit(emitter, event))
                return scion_fail("cannot write as YAML: %s",
                                  emitter->problem ? emitter->problem : "out of memory");
        return true;
}

/* Writes a scalar; `string` if it is a string whatever it looks like. */
static bool emitter_write_text(yaml_emitter_t *emitter, const char *text, bool string)
{
        yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE; /* libyaml adds the quotes that YAML requires */
        yaml_event_t event;

        for (const char *c = text; *c && style == YAML_PLAIN_SCALAR_STYLE; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7F)
                        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        if (string && style == YAML_PLAIN_SCALAR_STYLE && scion_scalar_ambiguous(text))
                style = YAML_SINGLE_QUOTED_SCALAR_STYLE;
        return emitter_send(emitter,
                            yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                                         (int)strlen(text), 1, 1, style),
                            &event);
}

/* Writes a plain scalar so that readers of YAML 1.1 read it as this program does. */
static bool emitter_write_plain(yaml_emitter_t *emitter, const char *text)
{
        struct scion_text number = { 0 };
        bool good;

        if (!scion_scalar_add_number(&number, text))
                return emitter_write_text(emitter, text, !scion_scalar_typed(text));
        good = number.failed ? scion_fail("out of memory") : emitter_write_text(emitter, number.text, false);
        free(number.text);
        return good;
}

#define BLOCK_ONLY ((size_t)-1)

/* Returns the columns of a node in flow style, or BLOCK_ONLY if nested maps and lists require block style. */
static size_t config_flow_width(const struct scion_config *config, bool inside_map, bool inside_list)
{
        size_t width = 2;

        if (config->kind == SCION_CONFIG_SCALAR)
                return *config->text || config->quoted ? strlen(config->text) : BLOCK_ONLY;
        if (config->count && (inside_list || (inside_map && config->kind == SCION_CONFIG_MAP)))
                return BLOCK_ONLY;
        for (size_t i = 0; i < config->count; i++) {
                const struct scion_config_entry *entry = &config->entry[i];
                size_t part = config_flow_width(entry->value, inside_map || config->kind == SCION_CONFIG_MAP,
                                                inside_map && config->kind == SCION_CONFIG_LIST);

                if (part == BLOCK_ONLY)
                        return BLOCK_ONLY;
                width += part + 2 + (entry->key ? strlen(entry->key) + 2 : 0);
        }
        return width;
}

/* LINE writes a tree on one line, and keeps the form in which its plain scalars were given. */
enum style { BLOCK, FLOW, ROOT, LINE };

static bool emitter_write_node(yaml_emitter_t *emitter, const struct scion_config *config, enum style style)
{
        bool map = config->kind == SCION_CONFIG_MAP;
        yaml_event_t event;
        int made;

        if (config->kind == SCION_CONFIG_SCALAR)
                return config->quoted || style == LINE
                               ? emitter_write_text(emitter, config->text, config->quoted)
                               : emitter_write_plain(emitter, config->text);
        if (style == BLOCK && config_flow_width(config, false, false) <= LINE_WIDTH)
                style = FLOW;
        if (style == ROOT)
                style = BLOCK;
        if (map)
                made = yaml_mapping_start_event_initialize(
                        &event, NULL, NULL, 1,
                        style == FLOW || style == LINE ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
        else
                made = yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                            style == FLOW || style == LINE
                                                                    ? YAML_FLOW_SEQUENCE_STYLE
                                                                    : YAML_BLOCK_SEQUENCE_STYLE);
        if (!emitter_send(emitter, made, &event))
                return false;
        for (size_t i = 0; i < config->count; i++)
                if ((map && !emitter_write_text(emitter, config->entry[i].key, style != LINE)) ||
                    !emitter_write_node(emitter, config->entry[i].value, style))
                        return false;
        return emitter_send(emitter,
                            map ? yaml_mapping_end_event_initialize(&event)
                                : yaml_sequence_end_event_initialize(&event),
                            &event);
}

static bool emitter_write_document(yaml_emitter_t *emitter, const struct scion_config *config,
                                   enum style style)
{
        yaml_event_t event;

        return emitter_send(emitter, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING),
                            &event) &&
               emitter_send(emitter, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1),
                            &event) &&
               emitter_write_node(emitter, config, style) &&
               emitter_send(emitter, yaml_document_end_event_initialize(&event, 1), &event) &&
               emitter_send(emitter, yaml_stream_end_event_initialize(&event), &event);
}

static char *config_write_text(const struct scion_config *config, enum style style)
{
        struct scion_text text = { 0 };
        yaml_emitter_t emitter;
        bool good;

        if (!yaml_emitter_initialize(&emitter))
                return scion_fail_null("out of memory");
        yaml_emitter_set_output(&emitter, text_append, &text);
        yaml_emitter_set_unicode(&emitter, 1);
        yaml_emitter_set_width(&emitter, -1); /* never fold a line */
        good = emitter_write_document(&emitter, config, style);
        yaml_emitter_delete(&emitter);
        if (good && !text.failed)
                return text.text;
        free(text.text);
        return good ? scion_fail_null("out of memory") : NULL;
}

char *scion_config_text(const struct scion_config *config)
{
        return config_write_text(config, ROOT);
}

char *scion_config_line(const struct scion_config *config)
{
        /* Writes the tree inside a list, because libyaml then keeps a scalar on one line, without an
         * end-of-document mark. */
        struct scion_config_entry entry = { .value = (struct scion_config *)config };
        struct scion_config list = { .kind = SCION_CONFIG_LIST, .count = 1, .entry = &entry };
        char *text = config_write_text(&list, LINE);
        size_t length;

        if (!text)
                return NULL;
        length = strlen(text);
        memmove(text, text + 1, length - 3); /* removes "[", "]" and the line end */
        text[length - 3] = '\0';
        return text;
}

bool scion_config_write(const struct scion_config *config, FILE *file)
{
        char *text = scion_config_text(config);
        bool good;

        if (!text)
                return false;
        errno = 0;
        good = fputs(text, file) >= 0 && fflush(file) == 0;
        free(text);
        return good || scion_fail("cannot write: %s", errno ? strerror(errno) : "unknown error");
}
