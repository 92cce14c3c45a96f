"""What every transaction can rely on, whatever the server is set to."""

from datetime import UTC, datetime, timedelta, timezone

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingest import db
from ingest.web import ops_look
from tests.ground import clear_caches

WITH = "options=-c%20timezone%3DEurope/Berlin%20-c%20statement_timeout%3D77s"


def test_instants_come_in_utc_from_a_server_of_another_zone_and_a_url_s_own_options_stand(database, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"{database}{'&' if '?' in database else '?'}{WITH}")
    clear_caches()
    with db.transaction() as session:
        at, patience = session.execute(
            text("SELECT timestamptz '2026-11-22T06:00Z', current_setting('statement_timeout')")
        ).one()
    assert (at.hour, at.utcoffset(), patience) == (6, timedelta(0), "77s")


def test_an_instant_of_any_zone_is_shown_in_utc():
    berlin = timezone(timedelta(hours=1))
    now = datetime(2026, 11, 22, 6, 14, tzinfo=UTC)
    assert ops_look.at(datetime(2026, 11, 22, 7, 0, tzinfo=berlin), now) == "06:00"
    assert ops_look.at(datetime(2026, 11, 22, 0, 30, tzinfo=berlin), now) == "21 Nov, 23:30"


def backend() -> int:
    with db.transaction() as session:
        return session.scalar(text("SELECT pg_backend_pid()"))


def end(backends: list[int]) -> None:
    with db.transaction() as session:
        ended = text("SELECT pg_terminate_backend(pid, 5000) FROM unnest(CAST(:pids AS int[])) AS pid")
        assert all(session.scalars(ended, {"pids": backends}))


def test_a_connection_is_used_again_and_one_whose_server_is_gone_costs_nobody_an_error(database):
    first = backend()
    assert backend() == first
    with Session(db.engine()) as one, Session(db.engine()) as two:
        idle = [session.scalar(text("SELECT pg_backend_pid()")) for session in (one, two)]
    with Session(db.engine()) as third, third.begin():
        asking = third.scalar(text("SELECT pg_backend_pid()"))
    assert asking in idle
    end([pid for pid in idle if pid != asking])
    for _ in range(2):
        with Session(db.engine()) as one, Session(db.engine()) as two:
            now = {session.scalar(text("SELECT pg_backend_pid()")) for session in (one, two)}
            assert len(now) == 2
            assert now.isdisjoint(set(idle) - {asking})


def test_one_that_lay_idle_for_long_is_asked_before_it_is_used(database, monkeypatch):
    backend()
    monkeypatch.setattr(db, "LONG_IDLE", -1.0)
    asked = []
    execute = psycopg.Connection.execute
    monkeypatch.setattr(psycopg.Connection, "execute", lambda self, what: asked.append(what) or execute(self, what))
    backend()
    assert asked == ["SELECT 1"]


def test_a_process_keeps_as_many_connections_as_its_threads_use(database):
    def at_once() -> set[int]:
        sessions = [Session(db.engine()) for _ in range(12)]
        try:
            return {session.scalar(text("SELECT pg_backend_pid()")) for session in sessions}
        finally:
            for session in sessions:
                session.close()

    first = at_once()
    assert len(first) == 12
    assert at_once() == first
