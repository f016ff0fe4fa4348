"""The page that `scion compare --report` writes. Arguments: page or browser, and the scion command.

page: its structure, the absence of external references, unusual names, missing folders, a missing gnuplot.
browser: the page in Chromium, if that is installed. Without gnuplot, only the parts that do not need it are tested.
"""

import csv
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

SKIPPED = 77
ODD = ['<b>"plain" & \'bold\'</b>', '`system "touch drawn"` @0@ $data0', '移行 ⇄ Ünïcode, and a name of some length']
ERROR = 'line one\nkilled by <script>alert("SIGSEGV")</script> & more'
CONFIG = "name: '</pre><script>alert(1)</script>'\nseed: 1\n"
SECTIONS = ['metric0', 'curves', 'failed', 'notes', 'configurations']
VOID = {'meta', 'link', 'br', 'hr', 'img'}


def make_suite(folder, strategies=ODD, labels=(10, 100, 1000), seeds=(1, 2, 3), epochs=6):
    """Creates the folder of a suite with invented numbers; its last run has failed, its first has no folder."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    runs = [(s, n, seed) for s in range(len(strategies)) for n in labels for seed in seeds]
    with open(folder / 'results.csv', 'w', newline='', encoding='utf-8') as file:
        rows = csv.writer(file, lineterminator='\n')
        rows.writerow('run status strategy seed target.dataset.per_class test_accuracy seconds error'.split())
        for number, (s, n, seed) in enumerate(runs):
            accuracy = 0.5 + 0.05 * (s % 7) + 0.1 * labels.index(n) + 0.01 * seed
            last = number == len(runs) - 1
            rows.writerow(['run-%d' % number, 'failed' if last else 'done', strategies[s], seed, n,
                           '' if last else accuracy, 0.5 * (s + 1) + 0.1 * seed, ERROR if last else ''])
            if number == 0:
                continue
            (folder / ('run-%d' % number)).mkdir()
            (folder / ('run-%d' % number) / 'config.yaml').write_text(CONFIG)
            with open(folder / ('run-%d' % number) / 'metrics.csv', 'w') as metrics:
                metrics.write('stage,epoch,step,seconds,lr,train_loss,train_accuracy,valid_loss,valid_accuracy\n')
                metrics.write('source,1,1,1,0.1,9,0.01,,\n')
                for epoch in range(epochs):
                    metrics.write('target,%d,%d,1,0.1,%g,%g,,\n'
                                  % (epoch + 1, epoch + 1, 2 / (epoch + seed), accuracy - 0.3 / (epoch + 1)))
    return folder


def compare(scion, *arguments, status=0, **more):
    result = subprocess.run([scion, 'compare', *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            encoding='utf-8', **more)
    assert result.returncode == status, '%s: status %d\n%s' % (arguments, result.returncode, result.stdout)
    return result.stdout


class Page(html.parser.HTMLParser):
    """Parses a page, and checks that all elements are closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.text = [], [], [], ''
        self.feed(text)
        self.close()
        assert not self.open, 'left open: %s' % self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        assert len(attributes) == len(dict(attributes)), (tag, attributes)
        self.ids += [value for name, value in attributes if name == 'id']
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, '</%s> at %s' % (tag, self.getpos())

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def check_structure(text, sections):
    page = Page(text)
    assert [attributes['id'] for attributes in page.all('section')] == sections
    assert len(set(page.ids)) == len(page.ids), 'an id is there twice'
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith('on') and name not in ('src', 'srcset', 'xlink:href'), (tag, attributes)
            if name == 'href':
                assert value[0] == '#' and value[1:] in page.ids, (tag, attributes)
            if name == 'aria-labelledby':
                assert set(value.split()) <= set(page.ids), (tag, attributes)
    assert not page.all('script') and not page.all('link')
    assert not re.search(r'https?:|url\(|@import', text)
    assert not re.search(r'@\d+@', text.replace('@0@ $data0', '')), 'a text is not in its place'
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch('h[1-6]', tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:])), levels
    assert len(page.all('caption')) == len(page.all('table')) > 0
    drawings = re.findall(r'<svg .*?</svg>', text, re.S)
    plots = [xml.fromstring(drawing) for drawing in drawings if 'class="plot"' in drawing]
    for plot in plots:
        assert [plot[0].tag, plot[1].tag] == ['title', 'desc'] and plot[0].text and plot[1].text
        assert plot.get('role') == 'img' and plot.findall('.//path')
        inks = {element.get(name) for element in plot.iter() for name in ('stroke', 'fill', 'color')}
        assert not any(ink and ink.startswith(('rgb', '#')) for ink in inks), inks
    return page, plots


