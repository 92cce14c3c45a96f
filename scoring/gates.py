"""Other causes that are looked for before strain is spoken of: other signs of strain, and travel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np

from .baseline import Baseline
from .night import Bools, Diary, Floats, last_row

GateName: TypeAlias = Literal["illness", "travel"]

ILLNESS_NIGHTS = 5  # a sign counts for so many nights, its own included
BREATHING_ALONE = 2.5  # scales of breathing rate that speak by themselves
BREATHING_WITH_WARMTH, WARMTH = 1.5, 1.8  # scales of breathing rate and skin temperature that speak together
TRAVEL_NIGHTS = 7
TRAVEL_SHIFT = 180.0  # minutes of clock
DAY_MINUTES = 1440.0


@dataclass(frozen=True, slots=True)
class Gate:
    """A cause that keeps an alert from starting; `since` is the first night of its present spell."""

    name: GateName
    active: bool
    reason: str
    since: date | None


OPEN: Mapping[GateName, Gate] = {
    "illness": Gate("illness", active=False, reason="", since=None),
    "travel": Gate("travel", active=False, reason="", since=None),
}


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
            return OPEN[self.name]
        return Gate(self.name, active=True, reason=self.reasons[self.latest[row]], since=days[self.first[row]])


def illness(diary: Diary, breathing: Baseline, warmth: Baseline) -> Gating:
    """Breathing rate alone, or breathing rate and skin temperature together, or the person's own word or rest mode.

    Breathing rises by 1 to 3 a minute before and with a cold (Natarajan 2020). A night with alcohol explains its own
    breathing, so only its tag `ill` would speak there.
    """
    rate, temperature = diary.values["respiratory_rate"], diary.values["skin_temperature"]
    breath = (rate - breathing.center) / breathing.scale
    warm = (temperature - warmth.center) / warmth.scale
    seen = (breath >= BREATHING_ALONE) | ((breath >= BREATHING_WITH_WARMTH) & (warm >= WARMTH))
    seen &= ~diary.tagged("alcohol")
    resting, unwell = diary.tagged("rest_mode"), diary.tagged("ill")
    told = resting | unwell
    reasons = dict.fromkeys(np.flatnonzero(resting).tolist(), "Rest mode was on.")
    reasons |= dict.fromkeys(np.flatnonzero(unwell).tolist(), "You noted that you felt unwell.")
    for row in np.flatnonzero(seen & ~told).tolist():
        reasons[row] = _signs(rate[row], breathing.low[row], breathing.high[row], warm=bool(warm[row] >= WARMTH))
    return _gating("illness", seen | told, ILLNESS_NIGHTS, reasons)


def travel(diary: Diary) -> Gating:
    """Notice that the clock moved by three hours or more within a week, or the person's own word."""
    offset = _carried(diary.column("utc_offset_minutes"))
    earlier = [np.concatenate((np.full(k, np.nan), offset))[: len(offset)] for k in range(1, TRAVEL_NIGHTS + 1)]
    shifts = np.nan_to_num([_clock_shift(offset, then) for then in earlier])
    moved = (shifts[0] > 0) & (shifts.max(axis=0) >= TRAVEL_SHIFT)
    told = diary.tagged("travel")
    reasons = dict.fromkeys(np.flatnonzero(moved).tolist(), "Your clock moved by three hours or more.")
    reasons |= dict.fromkeys(np.flatnonzero(told).tolist(), "You noted that you travelled.")
    return _gating("travel", moved | told, TRAVEL_NIGHTS, reasons)


def _gating(name: GateName, signs: Bools, nights: int, reasons: Mapping[int, str]) -> Gating:
    latest = last_row(signs)
    active = (latest >= 0) & (np.arange(len(signs)) - latest < nights)
    first = last_row(~active) + 1
    return Gating(name, active, first.tolist(), latest.tolist(), reasons)


def _carried(values: Floats) -> Floats:
    """Missing values replaced by the last known one."""
    latest = last_row(np.isfinite(values))
    return np.where(latest >= 0, values[latest], np.nan)


def _clock_shift(now: Floats, then: Floats) -> Floats:
    """Minutes between two offsets, the shorter way round the day."""
    apart = np.abs(now - then) % DAY_MINUTES
    return np.minimum(apart, DAY_MINUTES - apart)


def _signs(rate: float, low: float, high: float, *, warm: bool) -> str:
    text = f"Breathing rate was {rate:.1f} a minute (usual {low:.1f}\N{EN DASH}{high:.1f})"
    return f"{text}, and skin temperature was up as well." if warm else f"{text}."
