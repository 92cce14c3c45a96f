"""One table says what becomes of work that failed."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from ingest import clock as the_clock
from ingest import store
from ingest.db import transaction
from ingest.models import Heartbeat, Person, Run, RunFile, ScoreRequest
from providers.errors import (
    AuthorizationLost,
    ContractBroken,
    DeliveryFailed,
    FileRefused,
    Forbidden,
    Misconfigured,
    NeedsPerson,
    RateLimited,
    Unavailable,
)
from tests.workers.peers import make_person
from workers import claims, leases, outcomes
from workers.outcomes import Postponed, Unwanted, judge
from workers.score import SCORES


@pytest.fixture
def person(database, home, clock):
    clock("2026-03-01T09:00")
    with transaction() as session:
        owner = make_person(session)
        store.request_score(session, owner, "test")
    clock("2026-03-01T09:01")
    return owner


def claim(work=SCORES):
    with transaction() as session:
        return leases.claim(session, work)


def request():
    with transaction() as session:
        return session.scalars(select(ScoreRequest)).one()


def fails(error):
    def body(_key, _token):
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "name", "counts"),
    [
        (Unwanted("x"), "cancel", True),
        (RateLimited("x", 90), "snooze", False),
        (Unavailable("x"), "snooze", False),
        (Misconfigured("x"), "snooze", False),
        (OperationalError("x", {}, Exception()), "snooze", False),
        (DeliveryFailed("x", permanent=False), "retry", True),
        (DeliveryFailed("x", permanent=True), "bury", True),
        (AuthorizationLost("x"), "reconnect", False),
        (NeedsPerson("x"), "ask", False),
        (Forbidden("x"), "skip", False),
        (ContractBroken("x"), "bury", True),
        (FileRefused("x"), "bury", True),
        (KeyError("x"), "retry", True),
    ],
)
def test_every_error_has_one_outcome(error, name, counts):
    outcome = judge(error, 1)
    assert (outcome.name, outcome.counts) == (name, counts)


def test_a_rate_limit_and_a_postponement_say_themselves_when_to_come_back(clock):
    clock("2026-03-01T09:00")
    until = the_clock.now() + timedelta(hours=3)
    assert judge(RateLimited("x", 90), 1).after == timedelta(seconds=90)
    assert abs(judge(Postponed("x", until), 1).after - timedelta(hours=3)) < timedelta(seconds=1)


def test_an_unforeseen_error_is_retried_later_each_time_and_the_fifth_buries():
    waits = [judge(KeyError("x"), attempt).after.total_seconds() for attempt in (1, 2, 3, 4)]
    assert waits == [30, 150, 750, 3750]
    assert judge(KeyError("x"), 5).name == "bury"


def test_a_bug_buries_its_row_at_the_fifth_try_with_its_place_and_not_its_values(person, clock, caplog):
    def body(_key, _token):
        raise KeyError("mira@example.org slept badly")

    with caplog.at_level(logging.INFO):
        for _ in range(5):
            ((key, token),) = claim()
            outcomes.run(SCORES, key, token, body)
            clock(the_clock.now() + timedelta(hours=2))
    row = request()
    assert row.buried_at is not None
    assert row.error.startswith("KeyError at test_outcomes.py:")
    assert "mira" not in row.error
    assert claim() == []


def test_the_same_bug_has_the_same_fingerprint():
    def stumble(value):
        return {}[value]

    said = []
    for value in ("a", "b"):
        try:
            stumble(value)
        except KeyError as error:
            said.append(outcomes.said(error))
    assert said[0] == said[1]


def test_a_snooze_costs_no_try(person, clock):
    for _ in range(8):
        ((key, token),) = claim()
        outcomes.run(SCORES, key, token, fails(Unavailable("away")))
        clock(the_clock.now() + timedelta(minutes=2))
    assert (request().attempts, request().error) == (0, "away")


def test_a_new_lease_makes_the_old_message_worthless(person, clock):
    ((key, old),) = claim()
    assert claim() == [], "a row under lease is nobody else's"
    clock(the_clock.now() + timedelta(seconds=61))
    ((_, new),) = claim()
    ran = []
    outcomes.run(SCORES, key, old, lambda *given: ran.append(given))
    assert ran == []
    outcomes.run(SCORES, key, new, lambda *given: ran.append(given))
    assert ran == [(key, new)]


def test_a_failure_after_the_lease_was_lost_writes_nothing(person):
    ((key, token),) = claim()

    def body(_key, _token):
        with transaction() as session:
            session.execute(update(ScoreRequest).values(lease_token="another"))
        raise KeyError("x")

    outcomes.run(SCORES, key, token, body)
    assert (request().error, request().lease_token) == (None, "another")


def test_work_that_cannot_be_begun_while_the_database_is_away_is_left_to_its_lease(person, monkeypatch):
    ((key, token),) = claim()
    ran = []

    def away(*_):
        raise OperationalError("x", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(leases, "begin", away)
        outcomes.run(SCORES, key, token, lambda *given: ran.append(given))
    assert (ran, request().lease_token) == ([], token)


def test_two_claims_at_once_never_take_the_same_row(person, clock):
    with transaction() as session:
        for number in range(9):
            store.request_score(session, make_person(session, f"p{number}@example.org"), "test")
    clock(the_clock.now() + timedelta(seconds=5))
    with transaction() as one, transaction() as two:
        first = one.scalars(select(ScoreRequest.person).limit(4).with_for_update()).all()
        second = [key for key, _ in leases.claim(two, SCORES)]
    assert len(first) == 4
    assert set(first).isdisjoint(second)
    assert len(second) == 6


def test_no_more_is_on_its_way_than_there_is_room_for(person, clock):
    with transaction() as session:
        for number in range(9):
            store.request_score(session, make_person(session, f"p{number}@example.org"), "test")
    clock(the_clock.now() + timedelta(seconds=5))
    narrow = replace(SCORES, room=4)
    assert (len(claim(narrow)), len(claim(narrow))) == (4, 0)
    clock(the_clock.now() + timedelta(seconds=61))
    assert len(claim(narrow)) == 4


def test_a_tick_that_keeps_failing_is_logged_once_and_once_more_when_it_works(caplog):
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            outcomes.tick("test", lambda: (_ for _ in ()).throw(Unavailable("away")))
        outcomes.tick("test", lambda: None)
        outcomes.tick("test", lambda: None)
    assert [(each["event"], each["log_level"]) for each in logs] == [
        ("tick_failed", "warning"),
        ("tick_works_again", "info"),
    ]


def import_run(session, person):
    run = Run(person=person, kind="import", state="due", due_at=the_clock.now(), created_at=the_clock.now())
    session.add(run)
    session.flush()
    session.add(RunFile(run=run.id, name="x.csv", body=b"sealed"))
    return run.id


def test_an_upload_that_fails_five_times_is_buried_and_its_file_deleted(person, clock):
    with transaction() as session:
        run = import_run(session, person)
    states = []
    for _ in range(5):
        ((key, token),) = claim(claims.IMPORTS)
        outcomes.run(claims.IMPORTS, key, token, fails(KeyError("x")))
        with transaction() as session:
            states.append(session.get_one(Run, run).state)
        clock(the_clock.now() + timedelta(hours=2))
    with transaction() as session:
        files = session.scalar(select(func.count()).select_from(RunFile))
        ended = session.get_one(Run, run)
    assert states == ["retrying"] * 4 + ["buried"]
    assert (files, ended.due_at, ended.ended_at is not None) == (0, None, True)
    assert claim(claims.IMPORTS) == []


def test_an_upload_is_shown_as_running_while_it_runs_and_snoozes_while_a_setting_is_missing(person, clock):
    with transaction() as session:
        run = import_run(session, person)
    ((key, token),) = claim(claims.IMPORTS)

    def body(_key, _token):
        with transaction() as session:
            assert session.get_one(Run, run).state == "running"
        raise Misconfigured("no key")

    outcomes.run(claims.IMPORTS, key, token, body)
    with transaction() as session:
        row = session.get_one(Run, run)
    assert (row.state, row.error, row.attempts) == ("snoozed", "no key", 0)


def test_a_heartbeat_is_written_every_few_seconds_and_not_more_often(database, home, clock):
    def beat(at):
        clock(at)
        with transaction() as session:
            claims.note_heartbeat(session, "score", "beat")
            return session.scalars(select(Heartbeat.at).where(Heartbeat.name == "beat")).one()

    first = beat("2026-03-01T09:00:00")
    assert beat("2026-03-01T09:00:02") == first
    assert beat("2026-03-01T09:00:06") > first


def test_work_of_a_person_who_is_gone_is_gone_with_them(person):
    ((key, token),) = claim()
    with transaction() as session:
        session.delete(session.get_one(Person, person))
    ran = []
    outcomes.run(SCORES, key, token, lambda *given: ran.append(given))
    assert ran == []
