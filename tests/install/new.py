"""Builds and runs the output of `scion new` by the commands that it prints, outside the tree, with an installed Scion
and with the build tree's. Arguments: see prefix.py, and --kind, one of the kinds; without it the tests that do not
depend on the kind are run.
"""

import csv
import os
import re
import resource
import shutil
import signal
import sys
import unittest

from prefix import OPTIONS, Prefix, main

FOLDERS = {'strategy': 'strategies', 'loss': 'losses', 'optimizer': 'optimizers', 'dataset': 'datasets', 'model': 'models'}

# Edits that break a plugin of each kind, so that its test must fail.
BREAKS = {
    'strategy': ('scion_model_copy(scion_target(transfer), scion_source(transfer), false) >= 0', 'transfer != NULL'),
    'loss': ('scion_scale(rest, plugin->epsilon), log_p)', 'scion_scale(rest, plugin->epsilon), scion_detach(log_p))'),
    'optimizer': ('x[i] -= lr', 'x[i] += lr'),
    'dataset': ('(int32_t)arm;', '(int32_t)(index / 10 % plugin->arms);'),
    'model': ('scion_nn_append(block, "relu", scion_nn_relu());',
              'scion_nn_append(block, "drop", scion_nn_dropout(0.99f));'),
}


class Project(Prefix):
    """Runs the commands that `scion new` prints without changes."""

    def new(self, scion, name, environment):
        """Returns the printed commands: (those with make, the one with meson)."""
        text = self.call(scion, 'new', OPTIONS.kind, name, environment=environment).stdout
        self.assertIn('%s/%s.c' % (name, name), text)
        commands = '\n'.join(re.findall(r'(?m)^  (.*)$', text))
        return commands, re.search(r'or: (.*)', commands).group(1)

    def type(self, commands, environment, status=0):
        return self.call('sh', '-ec', commands, environment=environment, status=status).stdout

    def try_project(self, scion, name, environment, forbidden):
        self.addCleanup(shutil.rmtree, self.top / name)
        commands, meson = self.new(scion, name, environment)
        for text in forbidden:
            self.assertNotIn(text, commands)
        project = self.top / name
        built = project / 'build' / FOLDERS[OPTIONS.kind] / (name + '.so')

        output = self.type(commands, environment)
        self.assertIn('with %s' % name, output)
        self.assertTrue(built.exists())
        self.examine(project / 'runs' / name / 'results.csv', name)
        self.assertEqual(self.exported(built), ['scion_plugin'])

        shutil.rmtree(project / 'build')
        self.type('\n'.join(re.findall('(?m)^(?:cd|export) .*$', commands) + [meson]), environment)
        self.assertTrue(built.exists())
        self.assertEqual(self.exported(built), ['scion_plugin'])
        self.examine(project / 'build' / 'check' / name / 'results.csv', name)
        return project

    def exported(self, path):
        lines = self.call('nm', '-D', '-P', '--defined-only', path).stdout.splitlines()
        return [line.split()[0] for line in lines]

    def examine(self, path, name):
        with open(path, encoding='utf-8', newline='') as file:
            rows = list(csv.DictReader(file))
        self.assertEqual({row['status'] for row in rows}, {'done'})
        axis = 'strategy' if OPTIONS.kind == 'strategy' else 'target.' + OPTIONS.kind
        own = [row for row in rows if row[axis] == name]
        self.assertGreater(len(own), 1)
        self.assertGreater(len(rows), len(own), 'nothing to compare with')

    def test_installed(self):
        bare = {'PKG_CONFIG_PATH': ''}
        # The name of the axis' column.
        self.try_project(self.prefix / 'bin' / 'scion', OPTIONS.kind, bare, [str(OPTIONS.build)])

    def test_installed_where_it_is_looked_for(self):
        path = {'PATH': '%s:%s' % (self.prefix / 'bin', os.environ['PATH'])}
        text = self.call('scion', 'new', OPTIONS.kind, 'found', environment=path).stdout
        self.assertNotIn('PKG_CONFIG_PATH', text)
        self.assertNotIn(str(self.top), text)

    def test_build_tree(self):
        bare = {'PKG_CONFIG_PATH': ''}
        project = self.try_project(OPTIONS.build / 'scion', 'of-build', bare, [str(self.root)])

        # The test must fail for a broken plugin.
        source = project / 'of-build.c'
        good, bad = BREAKS[OPTIONS.kind]
        text = source.read_text(encoding='utf-8')
        self.assertEqual(text.count(good), 1)
        source.write_text(text.replace(good, bad), encoding='utf-8')
        uninstalled = {'PKG_CONFIG_PATH': str(OPTIONS.build / 'meson-uninstalled')}
        result = self.call('make', 'check', folder=project, environment=uninstalled, status=2)
        self.assertRegex(result.stdout + result.stderr, 'should be at least|FAILED')

    def test_templates_are_good_as_they_stand(self):
        flags = self.call('pkg-config', '--cflags', 'scion').stdout.split()
        self.call(*OPTIONS.cc, '-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror',
                  '-fsyntax-only', *flags, OPTIONS.source / 'templates' / OPTIONS.kind / 'my-plugin.c')

    def test_names_that_c_would_take_for_something_else(self):
        names = ('2-ways', 'static', 'v1.2', 'scion-batch', 'self', 'params')
        for name in names:
            self.call(self.prefix / 'bin' / 'scion', 'new', OPTIONS.kind, name)
        flags = self.call('pkg-config', '--cflags', 'scion').stdout.split()
        self.call(*OPTIONS.cc, '-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only', *flags,
                  *('%s/%s.c' % (name, name) for name in names))


