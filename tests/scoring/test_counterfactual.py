"""What one other cause would have changed, by judging the same nights again."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from scoring import Night, Policy, assess
from scoring.counterfactual import PAST, without

FIRST = date(2025, 1, 1)
POLICY = Policy()


def nights(strains, seed=3, **fields):
    dice = random.Random(seed)
    made = []
    for place, strain in enumerate([0.0] * 120 + strains):
        hrv, pulse = dice.gauss(0, 0.6), dice.gauss(0, 0.6)
        made.append(
            Night(
                FIRST + timedelta(days=place),
                hrv_ms=60 * (1 + 0.12 * (hrv - strain)),
                resting_heart_rate=52 + 2.2 * (pulse + strain),
                sleep_minutes=440,
                **fields,
            )
        )
    return made


def onset_of(given):
    return next(night.day for night in assess(given, POLICY) if night.alert == "start")


def by_cause(given, onset):
    return {each.cause: each for each in without(given, onset, POLICY)}


@pytest.fixture
def party():
    """Four very strained nights in eight: without them nothing is left of it."""
    return nights([0, 2.6, 2.6, 0.4, 2.6, 0.5, 2.6, 0.6, 2.6, 2.6])


def test_nights_noted_with_drinks_explain_what_they_made(party):
    onset = onset_of(party)
    drunk = [n.day for n in party if n.day > onset - timedelta(days=9) and n.hrv_ms < 48 and n.day <= onset]
    noted = [replace(n, tags=frozenset({"alcohol"})) if n.day in drunk else n for n in party if n.day <= onset]
    found = by_cause(noted, onset)["alcohol"]
    assert found.nights == tuple(drunk)
    assert found.starts is None
    assert found.state in {"normal", "watch"}


def test_strain_that_lasts_comes_all_the_same_without_one_of_its_nights():
    given = nights([1.6] * 12)
    onset = onset_of(given)
    noted = [replace(n, tags=frozenset({"alcohol"})) if n.day == onset - timedelta(days=2) else n for n in given]
    found = by_cause(noted, onset)["alcohol"]
    assert found.starts is not None
    assert found.starts >= onset


def test_strain_that_had_passed_before_the_onset_has_not_begun_all_the_same(story):
    """An earlier run of strain lies among the nights looked at; without the highest nights the second never starts."""
    given = story(117, scatter=0.0).strain(100, 108, 1.5).strain(108, 111, -0.3).strain(111, 117, 2.5).nights()
    judged = assess(given, POLICY)
    _, second = (night.day for night in judged if night.alert == "start")
    assert second == given[-1].day
    assert any(second - timedelta(days=12) < night.day < second and night.state == "strained" for night in judged)
    assert by_cause(given, second)["highest"].starts is None


def test_who_noted_being_unwell_would_have_heard_of_other_signs():
    given = nights([1.6] * 12)
    onset = onset_of(given)
    noted = [replace(n, tags=frozenset({"ill"})) if n.day >= onset - timedelta(days=3) else n for n in given]
    assert by_cause(noted, onset)["ill"].state == "possible_illness"


def test_short_nights_are_asked_about_and_usual_ones_are_not(party):
    onset = onset_of(party)
    assert "short_sleep" not in by_cause(party, onset)
    brief = [replace(n, sleep_minutes=290) if n.day == onset - timedelta(days=1) else n for n in party]
    later = onset_of(brief)
    assert by_cause(brief, later)["short_sleep"].nights == (onset - timedelta(days=1),)


def test_the_three_furthest_nights_are_always_asked_about_and_change_nothing_given(party):
    before = list(party)
    found = by_cause(party, onset_of(party))["highest"]
    assert len(found.nights) == 3
    assert party == before


def test_a_night_on_which_nothing_began_has_no_answer(party):
    assert without(party, FIRST + timedelta(days=60), POLICY) == []
    assert without([], FIRST, POLICY) == []


def test_two_years_are_not_judged_again_for_it(party, monkeypatch):
    """Cost is bounded by what is looked at: 160 nights, whatever lies before."""
    import scoring.counterfactual as module  # noqa: PLC0415

    asked = []
    monkeypatch.setattr(module, "assess", lambda given, policy: asked.append(len(given)) or assess(given, policy))
    long = [replace(n, day=n.day - timedelta(days=len(party) * k)) for k in (4, 3, 2, 1, 0) for n in party]
    onset = onset_of(party)
    without(long, onset, POLICY)
    assert max(asked) <= PAST + 12 + 12
