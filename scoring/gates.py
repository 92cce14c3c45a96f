"""Other causes that are looked for before strain is spoken of: each a gate, and what its nights may still say.

A gate keeps an alert from starting. Beyond that a cause excuses its own nights (they say nothing of strain) or takes
off what it is known to add to one (relief), so that what follows it is judged by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, get_args

import numpy as np

from .baseline import Baseline, usual
from .night import Bools, Diary, Floats, Rows, SignalName, last_row
from .windows import WEEKS_8, before, known, percentiles, trailing
from .words import LANGUAGES, Language, Speaker, speaker
from .words.gates import DE, EN

GateName: TypeAlias = Literal["illness", "travel", "altitude", "short_sleep"]

# Signals that other causes are looked for in, beside the two that decide.
AROUND: tuple[SignalName, ...] = ("respiratory_rate", "skin_temperature", "oxygen_saturation", "sleep")
ILLNESS_NIGHTS = 5  # a sign counts for so many nights, its own included
BREATHING_ALONE = 2.5  # scales of breathing rate that speak by themselves
BREATHING_WITH_WARMTH, WARMTH = 1.5, 1.8  # scales of breathing rate and skin temperature that speak together
STILL, STILLEST = 0.7, 15  # share of the own median of steps, and percentile: whose days differ widely is rarely still
STILL_OF, STILL_IN, STILL_RAISED = 2, 3, 1.0  # days, of so many; scales of heart rate on the night
FEWEST_DAYS = 14
TRAVEL_NIGHTS = 7
TRAVEL_SHIFT = 180.0  # minutes of clock
TRAVEL_RELIEF, TRAVEL_FADES = 0.7, 2.5  # joint deviation on the first night; nights in which it falls to a third
DAY_MINUTES = 1440.0
THIN_AIR, THIN_AIR_SCALES, THIN_AIR_LASTING, THIN_AIR_NIGHTS = 2.0, 2.0, 1.5, 4  # oxygen tonight; mean of three nights
SHORT_NIGHT, SHORT_OF, SHORT_IN = 60.0, 3, 5  # minutes under usual, on three of five nights
NOTED: Mapping[str, int] = {"alcohol": 1, "hot_night": 1, "late_meal": 1, "vaccination": 3}  # nights that a tag excuses
SHORT_RELIEF, SHORT_FROM, SHORT_MOST = 0.3, 0.5, 2.0  # joint deviation for each hour missing, after the first half
# Tags that name a cause, of a night or of what follows: where one is noted, nobody is asked for it.
CAUSES = (*NOTED, "ill", "rest_mode", "travel", "new_device", "reset_baseline", "medication")
SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Gate:
    """A cause that keeps an alert from starting; `since` is the first night of its present spell."""

    name: GateName
    active: bool
    reason: str
    since: date | None


SHUT: tuple[Gate, ...] = tuple(Gate(name, active=False, reason="", since=None) for name in get_args(GateName))


@dataclass(frozen=True, slots=True)
class Gating:
    """One gate over all rows."""

    name: GateName
    active: Bools
    first: list[int]  # row at which the present spell began, while active
    latest: list[int]  # row of the latest sign
    reasons: Mapping[int, str]  # by row of a sign

    def at(self, row: int, days: list[date]) -> Gate:
        """Return the gate as it stood on one night."""
        if not self.active[row]:
            return next(gate for gate in SHUT if gate.name == self.name)
        return Gate(self.name, active=True, reason=self.reasons[self.latest[row]], since=days[self.first[row]])


@dataclass(frozen=True, slots=True)
class Causes:
    """All other causes of one diary, per row."""

    gatings: tuple[Gating, ...]
    ill: Bools
    travelling: Bools
    held: Bools  # no alert starts
    excused: Bools  # the night says nothing of strain
    relief: Floats  # joint deviation that a known cause adds to the night

    def at(self, row: int, days: list[date]) -> tuple[Gate, ...]:
        """Return every gate as it stood on one night."""
        if not (self.held[row] or self.travelling[row]):
            return SHUT
        return tuple(gating.at(row, days) for gating in self.gatings)


def other_causes(diary: Diary, around: Mapping[SignalName, Baseline], language: Language = "en") -> Causes:
    """Look for each; `around` holds the baselines of breathing, temperature, oxygen and sleep."""
    told = SPEAKERS[language]
    ill = illness(diary, around["respiratory_rate"], around["skin_temperature"], told)
    away = travel(diary, told)
    thin = altitude(diary, around["oxygen_saturation"], told)
    missing = np.nan_to_num(around["sleep"].center - diary.values["sleep"])
    short = short_sleep(missing, around["sleep"].scale, told)
    return Causes(
        (ill, away, thin, short),
        ill.active,
        away.active,
        held=ill.active | thin.active | short.active,
        excused=ill.active | thin.active | _noted(diary),
        relief=_travel_relief(away) + SHORT_RELIEF * np.clip(missing / 60 - SHORT_FROM, 0, SHORT_MOST),
    )


def illness(diary: Diary, breathing: Baseline, warmth: Baseline, told: Speaker) -> Gating:
    """Breathing rate alone, or with skin temperature; without either sensor two still days; or the person's own word.

    Breathing rises by 1 to 3 a minute before and with a cold (Natarajan 2020). A night with alcohol explains its own
    breathing, which says nothing there.
    """
    rate, temperature = diary.values["respiratory_rate"], diary.values["skin_temperature"]
    breath = (rate - breathing.center) / breathing.scale
    warm = (temperature - warmth.center) / warmth.scale
    sober = ~diary.tagged("alcohol")
    seen = sober & ((breath >= BREATHING_ALONE) | ((breath >= BREATHING_WITH_WARMTH) & (warm >= WARMTH)))
    still = sober & _still_and_raised(diary, np.isnan(breathing.center))
    resting, unwell = diary.tagged("rest_mode"), diary.tagged("ill")
    noted = resting | unwell
    reasons = dict.fromkeys(np.flatnonzero(still).tolist(), told.say("still"))
    reasons |= dict.fromkeys(np.flatnonzero(resting).tolist(), told.say("rest_mode"))
    reasons |= dict.fromkeys(np.flatnonzero(unwell).tolist(), told.say("ill"))
    for row in np.flatnonzero(seen & ~noted).tolist():
        key = "breathing_warm" if warm[row] >= WARMTH else "breathing"
        values = {"rate": rate[row], "low": breathing.low[row], "high": breathing.high[row]}
        reasons[row] = told.say(key, **{name: float(value) for name, value in values.items()})
    return _gating("illness", seen | still | noted, ILLNESS_NIGHTS, reasons)


def travel(diary: Diary, told: Speaker) -> Gating:
    """Notice that the clock moved by three hours or more within a week, or the person's own word."""
    offset = _carried(diary.column("utc_offset_minutes"))
    earlier = [np.concatenate((np.full(k, np.nan), offset))[: len(offset)] for k in range(1, TRAVEL_NIGHTS + 1)]
    shifts = np.nan_to_num([_clock_shift(offset, then) for then in earlier])
    moved = (shifts[0] > 0) & (shifts.max(axis=0) >= TRAVEL_SHIFT)
    noted = diary.tagged("travel")
    reasons = dict.fromkeys(np.flatnonzero(moved).tolist(), told.say("clock"))
    reasons |= dict.fromkeys(np.flatnonzero(noted).tolist(), told.say("travel"))
    return _gating("travel", moved | noted, TRAVEL_NIGHTS, reasons)


