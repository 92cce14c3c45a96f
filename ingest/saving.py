"""Save what a reader returned: under the connection's fence, in batches; an unchanged row is not written again.

Of two versions of one record the same one stands whatever the order of arrival: final over pending, then the higher
source rank, then `as_of`, then the larger content hash. What is linked to an episode takes its day, interval and fate.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, TextClause, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import blocks, clock, statements
from ingest.models import Connection, Fence, Rejected, Series
from ingest.source import Source
from ingest.training import beats
from ingest.vault import vault
from providers import shapes
from providers.errors import VagusError
from providers.measures import Definition

# Made once, as every page that is saved asks it: to make it again costs more than to ask.
_ACCOUNT = select(Connection.vendor_account).where(Connection.id == bindparam("one")).scalar_subquery()
_SIBLINGS = select(Connection.id).where(Connection.vendor_account == _ACCOUNT)
FENCES = (
    select(Fence.connection, Fence.state)
    .where(Fence.connection.in_(_SIBLINGS))
    .order_by(Fence.connection)
    .with_for_update()
)


class Erased(VagusError):
    """Raised when what is to be saved belongs to somebody who was erased, or to a connection that is."""


@dataclass(slots=True)
class Saved:
    """What a save did: rows by fate, and every civil day it touched, the old and the new.

    `beats` are the changed days of heart rate that the loads of workouts are told by.
    """

    new: int = 0
    revised: int = 0
    unchanged: int = 0
    day_values: int = 0
    episodes: int = 0
    tags: int = 0
    points: int = 0
    blocks: int = 0
    beats: int = 0
    rejected: int = 0
    written: int = 0
    days: set[date] = field(default_factory=set)

    @property
    def judged(self) -> bool:
        """Whether anything changed that nights are judged from."""
        return bool(self.written or self.beats)

    def add(self, other: "Saved") -> None:
        """Take the counts and days of another save into this one."""
        for count in fields(self):
            if count.name != "days":
                setattr(self, count.name, getattr(self, count.name) + getattr(other, count.name))
        self.days |= other.days


def lock_fence(session: Session, connection: int) -> None:
    """Take the fence that every save takes first, with those of the account's other connections: they share series.

    Raises Erased where it is closed or gone.
    """
    if (connection, "open") not in {tuple(row) for row in session.execute(FENCES, {"one": connection})}:
        raise Erased("this connection was erased: nothing was stored")


def close_fences(session: Session, connections: Select[int]) -> None:
    """Turn every writer of these connections away; the fences are taken in the order in which every save takes them."""
    fences = select(Fence.connection).where(Fence.connection.in_(connections)).order_by(Fence.connection)
    closed = session.scalars(fences.with_for_update()).all()
    session.execute(update(Fence).where(Fence.connection.in_(closed)).values(state="erased"))


def save(session: Session, source: Source, rows: Sequence[shapes.Row]) -> Saved:
    """Save `rows` in this transaction; of a record given twice the last stands. Raises Erased."""
    lock_fence(session, source.connection)
    saved = Saved()
    episodes = list({(row.stream, row.record): row for row in rows if isinstance(row, shapes.Episode)}.values())
    gone = list({(row.stream, row.record): row for row in rows if isinstance(row, shapes.Gone)}.values())
    values = {(row.definition, row.device, row.record): row for row in rows if isinstance(row, shapes.DayValue)}
    tags = {(row.day, row.name, row.source): row for row in rows if isinstance(row, shapes.Tag)}
    points = [row for row in rows if isinstance(row, shapes.Points)]
    bearing = {_key(row) for row in episodes} | {_key(row) for row in gone}
    bearing |= {row.borne_by for row in points if row.borne_by}
    before = blocks.spans_before(session, source, bearing)
    _save_episodes(session, source, episodes, saved)
    _bury(session, source, gone, saved)
    _follow_links(session, source, [*episodes, *gone], saved)
    _save_day_values(session, source, list(values.values()), saved)
    _save_tags(session, source, list(tags.values()), saved)
    _save_points(session, source, points, before, saved)
    _set_aside(session, source, rows, saved)
    return saved


def _save_episodes(session: Session, source: Source, rows: Sequence[shapes.Episode], saved: Saved) -> None:
    batch = [
        {
            "stream": row.stream,
            "record": row.record,
            "kind": row.kind,
            "starts_at": _instant(row.starts_at),
            "ends_at": _instant(row.ends_at),
            "day": row.day.isoformat(),
            "utc_offset": row.utc_offset_minutes,
            "main": row.main,
            "edited": row.edited,
            "state": row.state,
            "detail": dict(row.detail),
        }
        for row in rows
    ]
    saved.episodes += len(rows)
    saved.unchanged += len(rows) - _write(session, statements.SAVE_EPISODES, source, batch, saved)


def _bury(session: Session, source: Source, rows: Sequence[shapes.Gone], saved: Saved) -> None:
    _write(session, statements.BURY, source, [_identity(row) for row in rows], saved)


def _follow_links(session: Session, source: Source, rows: Sequence[shapes.Episode | shapes.Gone], saved: Saved) -> None:
    """Let what hangs on these records, and was saved before, take their day, their interval and their fate."""
    for statement in (statements.FOLLOW_VALUES, statements.FOLLOW_TAGS, statements.BURY_TAGS):
        _write(session, statement, source, [_identity(row) for row in rows], saved)


def _save_day_values(session: Session, source: Source, rows: Sequence[shapes.DayValue], saved: Saved) -> None:
    if not rows:
        return
    series = _series_ids(session, source, {(row.definition, row.device) for row in rows})
    batch = [
        {
            "series": series[row.definition, row.device],
            "record": row.record,
            "value": row.value,
            "own_start": _instant(row.starts_at),
            "own_end": _instant(row.ends_at),
            "own_day": row.day.isoformat() if row.day else None,
            "own_offset": row.utc_offset_minutes,
            "flags": ",".join(sorted(row.flags)),
            "state": row.state,
            **_link(row),
        }
        for row in rows
    ]
    saved.day_values += len(rows)
    saved.unchanged += len(rows) - _write(session, statements.SAVE_DAY_VALUES, source, batch, saved)


def _save_tags(session: Session, source: Source, rows: Sequence[shapes.Tag], saved: Saved) -> None:
    batch = [
        {
            "own_day": row.day.isoformat(),
            "last_day": row.last_day.isoformat() if row.last_day else None,
            "name": row.name,
            "source": row.source,
            "present": row.present,
            **_link(row),
        }
        for row in rows
    ]
    saved.tags += len(rows)
    saved.unchanged += len(rows) - _write(session, statements.SAVE_TAGS, source, batch, saved)


def _write(session: Session, statement: TextClause, source: Source, batch: list[dict[str, Any]], saved: Saved) -> int:
    """Run one statement over a batch; how many rows are now other than before."""
    if not batch:
        return 0
    given = {
        "account": source.vendor_account,
        "person": source.person,
        "stream": source.stream,
        "asked": source.asked,
        "rank": source.rank,
        "as_of": source.as_of,
        "content": source.content,
        "rows": json.dumps(batch, allow_nan=False),
    }
    written = session.execute(statement, given).all()
    changed = [row for row in written if row.differs]
    saved.written += len(written)
    saved.new += sum(row.is_new for row in changed)
    saved.revised += sum(not row.is_new for row in changed)
    saved.days |= {day for row in changed for day in (row.old_day, row.new_day) if day is not None}
    return len(changed)


def _key(row: shapes.Episode | shapes.Gone) -> tuple[str, str]:
    return row.stream, row.record


def _identity(row: shapes.Episode | shapes.Gone) -> dict[str, str]:
    return {"stream": row.stream, "record": row.record}


def _link(row: shapes.DayValue | shapes.Tag) -> dict[str, str | None]:
    stream, record = row.link or (None, None)
    return {"link_stream": stream, "link_record": record}


@lru_cache(maxsize=4096)  # the values of one night share its instants
def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _series_ids(
    session: Session, source: Source, wanted: AbstractSet[tuple[Definition, str | None]]
) -> dict[tuple[Definition, str | None], int]:
    """The ids of the series of these definitions, of any device; those that are new with their device are made."""
    definitions = {definition for definition, _ in wanted}
    known = blocks.series_of(session, source, definitions)
    new = wanted - known.keys()
    if not new:
        return known
    rows = [
        {
            "person": source.person,
            "vendor_account": source.vendor_account,
            "device": device,
            "measure": definition.measure.name,
            "definition": definition.name,
            "context": definition.context,
            "created_at": clock.now(),
        }
        for definition, device in sorted(new, key=lambda pair: (pair[0].measure.name, pair[0].name, pair[1] or ""))
    ]
    session.execute(insert(Series).on_conflict_do_nothing(), rows)
    return blocks.series_of(session, source, definitions)


def _save_points(
    session: Session,
    source: Source,
    rows: Sequence[shapes.Points],
    before: Mapping[tuple[str, str], blocks.Span],
    saved: Saved,
) -> None:
    """Merge dense points into their blocks; what gone or changed records bore goes with them."""
    if not rows and not before:
        return
    series = _series_ids(session, source, {(row.definition, row.device) for row in rows}) if rows else {}
    saved.points += sum(len(row.at) for row in rows)
    given = [(series[row.definition, row.device], row) for row in rows]
    changed = blocks.save_points(session, source, given, before)
    saved.blocks += len(changed)
    telling = {key for (definition, _), key in series.items() if beats.told_by(definition)}
    saved.beats += sum(key in telling for key, _ in changed)
    saved.days |= {day for _, day in changed}


def _set_aside(session: Session, source: Source, rows: Sequence[shapes.Row], saved: Saved) -> None:
    """Keep what could not be read, sealed; forget what was set aside of records that can be read now."""
    rejects = [row for row in rows if isinstance(row, shapes.Rejected)]
    saved.rejected += len(rejects)
    kept = {(fingerprint(row.body), row.field) for row in rejects}
    good = {row.record for row in rows if isinstance(row, shapes.DayValue | shapes.Episode)}
    if good:
        of_stream = (Rejected.connection == source.connection, Rejected.stream == source.stream)
        named = Rejected.record.is_not(None)  # points are set aside without a record, by the hundred
        for earlier in session.scalars(select(Rejected).where(*of_stream, named)):
            if earlier.record in good and (earlier.fingerprint, earlier.field) not in kept:
                session.delete(earlier)
    if rejects:
        new = insert(Rejected)
        latest = {"run": new.excluded.run, "line": new.excluded.line, "reason": new.excluded.reason}
        identity = "uq_rejected_connection_stream_fingerprint_field"
        once = {(fingerprint(row.body), row.field): row for row in rejects}
        session.execute(
            new.on_conflict_do_update(constraint=identity, set_=latest),
            [_reject_columns(source, mark, row) for (mark, _), row in once.items()],
        )


def _reject_columns(source: Source, mark: str, row: shapes.Rejected) -> dict[str, Any]:
    return {
        "connection": source.connection,
        "stream": source.stream,
        "fingerprint": mark,
        "field": row.field,
        "record": row.record,
        "line": row.line,
        "reason": row.reason,
        "body": vault().seal(row.body.encode(), f"rejected|{source.connection}|{mark}"),
        "run": source.run,
        "at": clock.now(),
    }


def fingerprint(body: str) -> str:
    """What names a record without its position in a file."""
    return hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
