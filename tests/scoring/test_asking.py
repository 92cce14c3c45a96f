"""The quiet question in the evaluation: asked as the product asks it, and its answers change what follows only."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from scoring import Night, Policy, assess
from scoring.evaluation import ASKED, WORLDS, Asking, evaluate, person
from scoring.evaluation.asking import Known, Stretch, Walk, asked_tally, known_of, true_causes
from scoring.evaluation.lives import Spell
from scoring.persistence import Step
from workers.questions import stretch

ROUGH = WORLDS["rough"]
SEEDS = range(9_100_000, 9_100_004)


@pytest.fixture(scope="module")
def asked() -> Any:
    """A few people of whom nobody answers, and the same people where everybody does."""
    nobody = evaluate(ROUGH, SEEDS, (0.5,), asking=Asking(0))
    return nobody[""][0.5], nobody[ASKED][0.5], evaluate(ROUGH, SEEDS, (0.5,), asking=Asking(1))[ASKED][0.5]


def test_who_answers_nothing_is_alerted_as_if_never_asked(asked: Any) -> None:
    unasked, silent, _ = asked
    assert silent.questions > 0
    assert replace(silent, questions=0) == unasked


def test_what_is_answered_changes_who_is_alerted(asked: Any) -> None:
    _, silent, answering = asked
    assert answering.named > 0
    assert (answering.false, answering.delays) != (silent.false, silent.delays)


def test_the_same_people_answer_the_same_way_again() -> None:
    drawn = person(ROUGH, SEEDS[0])
    assert asked_tally(drawn, 5, 0.5, Asking(0.6)) == asked_tally(drawn, 5, 0.5, Asking(0.6))


def test_the_evaluation_asks_about_the_very_nights_a_worker_asks_about() -> None:
    given = {night.day: night for night in person(ROUGH, SEEDS[1]).nights}
    first, last = min(given), max(given)
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    nights = [given.get(day, Night(day)) for day in days]
    assessed, known = assess(nights), known_of(nights, Policy())
    asked = [stretch(assessed[: row + 1], nights[: row + 1], day) for row, day in enumerate(days)]
    found = [known.stretch(row) for row in range(len(days))]
    assert [each and tuple(days[row] for row in each) for each in found] == asked
    assert any(found)


def test_a_stretch_is_asked_about_once_and_a_week_hears_two_questions_at_most() -> None:
    def allowed(row: int, first: int, asked: list[tuple[int, int]]) -> bool:
        walk = Walk({}, np.zeros(100, dtype=np.bool_), asked=asked)
        return walk._allowed(row, Stretch(first, row, first))

    assert allowed(30, 25, [(24, 24)])
    assert not allowed(30, 24, [(24, 24)])
    assert not allowed(30, 29, [(24, 24), (27, 27)])
    assert allowed(31, 29, [(24, 24), (27, 27)])


def test_a_truthful_answer_names_what_happened_and_nothing_else() -> None:
    happened = (
        Spell("illness", 60, 62),
        Spell("fatigue", 80, 95),
        Spell("heat", 61, 63),
        Spell("vaccination", 99, 101),
    )
    drawn = replace(person(ROUGH, 1), spells=happened, drank=frozenset({70}))
    assert true_causes(drawn) == {
        60: {"ill"},
        61: {"ill", "hot_night"},
        62: {"hot_night"},
        70: {"alcohol"},
    }


def test_an_answer_changes_no_morning_that_has_passed() -> None:
    def known(*starts: int) -> Known:
        steps = [Step("watch", 8, alert="start" if row in starts else None) for row in range(15)]
        none = np.zeros(15, dtype=np.bool_)
        return Known(steps, [1.0 if row >= 8 else 0.0 for row in range(15)], none, none)

    walk = Walk({8: frozenset({"ill"})}, np.ones(15, dtype=np.bool_), row=2)
    assert walk.until_told(known(3, 12)) == {8: {"ill"}}
    assert walk.starts == [3]
    assert walk.until_told(known(5, 13)) == {}
    assert walk.starts == [3, 13]
