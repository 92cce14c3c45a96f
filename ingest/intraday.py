"""One night from within: heart rate and HRV every five minutes of the main sleep, as the blocks have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import samples
from ingest.models import Episode, VendorAccount
from ingest.samples import Dense
from providers import measures

STEP = 300
FEWEST = 12  # an hour's worth: less is no picture of a night
LONGEST = timedelta(hours=24)
SIGNALS: Mapping[str, str] = {measures.HRV_RMSSD.name: "hrv", measures.HEART_RATE.name: "resting_heart_rate"}


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One signal of a night: `minutes` since the sleep began, in steps of five and ascending, and the mean of each."""

    signal: str
    minutes: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inside:
    """The main sleep of a night: when it began on the wall clock there, how long it was, and what it was like."""

    began: datetime
    minutes: int
    traces: tuple[Trace, ...]


def of_night(session: Session, person_id: int, day: date) -> Inside | None:
    """The night that ends on this civil day, from within; None where too little of it is known."""
    slept = (
        select(Episode)
        .join(VendorAccount, VendorAccount.id == Episode.vendor_account)
        .where(VendorAccount.person == person_id, Episode.day == day, Episode.kind == "sleep", Episode.main)
        .where(Episode.ends_at.is_not(None), Episode.state != "unscorable")
        .order_by((Episode.ends_at - Episode.starts_at).desc(), Episode.vendor_account, Episode.record)
    )
    for episode in session.scalars(slept):
        since, until = episode.starts_at, episode.ends_at
        if until is None or not timedelta(0) < until - since <= LONGEST:
            continue
        found = samples.points_on(session, person_id, list(SIGNALS), since, until)
        traces = tuple(trace for measure in SIGNALS if (trace := _trace(measure, found, since)))
        if traces:
            began = since.astimezone(UTC) + timedelta(minutes=episode.utc_offset_minutes or 0)
            return Inside(began, round((until - since).total_seconds() / 60), traces)
    return None


def _trace(measure: str, found: Sequence[Dense], since: datetime) -> Trace | None:
    """The series that knows most of the night, one of sleep before others: two are never mixed."""
    own = [dense for dense in found if dense.measure == measure]
    best = max(own, key=lambda dense: (dense.context == "sleep", len(dense.at), -dense.series), default=None)
    if best is None:
        return None
    steps, place = np.unique((best.at - int(since.timestamp())) // STEP, return_inverse=True)
    if len(steps) < FEWEST:
        return None
    means = np.bincount(place, weights=best.value.astype(np.float64)) / np.bincount(place)
    return Trace(SIGNALS[measure], steps * (STEP // 60), means)
