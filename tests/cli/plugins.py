"""The output of `scion plugins` for each built-in plugin, whose examples must run. Argument: the build folder."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

BUILD = pathlib.Path(sys.argv[1])
FASHION = pathlib.Path('/usr/share/datasets/fashion-mnist')
KINDS = {'strategy': 'strategies', 'loss': 'losses', 'optimizer': 'optimizers', 'dataset': 'datasets', 'model': 'models'}
PLUGINS = [(kind, path.stem) for kind, folder in KINDS.items() for path in (BUILD / 'plugins' / folder).glob('*.so')]
PLUGINS.append(('backend', 'cpu'))  # is part of libscion


def scion(*arguments):
    result = subprocess.run([BUILD / 'scion', *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            encoding='utf-8')
    if result.returncode != 0:
        raise AssertionError('scion %s: %s' % (' '.join(map(str, arguments)), result.stderr))
    return result.stdout


class Plugins(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='scion-plugins-'))
        self.addCleanup(shutil.rmtree, self.folder)

    def example(self, kind, name):
        path = self.folder / ('%s-%s.yaml' % (kind, name))
        path.write_text(scion('plugins', kind, name, '--example'), encoding='utf-8')
        return path

    def test_nothing_is_wider_than_a_page(self):
        pages = [scion('plugins')] + [scion('plugins', *plugin) for plugin in PLUGINS]
        self.assertGreater(len(pages), 30)
        for page in pages:
            for line in page.splitlines():
                if not line.startswith('  file  '):
                    self.assertLessEqual(len(line), 79, line)

    def test_the_examples_of_strategies_run(self):
        paths = [self.example(kind, name) for kind, name in PLUGINS if kind == 'strategy']
        self.assertGreater(len(paths), 20)
        scion('run', '--quiet', '--cache', self.folder / 'cache', '--out', self.folder / 'runs', *paths)

    def test_the_examples_of_others_pass_the_check(self):
        paths = [self.example(kind, name) for kind, name in PLUGINS
                 if kind != 'strategy' and (name != 'idx' or FASHION.exists())]
        self.assertEqual(scion('check', *paths).count(': good: 1 run\n'), len(paths))

    def test_the_example_is_what_the_description_shows(self):
        for kind, name in PLUGINS:
            shown = scion('plugins', kind, name).split('prints alone:\n\n', 1)[1]
            self.assertEqual(textwrap.dedent(shown), self.example(kind, name).read_text(encoding='utf-8'))
            self.assertRegex(shown, r'\b%s\b' % re.escape(name))

    def test_json_lists_them(self):
        listed = json.loads(scion('plugins', '--format', 'json'))['plugins']
        self.assertEqual({(entry['kind'], entry['name']) for entry in listed}, set(PLUGINS))
        for entry in listed:
            self.assertEqual(set(entry), {'kind', 'name', 'summary', 'reference', 'file', 'error'})
            self.assertIsNone(entry['error'])
            self.assertTrue(entry['file'] == 'part of libscion' or pathlib.Path(entry['file']).exists())
        self.assertEqual([entry['kind'] for entry in json.loads(scion('plugins', 'loss', '--format=json'))['plugins']],
                         ['loss'] * sum(kind == 'loss' for kind, name in PLUGINS))

    def test_json_describes_one(self):
        for kind, name in PLUGINS:
            plugin = json.loads(scion('plugins', kind, name, '--format', 'json'))
            self.assertEqual(set(plugin), {'kind', 'name', 'summary', 'reference', 'file', 'needs', 'parameters',
                                           'example'})
            self.assertEqual(plugin['example'], self.example(kind, name).read_text(encoding='utf-8'))
            for parameter in plugin['parameters']:
                self.assertEqual(set(parameter), {'name', 'type', 'default', 'required', 'min', 'max', 'min_excluded',
                                                  'max_excluded', 'choices', 'meaning'})
        parameters = {parameter['name']: parameter for parameter
                      in json.loads(scion('plugins', 'optimizer', 'adam', '--format', 'json'))['parameters']}
        self.assertEqual((parameters['lr']['default'], parameters['lr']['min'], parameters['lr']['max']), (0.001, 0, None))
        parameters = {parameter['name']: parameter for parameter
                      in json.loads(scion('plugins', 'dataset', 'random', '--format', 'json'))['parameters']}
        self.assertEqual(parameters['shape']['default'], [1, 28, 28])
        needs = json.loads(scion('plugins', 'strategy', 'dann', '--format', 'json'))['needs']
        self.assertTrue(any('unlabelled' in need for need in needs), needs)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
