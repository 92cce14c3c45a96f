"""Synthetic people whose nights scatter like real ones, each with a story that a judge of their nights should tell.

The statistics are medians over real exports of 49 people: nightly scatter of ln rMSSD 0.18 and of resting heart rate
4 /min about the person's own usual, correlation -0.8 between the two, lag-1 autocorrelation about 0.3 (a quick part
and a slow one with 12 % of the variance), breathing 0.49 /min, skin temperature 0.4 °C, 2 % of nights missing.
Values carry the precision that WHOOP prints, so that a round trip through its file returns them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

LN_RMSSD_SD, RESTING_SD, CORRELATION = 0.18, 4.0, -0.8
QUICK_AR, SLOW_AR, SLOW_SHARE = 0.25, 0.95, 0.12
BREATHING_SD, TEMPERATURE_SD, OXYGEN_SD = 0.49, 0.4, 0.6
MISSING_SHARE = 0.02
CONTEXT_LIMIT = 2.0  # SDs: without an illness, breathing and temperature stay in their band

# How long ago each story begins, counted from the last night.
HARD_DAYS, STRAINED_NIGHTS = 14, 11
ILL_NIGHTS = 6
NEW_STRAP_NIGHTS = 25
FLOWN_NIGHTS_AGO, ZONES_FLOWN = 8, 9

Floats = NDArray[np.float64]


class Story(StrEnum):
    """What really happened to the person."""

    STEADY = "steady"
    OVERREACHING = "overreaching"  # hard days on end; the last ten nights are strained, and still are
    ILL = "ill"  # the last six nights: feverish, breathing faster
    DRINKER = "drinker"  # two drinking nights a week
    TRAVELLER = "traveller"  # nine zones east, eight nights ago
    MISSING_NIGHTS = "missing_nights"  # a third of the nights not worn
    PARASYMPATHETIC = "parasympathetic"  # overloaded, but HRV up and heart rate down
    NEW_DEVICE = "new_device"  # another strap since 25 nights: a step in both signals that means nothing


@dataclass(frozen=True, slots=True)
class SyntheticNight:
    """One cycle of one person: a night, the recovery after it, the day that follows. Times are local.

    `day` is the day of waking. The values of the night are true even where `worn` is False: the strap did not see them.
    """

    day: date
    onset: datetime
    wake: datetime
    utc_offset_minutes: int
    worn: bool
    device: str
    hrv_ms: int
    resting_heart_rate: int
    respiratory_rate: float
    skin_temperature: float
    oxygen_saturation: float
    in_bed_minutes: int
    awake_minutes: int
    light_minutes: int
    deep_minutes: int
    rem_minutes: int
    recovery: int
    strain: float
    energy_kcal: int
    tags: frozenset[str]

    @property
    def asleep_minutes(self) -> int:
        """Sleep without the time awake in bed."""
        return self.light_minutes + self.deep_minutes + self.rem_minutes


def nights(story: Story, last_day: date, count: int, seed: int, *, utc_offset_minutes: int = 0) -> list[SyntheticNight]:
    """`count` nights in order of days, the last one waking on `last_day`; equal arguments give equal people."""
    rng = np.random.default_rng([seed, list(Story).index(story)])
    signals = _told(story, _usual(rng, count), rng)
    return [
        _night(signals, row, last_day - timedelta(days=count - 1 - row), utc_offset_minutes) for row in range(count)
    ]


@dataclass(slots=True)
class _Signals:
    """A person's nights as columns of length n. HRV and heart rate are in SDs about usual until a night is made."""

    hrv: Floats
    resting: Floats
    breathing: Floats
    temperature: Floats
    oxygen: Floats
    asleep: Floats
    bedtime: Floats  # hours after noon
    strain: Floats
    worn: NDArray[np.bool_]
    zones_east: NDArray[np.int64]
    device: list[str]
    tags: list[set[str]]


def _usual(rng: np.random.Generator, count: int) -> _Signals:
    """Nights on which nothing special happens, with three harder days a week."""
    hrv = _scatter(rng, count)
    resting = CORRELATION * hrv + np.sqrt(1 - CORRELATION**2) * _scatter(rng, count)
    hard = np.isin(np.arange(count) % 7, (1, 3, 5))
    context = np.clip(rng.normal(size=(3, count)), -CONTEXT_LIMIT, CONTEXT_LIMIT)
    return _Signals(
        hrv=hrv,
        resting=resting,
        breathing=BREATHING_SD * context[0],
        temperature=TEMPERATURE_SD * context[1],
        oxygen=OXYGEN_SD * context[2],
        asleep=np.clip(rng.normal(430, 40, count), 300, 560),
        bedtime=np.clip(rng.normal(11.0, 0.6, count), 9.5, 13.0),
        strain=np.clip(np.where(hard, 14.0, 8.5) + rng.normal(0, 1.5, count), 4, 20),
        worn=rng.random(count) >= MISSING_SHARE,
        zones_east=np.zeros(count, dtype=np.int64),
        device=["strap"] * count,
        tags=[set() for _ in range(count)],
    )


def _scatter(rng: np.random.Generator, count: int) -> Floats:
    """Unit variance: a quick part that fades within days and a slow one that drifts over weeks."""
    slow = _autoregressive(rng, count, SLOW_AR)
    quick = _autoregressive(rng, count, QUICK_AR)
    mixed: Floats = np.sqrt(SLOW_SHARE) * slow + np.sqrt(1 - SLOW_SHARE) * quick
    return mixed


def _autoregressive(rng: np.random.Generator, count: int, memory: float) -> Floats:
    values, last = np.empty(count), rng.normal()
    for row, fresh in enumerate(np.sqrt(1 - memory**2) * rng.normal(size=count)):
        last = values[row] = memory * last + fresh
    return values


