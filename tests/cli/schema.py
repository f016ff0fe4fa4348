"""`scion check` and `scion schema` agree on everything that a schema can express: both check the same files, many of
them with an error. Arguments: the build folder; N, to test every Nth mutation only.
"""

import copy
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(error)
    sys.exit(77)

BUILD = pathlib.Path(sys.argv[1])
SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, which editors use; PyYAML implements that of 1.1."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in [('null', r'~|null|Null|NULL|', ['~', 'n', 'N', '']),
                            ('bool', r'true|True|TRUE|false|False|FALSE', list('tTfF')),
                            ('int', r'[-+]?[0-9]+', list('-+0123456789')),
                            ('float', r'[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|'
                                      r'\.(nan|NaN|NAN)', list('-+.0123456789')),
                            ('merge', '<<', ['<'])]:
    Loader.add_implicit_resolver('tag:yaml.org,2002:' + tag, re.compile('^(?:%s)$' % pattern), first)

DATA = {'use': 'random', 'shape': [1, 12, 12], 'num_classes': 3, 'train_size': 60, 'test_size': 6}
TRAINING = {'optimizer': {'use': 'sgd', 'lr': 0.1}, 'train': {'epochs': 1, 'batch_size': 4}}
RUN = {'name': 'a', 'seed': 3, 'threads': 2, 'precision': 'fp32', 'limits': {'minutes': 5},
       'source': {'dataset': DATA, 'model': {'use': 'lenet5'}, **TRAINING},
       'strategy': {'use': 'fine-tune', 'lr_scale': 0.5},
       'target': {'dataset': {**DATA, 'per_class': 2, 'valid': 0.25, 'normalize': 'standard', 'unlabelled': False,
                              'classes': [0, 1], 'transform': [{'use': 'blur', 'sigma': 1}, {'use': 'noise', 'deviation': 0.5}]},
                  'loss': {'use': 'cross-entropy'}, 'schedule': {'use': 'step', 'every': 2}, **TRAINING}}
SUITE = {**RUN, 'seed': None, 'seeds': 2,
         'matrix': {'strategy': ['scratch', {'use': 'l2-sp', 'alpha': 0.5, 'label': 'strong'}, 'fine-tune'],
                    'target.dataset.per_class, target.train.epochs': [[1, 1], [2, 2]],
                    'target.optimizer': [{'use': 'adam', 'lr': 0.1}, 'sgd']},
         'exclude': [{'strategy': 'scratch'}], 'include': [{'strategy': 'scratch', 'seed': 9}]}

# The values that are put in each place in turn.
VALUES = [None, True, 'some', -1, 2, 0.5, [], [1], ['some'], {}, {'use': 'some'}, {'use': 'sgd'}, {'use': 'random'}, 'scratch',
          'mlp']

# Errors that a schema cannot express: missing files and data, and combinations of values.
BEYOND = ["classes: (is a list|the list is empty)", "No such file", "and there is no source to take it from",
          "both given", "has no 'optimizer'.*matrix", "an input has 1 to 5", "takes images", "training examples?( |$)",
          "in the source model",
          # in a suite: other axes, other values, and runs
          "(in|ex)clude: ", "exclude leaves no run", "(exclude|include) says what to", "twice", "are called", "would undo",
          "needs a source", "(out|in)puts"]

# Places in a suite that the schema does not check: values may be labels, or be completed by another axis.
LOOSE = r'suite: (include|matrix/[^/]*,|matrix/strategy/\d+=\{)'

