"""Dense series at rest: one row a series and UTC day, merged in columns, never a row a sample.

What stands after any partition and order of saves is the same, except that at one second the later value wins. The
caller holds the fence: between the reading of a block and its writing nobody else may write it.
"""

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import Row, select, text, tuple_
from sqlalchemy.orm import Session

from ingest.models import Episode, Series
from ingest.samples import DAY, Bigints, Columns, Ints, Reals, array_cursor
from ingest.source import Source
from providers.errors import ContractBroken
from providers.measures import Definition
from providers.shapes import Points

Span = tuple[int, int]  # seconds since 1970, the end excluded
Record = tuple[str, str]  # stream and id
Key = tuple[int, int]  # of a block: series, and days since 1970

EPOCH = date(1970, 1, 1)
LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())  # beyond it there is no date
BLOCKS_AT_ONCE = 128  # bounds what a save holds of what is stored
NOTHING = Columns(np.empty(0, np.int32), np.empty(0, np.float32))

# A block that is what is given already does not come: its hash is enough.
READ = """
SELECT u.series, u.day, b.at, b.value
FROM unnest(%s, %s, %s) AS u(series, day, hash)
LEFT JOIN block b ON b.series = u.series AND b.day = DATE '1970-01-01' + u.day
WHERE b.hash IS DISTINCT FROM u.hash
"""

# All blocks of a batch travel as one pair of columns, of which each is a slice.
WRITE = """
INSERT INTO block (series, day, at, value, count, hash)
SELECT u.series, DATE '1970-01-01' + u.day, (%(at)s)[u.first:u.last], (%(value)s)[u.first:u.last],
       u.last - u.first + 1, u.hash
FROM unnest(%(series)s, %(day)s, %(hash)s, %(first)s, %(last)s) AS u(series, day, hash, first, last)
ON CONFLICT (series, day) DO UPDATE
SET at = excluded.at, value = excluded.value, count = excluded.count, hash = excluded.hash
"""

DELETE = """
DELETE FROM block b USING unnest(%s, %s) AS u(series, day)
WHERE b.series = u.series AND b.day = DATE '1970-01-01' + u.day
"""

STANDING = text("""
SELECT stream, record, starts_at, ends_at, (source_rank, as_of, content)
    > (CAST(:rank AS bigint), CAST(:as_of AS timestamptz), CAST(:content AS text)) AS newer, false AS dead
FROM episode
WHERE vendor_account = :account AND stream = ANY(:streams)
  AND (record = ANY(:records) OR (starts_at < :until AND ends_at > :since))
UNION ALL
SELECT stream, record, NULL, NULL, false, true FROM tombstone
WHERE vendor_account = :account AND stream = ANY(:streams) AND record = ANY(:records) AND as_of >= :as_of
""")


def spans_before(session: Session, source: Source, bearing: Collection[Record]) -> Mapping[Record, Span]:
    """The interval that each of these episodes covers as stored, before it is saved anew."""
    if not bearing or not source.borne:
        return {}
    stored = select(Episode.stream, Episode.record, Episode.starts_at, Episode.ends_at).where(
        Episode.vendor_account == source.vendor_account,
        tuple_(Episode.stream, Episode.record).in_(list(bearing)),
        Episode.ends_at.is_not(None),
    )
    return {(row.stream, row.record): _span(row.starts_at, row.ends_at) for row in session.execute(stored)}


def save_points(
    session: Session, source: Source, given: Sequence[tuple[int, Points]], before: Mapping[Record, Span]
) -> set[tuple[int, date]]:
    """Merge points into the blocks of their series by union; what a record bore before is replaced.

    `given` is points with the id of their series. Returns the blocks that changed, by series and UTC day; one that did
    not is not written. Raises ContractBroken for a second that has no date.
    """
    spans: list[Span] = []
    if before or any(points.borne_by for _, points in given):
        given, spans = _replacing(session, source, given, before)
    borne = series_of(session, source, source.borne).values() if spans else ()
    return _put(session, given, borne, spans)


