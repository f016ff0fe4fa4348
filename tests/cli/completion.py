"""Shell completion: in bash by calling the completion function, in zsh on a pseudo-terminal.

Argument: the build folder.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv[1])
STRATEGIES = {path.stem for path in (BUILD / 'plugins' / 'strategies').glob('*.so')}


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='scion-completion-'))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in ('one.yaml', 'two words.yml', 'results.csv', 'plugin.so', 'note.txt'):
            (cls.folder / name).touch()
        (cls.folder / 'deeper').mkdir()
        cls.environment = os.environ | {'PATH': '%s:%s' % (BUILD, os.environ['PATH']), 'HOME': str(cls.folder)}


class Bash(Completion):
    @classmethod
    def setUpClass(cls):
        if not shutil.which('bash'):
            raise unittest.SkipTest('no bash')
        super().setUpClass()

    def complete(self, *words):
        """Returns what bash offers for the last word. bash splits words at = as well."""
        script = '''. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_scion
printf '%s\\n' "${COMPREPLY[@]}"'''
        result = subprocess.run(['bash', '-c', script, 'bash', BUILD / 'share' / 'scion', 'scion', *words],
                                env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, encoding='utf-8', timeout=30)
        self.assertEqual(result.returncode, 0, result.stdout)
        return {line for line in result.stdout.split('\n') if line}

    def test_commands(self):
        every = self.complete('')
        self.assertLessEqual({'run', 'check', 'plugins', 'compare', 'completion', 'help'}, every)
        self.assertNotIn('man', every)
        self.assertEqual(self.complete('com'), {'compare', 'completion'})

    def test_each_command_has_its_options(self):
        for command in self.complete('') - {'help', '--help', '--version'}:
            text = subprocess.run([BUILD / 'scion', command, '--help'], stdout=subprocess.PIPE, encoding='utf-8',
                                  check=True).stdout
            options = set(re.findall(r'(?m)^  (?:-., |    )(--[a-z-]+)', text))
            self.assertIn('--help', options)
            self.assertEqual(options, self.complete(command, '--'), command)
        self.assertEqual(self.complete('run', '--re'), {'--retry-failed', '--rerun'})

    def test_files(self):
        self.assertEqual(self.complete('run', ''), {'one.yaml', 'two words.yml', 'deeper'})
        self.assertEqual(self.complete('run', '-j', '2', 'one.yaml', 't'), {'two words.yml'})
        self.assertEqual(self.complete('compare', ''), {'results.csv', 'deeper'})
        self.assertEqual(self.complete('check', ''), {'one.yaml', 'two words.yml', 'plugin.so', 'deeper'})
        self.assertEqual(self.complete('run', '--out', ''), {'deeper'})
        self.assertEqual(self.complete('run', '--out', '=', 'd'), {'deeper'})
        self.assertEqual(self.complete('run', '--out', '='), {'deeper'})

    def test_values(self):
        self.assertEqual(self.complete('compare', '-f', ''), {'table', 'markdown', 'latex', 'csv', 'json'})
        self.assertEqual(self.complete('compare', '--format', '=', 'm'), {'markdown'})
        self.assertEqual(self.complete('run', '--jobs', ''), set())
        self.assertEqual(self.complete('completion', 'z'), {'zsh'})

    def test_plugins(self):
        self.assertEqual(self.complete('plugins', ''), {'strategy', 'loss', 'optimizer', 'dataset', 'model', 'backend'})
        self.assertEqual(self.complete('plugins', 'strategy', ''), STRATEGIES)
        self.assertEqual(self.complete('plugins', '-P', 'deeper', 'optimizer', 'a'), {'adam', 'adamw'})
        self.assertEqual(self.complete('plugins', 'strategy', 'l2-sp', ''), set())


class Zsh(Completion):
    @classmethod
    def setUpClass(cls):
        if not shutil.which('zsh'):
            raise unittest.SkipTest('no zsh')
        super().setUpClass()

    def complete(self, line):
        """Returns what zsh shows on a terminal after a tab."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe('zsh', ['zsh', '-f', '-i'], self.environment | {'TERM': 'dumb', 'COLUMNS': '200'})
        try:
            self.terminal_write(terminal, "PS1='ready> '; unsetopt zle_bracketed_paste; fpath=(%s $fpath); autoload -Uz compinit; "
                               "compinit -u -D; setopt list_ambiguous; LISTMAX=1000; print -r -- be''gun\n"
                     % (BUILD / 'share'), 'begun')
            self.terminal_write(terminal, "PROMPT_EOL_MARK=; print -r -- on''ce\n", 'once\n(.*\n)*.*ready> ')  # it reads keys now
            # To find the end of the output, the line is discarded and another one typed.
            os.write(terminal, (line + "\t\t\x15print -r -- en''d\n").encode())
            return self.terminal_read(terminal, 'end')
        finally:
            os.close(terminal)
            os.kill(pid, 9)
            os.waitpid(pid, 0)

    def terminal_write(self, terminal, text, until):
        os.write(terminal, text.encode())
        self.terminal_read(terminal, until)

    def terminal_read(self, terminal, until):
        """Reads until a line begins with that text."""
        text = ''
        while not re.search(r'(?m)^%s' % until, text):
            if not select.select([terminal], [], [], 40)[0]:
                self.fail('zsh says no more after %r' % text)
            text += os.read(terminal, 65536).decode(errors='replace').replace('\r', '')
        return text

    def test_commands_options_and_plugins(self):
        self.assertRegex(self.complete('scion co'), r'compare +--')
        self.assertIn('--retry-failed', self.complete('scion run --ret'))
        self.assertIn('linear-probe', self.complete('scion plugins strategy line'))
        self.assertIn('results.csv', self.complete('scion compare resu'))


if __name__ == '__main__':
    result = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result
    sys.exit(0 if result.wasSuccessful() else 1)