def check_page(scion):
    folder = make_suite('odd & "even"')
    printed = compare(scion, folder, '--baseline', ODD[0], '--report', 'a.html')
    assert printed == compare(scion, folder, '--baseline', ODD[0])  # what is printed stays the same
    text = pathlib.Path('a.html').read_text(encoding='utf-8')
    page, plots = check_structure(text, SECTIONS)
    # labels, ranks, time for each task, two learning curves for each task
    assert len(plots) == 1 + 1 + 3 + 2 * 3, len(plots)
    for name in ODD:
        assert page.text.count(name) >= 2 + 4, name  # tables, and a legend for each figure
    assert ERROR in page.text and CONFIG in page.text
    assert page.text.count(CONFIG) == 26 and '1 run is not in the learning curves' in page.text
    assert not pathlib.Path('drawn').exists(), 'gnuplot has run a name as a command'
    summary = plots[1][1].text
    assert 'With per_class 10: ' + ODD[0] + ' 52.00 % (sd 1.00)' in summary, summary
    assert sorted(os.listdir('.')) == ['a.html', 'odd & "even"'], os.listdir('.')
    compare(scion, folder, '--baseline', ODD[0], '--report', 'b.html', env=dict(os.environ, LC_ALL='C', TZ='Asia/Tokyo'))
    assert pathlib.Path('b.html').read_text(encoding='utf-8') == text


def check_alone(scion):
    """results.csv without the runs' folders, and run ids that are not valid names of folders."""
    folder = make_suite('alone', ['a', 'b'], labels=(10,))
    for run in folder.glob('run-*'):
        shutil.rmtree(run)
    rows = (folder / 'results.csv').read_text().replace('run-3,', '../odd,')
    (folder / 'results.csv').write_text(rows)
    compare(scion, folder, '--report', 'alone.html')
    page, plots = check_structure(pathlib.Path('alone.html').read_text(), [s for s in SECTIONS if s != 'curves'])
    assert len(plots) == 1
    assert '5 runs are not in the learning curves' in page.text and 'The configurations of 6 runs cannot be read' in page.text


def check_many(scion):
    strategies = ['strategy %d' % i for i in range(20)]
    folder = make_suite('many', strategies, labels=tuple(range(10, 24)), seeds=(1,), epochs=300)
    compare(scion, folder, '-b', 'strategy', '-B', 'strategy 0', '-m', 'test_accuracy,seconds', '--report', 'many.html')
    page, plots = check_structure(pathlib.Path('many.html').read_text(), ['metric0', 'metric1', *SECTIONS[1:]])
    assert '16 of 20 are drawn' in page.text and 'The first 12 of 14 tasks are drawn' in page.text
    assert 'every 3. is drawn' in page.text and '199 of 280 runs' in page.text
    assert len(plots) == 2 * 2 + 12 + 2 * 12, len(plots)


def check_extremes(scion):
    """Times and values at the ends of the numbers' range leave the axes finite."""
    for seconds in ('5e-324', '1e308', 'inf', '-1', '1e-320'):
        for value in ('5e-324', '1e308', '-1e308', '0.5'):
            with open('extreme.csv', 'w') as file:
                file.write('run,status,strategy,seed,test_mse,target.dataset.per_class,seconds\n'
                           'a,done,s,1,%s,1,%s\nb,done,s,2,0.6,1,1\nc,done,s,1,0.5,2,2\n' % (value, seconds))
            compare(scion, 'extreme.csv', '--report', 'page.html', timeout=10)


