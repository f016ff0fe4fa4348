#include "config/yaml_error.h"

#include <string.h>

#include "config/config.h"

/* libyaml's messages, which have been stable for years, and clearer ones. */
static const struct {
        const char *context; /* NULL for any */
        const char *problem;
        const char *plain;
        bool opened; /* add the position where the unclosed construct began */
} replacements[] = {
        { NULL, "mapping values are not allowed in this context",
          "a ':' that does not follow a key: put a text with ': ' in it in quotes, or correct the "
          "indentation",
          false },
        { NULL, "could not find expected ':'", "a key without its ':'", false },
        { NULL, "did not find expected key",
          "this does not fit in the map around it: is the indentation right?", false },
        { NULL, "did not find expected '-' indicator",
          "this does not fit in the list around it: is the indentation right?", false },
        { NULL, "did not find expected ',' or ']'", "a ',' or ']' is missing in the list", true },
        { NULL, "did not find expected ',' or '}'", "a ',' or '}' is missing in the map", true },
        { NULL, "did not find expected node content", "a value is missing", false },
        { NULL, "did not find expected <document start>",
          "this does not belong to the text before it: is the indentation right?", false },
        { "while scanning a quoted scalar", "found unexpected end of stream",
          "there is no closing quote for the text", true },
        { "while scanning a quoted scalar", "found unexpected document indicator",
          "there is no closing quote for the text", true },
        { NULL, "found unknown escape character",
          "an unknown escape after '\\': in single quotes a backslash is just a backslash", false },
        { NULL, "block sequence entries are not allowed in this context",
          "a list's '- ' cannot stand here: put it on a line of its own", false },
        { NULL, "found character that cannot start any token",
          "no value starts with this character: put the text in quotes", false },
        { NULL, "did not find expected alphabetic or numeric character", "a name must follow '&' or '*'",
          false },
        { NULL, "found undefined tag handle", "an unknown tag: remove it", false },
};

static size_t text_line_start(const char *text, size_t at)
{
        while (at > 0 && text[at - 1] != '\n' && text[at - 1] != '\r')
                at--;
        return at;
}

/* Returns the offset of a line; lines count from 0. */
static size_t text_find_line(const char *text, size_t length, size_t line)
{
        size_t at = 0;

        for (; line > 0 && at < length; line--) {
                const char *end = memchr(text + at, '\n', length - at);

                at = end ? (size_t)(end - text) + 1 : length;
        }
        return at;
}

/* Sets the line and column of a byte; both count from 1, columns in characters. */
static void position_of_byte(const char *text, size_t at, struct scion_config *position)
{
        position->line = 1;
        position->column = 1;
        for (size_t i = 0; i < at; i++)
                position->line += text[i] == '\n';
        for (size_t i = text_line_start(text, at); i < at; i++)
                position->column += ((unsigned char)text[i] & 0xC0) != 0x80;
}

/* Reports an error in the encoding of the text, for which libyaml gives the offset of a byte. */
static bool parser_fail_encoding(const yaml_parser_t *parser, const char *text, size_t length,
                                 struct scion_config *where, bool positions)
{
        size_t at = parser->problem_offset < length ? parser->problem_offset : length;

        if (positions)
                position_of_byte(text, at, where);
        if (parser->problem && strcmp(parser->problem, "control characters are not allowed") == 0)
                return scion_config_fail(where,
                                         parser->problem_value
                                                 ? "the control character 0x%02X: this is not a text file"
                                                 : "a NUL byte (0x%02X): this is not a text file",
                                         (unsigned)parser->problem_value);
        if (parser->problem_value != -1)
                return scion_config_fail(where, "not UTF-8: %s 0x%02X", parser->problem,
                                         (unsigned)parser->problem_value);
        return scion_config_fail(where, "not UTF-8: %s", parser->problem);
}

/* Returns whether a tab precedes the line's first word, and sets its position. */
static bool line_has_tab(const char *text, size_t length, size_t line, struct scion_config *where)
{
        size_t start = text_find_line(text, length, line), at = start;

        while (at < length && text[at] == ' ')
                at++;
        if (at == length || text[at] != '\t')
                return false;
        where->line = (int)line + 1;
        where->column = (int)(at - start) + 1;
        return true;
}

bool scion_yaml_fail(const yaml_parser_t *parser, const char *text, size_t length, const char *file,
                     bool positions)
{
        struct scion_config where = { .file = file };
        const char *problem = parser->problem ? parser->problem : "not YAML";
        const char *context = parser->context ? parser->context : "";
        size_t line = parser->problem_mark.line;

        if (parser->error == YAML_MEMORY_ERROR)
                return scion_fail("out of memory");
        if (parser->error == YAML_READER_ERROR)
                return parser_fail_encoding(parser, text, length, &where, positions);
        if (positions && line_has_tab(text, length, line, &where))
                return scion_config_fail(&where, "tabs cannot indent YAML: use spaces");
        if (positions) {
                where.line = (int)line + 1;
                where.column = (int)parser->problem_mark.column + 1;
        }
        for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++) {
                if (strcmp(problem, replacements[i].problem) != 0 ||
                    (replacements[i].context && strcmp(context, replacements[i].context) != 0))
                        continue;
                if (replacements[i].opened && positions)
                        return scion_config_fail(&where, "%s that starts at line %d, column %d",
                                                 replacements[i].plain, (int)parser->context_mark.line + 1,
                                                 (int)parser->context_mark.column + 1);
                return scion_config_fail(&where, "%s", replacements[i].plain);
        }
        return scion_config_fail(&where, "%s%s%s", context, *context ? ": " : "", problem);
}
