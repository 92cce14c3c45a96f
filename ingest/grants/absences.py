"""What an answer no longer has. Vendors answer wrongly now and then, so nothing goes before a second answer agrees.

Records: one that is stored, should have been in a complete answer to a closed window, and was not, twice, an hour
apart, is gone. Points of a stream asked by instants: the same, by UTC day; on a day that two answers lack points of,
the second one stands.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Absence, DayValue, Episode, Series, Tag
from ingest.source import GRANT_RANK, Source
from providers import shapes

AGREES_AFTER = timedelta(hours=1)
EDGE = timedelta(days=1)  # by civil date, what lies this near a window's end may be another day's


def gone_records(
    session: Session, source: Source, span: tuple[datetime, datetime], answered: Collection[str]
) -> list[shapes.Gone]:
    """The records that two answers agree are no more; others that this one lacks are noted, or no longer so."""
    missing = _stored(session, source.vendor_account, source.stream, span) - set(answered)
    agreed = _agreed(session, source.connection, source.stream, missing, answered)
    return [shapes.Gone(source.stream, record) for record in agreed]


def missed_again(
    session: Session, source: Source, span: tuple[datetime, datetime], missed: Collection[date]
) -> list[date]:
    """The UTC days of a span of whole days whose points two answers lack; others missed are noted, or no longer so."""
    every = (span[0].date() + timedelta(days) for days in range((span[1] - span[0]).days))
    whole = {day.isoformat() for day in every if day not in missed}
    lacked = {day.isoformat() for day in missed}
    agreed = _agreed(session, source.connection, source.stream, lacked, whole)
    return [date.fromisoformat(day) for day in agreed]


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
