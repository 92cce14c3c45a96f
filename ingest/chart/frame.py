"""Where things lie in the picture: nights from left to right, values from the floor up, and what each night was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from ingest import words
from ingest.chart.phrases import SPEAKERS
from scoring import Assessment, Input, Language

LEFT, RIGHT, TITLE, FLOOR = 6.0, 44.0, 22.0, 14.0
LINE = 13.0  # the height of a line of letters
LETTER = 6.4  # the mean width of a letter, for words that must fit
THIN_FROM = 120  # shown days from which marks are joined into one path a kind, to keep a page small
YEAR = 365
EPISODES: Mapping[str, str] = {"strained": "strained", "possible_illness": "signs"}
DOUBTED = 0.6  # confidence under which the usual range is drawn paler


@dataclass(frozen=True, slots=True)
class Spot:
    """One calendar night on the x axis: the signal's input where there is one, and what the night was part of."""

    day: date
    x: float
    given: Input | None
    tone: str
    provisional: bool
    doubted: bool = False
    alone: bool = False  # the other deciding signal has no value

    @property
    def value(self) -> float | None:
        """The signal's value, where the night has one."""
        return self.given.value if self.given else None


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot of one signal: where it lies, and how a value becomes a height."""

    signal: str
    top: float
    bottom: float
    step: float
    low: float
    high: float

    def of(self, given: Input) -> float:
        """Height of a night. What prints as within the range is drawn within it: values are whole, edges are not."""
        value, low, high = given.value or 0.0, given.usual_low, given.usual_high
        if low is not None and high is not None and words.direction(given) == "within":
            value = min(max(value, low), high)
        return self.y(value)

    def y(self, value: float) -> float:
        """Height of a value; what lies outside the scale stays at its edge."""
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days shown, without gaps, and where each lies."""

    days: Sequence[date]
    width: float
    language: Language = "en"

    def say(self, key: str, **values: object) -> str:
        """A phrase of pictures in the language of this one."""
        return SPEAKERS[self.language].say(key, **values)

    @property
    def step(self) -> float:
        """The width of one night."""
        return (self.width - LEFT - RIGHT) / len(self.days)

    @property
    def thin(self) -> bool:
        """Whether there are too many nights for marks with words of their own."""
        return len(self.days) > THIN_FROM

    def x(self, day: date) -> float:
        """The middle of a night."""
        return LEFT + self.step * ((day - self.days[0]).days + 0.5)

    def shows(self, day: date) -> bool:
        """Whether a day is among them."""
        return self.days[0] <= day <= self.days[-1]


def calendar(
    assessments: Sequence[Assessment], days: int | None, until: date | None, width: float, language: Language = "en"
) -> Calendar:
    """The last `days` up to `until`, else up to the last night; all of them without `days`."""
    last = max(until or assessments[-1].day, assessments[-1].day)
    shown = days or (last - assessments[0].day).days + 1
    return Calendar([last - timedelta(days=back) for back in range(shown - 1, -1, -1)], width, language)


def spots(signal: str, assessments: Sequence[Assessment], shown: Calendar) -> list[Spot]:
    """Each shown night of one signal; where nothing is known of a night, doubt stays what it was."""
    known = {each.day: each for each in assessments}
    found, doubted = [], False
    for day in shown.days:
        each = known.get(day)
        if each is None:
            found.append(Spot(day, shown.x(day), None, "", provisional=False, doubted=doubted, alone=True))
            continue
        doubted = each.confidence < DOUBTED if words.recorded(each) else doubted
        tone, young = EPISODES.get(each.state, ""), each.provisional or each.state == "collecting"
        found.append(Spot(day, shown.x(day), words.one(each, signal), tone, young, doubted, _alone(each, signal)))
    return found


def limits(signal: str, assessments: Sequence[Assessment], shown: Calendar) -> tuple[float, float]:
    """The scale, from the last year and not from the window, so that the picture does not jump from day to day."""
    since = min(shown.days[0], shown.days[-1] - timedelta(days=YEAR))
    given = [found for each in assessments if each.day >= since and (found := words.one(each, signal))]
    values = sorted(found.value for found in given if found.value is not None)
    if not values:
        return 0.0, 1.0
    edges = [edge for found in given[-YEAR:] for edge in (found.usual_low, found.usual_high) if edge is not None]
    low = min([values[len(values) // 100], *edges])
    high = max([values[-1 - len(values) // 100], *edges])
    room = max((high - low) * 0.1, 0.5)
    return low - room, high + room


def changes(seen: Sequence[Spot]) -> list[tuple[Spot, Spot]]:
    """Neighbouring nights with a value between which the series changed."""
    given = [spot for spot in seen if spot.value is not None]
    return [(before, after) for before, after in pairwise(given) if changed(before.given, after.given)]


def changed(before: Input | None, after: Input | None) -> bool:
    """Whether both are known and are different series."""
    return bool(before and after and before.series and after.series and before.series != after.series)


def _alone(night: Assessment, signal: str) -> bool:
    others = (words.one(night, name) for name in words.DECIDING if name != signal)
    return not any(other and other.value is not None for other in others)