def _told(story: Story, signals: _Signals, rng: np.random.Generator) -> _Signals:
    """Lay the story over the usual nights. Sizes are those of published groups and of tagged real nights."""
    since_end = np.arange(len(signals.hrv))[::-1]  # 0 on the last night
    match story:
        case Story.OVERREACHING:
            _strain(signals, since_end, direction=1)
        case Story.PARASYMPATHETIC:
            _strain(signals, since_end, direction=-1)
        case Story.ILL:
            _sicken(signals, since_end < ILL_NIGHTS)
        case Story.DRINKER:
            _drink(signals, rng)
        case Story.TRAVELLER:
            _travel(signals, since_end)
        case Story.MISSING_NIGHTS:
            signals.worn &= rng.random(len(signals.worn)) > 1 / 3
        case Story.NEW_DEVICE:
            _change_strap(signals, since_end < NEW_STRAP_NIGHTS)
    return signals


def _strain(signals: _Signals, since_end: NDArray[np.int64], direction: int) -> None:
    """Two weeks of hard days; the signals follow within three nights and stay, in half the usual scatter."""
    depth = direction * 2.1 * np.clip((STRAINED_NIGHTS - since_end) / 3, 0, 1)
    shown = depth != 0
    signals.hrv = np.where(shown, signals.hrv / 2, signals.hrv) - depth
    signals.resting = np.where(shown, signals.resting / 2, signals.resting) + depth
    for context in (signals.breathing, signals.temperature):
        context[shown] /= 2  # nothing that could be taken for a fever
    signals.strain = np.where(since_end < HARD_DAYS, np.clip(signals.strain + 4.5, 15, 20.5), signals.strain)
    signals.worn |= since_end < HARD_DAYS  # the point of the story is to be seen


def _sicken(signals: _Signals, rows: NDArray[np.bool_]) -> None:
    signals.hrv -= np.where(rows, 1.9, 0)
    signals.resting += np.where(rows, 2.0, 0)
    signals.breathing += np.where(rows, 2.2, 0)
    signals.temperature += np.where(rows, 0.9, 0)
    signals.strain = np.where(rows, 5.0, signals.strain)
    _tag(signals, rows, "ill")


def _drink(signals: _Signals, rng: np.random.Generator) -> None:
    weekend = np.isin(np.arange(len(signals.hrv)) % 7, (4, 5))
    rows = weekend & (rng.random(len(weekend)) > 1 / 10)
    signals.hrv -= np.where(rows, 2.2, 0)
    signals.resting += np.where(rows, 1.8, 0)
    signals.breathing += np.where(rows, 0.8, 0)
    _tag(signals, rows, "alcohol")


def _travel(signals: _Signals, since_end: NDArray[np.int64]) -> None:
    after = since_end <= FLOWN_NIGHTS_AGO
    unrest = np.where(after, 1.5 * np.exp((since_end - FLOWN_NIGHTS_AGO) / 3), 0)
    signals.hrv -= unrest
    signals.resting += unrest
    signals.zones_east += np.where(after, ZONES_FLOWN, 0)
    _tag(signals, since_end == FLOWN_NIGHTS_AGO, "travel")


def _change_strap(signals: _Signals, rows: NDArray[np.bool_]) -> None:
    signals.hrv -= np.where(rows, 0.2 / LN_RMSSD_SD, 0)
    signals.resting += np.where(rows, 1.5 / RESTING_SD, 0)
    signals.device = ["new strap" if new else old for new, old in zip(rows, signals.device, strict=True)]


def _tag(signals: _Signals, rows: Sequence[bool] | NDArray[np.bool_], name: str) -> None:
    for tags, tagged in zip(signals.tags, rows, strict=True):
        if tagged:
            tags.add(name)


def _night(signals: _Signals, row: int, day: date, home_offset: int) -> SyntheticNight:
    asleep = round(float(signals.asleep[row]))
    awake = round(0.08 * asleep)
    deep, rem = round(0.2 * asleep), round(0.24 * asleep)
    noon_before = datetime(day.year, day.month, day.day, 12) - timedelta(days=1)  # noqa: DTZ001 - local
    onset = noon_before + timedelta(seconds=round(3600 * float(signals.bedtime[row])))
    strain = round(float(signals.strain[row]), 1)
    return SyntheticNight(
        day=day,
        onset=onset,
        wake=onset + timedelta(minutes=asleep + awake),
        utc_offset_minutes=home_offset + 60 * int(signals.zones_east[row]),
        worn=bool(signals.worn[row]),
        device=signals.device[row],
        hrv_ms=round(62 * float(np.exp(LN_RMSSD_SD * signals.hrv[row]))),
        resting_heart_rate=round(53 + RESTING_SD * float(signals.resting[row])),
        respiratory_rate=round(14.8 + float(signals.breathing[row]), 1),
        skin_temperature=round(33.6 + float(signals.temperature[row]), 2),
        oxygen_saturation=round(min(100.0, 96.2 + float(signals.oxygen[row])), 2),
        in_bed_minutes=asleep + awake,
        awake_minutes=awake,
        light_minutes=asleep - deep - rem,
        deep_minutes=deep,
        rem_minutes=rem,
        recovery=_recovery(float(signals.hrv[row]), float(signals.resting[row])),
        strain=strain,
        energy_kcal=round(1750 + 75 * strain),
        tags=frozenset(signals.tags[row]),
    )


def _recovery(hrv: float, resting: float) -> int:
    """A vendor's percentage, which is mostly these two signals: median 63 as in real exports."""
    joint = (hrv - resting) / np.sqrt(2 * (1 - CORRELATION))
    return round(min(99.0, max(1.0, 100 * NormalDist().cdf(0.33 + 0.8 * float(joint)))))
