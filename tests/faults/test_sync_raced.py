"""Moments that meet while a ring is followed: a lease that runs out, a reconnect, an erasure, a vendor that limits."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import delete, func, select

from ingest import clock as the_clock
from ingest import db, privacy
from ingest.grants import connections, oauth
from ingest.models import BackfillWindow, Connection, Delivery, Raw, Run, ScoreRequest, VendorApp
from tests.simulated import Simulated, simulated
from tests.workers.sync_stage import (
    PUBLIC,
    Stage,
    connection_of,
    do_one,
    fill,
    judge,
    left_to_fill,
    make_due,
    missing,
    rows,
    stage,
    state_of,
    sync_now,
    wait_out,
    waits_to_be_judged,
)
from workers import backfill, claims, leases, outcomes, sync

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
YESTERDAY = MORNING - timedelta(days=1)  # up to then the phone has handed everything over
SLEEP, HEART = "oura.sleep", "oura.heartrate"
PHONE = (time(7, 30),)


@pytest.fixture(autouse=True)
def in_the_morning(stage: Stage, clock: Callable) -> Callable:
    clock(MORNING)
    return clock


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Let something happen once, between the answer to a stream's call and what is made of it."""

    def arrange(stream_name: str, happen: Callable[[], object]) -> None:
        fetch_page, happened = sync.sync.client.fetch_page, []

        def fetched(grant: object, stream: object, *asked: object) -> bytes:
            body = fetch_page(grant, stream, *asked)
            if stream.name == stream_name and not happened:
                happened.append(True)
                happen()
            return body

        monkeypatch.setattr(sync.sync.client, "fetch_page", fetched)

    return arrange


def ring(stage: Stage, nights: int = 20) -> tuple[int, int]:
    person = stage.person(nights=nights, seed=3, last_day=MORNING.date(), phone=PHONE)
    return person, stage.connect(person)


def test_a_run_that_outlives_its_lease_on_one_page_leaves_everything_to_the_run_that_took_over(
    stage: Stage, in_the_morning: Callable, meanwhile: Callable
) -> None:
    _, connection = ring(stage)
    taken_over: list[datetime] = []

    def another_worker_takes_over() -> None:
        wait_out(in_the_morning, minutes=4)
        assert sync_now() == 1
        taken_over.append(run_ended(connection))

    meanwhile(SLEEP, another_worker_takes_over)
    wait_out(in_the_morning, minutes=1)
    sync_now()
    assert run_ended(connection) == taken_over[0], "the first run said nothing of itself"
    told = connection_of(connection)
    assert (told.lease_token, told.attempts) == (None, 0)
    assert told.next_sync_at > the_clock.now()
    assert missing(stage, "mira", MORNING - timedelta(days=3), YESTERDAY) == {}


def run_ended(connection: int) -> datetime:
    with db.transaction() as session:
        return session.scalars(select(Run.ended_at).where(Run.connection == connection)).one()


def test_a_window_that_outlives_its_lease_is_done_once_by_whoever_took_it_over(
    stage: Stage, in_the_morning: Callable, meanwhile: Callable
) -> None:
    ring(stage)
    sync_now()
    done: list[set[datetime]] = []

    def another_worker_takes_over() -> None:
        wait_out(in_the_morning, minutes=4)
        fill()
        done.append(done_at())
        wait_out(in_the_morning, minutes=1)

    meanwhile(SLEEP, another_worker_takes_over)
    fill()
    assert left_to_fill() == 0
    assert done_at() == done[0], "the first worker came back to a window that was done, and said nothing"
    with db.transaction() as session:
        ends = session.execute(select(BackfillWindow.state, BackfillWindow.attempts, BackfillWindow.lease_token))
        assert {tuple(row) for row in ends} == {("done", 0, None)}
    assert missing(stage, "mira", MORNING - timedelta(days=19), YESTERDAY) == {}


def done_at() -> set[datetime]:
    with db.transaction() as session:
        return set(session.scalars(select(BackfillWindow.done_at)))


@pytest.fixture
def nearly_lost(stage: Stage, in_the_morning: Callable) -> tuple[int, int]:
    """A person whose permission is gone at the vendor, and whose connection was refused twice: the next counts."""
    person, connection = ring(stage)
    sync_now()
    stage.sim.deauthorise("mira")
    for _ in range(2):
        wait_out(in_the_morning, minutes=11)
        make_due(SLEEP)
        sync_now()
    wait_out(in_the_morning, minutes=11)
    make_due(SLEEP)
    return person, connection


def all_is_well(connection: int) -> bool:
    """Whether the connection lives, nobody was told otherwise, and its past can be fetched."""
    make_due()
    sync_now()
    fill()
    with db.transaction() as session:
        told = session.scalars(select(Delivery.kind)).all()
    return connection_of(connection).state == "active" and told == [] and left_to_fill() == 0


