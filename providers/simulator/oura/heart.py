"""The heart-rate series: each five minutes by night and day, each five seconds while training; kept in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from providers.simulator.documents import Document, Wearer
from providers.simulator.life import above_resting, local, workout_span
from providers.simulator.oura.documents import STEP
from providers.simulator.people import SyntheticNight

WORKOUT_STEP = 5  # seconds
COOLING = 120  # seconds after a workout that are still recorded as densely
SPRINTING, SPRINT, HIGHEST = 15, 36, 192  # strain of such a day; three minutes of steps; /min
APART = 5  # seconds: what is kept at most once in so many stays apart
SOURCES = ("awake", "sleep", "workout")
AWAKE, SLEEP, WORKOUT = range(3)

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Beats:
    """Columns of length n in the order of time: seconds since 1970, beats a minute, and the index of their source."""

    at: Ints
    bpm: Ints
    source: Ints

    def between(self, since: float, until: float) -> "Beats":
        """Those from `since` on, up to and including `until`, in seconds since 1970."""
        rows = slice(int(np.searchsorted(self.at, since, "left")), int(np.searchsorted(self.at, until, "right")))
        return Beats(self.at[rows], self.bpm[rows], self.source[rows])

    def records(self) -> list[dict[str, Any]]:
        """As Oura writes them: UTC, once as text and once in milliseconds."""
        return [
            {
                "timestamp": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.000Z",
                "timestamp_unix": at * 1000,
                "bpm": bpm,
                "source": SOURCES[source],
            }
            for at, bpm, source in zip(self.at.tolist(), self.bpm.tolist(), self.source.tolist(), strict=True)
        ]


def heart_rate(wearer: Wearer, nights: Sequence[SyntheticNight], long_sleeps: Sequence[Document]) -> Beats:
    """Everything the rings saw, from the first falling asleep to the one after the last night."""
    asleep = {document.versions[-1].body["day"]: document.versions[-1].body for document in long_sleeps}
    columns: list[tuple[Ints, Ints, int]] = []
    for night, following in zip_longest(nights, nights[1:]):
        if body := asleep.get(night.day.isoformat()):
            columns.append(_night(body))
        end = local(following, following.onset) if following else local(night, night.onset) + timedelta(days=1)
        columns.extend(_day(wearer, night, end))
    if not columns:
        empty = np.empty(0, np.int64)
        return Beats(empty, empty, empty)
    at = np.concatenate([each[0] for each in columns])
    bpm = np.concatenate([each[1] for each in columns])
    source = np.concatenate([np.full(len(each[0]), each[2], np.int64) for each in columns])
    order = np.argsort(at, kind="stable")
    return Beats(at[order], bpm[order], source[order])


def _night(body: Any) -> tuple[Ints, Ints, int]:
    """The sleep's own values, without its gaps: position times step gives the time."""
    start = int(datetime.fromisoformat(body["bedtime_start"]).timestamp())
    found = [(start + STEP * index, beat) for index, beat in enumerate(body["heart_rate"]["items"]) if beat is not None]
    return np.array([at for at, _ in found], np.int64), np.array([beat for _, beat in found], np.int64), SLEEP


def _day(wearer: Wearer, night: SyntheticNight, end: datetime) -> list[tuple[Ints, Ints, int]]:
    """From waking to the next falling asleep; a workout stands in place of the five-minute values."""
    woken = int(local(night, night.wake).timestamp())
    at = np.arange(-(-woken // STEP) * STEP, int(end.timestamp()) - APART, STEP, dtype=np.int64)
    dice = wearer.dice("day", night.day)
    bpm = np.rint(night.resting_heart_rate + 22 + dice.normal(0, 7, len(at))).clip(38, 120).astype(np.int64)
    span = workout_span(night)
    if span is None or span[1] >= end:
        return [(at, bpm, AWAKE)]
    start, stop = (int(edge.timestamp()) for edge in span)
    training = np.arange(start, stop, WORKOUT_STEP, dtype=np.int64)
    training = np.append(training, training[-1])  # recordings have one timestamp twice
    effort = _effort(night, len(training))
    after = np.arange(stop + WORKOUT_STEP, stop + COOLING, WORKOUT_STEP, dtype=np.int64)
    easing = np.rint(38 * (1 - np.exp((stop - after) / 45))).astype(np.int64)
    outside = (at < start) | (at >= stop)
    return [(at[outside], bpm[outside], AWAKE), (training, effort, WORKOUT), (after, effort[-1] - easing, WORKOUT)]


def _effort(night: SyntheticNight, count: int) -> Ints:
    """Heart rate of a workout: it rises for some minutes, stays, and ends in a sprint on a hard day."""
    steps = np.arange(count)
    above = np.minimum(above_resting(night), 60 + steps // 4)
    if night.strain >= SPRINTING:
        above = above + np.where(steps >= count - SPRINT, 40, 0)
    effort: Ints = np.minimum(HIGHEST, night.resting_heart_rate + above).astype(np.int64)
    return effort
