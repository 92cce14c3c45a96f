"""WHOOP's data export: physiological_cycles.csv and journal_entries.csv, each read whole from an open stream."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import BinaryIO

from providers.errors import FileRefused
from providers.exports import whoop_columns
from providers.exports.source import Export, FileSource
from providers.exports.table import Line, NumberedLine, find_header, lines, rows
from providers.exports.whoop_columns import Columns, columns_of, stream_of
from providers.exports.whoop_cycles import Cycle, read_cycle, rows_of
from providers.exports.whoop_journal import Answer, read_answer, tags_of
from providers.shapes import Rejected, Row

MAPPING = "2"

KNOWN_BUT_UNUSED = {
    whoop_columns.SLEEPS: "the nights of sleeps.csv are already in physiological_cycles.csv; its naps are not used",
    whoop_columns.WORKOUTS: "the strain of workouts.csv is already in physiological_cycles.csv",
}
WANTED = "physiological_cycles.csv"
HINT = "in WHOOP's app, Menu → Export WHOOP Data sends it by mail"


def recognise(head: bytes) -> str | None:
    """The stream of a file that begins with these bytes, from its header line alone; None if it is not WHOOP's."""
    header = find_header((0, line) for line in head.splitlines())
    return stream_of(columns_of(header.names, header.delimiter)) if header else None


def read(stream: BinaryIO, *, now: datetime, seen: Callable[[int], None] = lambda _: None) -> Export:
    """Read a cycles or a journal file; raises FileRefused for the file, sets single rows and values aside.

    The rows depend on the set of the file's lines alone: not on their order, nor on how often one is there.
    """
    numbered = _Counted(lines(stream, seen))
    header = find_header(numbered)
    columns = columns_of(header.names, header.delimiter) if header else None
    kind = stream_of(columns) if columns else None
    if header is None or columns is None or kind is None or kind in KNOWN_BUT_UNUSED:
        raise FileRefused(_why_not(numbered.count, kind))
    found = rows(numbered, header)
    read_rows = _read_cycles if kind == whoop_columns.CYCLES else _read_journal
    as_of, good, rejected = read_rows(found, columns, now)
    if as_of is None:
        raise FileRefused(_nothing_readable(rejected))
    return Export(kind, as_of, [*good, *_once(rejected)], numbered.count)


SOURCE = FileSource(
    vendor="whoop",
    title="WHOOP",
    recognise=recognise,
    read=read,
    mapping=MAPPING,
    known_but_unused=KNOWN_BUT_UNUSED,
    wanted=WANTED,
    hint=HINT,
)

_Sorted = tuple[datetime | None, list[Row], list[Rejected]]  # the latest instant, what is kept, what is set aside


class _Counted(Iterator[NumberedLine]):
    """Lines, and how many there were."""

    def __init__(self, source: Iterator[NumberedLine]) -> None:
        self._source = source
        self.count = 0

    def __next__(self) -> NumberedLine:
        line = next(self._source)
        self.count = line[0]
        return line


def _read_cycles(found: Iterable[Line], columns: Columns, now: datetime) -> _Sorted:
    latest, rejected = None, list[Rejected]()
    cycles: dict[str, Cycle] = {}
    for line in found:
        cycle = read_cycle(line, columns, now)
        if isinstance(cycle, Rejected):
            rejected.append(cycle)
            continue
        moments = cycle.moments
        latest = max(latest or moments.latest, moments.latest)
        cycles[moments.record] = max(cycles.get(moments.record, cycle), cycle, key=lambda one: one.rank)
    good = [row for record in sorted(cycles) for row in rows_of(cycles[record])]
    rejected += [row for row in good if isinstance(row, Rejected)]
    return latest, [row for row in good if not isinstance(row, Rejected)], rejected


def _read_journal(found: Iterable[Line], columns: Columns, now: datetime) -> _Sorted:
    read_lines = [read_answer(line, columns, now) for line in found]
    rejected = [row for row in read_lines if isinstance(row, Rejected)]
    answers = [row for row in read_lines if isinstance(row, Answer)]
    latest = max((answer.moments.latest for answer in answers), default=None)
    return latest, [*tags_of(answers)], rejected


def _once(rejected: Iterable[Rejected]) -> list[Rejected]:
    """Each fault once, at its first line, however often the file repeats the row."""
    first: dict[tuple[str, str | None], Rejected] = {}
    for one in rejected:
        first.setdefault((one.body, one.field), one)
    return sorted(first.values(), key=lambda one: one.line or 0)


def _why_not(line_count: int, kind: str | None) -> str:
    if not line_count:
        return f"this file is empty: bring WHOOP's {WANTED}; {HINT}"
    if kind in KNOWN_BUT_UNUSED:
        return f"{KNOWN_BUT_UNUSED[kind]}: bring {WANTED}, or the whole ZIP"
    return f"this is not a CSV of WHOOP's, or not in UTF-8: bring its {WANTED} or the whole ZIP; {HINT}"


def _nothing_readable(rejected: list[Rejected]) -> str:
    if not rejected:
        return "this file has a header and no rows: export it again when WHOOP has a night of yours"
    first = min(rejected, key=lambda one: one.line or 0)
    return f"no row of this file can be read (line {first.line}: {first.reason}): bring it as WHOOP wrote it"