# Files and whether they are valid. The file that some extend is complete, so that they are valid alone.
CASES = [
    ('name: a', False), ('[]', False), ('1', False), ('{}', False),
    ('{name: a, strategy: scratch, target: {dataset: random, model: mlp, optimizer: sgd}}', True),
    ('{name: a, strategy: scratch, target: {dataset: random, model: mlp}}', False),
    ('{name: a, strategy: scratch, target: {dataset: random, model: mlp, optimizer: null}}', False),
    ('{name: a, strategy: scratch, target: {dataset: random, model: mlp, optimizer: sgd, weights: x}}', False),
    ('{name: a, strategy: scratch, seed: null, target: {dataset: random, model: mlp, optimizer: sgd}}', False),
    ('{name: a/b, strategy: scratch, target: {dataset: random, model: mlp, optimizer: sgd}}', False),
    ('{name: a, strategy: scratch, seeds: 0, target: {dataset: random, model: mlp, optimizer: sgd}}', False),
    ('{name: a, strategy: scratch, matrix: [], target: {dataset: random, model: mlp, optimizer: sgd}}', False),
    ('{name: a, strategy: attention, source: {dataset: random, model: lenet5, optimizer: sgd}, '
     'target: {dataset: random, optimizer: sgd}}', False),
    ('{name: a, strategy: {use: attention, layers: conv2}, source: {dataset: random, model: lenet5, optimizer: sgd}, '
     'target: {dataset: random, optimizer: sgd}}', True),
    ('{name: a, strategy: {use: scratch, label: b}, target: {dataset: random, model: mlp, optimizer: sgd}}', False),
    ('{extends: whole.yaml}', True), ('{extends: whole.yaml, seed: 7, target: {optimizer: {lr: 0.3}}}', True),
    ('{extends: whole.yaml, target: {optimizer: {lrr: 0.3}}}', False),
    ('{extends: whole.yaml, target: {optimizer: {lr: -0.3}}}', True),  # the schema cannot know whose it is
    ('{extends: whole.yaml, source: null, strategy: scratch, target: {model: lenet5}}', True),
    ('{extends: whole.yaml, some: 1}', False), ('{extends: [whole.yaml]}', False),
    ('{extends: whole.yaml, matrix: {target.optimizer.lr: [0.1, 0.2], seed: [1, 2]}}', True),
    ('{extends: whole.yaml, matrix: {seed: [1, two]}}', False), ('{extends: whole.yaml, matrix: {seed: []}}', False),
    ('{extends: whole.yaml, matrix: {seed: 1}}', False), ('{extends: whole.yaml, matrix: {sed: [1]}}', False),
    ('{extends: whole.yaml, matrix: {name: [a]}}', False), ('{extends: whole.yaml, matrix: {}}', False),
    ('{extends: whole.yaml, matrix: {strategy: [scratch, {use: l2-sp, alpah: 1}]}}', False),
    ('{extends: whole.yaml, matrix: {strategy: [scratch, {use: l2-sp, alpha: 1, label: b}]}}', True),
    ('{extends: whole.yaml, matrix: {strategy: [scrach]}}', False),
    ('{extends: whole.yaml, matrix: {strategy: [scratch, null]}}', False),
    ('{extends: whole.yaml, matrix: {"seed, threads": [[1, 1], [2, 2]]}}', True),
    ('{extends: whole.yaml, matrix: {"seed, threads": [1, 2]}}', False),
    ('{extends: whole.yaml, matrix: {"seed, thread": [[1, 2]]}}', False),
    ('{extends: whole.yaml, matrix: {seed: [1, 2]}, exclude: [{seed: 2}], include: [{seed: 5}]}', True),
    ('{extends: whole.yaml, matrix: {seed: [1, 2]}, exclude: [{sed: 2}]}', False),
    ('{extends: whole.yaml, matrix: {seed: [1, 2]}, exclude: {seed: 2}}', False),
    ('{extends: whole.yaml, matrix: {seed: [1, 2]}, include: [1]}', False),
    ('{extends: whole.yaml, matrix: null, seeds: null, exclude: null, include: null}', True),
]

# Files that the schema must accept although `scion check` refuses them.
KNOWN = {'{extends: whole.yaml, target: {optimizer: {lr: -0.3}}}'}


def places(document, path=()):
    """Returns the paths of all nodes of a document."""
    if path:
        yield path
    children = document.items() if isinstance(document, dict) else \
        enumerate(document) if isinstance(document, list) else []
    for key, value in children:
        yield from places(value, path + (key,))


def changed(document, path, change):
    document = copy.deepcopy(document)
    at = document
    for key in path[:-1]:
        at = at[key]
    change(at, path[-1])
    return document


def put(value):
    return lambda at, key: at.__setitem__(key, value)


def mutations(document):
    for path in places(document):
        for value in VALUES:
            yield '%s=%r' % ('/'.join(map(str, path)), value), changed(document, path, put(value))
        yield '%s left out' % '/'.join(map(str, path)), changed(document, path, lambda at, key: at.pop(key))
    for path in [(), *places(document)]:
        at = document
        for key in path:
            at = at[key]
        if isinstance(at, dict):
            for name in ('some', 'use', 'label', 'lr', 'weights', 'transform'):
                if name not in at:
                    yield '%s/%s=1' % ('/'.join(map(str, path)), name), changed(document, path + (name,), put(1))


