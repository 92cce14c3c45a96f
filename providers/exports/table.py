"""Bounded, tolerant reading of a CSV: lines, header, rows. One broken row never takes another with it."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from providers.errors import FileRefused

CHUNK = 1 << 16
LARGEST_FILE = 100_000_000
LONGEST_LINE = 1 << 16  # bytes of a line, and of a row that quoted line breaks spread over several
MOST_JOINED = 100  # lines of one row
MOST_UNCLOSED = 1_000  # rows whose quotes never close; each costs a look ahead
MOST_LINES = 500_000  # a journal of ten years with forty questions a day has 150,000

_SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?', re.IGNORECASE)  # Excel's own first line
_TIME = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2})?(\.\d+)?")
_FEWEST_CELLS = 3  # of a line that looks like a row of its own

NumberedLine = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Header:
    """Column names as the file writes them, and the character between them."""

    names: list[str]
    delimiter: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row: `number` is its first line, `text` is what stood there, `fault` why its `cells` cannot be trusted."""

    number: int
    text: str
    cells: list[str]
    fault: str | None = None


def lines(stream: BinaryIO, seen: Callable[[int], None]) -> Iterator[NumberedLine]:
    """Numbered lines without their ends, of any convention.

    Never holds more than two chunks. Raises FileRefused at the first NUL byte (no text, or UTF-16), at a line over
    64 KB, and beyond half a million lines or 100 MB.
    """
    total, number, rest = 0, 0, b""
    while chunk := stream.read(CHUNK):
        total += len(chunk)
        seen(total)
        if total > LARGEST_FILE:
            raise FileRefused(f"this file is larger than {LARGEST_FILE // 1_000_000} MB, which no export is")
        if b"\0" in chunk:
            raise FileRefused("this is not a CSV in UTF-8: bring the file as the vendor wrote it")
        *whole, rest = (rest + chunk).splitlines(keepends=True)  # the last may be half a line, or half a CRLF
        for line in whole:
            number += 1
            yield _bounded(number, line)
        _bounded(number + 1, rest)
    if rest:
        yield _bounded(number + 1, rest)


def _bounded(number: int, line: bytes) -> NumberedLine:
    text = line.rstrip(b"\r\n")
    if len(text) > LONGEST_LINE:
        raise FileRefused(f"line {number} is longer than {LONGEST_LINE // 1024} KB, which no line of an export is")
    if number > MOST_LINES:
        raise FileRefused(f"this file has more than {MOST_LINES:,} lines, which no export has")
    return number, text


def find_header(numbered: Iterator[NumberedLine]) -> Header | None:
    """The first line that says something, behind a byte-order mark, blank lines and `sep=;`; None if not UTF-8."""
    delimiter = None
    for _, raw in numbered:
        try:
            text = raw.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            return None
        if told := _SEPARATOR_LINE.fullmatch(text):
            delimiter = told[1]
        elif text:
            delimiter = delimiter or max(",;\t", key=text.count)
            cells = _split(text, delimiter)
            return None if cells is None else Header(_without_empty_end(cells), delimiter)
    return None


def rows(numbered: Iterator[NumberedLine], header: Header) -> Iterator[Line]:
    """The rows below the header, blank ones left out; raises FileRefused where quotes are broken all over."""
    ahead, unclosed = _Ahead(numbered), 0
    for number, raw in ahead:
        line = _read_row(number, raw, ahead, header)
        unclosed += line.fault == _UNCLOSED
        if unclosed > MOST_UNCLOSED:
            raise FileRefused(f"more than {MOST_UNCLOSED:,} lines open a quote and never close it: download it again")
        if line.fault or any(line.cells):
            yield line


_UNCLOSED = "a quote is opened and never closed"


class _Ahead:
    """An iterator that can look at what comes without taking it."""

    def __init__(self, numbered: Iterator[NumberedLine]) -> None:
        self._source, self._waiting = numbered, deque[NumberedLine]()

    def __iter__(self) -> Iterator[NumberedLine]:
        while self.peek(0) is not None:
            yield self._waiting.popleft()

    def peek(self, distance: int) -> NumberedLine | None:
        while len(self._waiting) <= distance:
            following = next(self._source, None)
            if following is None:
                return None
            self._waiting.append(following)
        return self._waiting[distance]

    def skip(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()


def _read_row(number: int, raw: bytes, ahead: _Ahead, header: Header) -> Line:
    text = _decoded(raw)
    if text is None:
        shown = raw.decode("utf-8", "backslashreplace")
        return Line(number, shown, [], "it holds characters that are not UTF-8")
    if _is_open(text, header.delimiter):
        joined = _joined(text, ahead, header)
        if joined is None:
            return Line(number, text, [], _UNCLOSED)
        text = joined
    cells = _split(text, header.delimiter)
    if cells is None:
        return Line(number, text, [], "its quotes are broken")
    return _measured(Line(number, text, cells), len(header.names))


def _measured(line: Line, width: int) -> Line:
    """Refuse a row whose cells do not stand under the header's names. Blank lines pass: they say nothing."""
    cells = _without_empty_end(line.cells)
    if len(cells) > width:
        return Line(line.number, line.text, cells, "it has more columns than the header")
    if cells and len(line.cells) < width:
        return Line(line.number, line.text, cells, "it has fewer columns than the header, as if cut off")
    return Line(line.number, line.text, line.cells[:width])


def _joined(first: str, ahead: _Ahead, header: Header) -> str | None:
    """The row that `first` begins, its quoted line breaks included; None if its quotes do not close in bounds."""
    parts, size = [first], len(first)
    for distance in range(MOST_JOINED - 1):
        following = ahead.peek(distance)
        text = _decoded(following[1]) if following else None
        if text is None or _is_row(text, header.delimiter):
            return None
        parts.append(text)
        size += len(text)
        inside = '"' + text  # a line that starts within quotes reads as one that starts with a quote
        if size > LONGEST_LINE:
            return None
        if _split(inside, header.delimiter) is not None:
            ahead.skip(distance + 1)
            return "\n".join(parts)
        if not _is_open(inside, header.delimiter):
            return None
    return None


def _is_row(text: str, delimiter: str) -> bool:
    """Whether a line looks like a row of its own: a time stands in one of its cells. Notes seldom do that."""
    cells = text.split(delimiter)
    return len(cells) >= _FEWEST_CELLS and any(_TIME.fullmatch(cell.strip(' "')) for cell in cells)


def _is_open(text: str, delimiter: str) -> bool:
    """Whether the line ends within quotes: it cannot be split as it is, and one more quote would mend it."""
    return '"' in text and _split(text, delimiter) is None and _split(text + '"', delimiter) is not None


def _split(text: str, delimiter: str) -> list[str] | None:
    """Cells without outer blanks; None if the quotes are broken or still open."""
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error:
        return None
    return [cell.strip() for cell in cells]


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _without_empty_end(cells: list[str]) -> list[str]:
    width = len(cells)
    while width and not cells[width - 1]:
        width -= 1
    return cells[:width]
