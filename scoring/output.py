"""What the body gave at a given effort, against the own eight weeks: told and explained, never counted.

After more than two weeks of overload heart rate falls at a given pace (Bosquet 2008), and recovers faster after it
(Aubry 2015): a better figure while training is high proves no fitness. More effort at the same heart rate is the sign.
"""

from dataclasses import dataclass

import numpy as np

from .night import Bools, Diary, Floats, Night
from .windows import WEEKS_8, before, percentiles

FEWEST = 8  # earlier ones in eight weeks
WEAK_SHARE, STRONG_SHARE = 20, 80
SMALLEST_SHIFT = 0.03  # of the median: less lies within the error of pace at heart rate
HARDER = 0.25  # of the median of effort at heart rate
BEATS = 5.0  # of heart-rate recovery
LEAST_EFFORT, HIGHEST_EFFORT, HIGHEST_OUTPUT, MOST_BEATS = 0.5, 10.0, 1e6, 150.0


@dataclass(frozen=True, slots=True)
class Output:
    """Per row, what the day before gave; all False where nothing was measured."""

    weak: Bools  # pace or power at a given heart rate among the lowest fifth
    strong: Bools
    harder: Bools  # it felt harder than the heart rate there usually does
    slow: Bools  # heart rate fell less in the minute after training
    quick: Bools


def output(diary: Diary) -> Output:
    """Every row's output."""
    pace = _between(diary, "performance", -HIGHEST_OUTPUT, HIGHEST_OUTPUT)
    felt = _between(diary, "effort", LEAST_EFFORT, HIGHEST_EFFORT)
    intensity = np.full(len(felt), np.nan)
    intensity[diary.at] = [_intensity(night) for night in diary.nights]
    fall = _between(diary, "heart_rate_recovery", 0, MOST_BEATS)
    weak, strong = _outside(pace, SMALLEST_SHIFT, 0.0)
    _, harder = _outside(felt / intensity, HARDER, 0.0)
    slow, quick = _outside(fall, 0.0, BEATS)
    return Output(weak, strong, harder, slow, quick)


def _between(diary: Diary, field: str, low: float, high: float) -> Floats:
    values = diary.column(field)
    values[~((values >= low) & (values <= high))] = np.nan
    return values


def _outside(values: Floats, share: float, least: float) -> tuple[Bools, Bools]:
    """Below, and above, three fifths of the own eight weeks, and by enough to mean something."""
    low, middle, high = percentiles(before(values, WEEKS_8, 1), (WEAK_SHARE, 50, STRONG_SHARE), FEWEST)
    enough = np.maximum(share * np.abs(middle), least)
    return (values < low) & (values < middle - enough), (values > high) & (values > middle + enough)


def _intensity(night: Night) -> float:
    """Mean intensity of the day's sessions, by minutes; NaN where none is known."""
    told = [(one.minutes, one.intensity) for one in night.sessions if one.minutes > 0 and 0 < one.intensity <= 1]
    minutes = sum(lasted for lasted, _ in told)
    return sum(lasted * share for lasted, share in told) / minutes if told else np.nan
