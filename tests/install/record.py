"""Compares the record of the binary interface, core/scion.abi, with the headers, or writes it anew.

A library is generated from the headers: it has every function that they declare and every struct and enum, with
debugging information and the versions of core/scion.map. abidw (Debian's abigail-tools) records its interface, and
abidiff compares functions, their types, the layouts of structs, and the values of enums. So the record does not depend
on how libscion is built. abi.py checks that libscion has these functions.

    record.py --source DIR [--cc CC]            exit status 1 and a list of changes if there are any
    record.py --source DIR [--cc CC] --write    the change is meant
"""

import argparse
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HOW = '''
The binary interface is no longer what core/scion.abi says.

If that was not meant, change it back. If it was: functions, and members at the end of a descriptor, may be added, and
enum values at the end. Anything else breaks plugins that people have built, and needs a new SCION_ABI in
include/scion/plugin.h. Then write it down: ninja -C build abi-record
'''


def without_comments(text):
    return re.sub(r'(?s)/\*.*?\*/', ' ', text)


def header_text(folder):
    """All headers, without comments and preprocessor lines."""
    text = ''
    for header in sorted(folder.glob('*.h')):
        text += re.sub(r'(?m)^\s*#.*$', '', without_comments(header.read_text(encoding='utf-8')).replace('\\\n', ' '))
    return text


def stub(folder):
    """C that defines each function of the headers, and a variable of each struct and enum that they define."""
    text = header_text(folder)
    lines = ['#include <scion/scion.h>']
    for declaration in re.findall(r'\bSCION_API\b([^;{]*);', text):
        declaration = re.sub(r'\bSCION_PRINTF\s*\([^)]*\)', '', declaration)
        lines.append('%s { __builtin_trap(); }' % ' '.join(declaration.split()))
    for kind, name in re.findall(r'\b(struct|enum)\s+(\w+)\s*\{', text):
        lines.append('extern SCION_API %s %s scion_type_%s; %s %s scion_type_%s;' % ((kind, name, name) * 2))
    return '\n'.join(lines) + '\n'


def version_script(text):
    """The public nodes, and the types beside them."""
    text = without_comments(text)
    nodes = [node for node in re.findall(r'\w+\s*\{[^}]*\}\s*\w*\s*;', text) if not node.startswith('SCION_PRIVATE')]
    return '\n'.join(nodes) + '\nTYPES { global: scion_type_*; local: *; };\n'


def describe(script, include, cc, folder):
    """Records the interface of the headers in `include` with a version script in a file. Returns its path."""
    (folder / 'stub.c').write_text(stub(include / 'scion'), encoding='utf-8')
    (folder / 'map').write_text(version_script(script), encoding='utf-8')
    subprocess.run([*cc, '-std=gnu11', '-g', '-O0', '-w', '-shared', '-fPIC', '-fno-eliminate-unused-debug-types',
                    '-I', str(include.resolve()), '-Wl,--version-script=map', '-Wl,-soname,libscion.so.0', '-o', 'libscion.so',
                    'stub.c'], cwd=folder, check=True)
    subprocess.run(['abidw', '--no-corpus-path', '--no-comp-dir-path', '--no-show-locs', '--no-parameter-names',
                    '--out-file', 'scion.abi', 'libscion.so'], cwd=folder, check=True)
    return folder / 'scion.abi'


def difference(recorded, found):
    """Returns abidiff's report on the two; '' when they are equal."""
    result = subprocess.run(['abidiff', '--harmless', '--no-show-locs', str(recorded), str(found)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8', check=False)
    if result.returncode & 3:
        raise RuntimeError('abidiff: ' + result.stdout)
    return result.stdout if result.returncode else ''


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--cc', nargs='+', default=['cc'])
    parser.add_argument('--write', action='store_true')
    options = parser.parse_args()
    source = options.source.resolve()
    recorded = source / 'core' / 'scion.abi'

    if not shutil.which('abidw') or platform.machine() != 'x86_64':
        print('skipped: needs abidw (Debian: abigail-tools), and the record is of x86_64')
        return 77
    with tempfile.TemporaryDirectory() as folder:
        found = describe((source / 'core' / 'scion.map').read_text(encoding='utf-8'), source / 'include', options.cc, pathlib.Path(folder))
        if options.write:
            shutil.copy(found, recorded)
            return 0
        changed = difference(recorded, found)
    if changed:
        print(changed + HOW)
    return 1 if changed else 0


if __name__ == '__main__':
    sys.exit(main())