class Anywhere(Prefix):
    """Folders with unusual names, and errors, after which no file is left."""

    def test_a_folder_of_another_name(self):
        elsewhere = {'PKG_CONFIG_PATH': '/nowhere'}
        text = self.call(self.prefix / 'bin' / 'scion', 'new', 'strategy', 'a', '--out', "it's here",
                         environment=elsewhere).stdout
        self.assertIn('it\'s here/a.c is the strategy', text)
        commands = '\n'.join(re.findall(r'(?m)^  (.*)$', text) + ['echo "$PKG_CONFIG_PATH"'])
        output = self.call('sh', '-ec', commands, environment=elsewhere).stdout
        self.assertIn('check: test_accuracy', output)
        self.assertEqual(output.splitlines()[-1], '%s:/nowhere' % self.pkg_config)
        self.assertTrue((self.top / "it's here" / 'runs' / 'a' / 'results.csv').exists())
        shutil.rmtree(self.top / "it's here")

    def refuse(self, *arguments, status=2, **others):
        before = sorted(self.top.rglob('*'))
        result = self.call(self.prefix / 'bin' / 'scion', 'new', *arguments, status=status, **others)
        self.assertEqual(result.stdout, '')
        self.assertEqual(sorted(self.top.rglob('*')), before)
        return result.stderr

    def test_arguments(self):
        self.assertIn('no KIND and NAME', self.refuse())
        self.assertIn('no NAME for the strategy', self.refuse('strategy'))
        self.assertIn("'b' is one argument too many", self.refuse('strategy', 'a', 'b'))
        self.assertIn("unknown option '--force'", self.refuse('strategy', 'a', '--force'))
        self.assertIn("'--out' needs a value", self.refuse('strategy', 'a', '--out'))
        self.assertIn('got an empty name', self.refuse('strategy', 'a', '--out', ''))
        self.assertIn("'optimiser' (did you mean 'optimizer'?)", self.refuse('optimiser', 'a'))
        self.assertIn('there are strategy, loss, optimizer, dataset and model', self.refuse('thing', 'a'))

    def test_names(self):
        for name in ('', 'a b', 'a/b', '../a', '.a', 'ä', 'a$b', 'a\nb', "a'b"):
            self.assertRegex(self.refuse('strategy', name), "cannot be a plugin's name|has no name", name)
        self.assertIn('for an option', self.refuse('strategy', '--', '-a'))
        self.assertIn('means null in YAML', self.refuse('strategy', 'null'))
        self.assertIn('Meson reserves', self.refuse('strategy', 'test'))
        self.assertIn('File name too long', self.refuse('strategy', 'a' * 254, status=1))

    def test_what_comes_with_scion_is_not_hidden(self):
        self.assertIn("there is a strategy 'kd' in Scion already", self.refuse('strategy', 'kd'))
        self.assertIn("there is a loss 'mse' in Scion already", self.refuse('losses', 'mse'))
        self.call(self.prefix / 'bin' / 'scion', 'new', 'strategy', 'mse')  # of another kind

    def test_what_is_there_stays(self):
        (self.top / 'file').write_text('mine')
        (self.top / 'folder').mkdir()
        (self.top / 'link').symlink_to('nowhere')
        for name in ('file', 'folder', 'link'):
            self.assertIn("'%s' exists already" % name, self.refuse('strategy', name))
            self.assertIn("'%s' exists already" % name, self.refuse('strategy', 'a', '--out', name))

    def test_where_nothing_can_be_written(self):
        message = self.refuse('strategy', 'a', '--out', 'no/such/folder', status=1)
        self.assertIn("'no/such/folder': No such file", message)
        if os.geteuid() == 0:
            return  # root may write everywhere
        (self.top / 'shut').mkdir(mode=0o555)
        self.assertIn('Permission denied', self.refuse('strategy', 'a', '--out', 'shut/a', status=1))

    def test_a_full_disk(self):
        """Limits the size of files so that each file in turn cannot be written. No file may be left."""
        def limit(size):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        sizes = sorted({len(path.read_bytes()) for folder in ('project', 'strategy')
                        for path in (OPTIONS.source / 'templates' / folder).rglob('*') if path.is_file()})
        for size in sizes[:-1]:
            message = self.refuse('strategy', 'a-name', status=1, preexec_fn=lambda: limit(size))
            self.assertRegex(message, "^scion: .*a-name/.*: File too large")

    def test_what_was_printed_is_lost(self):
        result = self.call('sh', '-c', '"$1" new strategy told >/dev/full', 'sh', self.prefix / 'bin' / 'scion', status=1)
        self.assertIn('cannot write', result.stderr)

    def test_help(self):
        self.assertIn('Usage: scion new', self.call(self.prefix / 'bin' / 'scion', 'new', '--help').stdout)
        self.assertRegex(self.call(self.prefix / 'bin' / 'scion', '--help').stdout, r'(?m)^  new +\S')


if __name__ == '__main__':
    def load_tests(loader, tests, pattern):
        return loader.loadTestsFromTestCase(Project if OPTIONS.kind else Anywhere)

    main(sys.argv[0], kind={'choices': FOLDERS})
