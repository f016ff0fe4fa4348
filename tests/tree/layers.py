"""Checks that a folder of core/ includes headers only of folders that stand before it in the order below.

Argument: the folder core/.
"""

import pathlib
import re
import sys

ENGINE = ['base', 'file', 'table', 'config', 'plugin', 'backend', 'tensor', 'nn', 'loss', 'data', 'experiment', 'state', 'transfer',
          'train', 'run']
COMMAND = ['process', 'suite', 'compare', 'report', 'bench', 'conform', 'schema', 'scaffold', 'cli']


def main():
    core = pathlib.Path(sys.argv[1])
    order = {name: place for place, name in enumerate(ENGINE + COMMAND)}
    folders = {path.name for path in core.iterdir() if path.is_dir()}
    wrong = ['core/%s: is not in the order of tests/tree/layers.py' % name for name in sorted(folders - set(order))]
    wrong += ['core/%s: stands in the order, and is not there' % name for name in sorted(set(order) - folders)]
    for path in sorted(core.rglob('*.[ch]')):
        folder = path.relative_to(core).parts[0]
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
            included = re.match(r'#include "([a-z_]+)/', line)
            if included and order.get(included[1], -1) > order.get(folder, -1):
                wrong.append('core/%s:%d: %s may not include %s, which comes after it'
                             % (path.relative_to(core), number, folder, included[1]))
    print('\n'.join(wrong) or 'every folder includes only folders before it')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
