#include "config/yaml_error.h"

#include <string.h>

#include "config/config.h"

/* libyaml's words, which do not change any more, and ours. */
static const struct {
        const char *context; /* NULL: any */
        const char *problem;
        const char *plain;
        bool opened; /* say where what was not closed began */
} words[] = {
        { NULL, "mapping values are not allowed in this context",
          "a ':' that cannot be a key's: a text with ': ' in it needs quotes; otherwise look at the "
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
          "this does not belong to what stands before it: is the indentation right?", false },
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
        { NULL, "found undefined tag handle", "an unknown tag: leave it out", false },
};

static size_t line_start(const char *text, size_t at)
{
        while (at > 0 && text[at - 1] != '\n' && text[at - 1] != '\r')
                at--;
        return at;
}

/* Where a line (from 0) begins. */
static size_t find_line(const char *text, size_t length, size_t line)
{
        size_t at = 0;

        for (; line > 0 && at < length; line--) {
                const char *end = memchr(text + at, '\n', length - at);

                at = end ? (size_t)(end - text) + 1 : length;
        }
        return at;
}

/* The place of a byte: lines and characters from 1. */
static void place_of_byte(const char *text, size_t at, struct scion_config *place)
{
        place->line = 1;
        place->column = 1;
        for (size_t i = 0; i < at; i++)
                place->line += text[i] == '\n';
        for (size_t i = line_start(text, at); i < at; i++)
                place->column += ((unsigned char)text[i] & 0xC0) != 0x80;
}

/* The text itself is wrong: libyaml gives a byte. */
static bool fail_reader(const yaml_parser_t *parser, const char *text, size_t length,
                        struct scion_config *where, bool places)
{
        size_t at = parser->problem_offset < length ? parser->problem_offset : length;

        if (places)
                place_of_byte(text, at, where);
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

/* A tab among the blanks before a line's first word. */
static bool tab_before(const char *text, size_t length, size_t line, struct scion_config *where)
{
        size_t start = find_line(text, length, line), at = start;

        while (at < length && text[at] == ' ')
                at++;
        if (at == length || text[at] != '\t')
                return false;
        where->line = (int)line + 1;
        where->column = (int)(at - start) + 1;
        return true;
}

bool scion_yaml_fail(const yaml_parser_t *parser, const char *text, size_t length, const char *file,
                     bool places)
{
        struct scion_config where = { .file = file };
        const char *problem = parser->problem ? parser->problem : "not YAML";
        const char *context = parser->context ? parser->context : "";
        size_t line = parser->problem_mark.line;

        if (parser->error == YAML_MEMORY_ERROR)
                return scion_fail("out of memory");
        if (parser->error == YAML_READER_ERROR)
                return fail_reader(parser, text, length, &where, places);
        if (places && tab_before(text, length, line, &where))
                return scion_config_fail(&where, "tabs cannot indent YAML: use spaces");
        if (places) {
                where.line = (int)line + 1;
                where.column = (int)parser->problem_mark.column + 1;
        }
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                if (strcmp(problem, words[i].problem) != 0 ||
                    (words[i].context && strcmp(context, words[i].context) != 0))
                        continue;
                if (words[i].opened && places)
                        return scion_config_fail(&where, "%s that starts at line %d, column %d",
                                                 words[i].plain, (int)parser->context_mark.line + 1,
                                                 (int)parser->context_mark.column + 1);
                return scion_config_fail(&where, "%s", words[i].plain);
        }
        return scion_config_fail(&where, "%s%s%s", context, *context ? ": " : "", problem);
}
