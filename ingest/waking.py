"""When a person wakes, learnt from their sleep, and so when a morning brief is welcome."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from sqlalchemy import Executable, select
from sqlalchemy.orm import Session

from ingest import people
from ingest.models import DayValue, Episode, Series, VendorAccount
from ingest.nights import DECIDING

LOOKED_BACK = timedelta(days=14)
FEWEST, FEWEST_WEEKEND = 5, 3  # fourteen nights have four weekend mornings
AFTER_WAKING = timedelta(minutes=20)
UNKNOWN = 8 * 60  # minutes of the day, where sleep has not told yet
SATURDAY = 5
MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Waking:
    """Usual minutes of the person's day at which main sleep ends; None where too few nights tell."""

    any_day: int | None
    weekdays: int | None
    weekends: int | None

    def on(self, day: date) -> int | None:
        """The usual minute on this day; weekdays and weekends are told apart where both are known."""
        if self.weekdays is None or self.weekends is None:
            return self.any_day
        return self.weekends if day.weekday() >= SATURDAY else self.weekdays


def usual(mornings: Iterable[tuple[date, int]]) -> Waking:
    """Medians of (day, minute at which sleep ended)."""
    told = list(mornings)
    weekend = [minute for day, minute in told if day.weekday() >= SATURDAY]
    weekday = [minute for day, minute in told if day.weekday() < SATURDAY]
    every = [minute for _, minute in told]
    return Waking(_median(every, FEWEST), _median(weekday, FEWEST), _median(weekend, FEWEST_WEEKEND))


def brief_at(session: Session, person_id: int, wall: datetime) -> datetime:
    """The wall clock of this day at which a brief is welcome: twenty minutes after usual waking."""
    minute = usual(mornings(session, person_id, wall.date())).on(wall.date())
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if minute is None:
        return midnight + timedelta(minutes=UNKNOWN)
    return midnight + timedelta(minutes=minute) + AFTER_WAKING


def mornings(session: Session, person_id: int, today: date) -> list[tuple[date, int]]:
    """The last fourteen days on which main sleep is known to have ended, with the minute of the local day.

    Vendors that send no sleep as such say when the night ended that a value speaks of.
    """
    slept = (
        select(Episode.day, Episode.ends_at, Episode.utc_offset_minutes)
        .join(VendorAccount, VendorAccount.id == Episode.vendor_account)
        .where(VendorAccount.person == person_id, Episode.kind == "sleep", Episode.main)
        .where(Episode.day > today - LOOKED_BACK, Episode.day <= today, Episode.ends_at.is_not(None))
        .order_by(Episode.day, Episode.ends_at)
    )
    valued = (
        select(DayValue.day, DayValue.ends_at, DayValue.utc_offset_minutes)
        .join(Series, Series.id == DayValue.series)
        .where(Series.person == person_id, Series.measure.in_(DECIDING), Series.context == "sleep", ~DayValue.gone)
        .where(DayValue.day > today - LOOKED_BACK, DayValue.day <= today, DayValue.ends_at.is_not(None))
        .order_by(DayValue.day, DayValue.ends_at)
    )
    return _by_day(session, person_id, slept) or _by_day(session, person_id, valued)


def _by_day(session: Session, person_id: int, rows: Executable) -> list[tuple[date, int]]:
    """One minute a day: of two sleeps that count as main, the later end."""
    found: dict[date, int] = {}
    for day, ends, offset in session.execute(rows):
        wall = people.local_time(session, person_id, ends) if offset is None else ends + timedelta(minutes=offset)
        found[day] = (wall.hour * 60 + wall.minute) % MINUTES_A_DAY
    return sorted(found.items())


def _median(minutes: list[int], fewest: int) -> int | None:
    return round(median(minutes)) if len(minutes) >= fewest else None
