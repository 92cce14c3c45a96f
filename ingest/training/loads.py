"""The load of a day: one number, on one scale for a person and a device as long as that scale speaks.

From heart rate where it is known, else the vendor's strain of the day, else how hard it felt times minutes, else the
vendor's class of intensity times minutes. Two scales are never mixed: where another takes over, the series is another.
"""

import math
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median

from ingest.training.trained import Days, Workout

SCALES = ("heart_rate", "strain", "effort", "class")  # the better first
USUAL_RESTING, USUAL_HIGHEST = 60.0, 180.0  # /min, until the person's own are known
RESTING_NIGHTS, FEWEST_HIGHEST = 28, 5
WEIGHT, STEEPNESS = 0.64, 1.92  # Banister's; one pair for everybody: a load is compared with the own past alone
KNOWN_SHARE = 0.5  # of a day's minutes whose heart rate must be known
LOOKED_BACK = timedelta(days=28)
FEWEST_DAYS, TAKES_OVER, HOLDS = 3, 0.75, 0.5  # days of training of four weeks; shares of them that a scale tells

Told = Mapping[str, Mapping[date, float]]  # load by scale and day of training


@dataclass(slots=True)
class Heart:
    """The person's own resting and highest heart rate as they were known on a day."""

    resting: Mapping[date, float]
    days: list[date] = field(init=False)
    seen: int = 0
    top: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def __post_init__(self) -> None:
        self.days = sorted(self.resting)

    def resting_on(self, day: date) -> float:
        """Median of the last four weeks of nights."""
        until = bisect_right(self.days, day)
        recent = self.days[max(0, until - RESTING_NIGHTS) : until]
        return median(self.resting[night] for night in recent) if recent else USUAL_RESTING

    def see(self, workout: Workout) -> None:
        """Take in the highest heart rate of one more workout; they are given in the order of days."""
        if workout.highest_heart_rate is not None:
            self.seen += 1
            self.top = sorted((*self.top, workout.highest_heart_rate))[1:]

    @property
    def highest(self) -> float:
        """The highest that two workouts so far reached: one alone may be a slipped sensor."""
        return self.top[0] if self.seen >= FEWEST_HIGHEST else max(self.top[0], USUAL_HIGHEST)


@dataclass(frozen=True, slots=True)
class Effort:
    """One workout by the heart: its share of the own highest (0-1), and its load; None where no rate is known."""

    workout: Workout
    share: float | None = None
    load: float | None = None
    highest: float = USUAL_HIGHEST

    @property
    def intensity(self) -> float:
        """The harder of what the heart says and the vendor's class: lifting is hard at a low heart rate."""
        return max(self.share or 0.0, self.workout.intensity)


Efforts = Mapping[date, tuple[Effort, ...]]


def efforts(days: Days, resting: Mapping[date, float]) -> Efforts:
    """Every workout by the heart as it was known on its day."""
    heart = Heart(resting)
    found = {}
    for day in sorted(days):
        for workout in days[day]:
            heart.see(workout)
        found[day] = tuple(_effort(workout, heart.resting_on(day), heart.highest) for workout in days[day])
    return found


def _effort(workout: Workout, resting: float, highest: float) -> Effort:
    average = workout.average_heart_rate
    if average is None or highest <= resting:
        return Effort(workout)
    reserve = min(max((average - resting) / (highest - resting), 0.0), 1.0)
    load = workout.minutes * reserve * WEIGHT * math.exp(STEEPNESS * reserve)
    return Effort(workout, min(average / highest, 1.0), load, highest)


def told(by_heart: Efforts, strain: Mapping[date, float], felt: Mapping[date, float]) -> Told:
    """What each scale says of the days; `felt` is the effort of a day from 0 to 10."""
    minutes = {day: sum(one.workout.minutes for one in of_day) for day, of_day in by_heart.items()}
    classed = {day: of_day for day, of_day in by_heart.items() if all(one.workout.intensity for one in of_day)}
    return {
        "heart_rate": {day: load for day, of_day in by_heart.items() if (load := _of_heart(of_day)) is not None},
        "strain": strain,
        "effort": {day: felt[day] * minutes[day] for day in felt.keys() & minutes.keys()},
        "class": {
            day: sum(one.workout.minutes * one.workout.intensity for one in of_day) for day, of_day in classed.items()
        },
    }


def _of_heart(of_day: Sequence[Effort]) -> float | None:
    """The sum of a day's loads, with those that no heart rate is known of as hard as the rest of the day."""
    known = [(one.workout.minutes, one.load) for one in of_day if one.load is not None]
    minutes, whole = sum(lasted for lasted, _ in known), sum(one.workout.minutes for one in of_day)
    return sum(load for _, load in known) * whole / minutes if minutes > KNOWN_SHARE * whole else None


def loads(
    told: Told, trained: AbstractSet[date], rested: AbstractSet[date], span: Sequence[date]
) -> dict[date, tuple[float, str]]:
    """The load of each day that has one, and its scale.

    A day without a workout on which the device was worn is a day of rest: its load is 0, except of strain, which is
    told of every day.
    """
    found = {}
    scale = _Scale(told)
    for day in span:
        name = scale.on(day, trained=day in trained)
        value = told[name].get(day) if name else None
        if value is None and name and name != "strain" and day in rested and day not in trained:
            value = 0.0
        if value is not None:
            found[day] = (value, name)
    return found


@dataclass(slots=True)
class _Scale:
    """Which scale is followed: the best at first; a better one once it tells most days, another when this one fails."""

    told: Told
    current: str = ""
    recent: deque[date] = field(default_factory=deque)  # days of training
    count: Counter[str] = field(default_factory=Counter)  # of them, how many each scale tells

    def on(self, day: date, *, trained: bool) -> str:
        """The scale of one more day; decided by that day and those before it."""
        while self.recent and day - self.recent[0] >= LOOKED_BACK:
            self.count.subtract(self._tell(self.recent.popleft()))
        if trained:
            self.recent.append(day)
            self.count.update(self._tell(day))
        if not self.current:
            self.current = next((scale for scale in SCALES if day in self.told[scale]), "")
        elif trained:
            self.current = next(filter(self._takes_over, SCALES), self.current)
        return self.current

    def _tell(self, day: date) -> list[str]:
        return [scale for scale in SCALES if day in self.told[scale]]

    def _takes_over(self, scale: str) -> bool:
        days = len(self.recent)
        if scale == self.current:
            return self.count[scale] >= HOLDS * days
        return self.count[scale] >= max(FEWEST_DAYS, TAKES_OVER * days)
