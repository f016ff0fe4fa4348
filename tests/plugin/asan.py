"""Checks that AddressSanitizer finds errors in a plugin built with -fsanitize=address while Scion is built without it, if the
sanitizer's runtime is preloaded: a write beyond the end of a block is reported with the source line. Arguments: see the end."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

PLUGIN = '''#include <scion/scion.h>
#include <stdlib.h>

static struct scion_tensor *loss(void *self, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        int64_t count = batch->size;
        float *weights = malloc((size_t)count * sizeof *weights);

        (void)self;
        for (int64_t i = 0; i <= count; i++)
                weights[i] = 1; /* LINE */
        struct scion_tensor *mean = scion_mean(scion_from(SCION_SHAPE(count), weights), SCION_ALL_AXES, false);

        free(weights);
        return scion_mul(mean, scion_task_loss(transfer, scion_target_logits(transfer, batch), batch));
}

SCION_PLUGIN_STRATEGY("beyond", .summary = "writes one value too many", .loss = loss);
'''

EXPERIMENT = '''name: beyond
strategy: beyond
target:
  dataset: { use: random, shape: [6], num_classes: 3, train_size: 8, test_size: 4 }
  model: { use: mlp, hidden: [3] }
  optimizer: { use: sgd }
  train: { epochs: 1, batch_size: 4 }
'''


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--scion', required=True)
    parser.add_argument('--include', required=True)
    options = parser.parse_args()
    runtime = subprocess.run(['gcc', '-print-file-name=libasan.so'], check=True, stdout=subprocess.PIPE,
                             encoding='utf-8').stdout.strip()
    if not os.path.isabs(runtime):
        print('skipped: gcc has no libasan')
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / 'strategies').mkdir()
        (folder / 'beyond.c').write_text(PLUGIN, encoding='utf-8')
        (folder / 'beyond.yaml').write_text(EXPERIMENT, encoding='utf-8')
        subprocess.run(['gcc', '-g', '-fsanitize=address', '-shared', '-fPIC', '-I', options.include, 'beyond.c', '-o',
                        'strategies/beyond.so'], cwd=folder, check=True)
        environment = dict(os.environ, LD_PRELOAD=runtime, ASAN_OPTIONS='detect_leaks=0')
        for command in ('run', 'bench'):
            result = subprocess.run([os.path.abspath(options.scion), command, '--plugin-path', '.', 'beyond.yaml'], cwd=folder, check=False,
                                    env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8')
            line = PLUGIN[:PLUGIN.index('/* LINE */')].count('\n') + 1
            for text in ('heap-buffer-overflow', 'in loss', 'beyond.c:%d' % line):
                if result.returncode == 0 or text not in result.stdout:
                    print('scion %s: status %d, and no "%s" in:\n%s' % (command, result.returncode, text,
                                                                        result.stdout[:4000]))
                    return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
