"""Compares the list of public functions (core/scion.map) with the headers and the built library.

Fails when a public function is missing from the list, from the library or from the headers, and when a built-in plugin
uses a function that other plugins cannot use. Arguments: see the end of this file.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import unittest


def without_comments(text):
    return re.sub(r'(?s)/\*.*?\*/', ' ', text)


def declared(folder):
    """The functions that the public headers declare."""
    names = set()
    for header in folder.glob('*.h'):
        text = without_comments(header.read_text(encoding='utf-8')).replace('\\\n', ' ')
        text = re.sub(r'(?m)^\s*#.*$', '', text)
        for declaration in re.findall(r'\bSCION_API\b([^;{]*)', text):
            name = re.search(r'\b(scion_\w+)\s*\(', declaration)
            if not name:
                raise AssertionError('%s: no function in: SCION_API%s' % (header.name, declaration))
            names.add(name.group(1))
    return names


def listed(path):
    """The names in each node of a version script."""
    text = without_comments(path.read_text(encoding='utf-8'))
    return {node: [name for name in re.findall(r'[\w*]+(?=;)', body) if name != '*']
            for node, body in re.findall(r'(\w+)\s*\{([^}]*)\}', text)}


def symbols(path, *options):
    """(name, version) of an object's dynamic symbols."""
    output = subprocess.run(['nm', '-D', '-P', '--with-symbol-versions', *options, str(path)], check=True,
                            stdout=subprocess.PIPE, encoding='utf-8').stdout
    found = []
    for line in output.splitlines():
        name, kind = line.split()[:2]
        if kind != 'A':  # the versions themselves
            name, _, version = name.partition('@')
            found.append((name, version.lstrip('@')))
    return found


class Interface(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nodes = listed(OPTIONS.source / 'core' / 'scion.map')
        cls.public = cls.nodes['SCION_1']
        cls.built = symbols(OPTIONS.build / 'core' / 'libscion.so', '--defined-only')

    def test_the_list_is_in_order(self):
        self.assertEqual(self.public, sorted(set(self.public)))
        self.assertEqual(set(self.nodes), {'SCION_1', 'SCION_PRIVATE'})

    def test_the_list_is_what_the_headers_declare(self):
        names = declared(OPTIONS.source / 'include' / 'scion')
        self.assertGreater(len(names), 50)
        self.assertEqual(sorted(names - set(self.public)), [], 'declared, and not in core/scion.map')
        self.assertEqual(sorted(set(self.public) - names), [], 'in core/scion.map, and not declared')

    def test_the_library_has_what_is_listed(self):
        exported = [name for name, version in self.built if version == 'SCION_1']
        self.assertEqual(sorted(set(self.public) - set(exported)), [], 'in core/scion.map, and not in the library')
        self.assertEqual(sorted(exported), self.public)

    def test_the_library_shows_nothing_of_others(self):
        for name, version in self.built:
            self.assertTrue(name.startswith('scion_'), name)
            self.assertIn(version, self.nodes, name)

    def test_built_in_plugins_use_what_is_public(self):
        plugins = sorted((OPTIONS.build / 'plugins').glob('*/*.so'))
        self.assertTrue(plugins)
        for plugin in plugins:
            for name, version in symbols(plugin, '--undefined-only'):
                if name.startswith('scion_'):
                    self.assertEqual(version, 'SCION_1', '%s uses %s' % (plugin.name, name))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, required=True)
    parser.add_argument('tests', nargs='*')
    OPTIONS = parser.parse_args()
    unittest.main(argv=[sys.argv[0], *OPTIONS.tests], verbosity=2)
