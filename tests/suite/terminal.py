#!/usr/bin/env python3
"""The output of `scion run` on terminals of several sizes and kinds: the progress lines, and what remains at the end.

    tests/suite/terminal.py --scion build/scion"""
import argparse
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
from screen import Screen

SUITE = '''
name: shown
strategy: scratch
target:
  dataset: { use: random, shape: [16], num_classes: 2, train_size: 2000, test_size: 4 }
  model: { use: mlp, hidden: [8] }
  optimizer: { use: sgd, lr: 0.01 }
  train: { epochs: 1 }
'''
FAILS = SUITE + 'matrix: { target.optimizer.lr: [0.1, 1.0e+38], seed: [1, 2] }\n'
LONG = SUITE + 'matrix: { target.train.epochs: [1, 1000000], seed: [1, 2, 3] }\n'  # three end, three do not
FOREVER = SUITE.replace('epochs: 1 ', 'epochs: 1000000 ') + \
    'matrix: { strategy: [{ use: scratch, label: 学習 }], seed: [1, 2] }\n'
BLOCK = re.compile(r'(\d+ of |\d+/)\d+( done)?, |run .*epoch|\.\.\. and|/1000000|starts')


class Terminal:
    def __init__(self, command, width=80, height=24, reflow=True, **environment):
        self.screen, self.raw, self.bytes, self.over = Screen(width, height, reflow), '', b'', False
        self.end = time.monotonic() + 60
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            self.set_size(sys.stdin.fileno(), width, height)
            self.keep_output(sys.stdin.fileno())
            os.environ.pop('NO_COLOR', None)
            os.environ.update({'SCION_CACHE': '', 'TERM': 'xterm', **environment})
            os.execv('/bin/sh', ['sh', '-c', command])

    @staticmethod
    def set_size(file, width, height):
        fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack('HHHH', height, width, 0, 0))

    @staticmethod
    def keep_output(file):
        """Keeps a key that sends a signal from dropping pending output."""
        modes = termios.tcgetattr(file)
        modes[3] |= termios.NOFLSH
        termios.tcsetattr(file, termios.TCSANOW, modes)

    def read(self, wait):
        """Reads the available output; returns None at the end."""
        if not select.select([self.file], [], [], wait)[0]:
            return ''
        try:
            data = os.read(self.file, 1 << 16)
        except OSError:
            data = b''
        if not data:
            return None
        self.bytes += data
        text = self.bytes.decode(errors='ignore')
        if text.encode() != self.bytes:  # in the middle of a character
            return ''
        self.bytes = b''
        self.raw += text
        self.screen.feed(text)
        return text

    def fail(self, message):
        if not self.over:
            os.kill(self.pid, signal.SIGKILL)
        sys.exit(f'{message}; on the screen:\n' + '\n'.join(self.screen.text()) + f'\nall: {self.raw!r}')

    def until(self, condition, what):
        while not condition():
            if self.read(1) is None or time.monotonic() > self.end:
                self.fail(f'never seen: {what}')

    def check(self, condition, what):
        condition or self.fail(f'not so: {what}')

    def type(self, key):
        """Types a key between two drawings, so that its echo is in neither."""
        self.until(self.whole, 'a whole drawing')
        os.write(self.file, key)

    def draws(self, more):
        """Waits until the block has been drawn `more` more times."""
        wanted = self.raw.count('\x1b[?7h\r') + more
        self.until(lambda: self.raw.count('\x1b[?7h\r') >= wanted and self.whole(), f'{more} drawings')

    def whole(self):
        return self.raw.rfind('\x1b[?7h\r') > self.raw.rfind('\x1b[J')

    def resize(self, width, height):
        """Resizes the terminal while the command is stopped, so that no output for the old size is pending."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)
        while self.read(0):
            pass
        self.screen.resize(width, height)
        self.set_size(self.file, width, height)
        os.kill(self.pid, signal.SIGCONT)
        self.draws(1)

    def finish(self):
        """Reads to the end; returns the exit status, negative for a signal."""
        while self.read(1) is not None:
            if time.monotonic() > self.end:
                self.fail('it does not end')
        status = os.waitpid(self.pid, 0)[1]
        self.over = True
        os.close(self.file)
        self.check(self.screen.column == 0, 'the cursor is at the beginning of a line')
        self.check(self.screen.row == len(self.screen.lines) - 1, 'the cursor is in the last line')
        self.check(self.screen.wrapping, 'lines wrap again')
        self.check(not self.screen.lost, 'all lines fit')
        self.check_above(len(self.screen.lines))
        return os.waitstatus_to_exitcode(status)

    def above(self, count=None):
        """Returns the lines above the cursor, with wrapped lines joined."""
        lines = ['']
        for i in range(self.screen.row if count is None else count):
            lines[-1] += ''.join(self.screen.lines[i])
            self.screen.wrapped[i] or lines.append('')
        return [line.rstrip() for line in lines]

    def check_above(self, count):
        left = [line for line in self.above(count) if BLOCK.match(line)]
        self.check(not left, f'nothing is left of what was shown before: {left}')

    def block(self):
        return self.screen.text()[self.screen.row:]

    def at_work(self, count):
        """Waits until exactly `count` runs are shown that have finished an epoch."""
        self.until(lambda: self.whole() and sum('/1000000' in row for row in self.block()) == count ==
                   int(re.search(r'(\d+) run', self.block()[0])[1]), f'{count} at work')


def scion(arguments=''):
    return f"exec '{options.scion}' run suite.yaml --out out-{{}} {arguments}".format(next(names))


def write(suite):
    pathlib.Path('suite.yaml').write_text(suite)


def ends(width, height):
    """All events are printed, and no progress lines remain."""
    write(FAILS)
    terminal = Terminal(scion('-j 2'), width, height)
    terminal.check(terminal.finish() == 1, 'status 1')
    lines = terminal.above(len(terminal.screen.lines))
    told = [line for line in lines if line.startswith('[')]
    terminal.check([line[:6] for line in told] == [f'[{i}/4] ' for i in (1, 2, 3, 4)], 'a line for each run')
    terminal.check(sum('failed: ' in line for line in told) == 2, 'two that failed')
    terminal.check(any('shown/results.csv' in line for line in lines), 'where the results are')
    terminal.check('\x1b[?7l' in terminal.raw and '\x1b[J' in terminal.raw, 'there was a block')
    terminal.check({'2', '31', '0'} >= terminal.screen.styles and (height < 5 or '2' in terminal.screen.styles),
                   'few colours')


def resized(reflow):
    """Resizing, on a terminal that rewraps lines and on one that does not."""
    write(LONG)
    terminal = Terminal(scion('-j 3'), 100, 24, reflow)
    terminal.until(lambda: '[3/6]' in terminal.raw, 'three that have ended')
    terminal.at_work(3)
    for width, height in (40, 24), (20, 8), (7, 3), (120, 4), (200, 30), (60, 2), (30, 1), (100, 24):
        terminal.resize(width, height)
        rows = terminal.block()
        expected = min(5, max(1, height - 1))
        terminal.check(len(rows) == expected, f'{expected} rows at {width} x {height}')
        terminal.check(re.match(r'.*3( of |/)6', rows[0]), 'how many are done')
        terminal.check(width < 20 or expected < 5 or sum('/1000000' in row for row in rows) == 3, 'where they are')
        terminal.check(not reflow or sum(line.startswith('[') for line in terminal.above()) == 3, 'lines before')
        terminal.check_above(terminal.screen.row)
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.check(terminal.finish() == -signal.SIGTERM, 'ended by SIGTERM')


def interrupted():
    """Ctrl-C, and resuming."""
    write(FOREVER)
    command = scion('-j 2')
    terminal = Terminal(command)
    terminal.at_work(2)
    terminal.type(b'\x03')
    terminal.check(terminal.finish() == -signal.SIGINT, 'ended by SIGINT')
    text = '\n'.join(terminal.above(len(terminal.screen.lines)))
    terminal.check('stopping after the current epochs' in text and '^C' not in text, 'that it stops')
    terminal.check(len(re.findall("^学習-.*: stopped after epoch [0-9]+ of the target's 1000000$", text, re.M)) == 2,
                   'where both stopped')
    terminal.check('scion: stopped, 0 of 2 runs are done; the same command goes on' in text, 'how to go on')
    terminal = Terminal(command)
    terminal.until(lambda: len(re.findall("resumes after epoch [0-9]+ of the target's 1000000", terminal.raw)) == 2,
                   'both that go on')
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.check(terminal.finish() == -signal.SIGTERM, 'ended by SIGTERM')


def paused():
    """Ctrl-Z and fg: the progress lines are removed while the shell uses the terminal."""
    write(FOREVER)
    terminal = Terminal('set -m; ' + scion('-j 2').replace('exec ', '') + '; echo paused; read line; fg; echo over')
    terminal.at_work(2)
    terminal.type(b'\x1a')
    terminal.until(lambda: 'paused' in terminal.raw, 'the shell')
    terminal.check_above(len(terminal.screen.lines))
    os.write(terminal.file, b'\n')
    terminal.draws(1)
    terminal.check(any('/1000000' in row for row in terminal.block()), 'the block again')
    terminal.type(b'\x03')
    terminal.until(lambda: 'stopped after epoch' in terminal.raw, 'its end')
    terminal.finish()


def without_block():
    write(FAILS)
    plain = {
        'dumb': Terminal(scion('-j 2'), TERM='dumb'),
        'nameless': Terminal('unset TERM; ' + scion('-j 2')),
        'in the background': Terminal('set -m; ' + scion('-j 2').replace('exec ', '') + ' & wait $!'),
        'into a pipe': Terminal(scion('-j 2').replace('exec ', '') + ' 2>&1 | cat'),
    }
    for name, terminal in plain.items():
        terminal.finish()
        terminal.check('\x1b' not in terminal.raw, f'{name}: no codes')
        terminal.check(len(re.findall(r'^\[\d/4\] ', terminal.raw, re.M)) == 4, f'{name}: a line each')
    terminal = Terminal(scion('-j 2 --quiet'))
    terminal.finish()
    terminal.check('\x1b' not in terminal.raw and len(re.findall(r'^\[', terminal.raw, re.M)) == 2,
                   'quiet: failures alone')
    terminal = Terminal(scion('-j 2'), NO_COLOR='1')
    terminal.finish()
    terminal.check('\x1b[J' in terminal.raw and not terminal.screen.styles, 'no colours')


def unsized():
    """The size comes from the environment when the terminal does not know it."""
    write(FAILS)
    terminal = Terminal(scion('-j 2'), 0, 0, COLUMNS='41', LINES='3')
    terminal.screen.width, terminal.screen.height = 41, 24
    terminal.finish()
    terminal.check('4 running' not in terminal.raw and re.search(r'0/4 done, 2 run, 0 fail, 2 wait', terminal.raw),
                   'a narrow block')


def numbers():
    count = 0
    while True:
        count += 1
        yield count


names = numbers()
parser = argparse.ArgumentParser()
parser.add_argument('--scion', required=True)
options = parser.parse_args()
options.scion = os.path.abspath(options.scion)
try:
    for end in pty.openpty():
        os.close(end)
except OSError as error:
    print(f'skipped: there is no terminal to be had here: {error}')
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for size in (80, 24), (20, 24), (20, 3), (5, 1):
        ends(*size)
    resized(True)
    resized(False)
    interrupted()
    paused()
    without_block()
    unsized()
    os.chdir('/')
