"""What the quiet question is worth: the same nights, where a person who is asked may say what truly happened.

It is asked as the product asks it: while nights lean and no cause is known, once for a stretch, at most twice a week.
An answer is a tag from the day of the question on, never before; alerts until then stay as they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from scoring.deviation import LEANING, REACH, RECENT
from scoring.gates import CAUSES
from scoring.night import Bools, Night
from scoring.persistence import Step, follow
from scoring.policy import Policy

from .grading import Tally, grade
from .lives import Kind
from .people import Person
from .sweep import weighing_of

LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2)  # fewer than without asking: every answer weighs all nights anew
WATCH = Policy().watch
STATE = "watch"
SAID: Mapping[Kind, str] = {"illness": "ill", "travel": "travel", "heat": "hot_night"}
WEEK, MOST_A_WEEK = 7, 2

Tags = Mapping[int, frozenset[str]]  # by calendar night


@dataclass(frozen=True, slots=True)
class Asking:
    """A share of questions is answered, and truthfully; nights lean enough to ask from the strain `watch` on."""

    answered: float
    watch: float = WATCH


class Stretch(NamedTuple):
    """Rows to ask about, and the row since when nights lean."""

    first: int
    last: int
    since: int


@dataclass(frozen=True, slots=True)
class Known:
    """All rows as they are judged by what was noted up to some day."""

    steps: Sequence[Step]
    tonight: Sequence[float]
    noted: Bools  # a cause
    gated: Bools

    def stretch(self, row: int) -> Stretch | None:
        """What there is to ask about on the morning of this row; None where there is nothing."""
        if self.steps[row].state != STATE or self.gated[row]:
            return None
        recorded = [each for each in range(max(row - REACH + 1, 0), row + 1) if self.tonight[each] > -np.inf][-RECENT:]
        leaning = [each for each in recorded if self.tonight[each] > LEANING]
        if not leaning or recorded[-1] < row - 1 or self.noted[leaning[0] : recorded[-1] + 1].any():
            return None
        return Stretch(leaning[0], recorded[-1], self.steps[row].since)


@dataclass(slots=True)
class Walk:
    """One person's mornings, one after the other; each is passed once, knowing what had been said by then."""

    truth: Tags
    answers: Bools  # whether a question of that morning would be answered
    row: int = 0
    starts: list[int] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)  # the morning, and the last night asked about
    named: int = 0  # questions whose answer was a cause

    def until_told(self, known: Known) -> Tags:
        """Go on to the first answer that names a cause, and return what it says; empty at the end of all nights."""
        for row in range(self.row, len(known.steps)):
            self.row = row + 1
            if known.steps[row].alert == "start":
                self.starts.append(row)
            said = self._said(row, known.stretch(row))
            if said:
                self.named += 1
                return said
        return {}

    def _said(self, row: int, nights: Stretch | None) -> Tags:
        if nights is None or not self._allowed(row, nights):
            return {}
        self.asked.append((row, nights.last))
        if not self.answers[row]:
            return {}
        return {night: self.truth[night] for night in range(nights.first, nights.last + 1) if night in self.truth}

    def _allowed(self, row: int, nights: Stretch) -> bool:
        lately = sum(morning > row - WEEK for morning, _ in self.asked)
        before = any(last >= min(nights.first, nights.since) for _, last in self.asked)
        return lately < MOST_A_WEEK and not before


def asked_tally(drawn: Person, seed: int, threshold: float, asking: Asking) -> Tally:
    """Grade one person's alerts at one threshold where questions are asked; the same seed answers the same mornings."""
    nights, policy = drawn.nights, Policy(threshold=threshold, watch=asking.watch)
    answers = np.random.default_rng((seed, 1)).random(drawn.length) < asking.answered
    begins = drawn.row(nights[0].day)  # the diary's rows count from the first night
    truth = {night - begins: tags for night, tags in true_causes(drawn).items()}
    walk = Walk(truth, answers)
    while said := walk.until_told(known_of(nights, policy)):
        nights = _noted(nights, said)
    graded = grade(drawn, [begins + row for row in walk.starts])
    return replace(graded, questions=len(walk.asked), named=walk.named)


def known_of(nights: Sequence[Night], policy: Policy) -> Known:
    """Judge all nights by what is noted with them, as `assess` does."""
    weighing = weighing_of(nights)
    steps, evidence = follow(weighing, policy)
    diary, causes = weighing.diary, weighing.causes
    tonight = np.where(np.isfinite(evidence.tonight), evidence.tonight, -np.inf)
    return Known(steps, tonight.tolist(), diary.tagged(*CAUSES), causes.held | causes.travelling)


def true_causes(drawn: Person) -> Tags:
    """What a truthful person would note, for each calendar night: every drink, noted ever or not, and what they know.

    A vaccination, thin air and a new medicine have no answer; who has none says "none of these".
    """
    causes: dict[int, set[str]] = {night: {"alcohol"} for night in drawn.drank}
    for spell in drawn.spells:
        for night in range(spell.first, spell.end) if spell.kind in SAID else ():
            causes.setdefault(night, set()).add(SAID[spell.kind])
    return {night: frozenset(tags) for night, tags in causes.items()}


def _noted(nights: Sequence[Night], said: Tags) -> tuple[Night, ...]:
    first = nights[0].day
    tagged = ((night, said.get((night.day - first).days)) for night in nights)
    return tuple(replace(night, tags=night.tags | tags) if tags else night for night, tags in tagged)
