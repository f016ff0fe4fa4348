"""Converts the templates into a C file that is compiled into the command. Arguments: OUTPUT FOLDER FILE..."""

import pathlib
import sys

output, folder, *files = map(pathlib.Path, sys.argv[1:])
lines = ['#include "scaffold/templates.h"', '']
entries = []
for number, file in enumerate(files):
    place = file.resolve().relative_to(folder.resolve())
    data = file.read_bytes()
    # Numbers instead of a string literal, which C11 guarantees up to 4095 characters only.
    lines.append('static const char file%d[] = {' % number)
    lines += [''.join('%d,' % byte for byte in data[i:i + 32]) for i in range(0, len(data), 32)]
    lines += ['0', '};']
    entries.append('{ "%s", "%s", file%d },' % (place.parts[0], place.relative_to(place.parts[0]).as_posix(), number))
lines += ['const struct scion_template scion_templates[] = {', *entries, '{ 0, 0, 0 }', '};']
output.write_text('\n'.join(lines) + '\n', encoding='ascii')
