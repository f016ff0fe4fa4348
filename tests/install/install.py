"""Installs Scion into a temporary prefix and uses it as the author of a plugin does.

The examples under docs/examples are compiled outside the tree with the flags of pkg-config, found by the installed
command, and run. Arguments: see prefix.py.
"""

import csv
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys

from prefix import OPTIONS, Prefix, main

KINDS = ['strategies', 'losses', 'optimizers', 'datasets', 'models']


class Installed(Prefix):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.docs = cls.prefix / 'share' / 'doc' / 'scion'
        # The examples, built as the README says.
        cls.plugins = cls.top / 'my-plugins'
        cls.examples = sorted((OPTIONS.source / 'docs' / 'examples').glob('*/*.c'))
        for source in cls.examples:
            cls.compile(source, cls.plugins / source.parent.name / (source.stem + '.so'))

    @classmethod
    def compile(cls, source, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = cls.call('pkg-config', '--cflags', '--libs', 'scion').stdout.split()
        cls.call(*OPTIONS.cc, '-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-O2', '-shared', '-fPIC', '-o',
                 target, source, *flags)

    def scion(self, *arguments, status=0, environment={}, prefix=None):
        return self.call((prefix or self.prefix) / 'bin' / 'scion', *arguments, status=status, environment=environment)

    # --- What is installed

    def test_everything_is_in_its_place(self):
        headers = {path.name for path in (OPTIONS.source / 'include' / 'scion').glob('*.h')}
        self.assertEqual({path.name for path in self.header.parent.iterdir()}, headers)
        for kind in KINDS:
            sources = {path.stem + '.so' for path in (OPTIONS.source / 'plugins' / kind).glob('*.c')}
            found = self.libdir / 'scion' / 'plugins' / kind
            self.assertEqual({path.name for path in found.glob('*')}, sources, kind)
        self.assertTrue((self.libdir / 'libscion.so').exists())
        for name, place in (('plugindir', self.libdir / 'scion' / 'plugins'), ('docdir', self.docs),
                            ('command', self.prefix / 'bin' / 'scion')):
            told = self.call('pkg-config', '--variable=' + name, 'scion').stdout.strip()
            self.assertEqual(os.path.realpath(told), str(place))
        soname = self.call('readelf', '-d', self.libdir / 'libscion.so').stdout
        self.assertRegex(soname, r'SONAME.*\[libscion\.so\.\d+\]')

    def test_each_header_stands_alone(self):
        include = '-I%s' % self.header.parents[1]
        for header in sorted(self.header.parent.iterdir()):
            self.call(*OPTIONS.cc, '-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only', include,
                      '-x', 'c', header)

    def test_headers_are_good_in_cplusplus(self):
        compiler = shutil.which('c++')
        if not compiler:
            self.skipTest('no c++')
        source = self.top / 'all.cpp'
        source.write_text('#include <scion/scion.h>\n')
        self.call(compiler, '-std=c++11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
                  '-I%s' % self.header.parents[1], source)

    # --- Plugins, found

    def test_the_command_finds_the_installed_plugins(self):
        listing = self.scion('plugins').stdout
        for kind in KINDS:
            self.assertIn(kind, listing)
            for source in (OPTIONS.source / 'plugins' / kind).glob('*.c'):
                self.assertRegex(listing, r'(?m)^  %s  +\S' % re.escape(source.stem))
        self.assertNotIn('cannot be used', listing)
        self.assertIn(str(self.libdir.resolve()), self.scion('plugins', 'optimizer', 'sgd').stdout)

    def test_a_moved_installation_finds_its_plugins(self):
        moved = self.top / 'moved'
        shutil.copytree(self.prefix, moved, symlinks=True)
        text = self.scion('plugins', 'optimizer', 'sgd', prefix=moved).stdout
        self.assertIn(str(moved.resolve()), text)
        self.assertNotIn(str(self.prefix), text)

    def test_plugins_of_ones_own_are_found(self):
        self.assertTrue(self.examples)
        for source in self.examples:
            kind, name = source.parent.name, source.stem
            place = str(self.plugins / kind / (name + '.so'))
            by_option = self.scion('plugins', '--plugin-path', self.plugins, kind, name).stdout
            self.assertIn(place, by_option)
            by_variable = self.scion('plugins', kind, name, environment={'SCION_PLUGIN_PATH': str(self.plugins)}).stdout
            self.assertEqual(by_variable, by_option)
            message = self.scion('plugins', kind, name, status=2).stderr
            self.assertIn("'%s'" % name, message)
            self.assertIn('looked in', message)
            home = self.top / 'home' / '.local' / 'share' / 'scion' / 'plugins'
            self.assertIn(str(home), message)
            shutil.copytree(self.plugins, home)
            self.assertIn(str(home), self.scion('plugins', kind, name).stdout)
            shutil.rmtree(home)

    # --- Plugins, run

    def test_plugins_of_ones_own_run(self):
        self.scion('run', OPTIONS.source / 'docs' / 'examples' / 'moons.yaml', '--out', self.top / 'runs', '--set',
                   'matrix.seed=[1]', environment={'SCION_PLUGIN_PATH': str(self.plugins)})
        folder = self.top / 'runs' / 'moons'
        results = {row['strategy']: row for row in rows(folder / 'results.csv')}
        self.assertEqual(set(results), {'scratch', 'fine-tune', 'l2-anchor'})
        self.assertEqual({row['error'] for row in results.values()}, {''})
        for strategy in ('fine-tune', 'l2-anchor'):
            self.assertGreater(float(results[strategy]['source_test_accuracy']), 0.9)
            self.assertGreater(float(results[strategy]['test_accuracy']), 0.7)
        metrics = rows(folder / results['l2-anchor']['run'] / 'metrics.csv')
        pull = [float(row['train_pull']) for row in metrics if row['stage'] == 'target']
        self.assertGreaterEqual(len(pull), 2)
        self.assertTrue(all(value > 0 for value in pull[1:]), pull)

    # --- What the documentation shows

    def test_the_documentation_shows_the_examples_as_they_are(self):
        """Each block of C or YAML that names its file is that file, alone or with the blocks after it; other blocks of C
        are parts of an example. So all of them are compiled."""
        shown = {}
        examples = OPTIONS.source / 'docs' / 'examples'
        texts = {path: path.read_text(encoding='utf-8') for path in [*examples.rglob('*.c'), *examples.rglob('*.yaml')]}
        for page in pages():
            file = None
            for kind, block in re.findall(r'(?ms)^```(c|yaml)\n(.*?)^```$', page.read_text(encoding='utf-8')):
                name = re.match(r'(?:/\*|#) (docs/examples/\S+\.(?:c|yaml)):', block)
                if name:
                    file = OPTIONS.source / name.group(1)
                    shown[file] = block
                elif kind == 'c' and file and shown[file] != texts[file]:
                    shown[file] += '\n' + block
                elif kind == 'c':
                    self.assertTrue(any(block in text for text in texts.values()), '%s: %s' % (page.name, block))
        self.assertEqual(shown, texts)

    def test_the_documentation_leads_somewhere(self):
        """Checks links in the tree and, except for the README, in the installation, where none may leave the folder."""
        for page in [*pages(), *self.docs.glob('*.md')]:
            for place in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', page.read_text(encoding='utf-8')):
                self.assertTrue((page.parent / place).exists(), '%s: %s' % (page, place))

    def test_commands_print_what_the_documentation_shows(self):
        """Of the blocks `console`: lines after `$ `, and those after `> ` that go on, are run. A command begins in the
        folder where the last one of its page ended. Numbers may be others where the block says so."""
        run = 0
        pictures(self.top / 'pictures')
        yaml = self.docs / 'examples' / 'lwf.yaml'
        text = yaml.read_text(encoding='utf-8')
        self.assertEqual(text.count('/usr/share/datasets/fashion-mnist'), 2)
        yaml.write_text(text.replace('/usr/share/datasets/fashion-mnist', str(self.top / 'pictures')), encoding='utf-8')
        for page in pages():
            folder = self.top / page.stem
            folder.mkdir()
            (folder / 'docs').symlink_to(OPTIONS.source / 'docs')
            where = self.top / 'where'
            for numbers, block in re.findall(r'(?ms)^```console( numbers)?\n(.*?)^```$', page.read_text(encoding='utf-8')):
                for command, output in re.findall(r'(?m)^\$ (.*\n(?:> .*\n)*)((?:(?!\$ ).*\n)*)', block):
                    command = re.sub(r'(?m)^> ', '', command)
                    result = subprocess.run(['sh', '-c', command + 'pwd >"$WHERE"'], cwd=folder,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            encoding='utf-8', timeout=120, env=self.environment | {
                                                'WHERE': str(where),
                                                'PATH': '%s:%s' % (self.prefix / 'bin', os.environ['PATH'])})
                    like = numberless if numbers else str
                    self.assertEqual(like(result.stdout), like(output), command)
                    folder = pathlib.Path(where.read_text(encoding='utf-8').rstrip('\n'))
                    run += 1
        self.assertGreater(run, 0)
        shutil.rmtree(self.top / 'home', ignore_errors=True)


def numberless(text):
    """Returns the words of a table without its numbers and the widths of its columns."""
    return re.sub(r' +', ' ', re.sub(r'(?<![\w-])(?:at (?:most|least) )?[-+]?\d[-+\d.,:/e]*|(?<= )-(?= |$)', 'N', text))


def pictures(folder):
    """Writes a substitute for Fashion-MNIST: a bright band in noise, ten classes of 40 training and 10 test images."""
    folder.mkdir()
    noise = random.Random(1)
    for name, count in (('train', 400), ('t10k', 100)):
        labels = bytes(i % 10 for i in range(count))
        rows = (bytes(min(255, noise.randrange(200) + 70 * (row // 3 == label)) for _ in range(28))
                for label in labels for row in range(28))
        (folder / (name + '-labels-idx1-ubyte')).write_bytes(struct.pack('>ii', 0x801, count) + labels)
        (folder / (name + '-images-idx3-ubyte')).write_bytes(struct.pack('>iiii', 0x803, count, 28, 28) + b''.join(rows))


def rows(path):
    with open(path, encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def pages():
    return [OPTIONS.source / 'README.md', *sorted((OPTIONS.source / 'docs').glob('*.md'))]


if __name__ == '__main__':
    main(sys.argv[0])
