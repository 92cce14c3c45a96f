"""A new version of the algorithm judges everybody anew, a few at a time, behind fresh nights, and tells nobody."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.models import Alert, Person, Readiness, ScoreRequest
from scoring import ALGORITHM_VERSION
from tests.workers.hygiene_stage import breathe, judge, live_on, owner, send, told
from tests.workers.peers import STRAINED, USUAL, live_nights, mailed, make_person, story
from workers import leases, score, upkeep

TODAY = date(2026, 3, 1)
DEAF = 9.0  # a threshold that no strain reaches


@pytest.fixture
def mira(database, home, clock, monkeypatch):
    clock("2026-03-01T09:00")
    with mailed(monkeypatch):
        yield owner(wants=("strained", "recovered", "other_signs", "brief"))


@contextmanager
def former(monkeypatch, threshold=None, *, blind=False):
    """Judge as a version before this one did: by another threshold, or by the same; `blind` saw no other signs."""
    by_rule = score.judged

    def judged(histories, policy, *given):
        found = by_rule(histories, replace(policy, threshold=threshold or policy.threshold), *given)
        if blind:
            found = [replace(each, state="normal", notice=None) for each in found]
        return [replace(each, algorithm_version="0") for each in found]

    with monkeypatch.context() as patch:
        patch.setattr(score, "judged", judged)
        patch.setattr(score, "ALGORITHM_VERSION", "0")
        yield


def anew(clock):
    """What the ticks do until nobody is left."""
    for _ in range(9):
        clock(the_clock.now() + timedelta(minutes=1))
        upkeep.judge_anew()
        clock(the_clock.now() + timedelta(minutes=1))
        with transaction() as session:
            claimed = leases.claim(session, score.SCORES)
        for key, token in claimed:
            leases.begin(score.SCORES, key, token)
            score.score_person(key, token)
        send(clock)
        if not claimed:
            return


def stands():
    with transaction() as session:
        return [(alert.state, alert.told) for alert in session.scalars(select(Alert).order_by(Alert.id))]


def versions():
    with transaction() as session:
        return set(session.scalars(select(Readiness.algorithm_version))), session.scalars(
            select(Person.judged_by)
        ).all()


def test_who_is_strained_under_both_versions_gets_one_message_in_all(mira, clock, monkeypatch):
    with former(monkeypatch):
        judge(mira, clock)
        send(clock)
    assert versions() == ({"0"}, ["0"])
    anew(clock)
    live_on(mira, clock, [STRAINED])
    assert versions()[1] == [ALGORITHM_VERSION]
    assert told("strained") == ["sent"]
    assert stands() == [("open", True)]


def test_a_message_that_was_still_waiting_goes_out_once(mira, clock, monkeypatch):
    with former(monkeypatch):
        judge(mira, clock)
    anew(clock)
    assert told("strained") == ["sent"]


def test_strain_that_only_the_new_version_sees_is_not_told(mira, clock, monkeypatch):
    with former(monkeypatch, DEAF):
        judge(mira, clock)
        send(clock)
    assert stands() == []
    anew(clock)
    assert stands() == [("open", True)]
    live_on(mira, clock, [STRAINED] * 8 + [USUAL] * 9)
    assert stands() == [("closed", True)]
    assert told("strained") == told("reminder") == told("recovered") == []


def test_other_signs_that_only_the_new_version_sees_are_not_told(database, home, clock, monkeypatch):
    clock("2026-03-01T09:00")
    ill = owner(wants=("other_signs",), nights=[*story(77, 0), STRAINED])
    breathe(ill)
    with former(monkeypatch, blind=True):
        judge(ill, clock)
    anew(clock)
    with transaction() as session:
        assert session.scalars(select(Readiness.state).order_by(Readiness.day.desc())).first() == "possible_illness"
    assert told() == []


def test_nor_is_strain_of_the_past_nor_that_it_has_passed(mira, clock, monkeypatch):
    with former(monkeypatch, DEAF):
        judge(mira, clock)
        live_on(mira, clock, [USUAL] * 4)
    anew(clock)
    live_on(mira, clock, [USUAL] * 6)
    assert told("strained") == told("recovered") == []


def test_strain_that_only_the_old_version_saw_is_taken_back_without_a_word(mira, clock, monkeypatch):
    with former(monkeypatch):
        judge(mira, clock)
        send(clock)
    by_rule = score.judged
    monkeypatch.setattr(score, "judged", lambda h, policy, *given: by_rule(h, replace(policy, threshold=DEAF), *given))
    anew(clock)
    assert stands() == [("withdrawn", True)]
    assert told("strained") == ["sent"]


def test_strain_that_begins_after_the_change_is_told(database, home, clock, monkeypatch):
    clock("2026-03-01T09:00")
    calm = owner(nights=story(78, 0))
    with former(monkeypatch):
        judge(calm, clock)
    anew(clock)
    for _ in range(9):
        live_on(calm, clock, [(39.0, 61.0)])
    with transaction() as session:
        assert session.scalars(select(Alert)).one()
    assert told("strained") != []


def wait_for_score():
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(ScoreRequest)) or 0


def crowd(count):
    with transaction() as session:
        made = [make_person(session, f"p{place}@example.org", channel=False) for place in range(count)]
        for person in made:
            live_nights(session, person, TODAY, [USUAL])
    return made


def test_few_are_asked_for_at_once_and_none_while_others_wait(database, home, clock):
    clock("2026-03-01T09:00")
    made = crowd(upkeep.FEW_AT_ONCE + 5)
    with transaction() as session:
        for person in made:
            store.save_readiness(session, person, [], "balanced")
            row = {"state": "collecting", "algorithm_version": "0", "policy": "balanced", "assessment": {}}
            session.add(Readiness(person=person, day=TODAY, computed_at=the_clock.now(), **row))
        session.execute(update(Person).values(judged_by="0"))
    upkeep.judge_anew()
    assert wait_for_score() == upkeep.FEW_AT_ONCE
    clock("2026-03-01T09:01")
    upkeep.judge_anew()
    assert wait_for_score() == upkeep.FEW_AT_ONCE


def test_fresh_nights_that_wait_keep_the_others_back(database, home, clock):
    clock("2026-03-01T09:00")
    made = crowd(upkeep.FEW_AT_ONCE + 1)
    with transaction() as session:
        row = {"state": "collecting", "algorithm_version": "0", "policy": "balanced", "assessment": {}}
        session.add(Readiness(person=made[-1], day=TODAY, computed_at=the_clock.now(), **row))
        for person in made[:-1]:
            store.request_score(session, person, "a night")
    clock("2026-03-01T09:01")
    upkeep.judge_anew()
    assert wait_for_score() == upkeep.FEW_AT_ONCE
    with transaction() as session:
        assert session.get(ScoreRequest, made[-1]) is None


def test_who_has_nothing_to_judge_is_asked_for_by_nobody(database, home, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        make_person(session)
    upkeep.judge_anew()
    assert wait_for_score() == 0
    assert versions() == (set(), [ALGORITHM_VERSION])


def test_a_score_that_was_given_up_is_not_raised_again_by_it(mira, clock):
    with transaction() as session:
        store.request_score(session, mira, "test")
        session.execute(update(ScoreRequest).values(buried_at=the_clock.now(), attempts=5))
    clock("2026-03-01T09:05")
    upkeep.judge_anew()
    with transaction() as session:
        assert session.get_one(ScoreRequest, mira).buried_at is not None
