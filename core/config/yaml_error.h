/* What libyaml says, in plainer words. */
#ifndef SCION_CONFIG_YAML_ERROR_H
#define SCION_CONFIG_YAML_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* Records what stopped the parser, with its place in `text`, or with `file` alone without `places`. */
bool scion_yaml_fail(const yaml_parser_t *parser, const char *text, size_t length, const char *file,
                     bool places);

#endif
