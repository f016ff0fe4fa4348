"""Reads the CSV files of a suite with pandas and R, without options.

The suite's labels have commas, quotes, line breaks and letters of several scripts; one of its strategies crashes. A
reader that is not installed is left out; without any, the test is skipped. Arguments: the scion command, and
the folder of the plugin that crashes.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
LABELS = ['plain', 'tuned, "frozen"', 'two\nlines', 'Ünïcode ⇄ 移行', "it's; a\ttab"]
SUITE = '''
name: "readers' suite"
source:
  dataset: { use: random, shape: [1, 28, 28], num_classes: 3, train_size: 16, test_size: 8 }
  model: { use: lenet5 }
  optimizer: { use: sgd, lr: 0.05 }
  train: { epochs: 1, batch_size: 8 }
target:
  dataset: { use: random, shape: [1, 28, 28], num_classes: 4, train_size: 16, test_size: 8 }
  optimizer: { use: sgd, lr: 0.05 }
  train: { epochs: 2, batch_size: 8 }
matrix:
  strategy: [%s, { use: crash }]
  seed: [1, 2]
''' % ', '.join('{ use: fine-tune, label: %s }' % json.dumps(label, ensure_ascii=False) for label in LABELS)

# Prints, for a file in R: the number of rows, the names and classes of the columns, and one column in hexadecimal.
R = '''
arguments <- commandArgs(TRUE)
table <- read.csv(arguments[1])
cat(nrow(table), "\\n")
cat(names(table), "\\n")
cat(sapply(table, function(column) class(column)[1]), "\\n")
for (value in table[[arguments[2]]])
        cat(paste(as.character(charToRaw(enc2utf8(as.character(value)))), collapse = ""), "\\n")
'''

NUMBERS = {'seed', 'source_test_accuracy', 'test_loss', 'test_accuracy', 'best_epoch', 'epochs', 'parameters',
           'trainable', 'seconds', 'peak_mib', 'epoch', 'step', 'lr', 'train_loss', 'train_accuracy', 'mean', 'sd',
           'low', 'high', 'difference', 'p', 'runs', 'failed', 'pairs'}


def by_pandas(path, column):
    import pandas
    table = pandas.read_csv(path)
    kinds = {name: pandas.api.types.is_numeric_dtype(table[name]) for name in table.columns}
    return len(table), kinds, list(table[column])


def by_r(path, column):
    script = pathlib.Path('reader.R')
    script.write_text(R)
    lines = subprocess.run(['Rscript', '--vanilla', script, path, column], check=True, stdout=subprocess.PIPE,
                           encoding='utf-8').stdout.splitlines()
    kinds = dict(zip(lines[1].split(), (kind in ('integer', 'numeric') for kind in lines[2].split())))
    return int(lines[0]), kinds, [bytes.fromhex(line.strip()).decode('utf-8') for line in lines[3:]]


def check(read, path, column, rows, values):
    count, kinds, found = read(path, column)
    assert count == rows, '%s: %d rows, not %d' % (path, count, rows)
    assert found == values, '%s: %s is %r, not %r' % (path, column, found, values)
    words = [name for name in NUMBERS & set(kinds) if not kinds[name]]
    assert not words, '%s: read as words: %s' % (path, words)
    assert NUMBERS & set(kinds), '%s: no column of numbers among %s' % (path, list(kinds))


def main(scion, plugins):
    readers = [by_pandas] if importlib.util.find_spec('pandas') else []
    readers += [by_r] if shutil.which('Rscript') else []
    if not readers:
        print('neither pandas nor R is installed')
        return SKIPPED
    pathlib.Path('suite.yaml').write_text(SUITE, encoding='utf-8')
    run = subprocess.run([scion, 'run', 'suite.yaml', '--quiet', '--plugin-path', plugins], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, encoding='utf-8')
    assert run.returncode == 1, run.stdout  # one strategy crashes
    folder = pathlib.Path('runs', "readers' suite")
    compared = pathlib.Path('compared, "all".csv')
    with open(compared, 'w') as file:
        subprocess.run([scion, 'compare', folder / 'results.csv', '--baseline', LABELS[1], '--format', 'csv',
                        '--metric', 'test_accuracy,test_loss'], stdout=file, stderr=subprocess.DEVNULL, check=True)
    labels = [label for label in [*LABELS, 'crash'] for _ in (1, 2)]
    metrics = sorted(folder.glob('*/metrics.csv'))
    assert len(metrics) >= 2 * len(LABELS)
    for read in readers:
        check(read, folder / 'results.csv', 'strategy', len(labels), labels)
        check(read, compared, 'strategy', 2 * len(LABELS) + 2, [*LABELS, 'crash'] * 2)
        check(read, metrics[0], 'stage', 3, ['source', 'target', 'target'])
        print(read.__name__, 'reads all')
    return 0


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='scion-readers-') as top:
        arguments = [pathlib.Path(argument).resolve() for argument in sys.argv[1:]]
        os.chdir(top)
        sys.exit(main(*arguments))
