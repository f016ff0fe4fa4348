"""What the tests of an installed Scion share: an installation in a temporary prefix, and programs run beside it."""

import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

OPTIONS = argparse.Namespace()


class Prefix(unittest.TestCase):
    """Has `top`, a folder of its own; `prefix`, where Scion is; and `environment`, in which pkg-config finds it."""

    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix='scion-install-')).resolve()
        cls.addClassCleanup(shutil.rmtree, cls.top)
        # The environment is new, so that the tests do not use the build tree.
        cls.environment = {'PATH': os.environ['PATH'], 'HOME': str(cls.top / 'home'), 'LC_ALL': 'C.UTF-8',
                           'OMP_NUM_THREADS': '1'}
        for name in ('ASAN_OPTIONS', 'LSAN_OPTIONS', 'UBSAN_OPTIONS'):
            if name in os.environ:
                cls.environment[name] = os.environ[name]
        cls.root = cls.top / 'root'
        cls.call(OPTIONS.meson, 'install', '-C', OPTIONS.build, '--no-rebuild', '--quiet', '--destdir', cls.root)
        cls.header = next(cls.root.rglob('scion.h'))
        cls.prefix = cls.header.parents[2]
        cls.pkg_config = next(cls.root.rglob('scion.pc')).parent
        cls.libdir = cls.pkg_config.parent
        cls.environment['PKG_CONFIG_PATH'] = str(cls.pkg_config)

    @classmethod
    def call(cls, *arguments, status=0, environment={}, folder=None, **others):
        result = subprocess.run([str(a) for a in arguments], env=cls.environment | environment, cwd=folder or cls.top,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                encoding='utf-8', timeout=120, **others)
        if result.returncode != status:
            raise AssertionError('%s: exit status %d, not %d\n%s%s' % (' '.join(map(str, arguments)), result.returncode,
                                                                      status, result.stdout, result.stderr))
        return result


def main(program, **options):
    """Parses the common arguments and the given ones, and runs the tests."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--meson', required=True)
    parser.add_argument('--cc', nargs='+', required=True)
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, required=True)
    for name, how in options.items():
        parser.add_argument('--' + name, **how)
    parser.add_argument('tests', nargs='*')
    parser.parse_args(namespace=OPTIONS)
    unittest.main(argv=[program, *OPTIONS.tests], verbosity=2)
