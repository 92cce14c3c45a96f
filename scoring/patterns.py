"""What both signals together can mean beyond strain: information, which starts no alert and moves no state.

Endurance overload may raise HRV and lower heart rate (Le Meur 2013), and in very fit people both fall. Both up at once
is rare and mostly a sensor. HRV that varies more over a week follows load (Flatt 2015).
"""

from dataclasses import dataclass

import numpy as np

from .deviation import Evidence
from .load import Training
from .night import Bools, Diary, Floats, Rows, last_row
from .output import Output
from .readiness import DEAD_ZONE
from .windows import WEEK, WEEKS_8, before, mean_and_deviation, percentiles, trailing

SATURATED_NIGHTS = 10
RECENT_OUTPUT = 14  # days for which a weak output still speaks
LOOSE = 1.5  # own scales by which both signals are up on one night
FEWEST_OF_WEEK, FEWEST_WEEKS = 5, 28
UNSTEADY, UNSTEADY_SHARE = 1.7, 95  # times the own median of a week's variation; percentile of it


@dataclass(frozen=True, slots=True)
class Patterns:
    """Per row, what stands out."""

    low: Bools  # HRV and heart rate both low while training is high
    saturated: Rows  # for how many nights, where more than ten; else 0
    relaxed: Bools  # HRV up and heart rate down while training is high
    spent: Bools  # the same, with output down
    loose: Bools  # tonight both are up: look at the sensor
    unsteady: Bools  # HRV varies more from night to night than in the own weeks


def patterns(diary: Diary, evidence: Evidence, training: Training, output: Output) -> Patterns:
    """Every row's patterns."""
    resting_down = evidence.resting_mean < -DEAD_ZONE
    low_low = (evidence.hrv_mean > DEAD_ZONE) & resting_down
    relaxed = (evidence.hrv_mean < -DEAD_ZONE) & resting_down & training.high
    return Patterns(
        low=low_low & training.high,
        saturated=_saturated(low_low, training.high),
        relaxed=relaxed,
        spent=relaxed & _lately_weak(diary, output),
        loose=(evidence.hrv < -LOOSE) & (evidence.resting > LOOSE),
        unsteady=_unsteady(diary),
    )


def _saturated(low_low: Bools, high: Bools) -> Rows:
    """Nights in a row on which both were low, where training was high on half of them."""
    rows = np.arange(len(low_low))
    run = rows - last_row(~low_low)
    so_far = np.concatenate(([0], np.cumsum(high)))
    often = 2 * (so_far[rows + 1] - so_far[rows + 1 - run]) >= run
    return np.where((run > SATURATED_NIGHTS) & often, run, 0)


def _lately_weak(diary: Diary, output: Output) -> Bools:
    """The latest output of two weeks was weak."""
    latest = last_row(np.isfinite(diary.column("performance")))
    fresh = (latest >= 0) & (np.arange(len(latest)) - latest < RECENT_OUTPUT)
    return fresh & output.weak[latest]


def _unsteady(diary: Diary) -> Bools:
    """The week's scatter of ln HRV, which is its coefficient of variation, against the own eight weeks."""
    since = diary.since["hrv"]
    week = trailing(_without_alcohol(diary), WEEK, since)
    _, variation = mean_and_deviation(week, FEWEST_OF_WEEK)
    usual, most = percentiles(before(variation, WEEKS_8, WEEK, since), (50, UNSTEADY_SHARE), FEWEST_WEEKS)
    return (variation > most) & (variation > UNSTEADY * usual)


def _without_alcohol(diary: Diary) -> Floats:
    return np.where(diary.tagged("alcohol", "ill"), np.nan, np.log(diary.values["hrv"]))
