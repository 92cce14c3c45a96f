"""Heart rates of workouts whose vendor tells none, from the account's dense series of training; and the minute after.

Those of the rest of a day come minutes apart and are not read. Nothing of it is stored: what the blocks hold is what
stands, in whatever order blocks and workouts came.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from ingest.devices import account_name
from ingest.samples import DAY, DAYS_AT_ONCE, Columns, array_cursor
from ingest.training.trained import HEART_RATES, Workout
from providers import measures
from providers.measures import Definition

BEATS = """
SELECT v.vendor, v.external_id, b.day - DATE '1970-01-01', b.at, b.value
FROM series s JOIN vendor_account v ON v.id = s.vendor_account JOIN block b ON b.series = s.id
WHERE s.person = %(person)s AND s.measure = %(measure)s AND s.context = %(context)s AND b.day = ANY(%(days)s)
"""
TOLD_BY = {"measure": measures.HEART_RATE.name, "context": "workout"}
MINUTE = 60
COVERED = 0.5  # of a workout's minutes that must hold a heart rate
SHORTEST = timedelta(minutes=10)
AT_THE_END, AFTERWARDS = (-20, 0), (45, 75)  # seconds from the end, for the fall within a minute
AFTER = timedelta(seconds=AFTERWARDS[1])
FEWEST_BEATS = 3  # in each of the two spans: one value is no rate


def with_beats(session: Session, person_id: int, workouts: Sequence[Workout]) -> list[Workout]:
    """The same workouts, with average and highest heart rate and its fall afterwards where the series tell them."""
    silent = [one for one in workouts if one.average_heart_rate is None and one.length >= SHORTEST]
    if not silent:
        return list(workouts)
    beats = _beats(session, person_id, {day for one in silent for day in _days(one)})
    measured: dict[tuple[str, str], Workout] = {}
    for account, columns in beats.items():
        own = [one for one in silent if one.account == account]
        ends = np.array([int(one.ends_at.timestamp()) for one in own], np.int64)[:, None]
        places = np.searchsorted(columns.at, ends + np.array((*AT_THE_END, *AFTERWARDS)))
        starts = np.searchsorted(columns.at, [int(one.starts_at.timestamp()) for one in own])
        for one, first, around in zip(own, starts.tolist(), places.tolist(), strict=True):
            measured[account, one.record] = _measured(one, columns, first, around)
    return [measured.get((one.account, one.record), one) for one in workouts]


def told_by(definition: Definition) -> bool:
    """Whether this series is one of those that the heart rates of workouts are read from."""
    return {"measure": definition.measure.name, "context": definition.context} == TOLD_BY


def _beats(session: Session, person_id: int, days: Iterable[date]) -> Mapping[str, Columns]:
    """Heart rates by account on these days, ascending in time."""
    found: dict[str, list[Columns]] = defaultdict(list)
    given = {"person": person_id, "days": sorted(days), **TOLD_BY}
    with array_cursor(session) as cursor:
        for vendor, external_id, day, at, value in cursor.stream(BEATS, given, binary=True, size=DAYS_AT_ONCE):
            found[account_name(vendor, external_id)].append(Columns(at + np.int64(day * DAY), value))
    return {account: _in_order(columns) for account, columns in found.items()}


def _in_order(columns: Sequence[Columns]) -> Columns:
    at = np.concatenate([each.at for each in columns])
    order = np.argsort(at, kind="stable")
    return Columns(at[order], np.concatenate([each.value for each in columns])[order])


def _days(workout: Workout) -> list[date]:
    """The UTC days that it and the minute after it touch."""
    first, last = workout.starts_at.astimezone(UTC).date(), (workout.ends_at + AFTER).astimezone(UTC).date()
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]


def _measured(workout: Workout, beats: Columns, first: int, around: Sequence[int]) -> Workout:
    """Its heart rates from place `first` on; `around` are the places of the spans about its end.

    Of minutes rather than of samples: those of effort come closer together than those of rest.
    """
    starts = int(workout.starts_at.timestamp())
    minute, value = (beats.at[first : around[1]] - starts) // MINUTE, beats.value[first : around[1]]
    count = np.bincount(minute)
    means = np.bincount(minute, value)[count > 0] / count[count > 0]
    average = float(means.sum() / max(len(means), 1))
    if len(means) < COVERED * workout.minutes or not HEART_RATES[0] <= average <= HEART_RATES[1]:
        return workout
    return replace(
        workout,
        average_heart_rate=average,
        highest_heart_rate=min(float(means.max()), HEART_RATES[1]),
        heart_rate_recovery=_fall(beats.value, *around),
    )


def _fall(value: NDArray[np.float32], first: int, last: int, then: int, until: int) -> float | None:
    """How far heart rate fell within the minute after the end; None where it was not measured at both its ends."""
    if min(last - first, until - then) < FEWEST_BEATS:
        return None
    return max(0.0, float(value[first:last].mean() - value[then:until].mean()))
