"""How far the past of a connection is in: windows done of windows known, the nights they brought, what failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest import clock
from ingest.grants.budget import FOR_NOW
from ingest.models import BackfillWindow, Connection, DayValue, Episode, Series
from ingest.source import GRANT_RANK
from providers import measures
from providers.base import Provider, Stream

SIGNALS: Mapping[str, tuple[str, ...]] = {
    "HRV": (measures.HRV_RMSSD.name, measures.HRV_SDNN.name),
    "heart rate": (measures.RESTING_HEART_RATE.name,),
    "breathing": (measures.RESPIRATORY_RATE.name,),
    "temperature": (measures.SKIN_TEMPERATURE.name, measures.SKIN_TEMPERATURE_DEVIATION.name),
}


@dataclass(frozen=True, slots=True)
class Part:
    """The past of one stream: windows done of windows known, and the day down to which it is read, newest first."""

    title: str
    done: int
    total: int
    reached: date | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A span of one stream that was given up, until an operator tries it again; both days are in it."""

    title: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """The past of a connection. `days` is how many nights there can be, `nights` how many came: not every day has one.

    `again_at` is when the next window is asked for, where that lies ahead; `refused` says whether one failed
    before; to wait for a call that a vendor allows is no failure.
    """

    done: int
    total: int
    days: int
    first: date | None
    reached: date | None
    nights: int
    signals: list[tuple[str, int]]
    parts: list[Part]
    failed: list[Failed]
    again_at: datetime | None
    refused: bool

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come of the past."""
        return self.done + len(self.failed) == self.total


def of_connection(session: Session, connection: Connection, provider: Provider) -> Filling:
    """The past of one grant, as its rows have it now."""
    now = clock.now()
    every = select(BackfillWindow).where(BackfillWindow.connection == connection.id)
    windows = session.scalars(every.where(BackfillWindow.state != "cancelled").order_by(BackfillWindow.end_at)).all()
    waiting = [window for window in windows if window.state == "waiting"]
    nightly = {stream.name for stream in provider.streams if stream.nightly}
    of_nights = [window for window in windows if window.stream in nightly]
    first = min((window.start_at for window in of_nights), default=None)
    nights = _nights(session, connection, nightly)
    again_at = min((window.due_at for window in waiting), default=now)
    return Filling(
        done=sum(window.state == "done" for window in windows),
        total=len(windows),
        days=max(nights, min(_days(first, now), provider.backfill.days)),
        first=first.date() if first else None,
        reached=_reached(of_nights),
        nights=nights,
        signals=_signals(session, connection),
        parts=_parts(provider, windows),
        failed=[_failed(provider, window) for window in windows if window.state == "buried"],
        again_at=again_at if again_at > now else None,
        refused=any(window.error and not window.error.endswith(FOR_NOW) for window in waiting),
    )


def _parts(provider: Provider, windows: Sequence[BackfillWindow]) -> list[Part]:
    parts = []
    for stream in provider.streams:
        own = [window for window in windows if window.stream == stream.name]
        if own:
            parts.append(Part(stream.title, sum(window.state == "done" for window in own), len(own), _reached(own)))
    return parts


def _reached(windows: Sequence[BackfillWindow]) -> date | None:
    return min((window.start_at.date() for window in windows if window.state == "done"), default=None)


def _failed(provider: Provider, window: BackfillWindow) -> Failed:
    stream: Stream | None = next((stream for stream in provider.streams if stream.name == window.stream), None)
    last = window.end_at - timedelta(days=1)
    return Failed(stream.title if stream else window.stream, window.start_at.date(), last.date())


def _days(first: datetime | None, last: datetime) -> int:
    return max((last.date() - first.date()).days, 0) if first else 0


def _nights(session: Session, connection: Connection, streams: set[str]) -> int:
    own = (
        Episode.vendor_account == connection.vendor_account,
        Episode.stream.in_(streams),
        Episode.kind == "sleep",
        Episode.main,
        Episode.state != "unscorable",
    )
    return session.scalar(select(func.count(Episode.day.distinct())).where(*own)) or 0


def _signals(session: Session, connection: Connection) -> list[tuple[str, int]]:
    """On how many days each signal is known, in the words of a person; those without any are left out."""
    counted = (
        select(Series.measure, func.count(DayValue.day.distinct()))
        .join(Series, Series.id == DayValue.series)
        .where(
            Series.vendor_account == connection.vendor_account,
            Series.measure.in_([measure for names in SIGNALS.values() for measure in names]),
            DayValue.value.is_not(None),
            DayValue.source_rank == GRANT_RANK,
            ~DayValue.gone,
        )
        .group_by(Series.measure)
    )
    days = {row[0]: row[1] for row in session.execute(counted)}
    told = [(label, max(days.get(measure, 0) for measure in names)) for label, names in SIGNALS.items()]
    return [(label, count) for label, count in told if count]
