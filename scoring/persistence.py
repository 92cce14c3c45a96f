"""From evidence to a state that lasts: when strain persists, when it has passed, and when nothing can be said."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from .baseline import FEWEST_NIGHTS
from .deviation import FEWEST_RECENT, REACH, Evidence, nights_heard, nights_silent, weigh
from .gates import Causes
from .night import Diary
from .policy import Policy

State: TypeAlias = Literal[
    "collecting",
    "normal",
    "watch",
    "strained",
    "recovering",
    "possible_illness",
    "travel",
    "new_normal",
    "insufficient",
]
Alert: TypeAlias = Literal["start", "continue", "clear"]
Ending: TypeAlias = Literal["illness", "insufficient"]
Notice: TypeAlias = Literal["illness", "recovered", "new_normal"]

CONCORDANT = 0.2  # strain that each signal must show by itself
PERSISTENT = 4  # leaning nights needed of the last 7 recorded
RAISED_HEART_RATE = 1.5  # tonight's deviation that, beside an active gate, is enough
EASED_NIGHTS = 2  # recorded nights below the off level that end strain
QUIET_NIGHTS = 3  # more of them, and all is as usual
LONGEST_STRAIN = 28  # nights; what lasts longer is the new usual


class Step(NamedTuple):
    """State after one row, the row it began at, and what happened there."""

    state: State
    since: int
    alert: Alert | None = None
    ended_by: Ending | None = None
    notice: Notice | None = None


class Moment(NamedTuple):
    """What the state machine sees of one row."""

    row: int
    recorded: bool  # tonight could be compared, and counts: a night with alcohol moves no state
    judged: bool  # strain is known
    strain: float
    unexplained: float
    latest_mean: float
    concordant: bool
    persistent: bool
    cold: bool
    raised: bool
    illness: bool
    travel: bool
    held: bool  # another cause keeps an alert from starting
    first: bool  # no night before it brought data
    heard: int  # nights of the last 12 that brought data
    lapsed: bool  # there was data once, but none in 12 nights
    ready: bool  # a signal has a baseline
    silent: int  # nights since the last that could be compared
    restarted: bool  # a deciding series began anew here


class Weighing:
    """The evidence of one diary, weighed once for each row from which the usual begins anew, whatever the policy."""

    def __init__(self, diary: Diary, causes: Causes) -> None:
        self.diary, self.causes = diary, causes
        self._weighed: dict[int, Evidence] = {}

    def since(self, restart: int = 0) -> Evidence:
        """Evidence where nothing before the row `restart` is usual any more."""
        if restart not in self._weighed:
            self._weighed[restart] = weigh(self.diary, self.causes, restart)
        return self._weighed[restart]


def follow(weighing: Weighing, policy: Policy) -> tuple[list[Step], Evidence]:
    """Walk the calendar. After four weeks of strain the usual begins anew where that strain began."""
    evidence = weighing.since()
    course = Course(policy)
    steps: list[Step] = []
    while len(steps) < len(weighing.diary.days):
        for moment in _moments(weighing.diary, evidence, weighing.causes, start=len(steps)):
            steps.append(course.step(moment))
            if steps[-1].notice == "new_normal":
                evidence = evidence.joined(moment.row, weighing.since(steps[-2].since))
                break
    return steps, evidence


@dataclass(slots=True)
class Course:
    """The state machine of one person; it moves on nights that could be compared, and on silence."""

    policy: Policy
    state: State = "collecting"
    since: int = 0
    known: bool = False  # strain has been known in the present series
    eased: int = 0
    quiet: int = 0
    rest_from: int | None = None  # last row of strain; a new start waits for the cooldown

    def step(self, night: Moment) -> Step:
        """Decide the state after this row."""
        if night.restarted:
            self.known = False
        if not night.judged:
            return self._unjudged(night)
        self.known = True
        return self._judged(night) if night.recorded else self._stay()

    def _judged(self, night: Moment) -> Step:
        if self._shows_other_signs(night):
            return self._other_signs(night)
        if self.state == "strained":
            return self._strained(night)
        if night.travel:
            return self._enter("travel", night)
        if self.state == "recovering":
            return self._recovering(night)
        return self._level(night)

    def _unjudged(self, night: Moment) -> Step:
        """Too few nights: an open alert waits for twelve nights, then closes without a word; at the latest after 28."""
        if night.first:
            self.since = night.row  # learning begins with the first night that brings data
        strained = self.state == "strained"
        if strained and not night.restarted and night.silent < REACH and night.row - self.since < LONGEST_STRAIN:
            return self._stay()
        if strained:
            self.rest_from = night.row
        returning = not night.ready and night.heard >= FEWEST_RECENT
        learning = returning if self.known else not night.lapsed
        step = self._enter("collecting" if learning else "insufficient", night)
        return step._replace(ended_by="insufficient") if strained else step

    def _shows_other_signs(self, night: Moment) -> bool:
        if not night.illness:
            return False
        return self.state == "possible_illness" or night.strain > self.policy.watch or night.raised

    def _other_signs(self, night: Moment) -> Step:
        ended_by: Ending | None = "illness" if self.state == "strained" else None
        notice: Notice | None = None if self.state == "possible_illness" else "illness"
        if ended_by:  # other signs alone need no cooldown: their nights do not lean
            self.rest_from = night.row
        return self._enter("possible_illness", night)._replace(ended_by=ended_by, notice=notice)

    def _strained(self, night: Moment) -> Step:
        self.rest_from = night.row
        if night.row - self.since >= LONGEST_STRAIN:
            return self._enter("new_normal", night)._replace(alert="clear", notice="new_normal")
        self.eased = self.eased + 1 if night.strain < self.policy.off else 0
        if self.eased >= EASED_NIGHTS or night.latest_mean < 0:
            self.quiet = 0
            return self._enter("recovering", night)._replace(alert="clear")
        return self._stay()

    def _recovering(self, night: Moment) -> Step:
        self.quiet = self.quiet + 1 if night.strain < self.policy.watch else 0
        if self.quiet >= QUIET_NIGHTS:
            return self._enter("normal", night)._replace(notice="recovered")
        if self._rested(night) and night.strain > self.policy.watch and night.concordant:
            return self._level(night)
        return self._stay()

    def _level(self, night: Moment) -> Step:
        """Choose normal, watch or strained, by strain alone; watch is left later than it is entered."""
        if self.state == "new_normal" and not self._rested(night):
            return self._stay()
        if self._starts(night):
            self.eased, self.rest_from = 0, night.row
            return self._enter("strained", night)._replace(alert="start")
        watching = night.strain > self.policy.watch and night.concordant
        lingering = self.state == "watch" and night.strain >= self.policy.off
        return self._enter("watch" if watching or lingering else "normal", night)

    def _starts(self, night: Moment) -> bool:
        threshold = self.policy.threshold + (self.policy.cold_start if night.cold else 0)
        strong = min(night.strain, night.unexplained) > threshold and night.concordant and night.persistent
        easing = night.latest_mean <= self.policy.off  # nobody is alerted to what has just passed
        return strong and not easing and not night.held and self._rested(night)

    def _rested(self, night: Moment) -> bool:
        return self.rest_from is None or night.row - self.rest_from > self.policy.cooldown_nights

    def _stay(self) -> Step:
        return Step(self.state, self.since, alert="continue" if self.state == "strained" else None)

    def _enter(self, state: State, night: Moment) -> Step:
        if state != self.state:
            self.state, self.since = state, night.row
        return Step(state, self.since)


def _moments(diary: Diary, evidence: Evidence, causes: Causes, start: int) -> Iterator[Moment]:
    """Rows from `start` on, as the state machine sees them."""
    heard = nights_heard(diary)
    rows = np.arange(len(diary.days))
    began = (diary.since["hrv"] == rows) | (diary.since["resting_heart_rate"] == rows)
    ready = np.maximum(evidence.hrv_nights, evidence.resting_nights) >= FEWEST_NIGHTS
    columns = (
        rows,
        np.isfinite(evidence.tonight) & ~diary.tagged("alcohol"),
        np.isfinite(evidence.strain),
        evidence.strain,
        evidence.unexplained,
        evidence.latest_mean,
        (evidence.hrv_strain > CONCORDANT) & (evidence.resting_strain > CONCORDANT),
        evidence.persistent >= PERSISTENT,
        evidence.cold,
        evidence.resting >= RAISED_HEART_RATE,
        causes.ill,
        causes.travelling,
        causes.held,
        np.cumsum(heard) - heard == 0,
        heard,
        (heard == 0) & (np.cumsum(heard) > 0),
        ready,
        nights_silent(evidence),
        began & (rows > 0),
    )
    return map(Moment._make, zip(*(column[start:].tolist() for column in columns), strict=True))