def test_a_run_that_was_refused_before_the_person_connected_again_does_not_undo_that(
    stage: Stage, nearly_lost: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, connection = nearly_lost
    end, refused = sync._end, []

    def connect_first(grant: object, token: str, started: datetime, tally: sync.Tally) -> None:
        if tally.lost:
            refused.append(stage.connect(person))
        end(grant, token, started, tally)

    monkeypatch.setattr(sync, "_end", connect_first)
    sync_now()
    assert refused == [connection]
    assert all_is_well(connection)


def test_a_window_that_was_refused_before_the_person_connected_again_does_not_undo_that(
    stage: Stage, nearly_lost: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, connection = nearly_lost
    judge, refused = outcomes.judge, []

    def connect_first(error: Exception, attempt: int) -> leases.Outcome:
        outcome = judge(error, attempt)
        if outcome.name == "reconnect" and not refused:
            refused.append(stage.connect(person))
        return outcome

    monkeypatch.setattr(outcomes, "judge", connect_first)
    do_one(backfill.WINDOWS, backfill.fill_window)
    assert refused == [connection]
    assert all_is_well(connection)


def test_a_stream_that_was_refused_by_mistake_has_its_past_fetched_once_it_is_allowed(
    stage: Stage, in_the_morning: Callable
) -> None:
    _, connection = ring(stage)
    with stage.sim.served.lock:
        (grant,) = stage.sim.oura.grants.grants
        whole, grant.scopes = grant.scopes, grant.scopes - {"heartrate"}
    sync_now()
    fill()
    assert state_of(connection, HEART).state == "forbidden"
    assert set(missing(stage, "mira", MORNING - timedelta(days=19), YESTERDAY)) == {"heart_rate"}
    with stage.sim.served.lock:
        grant.scopes = whole
    wait_out(in_the_morning, days=7, hours=1)
    sync_now()
    fill()
    assert state_of(connection, HEART).state == "following"
    assert missing(stage, "mira", MORNING - timedelta(days=19), YESTERDAY) == {}


def test_nights_are_judged_when_the_last_windows_they_waited_for_turn_out_not_to_be_granted(
    stage: Stage, in_the_morning: Callable
) -> None:
    ring(stage)
    sync_now()
    with db.transaction() as session:
        session.execute(delete(BackfillWindow).where(BackfillWindow.stream != HEART))
    judge()
    assert not waits_to_be_judged()
    with stage.sim.served.lock:
        (grant,) = stage.sim.oura.grants.grants
        grant.scopes -= {"heartrate"}
    make_due(HEART)
    sync_now()
    assert left_to_fill() == 0
    assert waits_to_be_judged()


def test_a_vendor_that_refuses_every_request_holds_up_no_run_of_another_registration(
    stage: Stage, in_the_morning: Callable
) -> None:
    _, limited = ring(stage)
    with simulated(hooks=False, seed=9) as other:
        other.add_app(connections.redirect_uri(PUBLIC, "oura"), client_id="other", client_secret="other-secret")
        free = connect_at(other)
        stage.sim.faults.some("429", share=1, path="/v2/usercollection", retry_after=600)
        assert sync_now() == 2
        assert stage.sim.calls("/v2/usercollection", 429) == 1, "the first refusal speaks for the whole app"
        assert run_state(limited) == "snoozed"
        assert run_state(free) == "succeeded"
        wait_out(in_the_morning, minutes=1)
        make_due()
        assert sent_out() == {free}
        with db.transaction() as session:
            assert set(session.scalars(select(Connection.attempts))) == {0}


def connect_at(other: Simulated) -> int:
    """Somebody who connects through another registration of ours, at another vendor's server."""
    with db.transaction() as session:
        secret = oauth.seal_secret("oura", "other", "other-secret")
        app = VendorApp(
            vendor="oura", client_id="other", client_secret=secret, origin=other.origin, created_at=the_clock.now()
        )
        session.add(app)
        session.flush()
        second = Stage(other, app.id)
    return second.connect(second.person("noor", nights=5), "noor")


def run_state(connection: int) -> str:
    with db.transaction() as session:
        return session.scalars(select(Run.state).where(Run.connection == connection)).one()


def sent_out() -> set[int]:
    """Which connections the tick sends out now; their leases are given back."""
    sent: list[tuple[str, int, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "_send", sent.extend)
        claims.follow()
    return {key for task, key, _ in sent if task == "sync.connection"}


@pytest.mark.parametrize("keep", [True, False])
def test_a_window_whose_connection_is_ended_meanwhile_brings_nothing_more(
    stage: Stage, meanwhile: Callable, keep: bool
) -> None:
    person, connection = ring(stage)
    meanwhile(SLEEP, lambda: connections.disconnect(person, connection, keep=keep))
    fill()
    assert not any(row[0] == SLEEP for row in rows()["episode"])
    with db.transaction() as session:
        left = select(func.count()).select_from(BackfillWindow).where(BackfillWindow.state == "waiting")
        assert session.scalar(left) == 0


@pytest.mark.parametrize("work", [(sync.SYNCS, sync.sync_connection), (backfill.WINDOWS, backfill.fill_window)])
def test_what_is_erased_while_an_answer_is_on_its_way_stays_erased(
    stage: Stage, meanwhile: Callable, work: tuple
) -> None:
    person, _ = ring(stage)
    meanwhile(SLEEP, lambda: privacy.erase(person, receipt=False))
    do_one(*work)
    assert not any(rows().values())
    with db.transaction() as session:
        for table in (Connection, BackfillWindow, Raw, Run, ScoreRequest, Delivery):
            assert session.scalar(select(func.count()).select_from(table)) == 0
