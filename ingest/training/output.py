"""Output at a given effort: pace at heart rate, compared only with the same sport at the like effort, by one device.

Only workouts of 20 minutes or more at 65 to 80 % of the person's own highest heart rate that never went near it count:
below it the heart follows more than the pace, above it the pace runs on without it. Heat and hills stay in it.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from statistics import fmean, median

from ingest.training.loads import Effort, Efforts

SHORTEST = 20.0  # minutes
LOW, HIGH, PEAK = 0.65, 0.80, 0.92  # shares of the own highest heart rate: of the average, and of the session's highest
PAST = timedelta(days=56)
FEWEST = 4
SLOWEST, FASTEST = 0.3, 25.0  # metres a second of somebody who trains


def performances(efforts: Efforts) -> dict[date, float]:
    """Of each day with such a workout: metres a heartbeat over the median of the eight weeks before; higher is better.

    Days before four of the same sport and device are known have none.
    """
    past: dict[tuple[str, str], list[tuple[date, float]]] = defaultdict(list)
    found: dict[date, float] = {}
    for day in sorted(efforts):
        steady = [(_kind(one), pace) for one in efforts[day] if (pace := _metres_a_beat(one)) is not None]
        relative = []
        for kind, pace in steady:
            earlier = [value for on, value in past[kind] if on >= day - PAST]
            if len(earlier) >= FEWEST:
                relative.append(pace / median(earlier))
        for kind, pace in steady:  # not before all of the day are compared: it is no past of its own
            past[kind].append((day, pace))
        if relative:
            found[day] = fmean(relative)
    return found


def recoveries(efforts: Efforts) -> Mapping[date, float]:
    """How far heart rate fell in the minute after the last workout of a day that tells it."""
    told = {day: [one.workout.heart_rate_recovery for one in of_day] for day, of_day in efforts.items()}
    known = {day: [fall for fall in falls if fall is not None] for day, falls in told.items()}
    return {day: falls[-1] for day, falls in known.items() if falls}


def _kind(effort: Effort) -> tuple[str, str]:
    return effort.workout.account, effort.workout.activity


def _metres_a_beat(effort: Effort) -> float | None:
    workout, share = effort.workout, effort.share
    if share is None or workout.average_heart_rate is None or not workout.distance or not workout.activity:
        return None
    speed = workout.distance / (workout.minutes * 60)
    peak = workout.highest_heart_rate
    calm = peak is None or peak <= PEAK * effort.highest
    steady = workout.minutes >= SHORTEST and LOW <= share <= HIGH and calm
    return speed * 60 / workout.average_heart_rate if steady and SLOWEST <= speed <= FASTEST else None
