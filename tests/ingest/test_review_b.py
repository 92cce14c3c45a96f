import threading, time, json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, date
import pytest
from sqlalchemy import select, text, update, func
from ingest import clock as c, connections, db, following, people, privacy, tokens, sync as isync, client, hooks, raws
from ingest.models import *
from providers.base import Asked
from tests.workers.sync_stage import Stage, stage, sync_now, fill, connection_of
from workers import sync, leases
from providers.oura import hooks as oh
from tests.ingest.test_hooks import app_id as app_id, signed

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)


def test_erase_while_a_first_run_ends(stage, clock, monkeypatch):
    clock(MORNING)
    person = stage.person(nights=5)
    connection = stage.connect(person)
    delete_data = privacy._delete_data
    at_run, go = threading.Event(), threading.Event()
    write = sync._write_run
    def slow(*a):
        at_run.set(); go.wait(10); write(*a)
    monkeypatch.setattr(sync, "_write_run", slow)
    def slow_delete(session, key):
        threading.Timer(0.4, go.set).start(); delete_data(session, key)
    monkeypatch.setattr(privacy, "_delete_data", slow_delete)
    worker = threading.Thread(target=sync_now); worker.start()
    at_run.wait(20)
    privacy.erase(person, receipt=False)
    worker.join(20)
    with db.transaction() as s:
        assert s.get(Person, person) is None


def test_a_grant_made_as_the_erasure_begins_is_revoked(stage, clock, monkeypatch):
    clock(MORNING)
    person = stage.person(nights=5)
    close = privacy._close
    def connect_first(key):
        stage.connect(person)
        close(key)
    monkeypatch.setattr(privacy, "_close", connect_first)
    privacy.erase(person, receipt=False)
    with stage.sim.served.lock:
        print([g for g in stage.sim.oura.grants.grants])
    assert stage.sim.calls("/oauth/revoke") == 1


def test_a_credential_nobody_can_open_keeps_nobody_here(stage, clock):
    clock(MORNING)
    person = stage.person(nights=5)
    connection = stage.connect(person)
    with db.transaction() as s:
        s.execute(update(Credential).values(access=b"lost"))
    privacy.erase(person, receipt=False)
    with db.transaction() as s:
        assert s.get(Person, person) is None


def test_a_credential_nobody_can_open_can_be_disconnected(stage, clock):
    clock(MORNING)
    person = stage.person(nights=5)
    connection = stage.connect(person)
    with db.transaction() as s:
        s.execute(update(Credential).values(access=b"lost"))
    connections.disconnect(person, connection, keep=True)


@pytest.mark.parametrize("body", [b'{"user_id": "ring-owner", "data_type": "sleep", "n": ' + b"1" * 5000 + b"}",
    b'{"a": "\\ud800"}', b'[' * 300 + b']' * 300, b'{"a": 1e999}', b'\xff\xfe'])
def test_hook_odd(app_id, body):
    assert hooks.receive("oura", app_id, signed() , body) == 401


def test_an_older_answer_that_is_saved_later(stage, clock, monkeypatch):
    clock(MORNING)
    connection = stage.connect(stage.person(nights=5))
    with db.transaction() as s:
        grant = client.grant_of(s, connection)
    stream = grant.provider.stream("oura.sleep")
    window = Asked(MORNING.replace(hour=0) - timedelta(days=4), MORNING)
    fetch = client.fetch_page
    nested = []
    def slow(*asked):
        body = fetch(*asked)
        if not nested:
            nested.append(1)
            doc = json.loads(body)
            newer = json.loads(body)
            for one in newer["data"]:
                if one.get("average_hrv"):
                    one["average_hrv"] = 99
            clock(MORNING + timedelta(seconds=20))
            monkeypatch.setattr(client, "fetch_page", lambda *a: json.dumps(newer).encode())
            isync.fetch_window(grant, stream, Asked(window.since - timedelta(days=1), window.until), lambda s: None, lambda s, n: None)
            clock(MORNING + timedelta(seconds=40))
        return body
    monkeypatch.setattr(client, "fetch_page", slow)
    isync.fetch_window(grant, stream, window, lambda s: None, lambda s, n: None)
    with db.transaction() as s:
        q = "SELECT DISTINCT d.value FROM day_value d JOIN series s ON s.id=d.series WHERE s.measure LIKE 'heart_rate_var%' AND value IS NOT NULL"
        assert s.scalars(text(q)).all() == [99]
