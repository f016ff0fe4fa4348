"""No control character of a file, a name or an argument reaches the terminal. Argument: the build folder."""

import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
CONTROL = re.compile(rb'[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]')
ESCAPE = '\x1b[31m\x9b1m\x07'
EXPERIMENT = '''name: t
strategy: %s
target:
  dataset: { use: random, shape: [6], num_classes: 3, train_size: 12, test_size: 6 }
  model: { use: mlp, hidden: [4] }
  optimizer: { use: sgd, lr: %s }
  train: { epochs: 1, batch_size: 4 }
%s'''


def experiment(strategy='scratch', rate='0.01', more=''):
    pathlib.Path('t.yaml').write_text(EXPERIMENT % (strategy, rate, more), encoding='utf-8')


class Printable(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='scion-printable-')
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, '/')
        os.chdir(folder.name)

    def scion(self, *arguments, says=''):
        result = subprocess.run([BUILD / 'scion', *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertIsNone(CONTROL.search(result.stdout), result.stdout)
        self.assertIn(says, result.stdout.decode())
        return result.stdout.decode()

    def test_arguments(self):
        self.scion('run', '--jobs', ESCAPE, 't.yaml', says='?[31m')
        self.scion(ESCAPE, says='?[31m')
        self.scion('check', ESCAPE, says='?[31m')

    def test_experiments(self):
        quoted = json.dumps(ESCAPE)
        experiment(rate=quoted)
        self.scion('check', 't.yaml', says='?[31m')
        experiment(strategy=quoted)
        self.scion('check', 't.yaml', says='?[31m')
        experiment(more='matrix: { target.optimizer: [{ use: sgd, lr: 1e30, label: %s }] }' % quoted)
        self.scion('run', '--out', 'out', 't.yaml', says='?[31m')
        self.scion('compare', 'out/t')
        self.assertIn('control characters', self.scion('check', 't.yaml', '--set', 'name=' + quoted))

    def test_tables(self):
        pathlib.Path('r.csv').write_text('run,status,strategy,seed,test_accuracy\n'
                                         'a,done,"x%s",1,0.5\nb,done,"x%s",2,0.6\n' % (ESCAPE, ESCAPE), encoding='utf-8')
        self.scion('compare', 'r.csv', says='[31m')

    def test_weights(self):
        header = json.dumps({'x' + ESCAPE: {'dtype': 'F32', 'shape': [0], 'data_offsets': [0, 0]}}).encode()
        pathlib.Path('w.safetensors').write_bytes(struct.pack('<Q', len(header)) + header)
        experiment('fine-tune', more='source: { model: { use: mlp, hidden: [4] }, weights: w.safetensors }\n')
        self.scion('check', 't.yaml', says='control characters')

    def test_files(self):
        entry = pathlib.Path('cache/sources/' + ESCAPE)
        entry.mkdir(parents=True)
        (entry / 'x').write_text('x')
        self.scion('cache', '--cache', 'cache')
        plugin = pathlib.Path('plugins/losses/%s.so' % ESCAPE)
        plugin.parent.mkdir(parents=True)
        plugin.write_text('no plugin')
        self.scion('plugins', 'loss', '--plugin-path', 'plugins')


if __name__ == '__main__':
    unittest.main()
