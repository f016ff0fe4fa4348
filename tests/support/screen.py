"""Emulates a terminal's screen, as far as programs that redraw their output require."""
import re
import unicodedata

CODE = re.compile(r'\x1b\[(\?)?([0-9;]*)([A-Za-z])')


def width_of(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in 'WF' else 1


class Screen:
    """`lines` are all that there were, those above the screen too. A line that goes on in the next one is in
    `wrapped`. When `reflow` is set, resizing breaks lines anew, as most terminals do; otherwise it cuts them."""

    def __init__(self, width, height, reflow=True):
        self.width, self.height, self.reflow = width, height, reflow
        self.lines, self.wrapped = [[]], [False]
        self.row = self.column = 0
        self.wrapping = True
        self.lost = ''  # what had no room while lines were not to wrap
        self.styles = set()
        self.rest = ''

    def top(self):
        return max(0, len(self.lines) - self.height)

    def text(self):
        return [''.join(line).rstrip() for line in self.lines]

    def feed(self, text):
        text = self.rest + text
        at = 0
        while at < len(text):
            code = CODE.match(text, at)
            if code:
                self.control(*code.groups())
                at = code.end()
            elif text[at] == '\x1b' and re.fullmatch(r'\x1b(\[[?0-9;]*)?', text[at:]):
                break
            else:
                self.put(text[at])
                at += 1
        self.rest = text[at:]

    def control(self, private, numbers, letter):
        count = int(numbers or 0) if numbers.isdigit() or not numbers else 0
        if private and numbers == '7' and letter in 'hl':
            self.wrapping = letter == 'h'
        elif letter == 'A':
            self.row = max(self.top(), self.row - max(count, 1))
        elif letter == 'J' and count == 0:
            del self.lines[self.row + 1:], self.wrapped[self.row + 1:]
            del self.lines[self.row][self.column:]
            self.wrapped[self.row] = False
        elif letter == 'm':
            self.styles.add(numbers)
        else:
            raise ValueError(f'unknown control {private or ""}{numbers}{letter}')

    def put(self, character):
        if character == '\r':
            self.column = 0
        elif character == '\n':
            self.down()
        elif character == '\b':
            self.column = max(0, self.column - 1)
        elif character < ' ' or character == '\x1b':
            raise ValueError(f'unknown control {character!r}')
        else:
            self.write(character)

    def down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])
            self.wrapped.append(False)

    def write(self, character):
        wide = width_of(character)
        if self.column + wide > self.width:
            if not self.wrapping:
                self.lost += character
                return
            self.wrapped[self.row] = True
            self.down()
            self.column = 0
        line = self.lines[self.row]
        line.extend(' ' * (self.column + wide - len(line)))
        line[self.column:self.column + wide] = [character] + [''] * (wide - 1)
        self.column += wide

    def resize(self, width, height):
        if self.reflow:
            self.break_anew(width)
        else:
            for line in self.lines:
                del line[width:]
        self.width, self.height = width, height
        self.column = min(self.column, width - 1)

    def break_anew(self, width):
        lines, wrapped, place = [], [], None
        whole, offset = [], None
        for i, line in enumerate(self.lines):
            if i == self.row:
                offset = len(whole) + self.column
            whole.extend(line)
            if self.wrapped[i]:
                continue
            first = len(lines)
            pieces = [whole[at:at + width] for at in range(0, max(len(whole), 1), width)]
            lines.extend(pieces)
            wrapped.extend([True] * (len(pieces) - 1) + [False])
            if offset is not None and place is None:
                place = min(first + offset // width, len(lines) - 1), offset % width
            whole, offset = [], None if place is None else offset
        self.lines, self.wrapped = lines, wrapped
        self.row, self.column = place
