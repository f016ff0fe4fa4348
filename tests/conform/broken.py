"""Runs `scion check` on broken plugins, and checks that it finds what the source of each plugin says.

The first comment of NAME.c has lines "FAILED: the test that fails", "says: a text of the output", and, if need be,
"options: of the command". No other test fails.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def expectations(source):
    comment = re.match(r'/\*(.*?)\*/', source.read_text(encoding='utf-8'), re.S).group(1)
    found = {'FAILED': [], 'says': [], 'options': []}
    for line in comment.splitlines():
        match = re.match(r' \* (FAILED|says|options): (.*)', line)
        if match:
            found[match.group(1)].append(match.group(2))
    assert found['FAILED'] and found['says'], '%s does not say what is expected' % source
    return found


def wrong(options, name):
    """Returns what differs from the expectations, with the output; an empty text when nothing does."""
    expected = expectations(options.sources / (name + '.c'))
    more = [word for line in expected['options'] for word in line.split()]
    environment = {key: value for key, value in os.environ.items() if key != 'MALLOC_PERTURB_'}  # or new memory is not 0
    with tempfile.TemporaryDirectory(dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None) as folder:
        result = subprocess.run([options.scion, 'check', options.plugins / (name + '.so'), *more],
                                env=dict(environment, TMPDIR=folder), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8')
        left = os.listdir(folder)
    problems = ['leaves %s in TMPDIR' % ', '.join(left)] if left else []
    if result.returncode != 2:
        problems.append('exit status %d, not 2' % result.returncode)
    failed = re.findall(r'(?m)^  FAILED  (.*)$', result.stdout)
    if failed != expected['FAILED']:
        problems.append('fails %r, not %r' % (failed, expected['FAILED']))
    problems += ['does not say %r' % text for text in expected['says'] if text not in result.stdout]
    return '%s: %s\n%s' % (name, '; '.join(problems), result.stdout) if problems else ''


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--scion', required=True)
    parser.add_argument('--sources', type=pathlib.Path, required=True)
    parser.add_argument('--plugins', type=pathlib.Path, required=True)
    parser.add_argument('names', nargs='+')
    options = parser.parse_args()
    problems = [text for text in (wrong(options, name) for name in options.names) if text]
    print('\n'.join(problems) or '%d caught' % len(options.names))
    return bool(problems)


if __name__ == '__main__':
    sys.exit(main())
