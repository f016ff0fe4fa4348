"""Compiles cuda.c against the headers of the CUDA toolkit and of cuDNN; skipped where there are none.

Arguments: the folder of Scion's headers, the source, and the compiler's command.
"""

import os
import pathlib
import subprocess
import sys

HEADERS = ('cuda_runtime_api.h', 'cublasLt.h', 'cudnn.h')
SKIPPED = 77


def folders():
    """Yields the options by which the compiler may find the headers: none, then each installed toolkit."""
    yield []
    roots = [os.environ[name] for name in ('CUDA_HOME', 'CUDA_PATH') if os.environ.get(name)]
    roots += sorted(map(str, pathlib.Path('/usr/local').glob('cuda*')), reverse=True)
    for root in roots:
        yield ['-isystem', os.path.join(root, 'include')]


def has_headers(compiler, options):
    text = ''.join('#include <%s>\n' % header for header in HEADERS)
    return subprocess.run([*compiler, *options, '-E', '-x', 'c', '-'], input=text, encoding='utf-8',
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def main():
    includes, source, *compiler = sys.argv[1:]
    for options in folders():
        if has_headers(compiler, options):
            return subprocess.run([*compiler, '-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only',
                                   '-I', includes, *options, source]).returncode
    print('the headers %s are not installed' % ', '.join(HEADERS))
    return SKIPPED


if __name__ == '__main__':
    sys.exit(main())
