"""What a person trained, each workout once: two devices on one body see the same run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.devices import account_name
from ingest.models import CheckIn, Episode, VendorAccount

INTENSITIES = {"easy": 0.5, "moderate": 0.7, "hard": 0.9}  # where a vendor tells a class: either side of "moderate"
HEART_RATES = (40.0, 220.0)  # of somebody who trains, /min; what lies outside is no heart
SEEN_PERCENT = 50  # of a workout that its vendor must have recorded for its heart rates to stand for it


@dataclass(frozen=True, slots=True)
class Workout:
    """One workout of one account; heart rates in /min, distance in metres, None where nothing is known.

    `intensity` is the vendor's class as a share of the person's own maximum, 0 where it tells none.
    """

    account: str
    record: str
    day: date
    starts_at: datetime
    ends_at: datetime
    intensity: float = 0.0
    activity: str = ""
    utc_offset_minutes: int | None = None
    average_heart_rate: float | None = None
    highest_heart_rate: float | None = None
    heart_rate_recovery: float | None = None
    distance: float | None = None

    @property
    def length(self) -> timedelta:
        """From its start to its end."""
        return self.ends_at - self.starts_at

    @property
    def minutes(self) -> float:
        """How long it was."""
        return self.length.total_seconds() / 60

    @property
    def starts_minute(self) -> float | None:
        """Minutes after the local midnight of its day; None where the clock there is not known."""
        if self.utc_offset_minutes is None:
            return None
        local = self.starts_at.astimezone(UTC) + timedelta(minutes=self.utc_offset_minutes)
        return (local - datetime.combine(self.day, time(), UTC)).total_seconds() / 60


Days = Mapping[date, tuple[Workout, ...]]


@dataclass(frozen=True, slots=True)
class Training:
    """What is stored of a person's training: workouts of all accounts, and how hard a day felt, from 0 to 10."""

    workouts: Sequence[Workout] = ()
    felt: Mapping[date, float] = field(default_factory=dict)


UNTRAINED = Training()


def felt(session: Session, person_id: int) -> dict[date, float]:
    """How hard each day felt, from 0 to 10, in the person's own word: a check-in is asked about the day before it."""
    effort = CheckIn.answers["rpe"].as_float()
    said = session.execute(select(CheckIn.day, effort).where(CheckIn.person == person_id, effort.is_not(None)))
    return {day - timedelta(days=1): hard for day, hard in said}


def workouts(session: Session, person_id: int) -> list[Workout]:
    """Every workout of every account, the same one more than once where several devices saw it."""
    rows = session.execute(
        select(
            VendorAccount.vendor,
            VendorAccount.external_id,
            Episode.record,
            Episode.day,
            Episode.starts_at,
            Episode.ends_at,
            Episode.utc_offset_minutes,
            Episode.detail,
        )
        .join(VendorAccount, VendorAccount.id == Episode.vendor_account)
        .where(VendorAccount.person == person_id, Episode.kind == "workout", Episode.state != "unscorable")
        .where(Episode.ends_at > Episode.starts_at)
    )
    return [_workout(*row) for row in rows]


def _workout(vendor: str, external_id: str, record: str, day: date, *times: Any) -> Workout:
    starts, ends, offset, detail = times
    seen = detail if detail.get("recorded_percent", 100) >= SEEN_PERCENT else {}
    return Workout(
        account_name(vendor, external_id),
        record,
        day,
        starts,
        ends,
        intensity=INTENSITIES.get(detail.get("intensity", ""), 0.0),
        activity=detail.get("activity", ""),
        utc_offset_minutes=offset,
        average_heart_rate=_between(seen.get("average_heart_rate"), *HEART_RATES),
        highest_heart_rate=_between(seen.get("max_heart_rate"), *HEART_RATES),
        distance=detail.get("distance_meters"),
    )


def _between(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def each_once(workouts: Iterable[Workout], lead: str) -> Days:
    """The workouts of each day, in order.

    Of two that share more than half of the shorter one the leading account's stands, else the longer; what it does not
    know the other tells, and it is as hard as the harder class.
    """
    by_day: dict[date, list[Workout]] = defaultdict(list)
    for one in sorted(workouts, key=lambda w: (w.account == lead, w.length, w.account, w.record), reverse=True):
        near = [by_day[one.day + timedelta(days=days)] for days in (0, -1, 1)]  # one begins before midnight, one after
        same = next(
            ((of_day, place) for of_day in near for place, other in enumerate(of_day) if _same_hours(one, other)), None
        )
        if same is None:
            by_day[one.day].append(one)
        else:
            of_day, place = same
            of_day[place] = _with(of_day[place], one)
    return {
        day: tuple(sorted(of_day, key=lambda w: (w.starts_at, w.record))) for day, of_day in by_day.items() if of_day
    }


def _with(standing: Workout, other: Workout) -> Workout:
    """Heart rates of one device: an average of one beside a highest of another would tell of nobody."""
    told = replace(standing, intensity=max(standing.intensity, other.intensity))
    if told.average_heart_rate is None:
        told = replace(told, average_heart_rate=other.average_heart_rate, highest_heart_rate=other.highest_heart_rate)
    if told.heart_rate_recovery is None:
        told = replace(told, heart_rate_recovery=other.heart_rate_recovery)
    return told


def _same_hours(a: Workout, b: Workout) -> bool:
    shared = min(a.ends_at, b.ends_at) - max(a.starts_at, b.starts_at)
    return shared * 2 > min(a.length, b.length)
