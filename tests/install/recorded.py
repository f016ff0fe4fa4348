"""Checks that record.py finds each kind of change of the binary interface. The headers are copied and changed. The
options are those of record.py."""

import argparse
import pathlib
import platform
import shutil
import sys
import tempfile
import unittest

import record

# A description, the header, the old and the new text, and a word of abidiff's report.
CHANGES = [
    ('a function is added', 'tensor.h', 'SCION_API struct scion_tensor *scion_neg(', 'SCION_API int scion_new(int n);\n'
     'SCION_API struct scion_tensor *scion_neg(', 'scion_new'),
    ('a function is gone', 'tensor.h', 'SCION_API int64_t scion_size(const struct scion_tensor *x);', '', 'scion_size'),
    ('a parameter has another type', 'tensor.h', 'scion_huber(struct scion_tensor *x, float delta)',
     'scion_huber(struct scion_tensor *x, double delta)', 'scion_huber'),
    ('a function returns something else', 'strategy.h', 'SCION_API int scion_stage(', 'SCION_API int64_t scion_stage(',
     'scion_stage'),
    ('a member is put between others', 'batch.h', 'int64_t classes; ', 'int64_t more; int64_t classes; ', 'scion_batch'),
    ('a member is put at the end', 'strategy.h', 'int64_t min_batch;', 'int64_t min_batch; int64_t more;',
     'scion_strategy_plugin'),
    ('two members change places', 'param.h', 'double min;\n        double max;', 'double max;\n        double min;',
     'scion_param'),
    ('a callback has another type', 'dataset.h', 'void *input, void *target);', 'void *input, char *target);',
     'scion_dataset_plugin'),
    ('an enum value is put between others', 'dataset.h', 'SCION_TEST,', 'SCION_MORE, SCION_TEST,', 'scion_split'),
    ('an enum value is put at the end', 'dataset.h', 'SCION_SPLITS /*', 'SCION_SPLITS, SCION_MORE /*', 'scion_split'),
    ('a limit is another', 'tensor.h', '#define SCION_MAX_DIMS 6', '#define SCION_MAX_DIMS 8', 'scion_shape'),
]


class Record(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

        self.script = (OPTIONS.source / 'core' / 'scion.map').read_text(encoding='utf-8')

    def describe(self, include, script=None):
        return record.describe(script or self.script, include, OPTIONS.cc, self.folder)

    def test_the_headers_are_as_recorded(self):
        changed = record.difference(OPTIONS.source / 'core' / 'scion.abi', self.describe(OPTIONS.source / 'include'))
        if changed:
            self.fail(changed + record.HOW)

    def test_changes_are_found(self):
        unchanged = self.describe(OPTIONS.source / 'include').rename(self.folder / 'unchanged.abi')
        for what, header, old, new, says in CHANGES:
            with self.subTest(what):
                include = self.folder / 'include'
                shutil.rmtree(include, ignore_errors=True)
                shutil.copytree(OPTIONS.source / 'include', include)
                path = include / 'scion' / header
                text = path.read_text(encoding='utf-8')
                self.assertIn(old, text)
                path.write_text(text.replace(old, new, 1), encoding='utf-8')
                script = self.script.replace('scion_neg;', 'scion_neg; scion_new;') if says == 'scion_new' else None
                self.assertIn(says, record.difference(unchanged, self.describe(include, script)))

    def test_a_function_under_another_version_is_found(self):
        unchanged = self.describe(OPTIONS.source / 'include').rename(self.folder / 'unchanged.abi')
        script = self.script.replace('scion_neg;', '', 1) + 'SCION_9 { global: scion_neg; } SCION_1;'
        self.assertIn('scion_neg', record.difference(unchanged, self.describe(OPTIONS.source / 'include', script)))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--source', type=pathlib.Path, required=True)
    parser.add_argument('--cc', nargs='+', default=['cc'])
    OPTIONS = parser.parse_args()
    if not shutil.which('abidw') or platform.machine() != 'x86_64':
        print('skipped: needs abidw (Debian: abigail-tools), and the record is of x86_64')
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
