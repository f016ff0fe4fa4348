#!/usr/bin/env python3
"""Kills a suite at random moments and starts it again: the results are the same as without kills.

    tests/suite/kills.py --scion build/scion --runs 200 --kills 20 --jobs 4

Compares results.csv, every metrics.csv and the models byte by byte, except for the columns that measure time and
memory. Each kill comes a random number of epochs and a random delay after the previous one, both drawn from a seed, so
that the kills are spread over the whole suite at any speed of the machine."""
import argparse
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

MEASURED = ('seconds', 'peak_mib')

SUITE = '''
name: killed
source:
  dataset: { use: random, shape: [1, 8, 8], num_classes: 3, train_size: 200, test_size: 20, valid: 0.2 }
  model: { use: resnet, depth: 8, width: 4 }
  optimizer: { use: sgd, lr: 0.05, momentum: 0.9 }
  train: { epochs: 3, batch_size: 16 }
target:
  dataset: { use: random, shape: [1, 8, 8], num_classes: 4, train_size: 200, test_size: 20, valid: 0.2 }
  optimizer: { use: adam, lr: 0.01 }
  schedule: { use: cosine, warmup: 1 }
  train: { epochs: EPOCHS, batch_size: 16 }
matrix:
  strategy: [scratch, fine-tune, linear-probe, { use: fine-tune, label: "again, with a comma" }]
  seed: SEEDS
'''


def start(options, out):
    environment = dict(os.environ, SCION_CACHE=os.path.abspath(out + '-cache') if options.cache else '')
    return subprocess.Popen([options.scion, 'run', 'suite.yaml', '--out', out, '--jobs', str(options.jobs), '--quiet',
                             '--checkpoint', str(options.checkpoint)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)


def finish(process):
    message = process.communicate()[1].decode()
    if process.returncode:
        sys.exit(f'scion run: status {process.returncode}: {message}')


def kill(process):
    """Kills the process, and waits until its runs have closed the pipe too. Returns whether it was still running."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def epochs(out):
    """Returns the number of epochs in the metrics of all runs."""
    return sum(path.read_bytes().count(b'\n') for path in pathlib.Path(out).glob('*/*/metrics.csv'))


def wait(process, out, goal):
    """Waits until there are `goal` epochs, or the process has ended."""
    while process.poll() is None and epochs(out) < goal:
        time.sleep(0.001)


def unmeasured(path):
    """Returns the file's raw fields, including quotes, with the measured columns emptied."""
    text = path.read_bytes().decode()
    fields = re.findall(r'("(?:[^"]|"")*"|[^",\n]*)([,\n])', text)
    if ''.join(field + end for field, end in fields) != text:
        sys.exit(f'{path}: not CSV')
    columns = [end for _, end in fields].index('\n') + 1
    for i, (field, end) in enumerate(fields):
        if i >= columns and fields[i % columns][0] in MEASURED:
            fields[i] = ('', end)
    return fields


def compare(whole, killed):
    differing = []
    names = sorted(str(path.relative_to(whole)) for path in whole.rglob('*') if path.is_file())
    others = sorted(str(path.relative_to(killed)) for path in killed.rglob('*') if path.is_file())
    if names != others:
        differing.append(f'files: {sorted(set(names) ^ set(others))[:5]}')
    for name in names:
        a, b = whole / name, killed / name
        if not b.exists() or name.endswith('log.txt'):
            continue
        if name.endswith('.csv') and unmeasured(a) != unmeasured(b):
            differing.append(name)
        elif not name.endswith('.csv') and a.read_bytes() != b.read_bytes():
            differing.append(name)
    return names, differing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--scion', required=True, type=os.path.abspath)
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--epochs', type=int, default=8, help="of each run's target")
    parser.add_argument('--cache', action='store_true', help='runs share their sources')
    parser.add_argument('--checkpoint', type=float, default=0, help='seconds between checkpoints')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    seeds = range(1, max(1, options.runs // 4) + 1)
    random.seed(options.seed)

    memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) and not os.environ.get('TMPDIR') else None
    with tempfile.TemporaryDirectory(prefix='scion-kills-', dir=memory) as folder:
        os.chdir(folder)
        pathlib.Path('suite.yaml').write_text(SUITE.replace('SEEDS', str(list(seeds)))
                                              .replace('EPOCHS', str(options.epochs)), encoding='utf-8')
        began = time.monotonic()
        finish(start(options, 'whole'))
        duration = time.monotonic() - began
        total = epochs('whole')

        kills = 0
        for _ in range(options.kills):
            goal = epochs('killed') + random.randint(0, 2 * total // (options.kills + 1))
            process = start(options, 'killed')
            wait(process, 'killed', min(goal, total - 1))
            time.sleep(random.uniform(0, duration / total))
            kills += kill(process)
        finish(start(options, 'killed'))

        names, differing = compare(pathlib.Path('whole/killed'), pathlib.Path('killed/killed'))
        resumed = sum('resumed after epoch' in path.read_text(encoding='utf-8')
                      for path in pathlib.Path('killed').rglob('log.txt'))
        print(f'{4 * len(seeds)} runs, {options.jobs} at a time, {duration:.1f} s; killed {kills} times of '
              f'{options.kills}; {resumed} runs went on after an epoch; {len(names)} files compared, '
              f'{len(differing)} differ')
        os.chdir('/')
    for name in differing[:10]:
        print('differs:', name)
    if differing or kills < options.kills / 2:
        sys.exit(1)


main()
