from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import pytest
from sqlalchemy import select, text, update
from ingest import clock as c, connections, db, following, people
from ingest.models import Alert, BackfillWindow, Connection, Delivery, Person, Readiness, VendorApp, StreamState
from providers.simulator.people import Story
from tests.workers.sync_stage import *
from tests.workers.sync_stage import Stage, stage
from workers import leases, outcomes, score, sync, backfill, claims, standing, messages
from providers.errors import NeedsPerson, AuthorizationLost
from ingest import client

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_the_morning(stage, clock):
    clock(MORNING)
    return clock


def alerts():
    with db.transaction() as s:
        return [(a.state, a.told) for a in s.scalars(select(Alert))]


def test_a_window_that_never_answers(stage, in_the_morning):
    stage.connect(stage.person(story=Story.OVERREACHING, nights=130, seed=7, last_day=(MORNING + timedelta(days=3)).date()))
    stage.sim.faults.some("500", share=1, path="/v2/usercollection/daily_spo2")
    sync_now(); fill(); judge()
    for hours in range(1, 72, 3):
        in_the_morning(MORNING + timedelta(hours=hours))
        sync_now(); fill(); judge()
    assert alerts() != []


def test_disconnect_mid_backfill_decides(stage):
    person = stage.person(story=Story.OVERREACHING, nights=120, seed=7)
    connection = stage.connect(person)
    sync_now()
    with db.transaction() as s:  # all nights are in but one stream's past waits
        s.execute(update(BackfillWindow).where(BackfillWindow.stream == "oura.daily_spo2").values(due_at=MORNING + timedelta(days=1)))
    fill(); judge()
    assert alerts() == []
    connections.disconnect(person, connection, keep=True)
    assert waits_to_be_judged()
    judge()
    assert alerts() != []


def test_grant_lost_mid_backfill_decides(stage):
    person = stage.person(story=Story.OVERREACHING, nights=120, seed=7)
    connection = stage.connect(person)
    sync_now()
    with db.transaction() as s:
        s.execute(update(BackfillWindow).where(BackfillWindow.stream == "oura.daily_spo2").values(due_at=MORNING + timedelta(days=1)))
    fill(); judge()
    stage.sim.lapse("mira")
    make_due(); sync_now()
    assert connection_of(connection).state == "needs_you"
    assert waits_to_be_judged()
    judge()
    assert alerts() != []


def test_a_run_that_began_before_the_loss(stage, monkeypatch):
    connection = stage.connect(stage.person(nights=10))
    follow = sync.sync.follow
    def lose_meanwhile(grant, stream, extend):
        done = follow(grant, stream, extend)
        if stream.name == "oura.workout":
            with db.transaction() as s:
                row = s.get_one(Connection, connection, with_for_update=True)
                row.next_sync_at = standing.lose(s, row, grant, NeedsPerson("lapsed"))
        return done
    monkeypatch.setattr(sync.sync, "follow", lose_meanwhile)
    sync_now()
    assert connection_of(connection).state == "needs_you"


def test_a_run_that_ends_after_reconnect_state(stage, monkeypatch):
    connection = stage.connect(stage.person(nights=10))
    follow = sync.sync.follow
    def lose_meanwhile(grant, stream, extend):
        done = follow(grant, stream, extend)
        if stream.name == "oura.workout":
            with db.transaction() as s:
                row = s.get_one(Connection, connection, with_for_update=True)
                row.next_sync_at = standing.lose(s, row, grant, AuthorizationLost("refused"))
        return done
    monkeypatch.setattr(sync.sync, "follow", lose_meanwhile)
    sync_now()
    assert connection_of(connection).state == "reconnect"
    assert connection_of(connection).next_sync_at is None


def test_lost_twice_in_one_night_told_once(stage, in_the_morning):
    person = stage.person(nights=10)
    connection = stage.connect(person)
    with db.transaction() as s:
        p = s.get_one(Person, person); p.quiet_from, p.quiet_until = 22 * 60, 7 * 60; p.zone = "UTC"
    grant = None
    for minutes, state in ((0, "lost"), (30, "back"), (180, "lost")):
        in_the_morning(MORNING.replace(hour=22) + timedelta(minutes=minutes))
        with db.transaction() as s:
            row = s.get_one(Connection, connection)
            if state == "lost":
                standing.lose(s, row, client.grant_of(s, connection), NeedsPerson("lapsed"))
            else:
                standing.regain(row)
    in_the_morning(MORNING + timedelta(days=1))
    sent = []
    with pytest.MonkeyPatch.context() as m:
        m.setitem(messages.CHANNELS, "mail", sent.append)
        do_one(messages.DELIVERIES, messages.deliver)
    assert len(sent) == 1


def test_an_app_of_a_vendor_nobody_knows_holds_up_nobody(stage, monkeypatch):
    connection = stage.connect(stage.person(nights=5))
    with db.transaction() as s:
        s.add(VendorApp(vendor="gone", client_id="x", created_at=c.now()))
    sent = []
    monkeypatch.setattr(claims, "_send", sent.extend)
    claims.follow()
    assert [key for task, key, _ in sent if task == "sync.connection"] == [connection]
