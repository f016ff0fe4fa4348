"""Checks that each conformance test has a plugin in broken/ that fails it.

Arguments: the folders of the tests (core/conform) and of the broken plugins.
"""

import pathlib
import re
import sys


def main():
    tests, broken = map(pathlib.Path, sys.argv[1:])
    names = set()
    for source in tests.glob('*.c'):
        for table in re.findall(r'(?s)const struct scion_conform_test \w+\[\] = \{(.*?)\n\};',
                                source.read_text(encoding='utf-8')):
            names.update(re.findall(r'\{\s*"([^"]+)",\s*\w+\s*\}', table))
    caught = set()
    for source in broken.glob('*.c'):
        caught.update(re.findall(r'(?m)^ \* FAILED: (.*)$', source.read_text(encoding='utf-8')))
    assert len(names) > 20, 'the tables of tests are not found'
    for name in sorted(names - caught):
        print('no broken plugin fails: ' + name)
    for name in sorted(caught - names):
        print('expected to fail, and no such test: ' + name)
    print('%d tests, %d caught' % (len(names), len(names & caught)))
    return names != caught


if __name__ == '__main__':
    sys.exit(main())
