"""What if one cause explains some of the nights: the same nights judged again without them.

Pure, like everything here. Only nights that a decision rests on are left out, and only so much of the past is judged
again as a baseline reaches back, so that a page can ask while somebody waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import takewhile
from statistics import median
from typing import Literal, TypeAlias

from . import assess, deviation
from .night import Night
from .persistence import State
from .policy import Policy
from .readiness import Assessment

Cause: TypeAlias = Literal["alcohol", "hot_night", "ill", "travel", "short_sleep", "highest"]

LEFT_OUT: tuple[Cause, ...] = ("alcohol", "hot_night")  # what was noted explains its own nights
HELD_BACK: tuple[Cause, ...] = ("ill", "travel")  # what was noted holds back judgement around them
NOTED = frozenset((*LEFT_OUT, *HELD_BACK))
REACH = timedelta(days=deviation.REACH)  # nights that a decision rests on
PAST = 160  # nights before them: the usual range looks back 66, and is learnt after 60 recorded ones
HIGHEST = 3
SHORTER_BY, SHORT = 60.0, 300.0  # minutes under the own usual; or so few at all
FEWEST_SLEEPS = 14


@dataclass(frozen=True, slots=True)
class Without:
    """What would have been had one cause been known of these nights.

    `state` is that of the night asked about, `starts` the night on which strain would have begun all the same by the
    last of the nights given; None where it would not have.
    """

    cause: Cause
    nights: tuple[date, ...]
    state: State
    starts: date | None


def without(nights: Sequence[Night], onset: date, policy: Policy) -> list[Without]:
    """One answer for each cause that could be behind the strain that began on `onset`, those that were noted first.

    `nights` ascend by day and end where the strain does. What was noted of the nights in question, then or since, is
    taken off before one cause at a time is put back. Empty where the nights do not show such a beginning.
    """
    first = next((place for place, night in enumerate(nights) if night.day > onset - REACH), len(nights))
    noted = list(nights[max(0, first - PAST) :])
    bare = [replace(night, tags=night.tags - NOTED) if night.day > onset - REACH else night for night in noted]
    as_it_was = assess(bare, policy)
    if not any(night.day == onset and night.state == "strained" for night in as_it_was):
        return []
    judged = [night for night in noted if onset - REACH < night.day <= onset]
    suspects = _noted(judged) | {"short_sleep": _short(noted, judged), "highest": _highest(as_it_was, onset)}
    return [_again(bare, cause, days, onset, policy) for cause, days in suspects.items() if days]


def _again(nights: Sequence[Night], cause: Cause, days: tuple[date, ...], onset: date, policy: Policy) -> Without:
    explained = [_explained(night, cause) if night.day in days else night for night in nights]
    again = [night for night in assess(explained, policy) if night.day > onset - REACH]
    state = next(night.state for night in again if night.day == onset)
    strained = (night.day for night in again if night.day >= onset and night.state == "strained")
    starts = next(strained, None)  # strain before the onset was another, and had passed
    return Without(cause, days, state, starts)


def _explained(night: Night, cause: Cause) -> Night:
    if cause in HELD_BACK:
        return replace(night, tags=night.tags | {cause})
    return replace(night, hrv_ms=None, resting_heart_rate=None)


def _noted(judged: Sequence[Night]) -> dict[Cause, tuple[date, ...]]:
    return {tag: tuple(night.day for night in judged if tag in night.tags) for tag in (*LEFT_OUT, *HELD_BACK)}


def _highest(as_it_was: Sequence[Assessment], onset: date) -> tuple[date, ...]:
    """The nights furthest towards strain, of those the decision rests on."""
    strain = {each.day: each.tonight for each in as_it_was if onset - REACH < each.day <= onset}
    known = sorted(((value, day) for day, value in strain.items() if value is not None), reverse=True)
    return tuple(sorted(day for _, day in known[:HIGHEST]))


def _short(nights: Sequence[Night], judged: Sequence[Night]) -> tuple[date, ...]:
    earlier = takewhile(lambda night: night.day < judged[0].day, nights)
    slept = [night.sleep_minutes for night in earlier if night.sleep_minutes is not None]
    if len(slept) < FEWEST_SLEEPS:
        return ()
    bar = max(median(slept) - SHORTER_BY, SHORT)
    return tuple(night.day for night in judged if night.sleep_minutes is not None and night.sleep_minutes < bar)
