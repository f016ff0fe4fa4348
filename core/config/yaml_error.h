/* Error messages for libyaml's errors. */
#ifndef SCION_CONFIG_YAML_ERROR_H
#define SCION_CONFIG_YAML_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* Sets a message for the parser's error, with its position in `text` if `positions` is true, else with only
 * `file`. Returns false. */
bool scion_yaml_fail(const yaml_parser_t *parser, const char *text, size_t length, const char *file,
                     bool positions);

#endif
