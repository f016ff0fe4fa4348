"""Checks that no file of core/ outside core/backend touches elements, but those where access by the host is meant.

A file touches elements when it declares a pointer to values of an element's type, uses a function by which the host
reads or writes the device's memory, or has loops for vector instructions. The files where this is meant are listed in
host_access.txt, each with the reason; an entry that is no longer needed fails too.

Arguments: the folder core/ and the list.
"""

import pathlib
import re
import sys

TOUCHES = re.compile(r'\b(?:float|int32_t|uint8_t) (?:\*|const \*|\*restrict )\s*\w'
                     r'|\b(?:float|int32_t|uint8_t) \*\)'
                     r'|\bscion_(?:data|data_i32|item)\('
                     r'|\bscion_storage_(?:map|view|read|write|begin_write|finish_write)\('
                     r'|->memory\b.*storage|storage->memory'
                     r'|#include <scion/simd\.h>')


def code_of(path):
    """The file's text with its comments and strings blanked, so that line numbers stay."""
    text = path.read_text(encoding='utf-8')
    blank = lambda match: re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'(?s)/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text)


def main():
    core, listing = map(pathlib.Path, sys.argv[1:])
    meant = {}
    for line in listing.read_text(encoding='utf-8').splitlines():
        if line.strip() and not line.startswith('#'):
            name, _, reason = line.partition(':')
            meant[name] = reason.strip()
    wrong = ['%s: has no reason' % name for name, reason in meant.items() if not reason]
    needed = set()
    for path in sorted(core.rglob('*.[ch]')):
        name = str(path.relative_to(core))
        if name.startswith('backend/'):
            continue
        for number, line in enumerate(code_of(path).splitlines(), 1):
            if TOUCHES.search(line):
                needed.add(name)
                if name not in meant:
                    wrong.append('core/%s:%d: touches elements: %s' % (name, number, line.strip()))
    wrong += ['core/%s: is listed in %s, and does not touch elements' % (name, listing.name)
              for name in sorted(set(meant) - needed)]
    print('\n'.join(wrong) or 'elements are touched only where that is meant')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
