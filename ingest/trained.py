"""What a person trained, each workout once: two devices on one body see the same run."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.devices import account_name
from ingest.models import Episode, VendorAccount
from scoring import Session as Training

INTENSITIES = {"easy": 0.5, "moderate": 0.7, "hard": 0.9}  # where a vendor tells a class: either side of "moderate"


@dataclass(frozen=True, slots=True)
class Workout:
    """One workout of one account; `intensity` is a share of the person's own maximum, 0 where nothing is known."""

    account: str
    record: str
    day: date
    starts_at: datetime
    ends_at: datetime
    intensity: float = 0.0

    @property
    def length(self) -> timedelta:
        """From its start to its end."""
        return self.ends_at - self.starts_at


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
            Episode.detail["intensity"].astext,
        )
        .join(VendorAccount, VendorAccount.id == Episode.vendor_account)
        .where(VendorAccount.person == person_id, Episode.kind == "workout", Episode.state != "unscorable")
        .where(Episode.ends_at > Episode.starts_at)
    )
    return [
        Workout(account_name(vendor, external_id), record, day, starts, ends, INTENSITIES.get(intensity or "", 0.0))
        for vendor, external_id, record, day, starts, ends, intensity in rows
    ]


def sessions(workouts: Iterable[Workout], lead: str) -> dict[date, tuple[Training, ...]]:
    """The sessions of each day, in order; each workout once.

    Of two that share more than half of the shorter one the leading account's stands, else the longer, and is as hard as
    the one that knows says.
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
            of_day[place] = replace(of_day[place], intensity=max(of_day[place].intensity, one.intensity))
    return {day: _in_order(of_day) for day, of_day in by_day.items() if of_day}


def _in_order(of_day: Iterable[Workout]) -> tuple[Training, ...]:
    ordered = sorted(of_day, key=lambda w: (w.starts_at, w.record))
    return tuple(Training(w.length.total_seconds() / 60, w.intensity) for w in ordered)


def _same_hours(a: Workout, b: Workout) -> bool:
    shared = min(a.ends_at, b.ends_at) - max(a.starts_at, b.starts_at)
    return shared * 2 > min(a.length, b.length)
