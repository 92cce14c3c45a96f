"""What an answer no longer has. Vendors answer wrongly now and then, so nothing goes before a second answer agrees.

Records: one that is stored, should have been in a complete answer to a closed window, and was not, twice, an hour
apart, is gone. Points: those of a stream asked by instants that a complete answer does not have; where the answer had
none at all, an hour apart and twice as well.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Absence, Block, DayValue, Episode, Series, Tag
from ingest.source import GRANT_RANK, Source
from providers import shapes
from providers.measures import Definition

AGREES_AFTER = timedelta(hours=1)
EDGE = timedelta(days=1)  # by civil date, what lies this near a window's end may be another day's


def gone_records(
    session: Session, source: Source, span: tuple[datetime, datetime], answered: Collection[str]
) -> list[shapes.Gone]:
    """The records that two answers agree are no more; others that this one lacks are noted, or no longer so."""
    missing = _stored(session, source.vendor_account, source.stream, span) - set(answered)
    agreed = _agreed(session, source.connection, source.stream, missing, answered)
    return [shapes.Gone(source.stream, record) for record in agreed]


def empty_again(
    session: Session, source: Source, series: Sequence[Definition], span: tuple[datetime, datetime], *, empty: bool
) -> bool:
    """Whether a window of which points are stored was found empty before, an hour ago or more."""
    key = f"window {span[0].isoformat()}"
    doubted = empty and _has_points(session, source.vendor_account, series, span)
    missing, present = ({key}, set()) if doubted else (set[str](), {key})
    return bool(_agreed(session, source.connection, source.stream, missing, present))


def _has_points(session: Session, account: int, series: Sequence[Definition], span: tuple[datetime, datetime]) -> bool:
    of_stream = or_(
        *(
            (Series.measure == one.measure.name) & (Series.definition == one.name) & (Series.context == one.context)
            for one in series
        )
    )
    days = (Block.day >= span[0].date(), Block.day < span[1].date())
    stored = (
        select(Block.day).join(Series, Series.id == Block.series).where(Series.vendor_account == account, of_stream)
    )
    return session.scalar(stored.where(*days).limit(1)) is not None


def pending(session: Session, connection: int, stream: str) -> bool:
    """Whether something of this stream is missed and waits for a second answer."""
    noted = select(Absence.record).where(Absence.connection == connection, Absence.stream == stream)
    return session.scalar(noted.limit(1)) is not None


def _agreed(
    session: Session, connection: int, stream: str, missing: Collection[str], present: Collection[str]
) -> list[str]:
    now = clock.now()
    of_stream = (Absence.connection == connection, Absence.stream == stream)
    if present:
        session.execute(delete(Absence).where(*of_stream, Absence.record.in_(list(present))))
    if not missing:
        return []
    rows = [{"connection": connection, "stream": stream, "record": key, "since": now} for key in sorted(missing)]
    session.execute(insert(Absence).on_conflict_do_nothing(), rows)
    old = (Absence.record.in_(list(missing)), Absence.since <= now - AGREES_AFTER)
    return list(session.scalars(delete(Absence).where(*of_stream, *old).returning(Absence.record)))


def _stored(session: Session, account: int, stream: str, span: tuple[datetime, datetime]) -> set[str]:
    since, until = span[0], span[1] - EDGE
    episodes = select(Episode.record).where(
        Episode.vendor_account == account,
        Episode.stream == stream,
        Episode.source_rank == GRANT_RANK,  # what a file alone knows, no answer needs to have
        Episode.starts_at >= since,
        Episode.starts_at < until,
    )
    values = (
        select(DayValue.link_record)
        .join(Series, Series.id == DayValue.series)
        .where(
            Series.vendor_account == account,
            DayValue.link_stream == stream,
            DayValue.source_rank == GRANT_RANK,
            DayValue.starts_at >= since,
            DayValue.starts_at < until,
            ~DayValue.gone,
        )
    )
    tags = select(Tag.link_record).where(
        Tag.vendor_account == account, Tag.link_stream == stream, Tag.day >= since.date(), Tag.day < until.date()
    )
    return {record for record in session.scalars(union(episodes, values, tags)) if record}
