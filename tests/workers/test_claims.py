"""What is claimed: whose turn it is, of which vendor, and no more than its calls suffice for."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text, update

import providers
from ingest import clock as the_clock
from ingest import db
from ingest.models import Connection, VendorApp
from tests.workers.sync_stage import Stage, stage
from workers import claims, leases, sync

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_the_morning(stage: Stage, clock: Callable) -> Callable:
    clock(MORNING)
    return clock


def test_ten_thousand_due_connections_of_a_paused_vendor_hold_up_nobody_else(stage: Stage) -> None:
    connection = stage.connect(stage.person(nights=5))
    with db.transaction() as session:
        _crowd(session, 10_000)
    sent: list[tuple[str, int, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "_send", sent.extend)
        claims.follow()
    assert [key for task, key, _ in sent if task == "sync.connection"] == [connection]


@pytest.mark.parametrize(("calls", "runs"), [(0, 0), (1, 1), (7, 1), (24, 3), (math.inf, 200)])
def test_no_more_runs_are_begun_than_there_are_calls_for_and_those_under_way_count(
    database: str, home: object, calls: float, runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction() as session:
        _crowd(session, 300)
        session.execute(update(VendorApp).values(paused_until=None))
    sent: list[tuple[str, int, str]] = []
    monkeypatch.setattr(claims, "_send", sent.extend)
    monkeypatch.setattr(claims.budget, "calls_left", lambda *_: calls)
    assert len(providers.get("oura").streams) == 8
    for _ in range(2):
        claims.follow()
    assert [task for task, _, _ in sent] == ["sync.connection"] * runs


def _crowd(session: object, count: int) -> None:
    session.execute(
        text("""
        WITH app AS (
            INSERT INTO vendor_app (vendor, client_id, paused_until, created_at)
            VALUES ('oura', 'paused', CAST(:now AS timestamptz) + interval '1 hour', :now) RETURNING id
        ), person AS (
            INSERT INTO person (address, created_at) SELECT 'p' || n || '@example.org', :now
            FROM generate_series(1, :count) n RETURNING id
        ), account AS (
            INSERT INTO vendor_account (person, vendor, created_at) SELECT id, 'oura', :now FROM person RETURNING id
        )
        INSERT INTO connection (vendor_account, vendor_app, kind, state_since, next_sync_at, created_at)
        SELECT account.id, app.id, 'grant', :now, CAST(:now AS timestamptz) - interval '1 day', :now FROM account, app
        """),
        {"now": the_clock.now(), "count": count},
    )


def test_an_app_of_a_vendor_that_is_no_more_holds_up_nobody_else(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = stage.connect(stage.person(nights=5))
    with db.transaction() as session:
        session.add(VendorApp(vendor="bygone", client_id="ours", created_at=the_clock.now()))
    sent: list[tuple[str, int, str]] = []
    monkeypatch.setattr(claims, "_send", sent.extend)
    claims.follow()
    assert [key for task, key, _ in sent if task == "sync.connection"] == [connection]


def test_the_longest_waiting_connection_is_claimed_first_and_a_held_one_not_again(stage: Stage) -> None:
    with db.transaction() as session:
        _crowd(session, 300)
        session.execute(text("UPDATE connection SET next_sync_at = next_sync_at + id * interval '1 second'"))
    with db.transaction() as session:
        first = leases.claim(session, sync.SYNCS)
        oldest = session.scalars(select(Connection.id).order_by(Connection.next_sync_at).limit(len(first))).all()
    assert {key for key, _ in first} == set(oldest)
    with db.transaction() as session:
        assert leases.claim(session, sync.SYNCS) == []
