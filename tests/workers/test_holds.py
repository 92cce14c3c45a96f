"""What an operator holds is not claimed, what they do not hold is, and what is let go goes on at once."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from ingest import clock as the_clock
from ingest import db, signin, store
from ingest.grants import hooks, pauses
from ingest.models import BackfillWindow, Connection, Delivery, Run, SignInCode, StreamState, VendorApp
from ingest.ops import holds
from tests.ingest.ops.ops_stage import BOSS, Rows, did, failed_delivery, seed
from workers import claims, codes, messages, score
from workers.claims import IMPORTS

SENDING = [codes.CODES, messages.DELIVERIES]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that a tick sends out; no broker is asked."""
    tasks: list[str] = []
    monkeypatch.setattr(claims, "_send", lambda claimed: tasks.extend(task for task, _, _ in claimed))
    monkeypatch.setattr(claims.budget, "calls_left", lambda *_: 100)
    return tasks


@pytest.fixture
def rows(database: str, clock: Callable) -> Rows:
    clock("2026-11-22T06:00")
    with db.transaction() as session:
        return seed(session)


def second_vendor() -> int:
    """A connection at another registration."""
    with db.transaction() as session:
        rows = seed(session, "ada@example.org")
        app = VendorApp(vendor="whoop", client_id="theirs", created_at=the_clock.now())
        session.add(app)
        session.flush()
        session.get_one(Connection, rows.connection).vendor_app = app.id
        return rows.connection


def leased() -> set[int]:
    with db.transaction() as session:
        return set(session.scalars(select(Connection.id).where(Connection.lease_token.is_not(None))))


def hold(act) -> None:
    with db.transaction() as session:
        did(session, act)


def test_nothing_of_a_held_vendor_is_claimed_and_another_vendor_goes_on(rows: Rows, sent: list[str]) -> None:
    other = second_vendor()
    hold(holds.pause_vendor(vendor="oura"))
    claims.follow()
    assert leased() == {other}
    with db.transaction() as session:
        windows = select(BackfillWindow.connection).where(BackfillWindow.lease_token.is_not(None)).distinct()
        assert set(session.scalars(windows)) == {other}


def test_a_vendor_that_is_let_go_is_asked_at_the_next_tick(rows: Rows, sent: list[str]) -> None:
    hold(holds.pause_vendor(vendor="oura"))
    claims.follow()
    assert sent == []
    hold(holds.resume_vendor(vendor="oura"))
    claims.follow()
    assert sent.count("sync.connection") == 1
    assert sent.count("backfill.window") > 1


def test_no_success_of_a_call_lifts_what_an_operator_holds(rows: Rows, sent: list[str]) -> None:
    hold(holds.pause_vendor(vendor="oura"))
    pauses.begin(rows.app, "answers 503")
    with db.transaction() as session:
        session.execute(update(VendorApp).values(paused_until=the_clock.now()))
    assert pauses.end(rows.app)
    claims.follow()
    assert sent == []


def test_a_notice_of_a_held_vendor_is_still_taken_and_waits(rows: Rows, sent: list[str]) -> None:
    with db.transaction() as session:
        later = the_clock.now().replace(hour=9)
        session.execute(update(StreamState).values(next_at=later))
        session.execute(update(Connection).values(next_sync_at=later))
    hold(holds.pause_vendor(vendor="oura"))
    with db.transaction() as session:
        assert hooks.following.hint(session, rows.connection, ["oura.sleep"])
    claims.follow()
    assert sent == []
    hold(holds.resume_vendor(vendor="oura"))
    claims.follow()
    assert "sync.connection" in sent


@pytest.mark.parametrize(("queue", "goes_on"), [("sync", "backfill.window"), ("backfill", "sync.connection")])
def test_a_held_queue_holds_nothing_else(rows: Rows, sent: list[str], queue: str, goes_on: str) -> None:
    hold(holds.pause_queue(queue=queue))
    claims.follow()
    assert set(sent) == {goes_on}


def test_a_held_notify_sends_no_message_and_no_code_until_it_is_let_go(rows: Rows, sent: list[str]) -> None:
    with db.transaction() as session:
        delivery = failed_delivery(rows)
        delivery.status = "waiting"
        session.add(delivery)
        signin.ask(session, "mira@example.org", "nonce", "127.0.0.1")
    hold(holds.pause_queue(queue="notify"))
    claims.send_out("notify", SENDING, by_beat=True)
    assert sent == []
    with db.transaction() as session:
        assert session.scalars(select(Delivery.lease_token)).one() is None
        assert session.scalars(select(SignInCode.lease_token)).one() is None
    hold(holds.resume_queue(queue="notify"))
    claims.send_out("notify", SENDING, by_beat=True)
    assert sent == ["notify.sign_in_code", "notify.deliver"]


@pytest.mark.parametrize(
    ("queue", "work", "task"), [("score", score.SCORES, "score.person"), ("upkeep", IMPORTS, "upkeep.import")]
)
def test_scores_and_uploads_wait_in_a_held_queue(rows: Rows, sent: list[str], queue, work, task) -> None:
    with db.transaction() as session:
        now = the_clock.now()
        store.request_score(session, rows.person, "test", delay=now - now)
        session.add(Run(person=rows.person, kind="import", state="due", due_at=now, created_at=now))
    hold(holds.pause_queue(queue=queue))
    claims.send_out(queue, [work], by_beat=False)
    assert sent == []
    hold(holds.resume_queue(queue=queue))
    claims.send_out(queue, [work], by_beat=False)
    assert sent == [task]


def test_the_next_to_look_reads_who_holds_it_and_why(rows: Rows) -> None:
    hold(holds.pause_vendor(vendor="oura"))
    with db.transaction() as session:
        app = session.get_one(VendorApp, rows.app)
        assert (app.held_by, app.held_reason) == (BOSS, "fixed upstream")
        assert app.held_at is not None