def check_refused(scion):
    folder = make_suite('refused', ['a', 'b'], labels=(10,))
    before = (folder / 'results.csv').read_bytes()
    assert 'ends in .html' in compare(scion, '--report', folder / 'results.csv', folder, status=2)
    assert (folder / 'results.csv').read_bytes() == before
    pathlib.Path('bin').mkdir()
    says = compare(scion, folder, '--report', 'none.html', status=1, env=dict(os.environ, PATH=os.path.abspath('bin')))
    assert 'apt-get install gnuplot-nox' in says, says
    for line, expected in [('echo; echo "oh dear" >&2; exit 3', 'gnuplot: oh dear'), ('exit 3', 'gnuplot'),
                           ('exit 0', 'gnuplot has drawn 0 of'), ('kill -9 $$', 'by signal 9')]:
        program = pathlib.Path('bin/gnuplot')
        program.write_text('#!/bin/sh\n%s\n' % line)
        program.chmod(0o755)
        says = compare(scion, folder, '--report', 'none.html', status=1,
                       env=dict(os.environ, PATH=os.path.abspath('bin')))
        assert expected in says, says
    assert not pathlib.Path('none.html').exists()


def check_browser(scion, browser):
    compare(scion, make_suite('suite'), '--baseline', ODD[0], '--report', 'page.html')
    pathlib.Path('frame.html').write_text('''<body><iframe src="page.html" width="390" height="800"></iframe><script>
        addEventListener('load', () => {
            const page = document.querySelector('iframe').contentDocument;
            const plots = [...page.querySelectorAll('.plot')];
            document.body.textContent = 'FOUND' + JSON.stringify({
                wide: page.documentElement.scrollWidth, sections: [...page.querySelectorAll('section')].map(s => s.id),
                plots: plots.length, flat: plots.filter(plot => plot.getBoundingClientRect().height < 100).length,
                beyond: [...page.querySelectorAll('h1,h2,h3,h4,p,figcaption,.legend,.panel')]
                    .filter(box => box.closest('.wide') === null && box.getBoundingClientRect().right > 390).length,
                ink: page.defaultView.getComputedStyle(page.querySelector('.plot path')).stroke}) + 'END';
        });</script>''')
    inks = set()
    for scheme in ('0', '1'):  # dark, light
        run = subprocess.run([browser, '--headless=new', '--no-sandbox', '--disable-gpu', '--allow-file-access-from-files',
                              '--user-data-dir=' + os.path.abspath('profile'), '--enable-logging=stderr',
                              '--blink-settings=preferredColorScheme=' + scheme, '--dump-dom',
                              'file://' + os.path.abspath('frame.html')], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             encoding='utf-8', timeout=100)
        if 'FOUND' not in run.stdout:
            print('%s does not run here:\n%s' % (browser, run.stderr[-2000:]))
            return SKIPPED
        found = json.loads(re.search('FOUND(.*)END', run.stdout).group(1))
        assert found['sections'] == SECTIONS, found
        assert found['wide'] <= 390 and found['beyond'] == 0, found
        assert found['plots'] == 11 and found['flat'] == 0, found
        complaints = [line for line in run.stderr.splitlines() if 'CONSOLE' in line]
        assert not complaints, complaints
        inks.add(found['ink'])
    assert len(inks) == 2, inks  # the plots follow the page into the dark
    return 0


def main(what, scion):
    browser = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if what == 'page':
        check_refused(scion)
    if not shutil.which('gnuplot') or (what == 'browser' and not browser):
        print('gnuplot or, for the page in a browser, Chromium is not installed')
        return SKIPPED
    if what == 'browser':
        return check_browser(scion, browser)
    for check in (check_page, check_alone, check_many, check_extremes):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            check(scion)
            os.chdir('/')
    return 0


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(prefix='scion-report-') as top:
        command = pathlib.Path(sys.argv[2]).resolve()
        os.chdir(top)
        status = main(sys.argv[1], command)
        os.chdir('/')
    sys.exit(status)
