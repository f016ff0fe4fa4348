"""The manual pages: there is one for each command, and troff has no warnings. Argument: the build folder."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

BUILD = pathlib.Path(sys.argv[1])


def scion(*arguments):
    return subprocess.run([BUILD / 'scion', *arguments], stdout=subprocess.PIPE, encoding='utf-8', check=True).stdout


COMMANDS = re.findall(r'(?m)^  ([a-z]+) ', scion('--help'))


class Pages(unittest.TestCase):
    def test_each_command_has_a_page(self):
        self.assertGreater(len(COMMANDS), 5)
        self.assertEqual({path.name for path in (BUILD / 'share').glob('*.1')},
                         {'scion.1', *('scion-%s.1' % name for name in COMMANDS)})

    def test_troff_has_no_warnings(self):
        if not shutil.which('groff'):
            self.skipTest('no groff')
        for path in sorted((BUILD / 'share').glob('*.1')):
            result = subprocess.run(['groff', '-man', '-ww', '-Tutf8', path], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, encoding='utf-8')
            if 'tmac' in result.stderr and "can't find macro file" in result.stderr:
                self.skipTest('groff without the macros of manual pages')
            self.assertEqual((result.returncode, result.stderr), (0, ''), path.name)

    def test_pages_have_the_text_of_help(self):
        if not shutil.which('groff'):
            self.skipTest('no groff')
        for name in COMMANDS:
            page = subprocess.run(['groff', '-man', '-Tascii', '-P-cbou', '-rLL=2000n', '-rHY=0',
                                   BUILD / 'share' / ('scion-%s.1' % name)], stdout=subprocess.PIPE,
                                  encoding='ascii', check=True).stdout
            page = re.sub(r'[\s`]+', '', page)
            text = scion(name, '--help').split('\n\n', 1)[1].replace('Exit status:', '')
            for paragraph in text.split('\n\n'):
                words = re.sub(r'[\s`]+', '', paragraph)
                for option in re.split(r'(?m)^(?=  (?:-|   ))', paragraph) if paragraph.startswith('  -') else []:
                    self.assertIn(re.sub(r'[\s`]+', '', option), page, name)
                if not paragraph.startswith('  '):
                    self.assertIn(words, page, name)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
