"""Checks every plugin of a folder by `scion check`: all pass."""

import argparse
import gzip
import pathlib
import struct
import subprocess
import sys
import tempfile


def write_idx(folder, count=8):
    """A data set of images as the plugin idx reads it."""
    for part in ('train', 't10k'):
        images = struct.pack('>4B3I', 0, 0, 8, 3, count, 4, 5) + bytes(i % 251 for i in range(count * 20))
        labels = struct.pack('>4BI', 0, 0, 8, 1, count) + bytes(i % 3 for i in range(count))
        for name, data in (('images-idx3', images), ('labels-idx1', labels)):
            with gzip.open(folder / ('%s-%s-ubyte.gz' % (part, name)), 'wb') as file:
                file.write(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--scion', required=True)
    parser.add_argument('--plugins', type=pathlib.Path, required=True)
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix='scion-test-') as folder:
        write_idx(pathlib.Path(folder))
        needs = {'idx': ['--set', 'root=' + folder],
                 'attention': ['--set', 'layers=conv1'],
                 'delta': ['--set', 'layers=conv1'],
                 'resnet': ['--set', 'width=8'],  # the default widths are slow
                 'vgg': ['--set', 'width=8']}
        plugins = sorted(options.plugins.glob('*.so'))
        assert plugins, 'no plugins in %s' % options.plugins
        for plugin in plugins:
            result = subprocess.run([options.scion, 'check', plugin, *needs.get(plugin.stem, [])],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    encoding='utf-8')
            print(result.stdout)
            if result.returncode != 0 or 'FAILED' in result.stdout:
                print('%s: exit status %d' % (plugin, result.returncode))
                failed += 1
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