def scion(*arguments, status=0):
    result = subprocess.run([BUILD / 'scion', *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            encoding='utf-8')
    if status is not None and result.returncode != status:
        raise AssertionError('scion %s: %s' % (' '.join(map(str, arguments)), result.stderr))
    return result


class Schema(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='scion-schema-'))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.schema = json.loads(scion('schema').stdout)
        cls.validator = jsonschema.Draft7Validator(cls.schema)
        (cls.folder / 'whole.yaml').write_text(yaml.safe_dump(RUN), encoding='utf-8')

    def why(self, path):
        """Returns the schema's error for a file, or None if it is valid."""
        document = yaml.load(path.read_text(encoding='utf-8'), Loader)
        error = jsonschema.exceptions.best_match(self.validator.iter_errors(document))
        return error and '%s: %s' % ('/'.join(map(str, error.absolute_path)), error.message)

    def check(self, paths):
        """Returns the error of `scion check` for each file, or None if it is valid."""
        result = scion('check', *paths, status=None)
        self.assertIn(result.returncode, (0, 2), result.stderr)
        good = set(re.findall(r'(?m)^(\S+): good: ', result.stdout))
        wrong = dict(reversed(re.findall(r'(?m)^scion: (/[^:\n]+\.yaml):?(.*)$', result.stderr)))
        return [None if str(path) in good else wrong.get(str(path), 'refused') for path in paths]

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding='utf-8')
        return path

    def test_it_is_a_valid_schema(self):
        jsonschema.Draft7Validator.check_schema(self.schema)
        references = re.findall(r'"#/definitions/([^"]+)"', json.dumps(self.schema))
        self.assertGreater(len(references), 100)
        for reference in references:
            at = self.schema['definitions']
            for key in reference.split('/'):
                at = at[key]

    def test_every_key_has_a_description(self):
        for key, value in self.schema['properties'].items():
            self.assertTrue(value['description'], key)
        for stage in ('source-whole', 'target-part'):
            for key, value in self.schema['definitions'][stage]['properties'].items():
                self.assertTrue(value['description'], key)
        for name, definition in self.schema['definitions'].items():
            if '.' in name or name == 'data':
                for key, value in definition['properties'].items():
                    self.assertTrue(value['description'], (name, key))

    def test_experiments_and_examples_are_valid(self):
        paths = [*(SOURCE / 'experiments').glob('*.yaml')]
        self.assertGreater(len(paths), 3)
        listed = json.loads(scion('plugins', '--format', 'json').stdout)['plugins']
        for plugin in listed:
            paths.append(self.write('%(kind)s-%(name)s.yaml' % plugin,
                                    scion('plugins', plugin['kind'], plugin['name'], '--example').stdout))
        for path in paths:
            self.assertIsNone(self.why(path), path)

    def test_the_cases(self):
        paths = [self.write('case%d.yaml' % i, text) for i, (text, right) in enumerate(CASES)]
        for (text, right), path, refused in zip(CASES, paths, self.check(paths)):
            self.assertEqual(self.why(path) is None, right, '%s: %s' % (text, self.why(path)))
            if text not in KNOWN:
                self.assertEqual(refused is None, right, '%s: %s' % (text, refused))

    def test_schema_and_check_agree_on_mutations(self):
        """Puts each value in each place: schema and check must agree, except for the errors in BEYOND."""
        changes = [*mutations(RUN)] + [('suite: ' + name, document) for name, document in mutations(SUITE)
                                       if re.match('(matrix|seeds|exclude|include)', name)]
        changes = changes[::EVERY]
        self.assertGreater(len(changes), 100)
        paths = [self.write('change%d.yaml' % i, yaml.safe_dump(document, sort_keys=False))
                 for i, (name, document) in enumerate(changes)]
        counts = [0, 0]
        for (name, document), path, refused in zip(changes, paths, self.check(paths)):
            why = self.why(path)
            counts[why is None] += 1
            with self.subTest(name):
                if refused is None:
                    self.assertIsNone(why)
                elif why is None and not re.match(LOOSE, name):
                    self.assertRegex(refused, '|'.join(BEYOND))
        self.assertGreater(min(counts), 10)

    def test_own_plugins_are_in_the_schema(self):
        other = json.loads(scion('schema', '--plugin-path', BUILD / 'tests' / 'plugin' / 'bad').stdout)
        names = [schema['definitions']['strategy-whole']['anyOf'][0]['properties']['use']['enum']
                 for schema in (self.schema, other)]
        self.assertIn('smaller', names[1])
        self.assertNotIn('smaller', names[0])
        self.assertNotIn('undefined', names[1])


if __name__ == '__main__':
    EVERY = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    unittest.main(argv=sys.argv[:1], verbosity=2)
