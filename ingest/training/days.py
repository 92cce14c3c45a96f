"""What training adds to each night: sessions, load and its scale, output, and how it felt. Pure: no rows, no clock."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ingest.training import loads, output
from ingest.training.loads import Effort
from ingest.training.trained import Training, each_once
from scoring import Session

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Around:
    """What an account tells beside the workouts, by day: resting heart rate, and the vendor's strain.

    `strain_series` names the series of each strain; `worn` are the days of waking on which the device was heard.
    """

    resting: Mapping[date, float]
    strain: Mapping[date, float]
    strain_series: Mapping[date, str]
    worn: AbstractSet[date]


def training_days(training: Training, lead: str, around: Around, span: Sequence[date]) -> dict[date, dict[str, Any]]:
    """Fields of Night by the day of waking: each night carries the training of the day before it."""
    by_heart = loads.efforts(each_once(training.workouts, lead), around.resting)
    scales = loads.told(by_heart, around.strain, training.felt)
    rested = {day for day in span if day in around.worn and day + DAY in around.worn}
    of_day = loads.loads(scales, by_heart.keys(), rested, span)
    found: dict[date, dict[str, Any]] = {}
    for day, done in by_heart.items():
        found.setdefault(day + DAY, {})["sessions"] = tuple(map(_session, done))
    for day, (value, scale) in of_day.items():
        series = around.strain_series[day] if scale == "strain" else scale
        found.setdefault(day + DAY, {}).update(load=value, load_series=series)
    told = {
        "performance": output.performances(by_heart),
        "heart_rate_recovery": output.recoveries(by_heart),
        "effort": training.felt,
    }
    for name, by_day in told.items():
        for day, number in by_day.items():
            found.setdefault(day + DAY, {})[name] = number
    return found


def _session(effort: Effort) -> Session:
    return Session(effort.workout.minutes, effort.intensity, effort.workout.starts_minute)