def lacking(
    session: Session, source: Source, definitions: Collection[Definition], span: Span, answer: Sequence[Points]
) -> set[date]:
    """The UTC days of the span, which is of whole days, on which points are stored that a complete answer lacks.

    Of all devices of the source's account. What the answer has was saved before.
    """
    series = series_of(session, source, definitions)
    fresh = _fresh(_known_within(series, answer, span))
    days = range(span[0] // DAY, span[1] // DAY)
    keys = [(key, day) for key in sorted(series.values()) for day in days]
    missed: set[int] = set()
    with array_cursor(session) as cursor:
        for first in range(0, len(keys), BLOCKS_AT_ONCE):
            batch = {key: fresh.get(key, NOTHING) for key in keys[first : first + BLOCKS_AT_ONCE]}
            missed |= {key[1] for key, stored in _read(cursor, batch) if not np.isin(stored.at, batch[key].at).all()}
    return {EPOCH + timedelta(day) for day in missed}


def forget(
    session: Session, source: Source, definitions: Collection[Definition], span: Span, keep: Sequence[Points]
) -> set[date]:
    """Let `keep`, a complete answer, stand for these series in the span: points that it does not have are deleted.

    Of all devices of the source's account. Points of `keep` outside the span do not count. Returns the UTC days whose
    block changed.
    """
    series = series_of(session, source, definitions)
    given = _known_within(series, keep, span)
    return {day for _, day in _put(session, given, series.values(), [span])}


def series_of(
    session: Session, source: Source, definitions: Collection[Definition]
) -> dict[tuple[Definition, str | None], int]:
    """The series of the source's account that have these definitions, of any device."""
    named: dict[tuple[str, ...], Definition] = {(of.measure.name, of.name, of.context): of for of in definitions}
    stored = select(Series.measure, Series.definition, Series.context, Series.device, Series.id).where(
        Series.vendor_account == source.vendor_account,
        tuple_(Series.measure, Series.definition, Series.context).in_(list(named)),
    )
    return {
        (named[measure, name, context], device): series
        for measure, name, context, device, series in session.execute(stored)
    }


def _replacing(
    session: Session, source: Source, given: Sequence[tuple[int, Points]], before: Mapping[Record, Span]
) -> tuple[list[tuple[int, Points]], list[Span]]:
    """The points that may be saved, and the spans that go first: what the records cover now, and covered before.

    Points of a record that stands in a newer version, or is gone since, stay out. Of what a record covered before, the
    part that another record covers now is that one's: a sleep that the vendor replaced takes nothing with it.
    """
    bearing = set(before) | {points.borne_by for _, points in given if points.borne_by}
    standing = _standing(session, source, bearing, list(before.values()))
    newer = {(row.stream, row.record) for row in standing if row.newer}
    dead = {(row.stream, row.record) for row in standing if row.dead}
    others = [
        _span(row.starts_at, row.ends_at)
        for row in standing
        if row.ends_at is not None and (row.stream, row.record) not in bearing
    ]
    allowed = [(series, points) for series, points in given if points.borne_by not in newer | dead]
    now = [points.span for _, points in allowed if points.borne_by and points.span]
    left = [piece for record, span in before.items() if record not in newer for piece in _without(span, others)]
    return allowed, [*now, *left]


def _standing(
    session: Session, source: Source, bearing: Collection[Record], spans: Sequence[Span]
) -> Sequence[Row[Any]]:
    """What is stored of these records, tombstones that keep them out, and the episodes that touch the spans."""
    given = {
        "account": source.vendor_account,
        "rank": source.rank,
        "as_of": source.as_of,
        "content": source.content,
        "streams": sorted({stream for stream, _ in bearing}),
        "records": sorted({record for _, record in bearing}),
        "since": datetime.fromtimestamp(min((start for start, _ in spans), default=0), UTC),
        "until": datetime.fromtimestamp(max((end for _, end in spans), default=0), UTC),
    }
    return session.execute(STANDING, given).all()


@dataclass(frozen=True, slots=True)
class _Cleared:
    """What goes before anything is added: the points of these series between starts and ends, each in order."""

    series: frozenset[int]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def leaves(self, key: Key, stored: Columns) -> Columns:
        """What stays of a block."""
        series, day = key
        if series not in self.series:
            return stored
        at = stored.at.astype(np.int64) + day * DAY
        begun, ended = np.searchsorted(self.starts, at, "right"), np.searchsorted(self.ends, at, "right")
        return Columns(stored.at[begun == ended], stored.value[begun == ended])


def _put(
    session: Session, given: Sequence[tuple[int, Points]], clear: Collection[int], spans: Sequence[Span]
) -> set[tuple[int, date]]:
    """Clear these series within the spans, add what is given, and write the blocks that are other than before."""
    fresh = _fresh(given)
    resolution = {series: points.definition.measure.resolution for series, points in given}
    edges = np.sort(np.array(spans, np.int64).reshape(-1, 2), axis=0)
    cleared = _Cleared(frozenset(clear), edges[:, 0], edges[:, 1])
    days = {day for start, end in spans for day in range(start // DAY, (end - 1) // DAY + 1)}
    keys = sorted(fresh.keys() | {(series, day) for series in cleared.series for day in days})
    changed: set[Key] = set()
    with array_cursor(session) as cursor:
        for first in range(0, len(keys), BLOCKS_AT_ONCE):
            batch = {key: fresh.get(key, NOTHING) for key in keys[first : first + BLOCKS_AT_ONCE]}
            changed |= _merge(cursor, batch, cleared, resolution)
    return {(series, EPOCH + timedelta(day)) for series, day in changed}


def _merge(
    cursor: psycopg.Cursor[Any], batch: Mapping[Key, Columns], cleared: _Cleared, resolution: Mapping[int, int]
) -> set[Key]:
    """Merge what is given into these blocks, and write those that change; which did."""
    changed = {}
    for key, old in _read(cursor, batch):
        new = _union(cleared.leaves(key, old), batch[key], resolution.get(key[0], 1))
        if not _same(old, new):
            changed[key] = new
    _write(cursor, {key: new for key, new in changed.items() if len(new.at)})
    emptied = [key for key, new in changed.items() if not len(new.at)]
    if emptied:
        series, days = zip(*emptied, strict=True)
        cursor.execute(DELETE, (Bigints.of(series), Ints.of(days)))
    return set(changed)


def _read(cursor: psycopg.Cursor[Any], batch: Mapping[Key, Columns]) -> Iterator[tuple[Key, Columns]]:
    """These blocks as stored, without those that are what is given already."""
    series, days = zip(*batch, strict=True)
    hashes = [_hash(given) for given in batch.values()]
    for of, day, at, value in cursor.execute(READ, (Bigints.of(series), Ints.of(days), Bigints.of(hashes))):
        yield (of, day), NOTHING if at is None else Columns(at, value)


def _write(cursor: psycopg.Cursor[Any], blocks: Mapping[Key, Columns]) -> None:
    if not blocks:
        return
    series, days = zip(*blocks, strict=True)
    lengths = [len(block.at) for block in blocks.values()]
    last = np.cumsum(lengths)
    given = {
        "at": Ints.of(np.concatenate([block.at for block in blocks.values()])),
        "value": Reals.of(np.concatenate([block.value for block in blocks.values()])),
        "series": Bigints.of(series),
        "day": Ints.of(days),
        "hash": Bigints.of([_hash(block) for block in blocks.values()]),
        "first": Ints.of(last - lengths + 1),
        "last": Ints.of(last),
    }
    cursor.execute(WRITE, given)


def _fresh(given: Sequence[tuple[int, Points]]) -> dict[Key, Columns]:
    """What is given, by block. Raises ContractBroken for a second that has no date."""
    of_series: dict[int, list[Points]] = {}
    for series, points in given:
        of_series.setdefault(series, []).append(points)
    fresh = {}
    for series, rows in of_series.items():
        at, value = np.concatenate([row.at for row in rows]), np.concatenate([row.value for row in rows])
        columns = _ordered(Columns(at, value))
        if len(at) and not 0 <= columns.at[0] <= columns.at[-1] <= LAST_SECOND:
            raise ContractBroken("a sample lies before 1970 or after 9999: times are to be in seconds")
        for day, block in _by_day(_capped(columns, rows[0].definition.measure.resolution)):
            fresh[series, day] = block
    return fresh


def _by_day(points: Columns) -> Iterator[tuple[int, Columns]]:
    """Points since 1970 as blocks of seconds within a day."""
    days = points.at // DAY
    within = (points.at - days * DAY).astype(np.int32)
    edges = [0, *(np.flatnonzero(days[1:] > days[:-1]) + 1).tolist(), len(days)]
    for first, end in pairwise(edges if len(days) else ()):
        yield int(days[first]), Columns(within[first:end], points.value[first:end])


def _union(stored: Columns, given: Columns, resolution: int) -> Columns:
    """Both; at one second what is given stands."""
    if not len(stored.at) or not len(given.at):
        return given if len(given.at) else stored
    both = Columns(np.concatenate((stored.at, given.at)), np.concatenate((stored.value, given.value)))
    return _capped(_ordered(both), resolution)


def _ordered(points: Columns) -> Columns:
    """By time; of several at one second the last."""
    at, value = points
    if (at[1:] > at[:-1]).all():
        return points
    order = np.argsort(at, kind="stable")
    at, value = at[order], value[order]
    last = np.append(at[1:] > at[:-1], True)
    return Columns(at[last], value[last])


def _capped(points: Columns, resolution: int) -> Columns:
    """The first point of each span of `resolution` seconds: so the same stand whatever came first.

    A resolution divides the day, so that spans are the same within a day as since 1970.
    """
    if resolution == 1:
        return points
    spans = points.at // resolution
    later = spans[1:] > spans[:-1]
    if later.all():
        return points
    first = np.append(True, later)
    return Columns(points.at[first], points.value[first])


def _same(one: Columns, other: Columns) -> bool:
    return np.array_equal(one.at, other.at) and one.value.tobytes() == other.value.tobytes()


def _hash(points: Columns) -> int:
    """64 bits of a block's content, as PostgreSQL's signed bigint."""
    content = points.at.astype("<i4", copy=False).tobytes() + points.value.astype("<f4", copy=False).tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)


def _known_within(
    series: Mapping[tuple[Definition, str | None], int], answer: Sequence[Points], span: Span
) -> list[tuple[int, Points]]:
    """What an answer has within a span of these series, with the id of each."""
    return [
        (series[points.definition, points.device], _within(points, span))
        for points in answer
        if (points.definition, points.device) in series
    ]


def _within(points: Points, span: Span) -> Points:
    inside = (points.at >= span[0]) & (points.at < span[1])
    return replace(points, at=points.at[inside], value=points.value[inside])


def _without(span: Span, others: Sequence[Span]) -> list[Span]:
    """The pieces of a span that lie in none of the others."""
    pieces = [span]
    for start, end in others:
        halves = [half for since, until in pieces for half in ((since, min(until, start)), (max(since, end), until))]
        pieces = [(since, until) for since, until in halves if since < until]
    return pieces


def _span(starts_at: datetime, ends_at: datetime) -> Span:
    return math.floor(starts_at.timestamp()), math.ceil(ends_at.timestamp())
