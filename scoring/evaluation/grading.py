"""How well alerts match what truly happened, counted by their starts; and what that comes to at so many false ones."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from .causes import YEAR
from .lives import Spell
from .people import Person

AFTER = 5  # nights after a spell in which a start still belongs to it


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over people, at one threshold."""

    years: float = 0.0
    fatigue: int = 0  # spells of fatigue
    caught: int = 0  # of these, how many an alert started in
    illness: int = 0  # illnesses apart from fatigue
    mistaken: int = 0  # of these, how many an alert started in or just after
    false: Counter[str] = field(default_factory=Counter)  # starts outside fatigue, by what truly happened
    delays: tuple[int, ...] = ()  # nights from the onset, caught ones
    questions: int = 0  # asked, where asking was tried
    named: int = 0  # of these, how many were answered with a cause

    def __add__(self, other: "Tally") -> "Tally":
        """Add the counts of other people."""
        return Tally(
            self.years + other.years,
            self.fatigue + other.fatigue,
            self.caught + other.caught,
            self.illness + other.illness,
            self.mistaken + other.mistaken,
            self.false + other.false,
            self.delays + other.delays,
            self.questions + other.questions,
            self.named + other.named,
        )

    @property
    def sensitivity(self) -> float:
        """Share of fatigue that an alert started in; one already running when it began does not count."""
        return self.caught / max(self.fatigue, 1)

    @property
    def false_a_year(self) -> float:
        """False alerts for each person-year."""
        return self.false.total() / max(self.years, 1e-9)

    @property
    def questions_a_year(self) -> float:
        """Questions for each person-year."""
        return self.questions / max(self.years, 1e-9)

    @property
    def called_fatigue(self) -> float:
        """Share of illnesses that an alert started in."""
        return self.mistaken / max(self.illness, 1)

    @property
    def delay(self) -> float:
        """Median nights from onset to alert; NaN where nothing was caught."""
        return float(median(self.delays)) if self.delays else float("nan")


@dataclass(frozen=True, slots=True)
class Point:
    """What to expect at so many false alerts a person-year, between two thresholds tried."""

    false_a_year: float
    threshold: float
    sensitivity: float
    called_fatigue: float
    delay: float
    questions_a_year: float = 0.0


def grade(person: Person, rows: Sequence[int]) -> Tally:
    """Compare the calendar nights on which alerts started with one person's truth."""
    tired = [each for each in person.spells if each.kind == "fatigue"]
    apart = [each for each in person.spells if each.kind == "illness" and not _near(each, tired)]
    firsts = [_first_in(each, rows) for each in tired]
    delays = tuple(row - each.first for each, row in zip(tired, firsts, strict=True) if row is not None)
    false = [row for row in rows if not any(each.first <= row <= each.end + AFTER for each in tired)]
    mistaken = sum(any(each.first <= row < each.end + AFTER for row in rows) for each in apart)
    return Tally(
        years=person.length / YEAR,
        fatigue=len(tired),
        caught=len(delays),
        illness=len(apart),
        mistaken=mistaken,
        false=Counter(_cause(person, row) for row in false),
        delays=delays,
    )


def point(tallies: Mapping[float, Tally], false_a_year: float) -> Point:
    """Interpolate between thresholds; beyond those tried, the nearest one counts."""
    ordered = sorted(tallies.items(), key=lambda each: each[1].false_a_year)
    known = [tally.false_a_year for _, tally in ordered]

    def at(values: Iterable[float]) -> float:
        return float(np.interp(false_a_year, known, list(values)))

    return Point(
        false_a_year,
        at(threshold for threshold, _ in ordered),
        at(tally.sensitivity for _, tally in ordered),
        at(tally.called_fatigue for _, tally in ordered),
        at(tally.delay for _, tally in ordered),
        at(tally.questions_a_year for _, tally in ordered),
    )


def _near(illness: Spell, tired: Sequence[Spell]) -> bool:
    return any(each.first < illness.end + AFTER and illness.first < each.end + AFTER for each in tired)


def _first_in(spell: Spell, rows: Sequence[int]) -> int | None:
    return next((row for row in rows if spell.first <= row <= spell.end), None)


def _cause(person: Person, row: int) -> str:
    """What truly happened around a false start: the first spell that covers it, or nothing."""
    around = (each.kind for each in person.spells if each.kind != "fatigue" and each.first <= row < each.end + AFTER)
    return next(around, "nothing")