def altitude(diary: Diary, oxygen: Baseline, told: Speaker) -> Gating:
    """Oxygen two points down and lasting: thin air, heat, or a cold; none of them is training."""
    drop = oxygen.center - diary.values["oxygen_saturation"]
    nights = trailing(drop, 3)
    lasting = np.nansum(nights, axis=1) >= THIN_AIR_LASTING * np.maximum(known(nights), 2)
    signs = (drop >= np.maximum(THIN_AIR, THIN_AIR_SCALES * oxygen.scale)) & lasting & (known(nights) > 1)
    reasons = {row: told.say("oxygen", drop=float(drop[row])) for row in np.flatnonzero(signs).tolist()}
    return _gating("altitude", signs, THIN_AIR_NIGHTS, reasons)


def short_sleep(missing: Floats, scale: Floats, told: Speaker) -> Gating:
    """An hour or more under the own usual, and more than its scatter, on three of five nights; both in minutes."""
    short = (missing >= np.fmax(SHORT_NIGHT, scale)).astype(np.float64)
    count = np.nansum(trailing(short, SHORT_IN), axis=1).astype(np.int64)
    signs = count >= SHORT_OF
    reasons = {
        row: told.say("short_sleep", number=int(count[row]), nights=SHORT_IN) for row in np.flatnonzero(signs).tolist()
    }
    return _gating("short_sleep", signs, 1, reasons)


def _still_and_raised(diary: Diary, asked: Bools) -> Bools:
    """Two of three days with few steps for this person, the last one too, and heart rate up on the night after it."""
    steps = diary.column("steps")
    steps[steps < 0] = np.nan
    usual_days, stillest = percentiles(before(steps, WEEKS_8 + 6, 7), (50, STILLEST), FEWEST_DAYS)
    few = steps < np.fmin(STILL * usual_days, stillest)
    still: Bools = few & asked & (np.nansum(trailing(few.astype(np.float64), STILL_IN), axis=1) >= STILL_OF)
    if not still.any():
        return still
    resting = usual(diary, "resting_heart_rate")
    raised = diary.values["resting_heart_rate"] - resting.center >= STILL_RAISED * resting.scale
    return still & raised


def _travel_relief(away: Gating) -> Floats:
    """What travel adds to a night: most on the first, fading within the week."""
    since = np.arange(len(away.active)) - np.array(away.latest, dtype=np.int64)
    return np.where(away.active, TRAVEL_RELIEF * np.exp(-since / TRAVEL_FADES), 0.0)


def _noted(diary: Diary) -> Bools:
    """Nights that the person's own word explains without a gate."""
    found = np.zeros(len(diary.days), dtype=np.bool_)
    for tag, nights in NOTED.items():
        found |= _within(last_row(diary.tagged(tag)), nights)
    return found


def _gating(name: GateName, signs: Bools, nights: int, reasons: Mapping[int, str]) -> Gating:
    latest = last_row(signs)
    active = _within(latest, nights)
    first = last_row(~active) + 1
    return Gating(name, active, first.tolist(), latest.tolist(), reasons)


def _within(latest: Rows, nights: int) -> Bools:
    """Whether the latest sign, by row, is among the last so many nights."""
    return (latest >= 0) & (np.arange(len(latest)) - latest < nights)


def _carried(values: Floats) -> Floats:
    """Missing values replaced by the last known one."""
    latest = last_row(np.isfinite(values))
    return np.where(latest >= 0, values[latest], np.nan)


def _clock_shift(now: Floats, then: Floats) -> Floats:
    """Minutes between two offsets, the shorter way round the day."""
    apart = np.abs(now - then) % DAY_MINUTES
    return np.minimum(apart, DAY_MINUTES - apart)
