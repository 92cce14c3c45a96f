"""Notices at the real web application, with a ring behind it: a thousand forged, a genuine one, the same once more."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from ingest import clock as the_clock
from ingest import db
from ingest.grants import hooks
from providers.simulator.oura.hooks import sign
from tests.ingest.web import web_stage
from tests.simulated import CLIENT_SECRET
from tests.workers.sync_stage import Stage, connection_of, staged, state_of, sync_now, wait_out

web = web_stage.stage
MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
SLEEP = "oura.sleep"
FORGERIES = 1000
TABLES = ("hint", "connection", "stream_state", "backfill_window", "run", "score_request", "delivery", "rejected")


@pytest.fixture
def ring(web: web_stage.Stage, valkey: str, clock: Callable) -> Iterator[Stage]:
    """A simulated vendor with a ring that is connected and up to date, and our application where its notices go."""
    clock(MORNING)
    web_stage.reread_settings()
    with staged() as made:
        made.connect(made.person(nights=10, seed=3, phone=(time(7, 30), time(13))))
        sync_now()
        yield made


def address(web: web_stage.Stage, ring: Stage) -> str:
    return f"{web.url}/hooks/oura/{ring.app}"


def notice(ring: Stage, **other: Any) -> bytes:
    """What the vendor would say of this person's newest sleep."""
    said = {"event_type": "update", "data_type": "sleep", "object_id": "o1", "event_time": "2026-03-10T09:00:00+00:00"}
    return json.dumps(said | {"user_id": ring.sim.oura.accounts["mira"].id} | other).encode()


def everything() -> dict[str, list[tuple[str, ...]]]:
    """Every row that a notice could have touched, by version."""
    with db.transaction() as session:
        return {
            table: sorted(tuple(row) for row in session.execute(text(f"SELECT ctid::text, xmin::text FROM {table}")))
            for table in TABLES
        }


def test_a_thousand_forged_notices_are_refused_and_cost_neither_a_row_nor_a_call(
    web: web_stage.Stage, ring: Stage
) -> None:
    before, calls = everything(), ring.sim.calls()
    shown = [{}, {"x-oura-signature": "0" * 64}, {"x-oura-signature": "0" * 64, "x-oura-timestamp": "1773133200"}]
    with httpx.Client(timeout=20) as stranger:
        answers = {
            stranger.post(
                address(web, ring), content=notice(ring, object_id=str(number)), headers=shown[number % 3]
            ).status_code
            for number in range(FORGERIES)
        }
    assert answers == {401}
    assert everything() == before
    assert sync_now() == 0
    assert ring.sim.calls() == calls


def test_a_genuine_notice_is_answered_before_any_call_and_the_next_sync_asks_for_its_stream_alone(
    web: web_stage.Stage, ring: Stage, clock: Callable
) -> None:
    hooks_ordered(web, ring)
    connection = next(iter(connections()))
    clock(MORNING.replace(hour=12, minute=59))
    sync_now()
    ring.sim.fire()
    clock(MORNING.replace(hour=13, minute=1))
    calls = ring.sim.calls("/v2/usercollection")
    assert ring.sim.fire() > 0, "the phone synced at one: the vendor has something to tell"
    assert ring.sim.calls("/v2/usercollection") == calls, "no notice waited for a call of ours"
    with db.transaction() as session:
        hinted = set(session.scalars(text("SELECT unnest(streams) FROM hint")))
    assert hinted
    assert all(state_of(connection, name).next_at <= the_clock.now() for name in hinted)
    assert connection_of(connection).next_sync_at <= the_clock.now()
    assert sync_now() == 1
    assert ring.sim.calls("/v2/usercollection") == calls + len(hinted)
    assert sync_now() == 0


def test_a_genuine_notice_that_comes_twice_is_worth_one_sync(
    web: web_stage.Stage, ring: Stage, clock: Callable
) -> None:
    connection = next(iter(connections()))
    body = notice(ring)
    wait_out(clock, minutes=1)
    assert deliver(web, ring, body) == 200
    assert sync_now() == 1
    calls, after = ring.sim.calls(), everything()
    for _ in range(20):
        assert deliver(web, ring, body) == 200
    assert everything() == after
    assert sync_now() == 0
    assert ring.sim.calls() == calls
    assert state_of(connection, SLEEP).next_at > MORNING + timedelta(minutes=30)


def test_a_genuine_notice_about_somebody_unknown_leaves_nothing_behind(web: web_stage.Stage, ring: Stage) -> None:
    before = everything()
    assert deliver(web, ring, notice(ring, user_id="somebody else's")) == 200
    assert everything() == before


def deliver(web: web_stage.Stage, ring: Stage, body: bytes) -> int:
    """Send a notice as the vendor signs it."""
    stamp = "1773133200"
    headers = {"x-oura-timestamp": stamp, "x-oura-signature": sign(CLIENT_SECRET, stamp, body)}
    return httpx.post(address(web, ring), content=body, headers=headers, timeout=20).status_code


def hooks_ordered(web: web_stage.Stage, ring: Stage) -> None:
    """Order the notices, as upkeep does; the vendor asks the application its question for each."""
    hooks.ensure_subscriptions(ring.app)
    assert ring.sim.oura.hooks.subscriptions


def connections() -> list[int]:
    with db.transaction() as session:
        return list(session.scalars(text("SELECT id FROM connection")))
