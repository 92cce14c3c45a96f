"""A person connected to simulated vendors, and the engine's work done in this process, in the order it is claimed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import func, select, text
from tenacity import wait_none

from ingest import clock, db, people, privacy
from ingest.grants import client, connections, hooks, oauth
from ingest.models import BackfillWindow, Connection, ScoreRequest, StreamState, VendorApp
from providers.simulator.conversation import Heard
from providers.simulator.people import Story
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated, simulated
from workers import backfill, leases, messages, outcomes, score, sync
from workers.leases import Work

PUBLIC = "http://127.0.0.1:8730"
BROWSER = "a browser's nonce"


@dataclass(slots=True)
class Stage:
    """The simulated vendor, our registration there, and who is connected."""

    sim: Simulated
    app: int
    vendor: str = "oura"

    def beside(self, vendor: str) -> "Stage":
        """The stage of another vendor, which the same people may wear too."""
        return Stage(self.sim, register(self.sim, vendor), vendor)

    def person(self, handle: str = "mira", story: Story = Story.STEADY, **life: Any) -> int:
        """A person of the vendor's who has an account here; their id here."""
        self.sim.add_person(handle, story, vendor=self.vendor, **life)
        with db.transaction() as session:
            person = people.ensure(session, f"{handle}@example.org")
            person.quiet_from = person.quiet_until = None
            people.confirm(session, person.id)
            return person.id

    def connect(self, person: int, handle: str = "mira", scopes: tuple[str, ...] | None = None) -> int:
        """Go to the vendor and back; the connection's id."""
        with db.transaction() as session:
            url = connections.leave(session, person, self.vendor, BROWSER, PUBLIC)
        location = self.sim.consent(url, person=handle, scopes=scopes)
        query = dict(parse_qsl(urlsplit(location).query))
        return connections.arrive(person, self.vendor, BROWSER, query, PUBLIC).connection

    def deliver(self) -> list[dict[str, Any]]:
        """Let the vendor send its waiting notices to us; what they said."""
        there, said = self.sim.vendor(self.vendor), []
        with self.sim.served.lock:
            there.hooks.look(there.accounts.values(), clock.now())
            calls = [
                (notice, there.hooks.call(notice, clock.now())) for notice in there.hooks.due(clock.now(), at_once=True)
            ]
        for notice, call in calls:
            status = hooks.receive(self.vendor, self.app, call.headers, call.body)
            assert status == 200
            with self.sim.served.lock:
                there.hooks.heard(notice, Heard(status), clock.now())
            said.append(json.loads(call.body))
        return said

    def forget(self, person: int) -> None:
        """Erase somebody, so that another run may begin from nothing."""
        privacy.erase(person, receipt=False)


def register(sim: Simulated, vendor: str) -> int:
    """Our registration at a simulated vendor, both there and here; its id here."""
    sealed = oauth.seal_secret(vendor, CLIENT_ID, CLIENT_SECRET)
    row = {"vendor": vendor, "client_id": CLIENT_ID, "client_secret": sealed, "origin": sim.origin_of(vendor)}
    with db.transaction() as session:
        app = VendorApp(**row, created_at=clock.now())
        session.add(app)
        session.flush()
        key = app.id
    own = {"webhook_url": hooks.callback_url(PUBLIC, vendor, key)} if vendor == "whoop" else {}
    sim.add_app(connections.redirect_uri(PUBLIC, vendor), vendor=vendor, **own)
    return key


@contextmanager
def staged(**options: Any) -> Iterator[Stage]:
    """A simulated vendor and our registration at it."""
    with simulated(hooks=False, **options) as sim:
        yield Stage(sim, register(sim, "oura"))


def do_one(work: Work, body: Any) -> int:
    """Claim what is due of this work and do it; how many."""
    with db.transaction() as session:
        claimed = leases.claim(session, work)
    for key, token in claimed:
        outcomes.run(work, key, token, body)
    return len(claimed)


def sync_now() -> int:
    """Do every connection that is due."""
    return do_one(sync.SYNCS, sync.sync_connection)


def fill() -> None:
    """Fetch the past until nothing of it is due."""
    while do_one(backfill.WINDOWS, backfill.fill_window):
        pass


def send_due() -> int:
    """Send the messages that are due; how many were tried."""
    return do_one(messages.DELIVERIES, messages.deliver)


def judge() -> None:
    """Judge whoever is due to be judged, ahead of the pause that gathers requests."""
    with db.transaction() as session:
        session.execute(text("UPDATE score_request SET due_at = :now"), {"now": clock.now() - timedelta(seconds=1)})
    do_one(score.SCORES, score.score_person)


def make_due(*streams: str) -> None:
    """Let these streams, or all, be due now."""
    with db.transaction() as session:
        now = clock.now()
        for state in session.scalars(select(StreamState)):
            if not streams or state.stream in streams:
                state.next_at = now
        for connection in session.scalars(select(Connection).where(Connection.state != "reconnect")):
            connection.next_sync_at = now


def state_of(connection: int, stream: str) -> StreamState:
    with db.transaction() as session:
        return session.get_one(StreamState, (connection, stream))


def connection_of(connection: int) -> Connection:
    with db.transaction() as session:
        return session.get_one(Connection, connection)


def left_to_fill() -> int:
    with db.transaction() as session:
        waiting = select(func.count()).select_from(BackfillWindow).where(BackfillWindow.state == "waiting")
        return session.scalar(waiting) or 0


def waits_to_be_judged() -> bool:
    with db.transaction() as session:
        return session.scalar(select(ScoreRequest.person).limit(1)) is not None


TABLES = {
    "day_value": "SELECT s.measure, s.definition, s.device, d.record, d.value, d.day, d.state, d.gone "
    "FROM day_value d JOIN series s ON s.id = d.series",
    "episode": "SELECT stream, record, kind, starts_at, ends_at, day, main, state, detail::text FROM episode",
    "sample": "SELECT s.measure, s.definition, s.context, s.device, b.day, b.at::text, b.value::text "
    "FROM block b JOIN series s ON s.id = b.series",
    "tag": "SELECT day, last_day, name, source, present FROM tag",
    "tombstone": "SELECT stream, record FROM tombstone",
}


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Everything that was measured, in an order of its own: equal for equal data in any two databases."""
    with db.transaction() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(text(query))), key=repr)
            for name, query in TABLES.items()
        }


def wait_out(show: Any, **span: float) -> datetime:
    """Move the one clock on; the instant it shows then."""
    shown = clock.now() + timedelta(**span)
    show(shown)
    return shown


@pytest.fixture
def stage(database: str, valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(client, "PAUSE", wait_none())  # between tries within seconds
    with staged() as made:
        yield made


def had(stage: Stage, handle: str, since: datetime, until: datetime) -> dict[str, set[tuple[Any, ...]]]:
    """What the person really had, in the shape of `stored`, without today."""
    truth = stage.sim.truth(handle, since, until)
    over = (clock.now() - timedelta(days=1)).date().isoformat()
    return {
        "heart_rate": {(at, float(bpm)) for at, bpm, _ in truth["heart_rate"]},
        "hrv": {(at, float(value)) for at, value, _ in truth["hrv"]},
        "sleep_heart_rate": {(at, float(value)) for at, value, _ in truth["sleep_heart_rate"]},
        "night": {(record, day, hrv) for record, day, hrv, *_ in truth["night"] if hrv is not None},
        "steps": {(record, float(steps)) for record, day, steps, _ in truth["activity"] if day < over},
        "workout": {(record, day) for record, day, *_ in truth["workout"]},
    }


def stored(since: datetime, until: datetime) -> dict[str, set[tuple[Any, ...]]]:
    """What is stored of a span, over all people."""
    span = {"since": since, "until": until}

    def samples(measure: str, bearing: str) -> set[tuple[Any, ...]]:
        query = text(
            "SELECT extract(epoch FROM p.at)::bigint, p.value FROM sample p JOIN series s ON s.id = p.series_id "
            f"WHERE s.measure = :measure AND s.definition {bearing} 'oura_heartrate' "
            "AND p.at >= :since AND p.at < :until"
        )
        return {(int(at), float(value)) for at, value in session.execute(query, span | {"measure": measure})}

    def values(measure: str, columns: str) -> set[tuple[Any, ...]]:
        query = text(
            f"SELECT {columns} FROM day_value d JOIN series s ON s.id = d.series WHERE s.measure = :measure "
            "AND d.value IS NOT NULL AND NOT d.gone AND d.ends_at >= :since AND d.starts_at < :until"
        )
        return {tuple(row) for row in session.execute(query, span | {"measure": measure})}

    with db.transaction() as session:
        workouts = session.execute(text("SELECT record, day::text FROM episode WHERE kind = 'workout'"))
        return {
            "heart_rate": samples("heart_rate", "="),
            "hrv": samples("heart_rate_variability_rmssd", "<>"),
            "sleep_heart_rate": samples("heart_rate", "<>"),
            "night": values("heart_rate_variability_rmssd", "d.record, d.day::text, d.value"),
            "steps": values("step_count", "d.record, d.value"),
            "workout": {tuple(row) for row in workouts},
        }


def missing(stage: Stage, handle: str, since: datetime, until: datetime) -> dict[str, set[tuple[Any, ...]]]:
    """What the person had and is not stored, by kind; empty where everything is there."""
    there = stored(since - timedelta(days=2), until + timedelta(days=2))
    short = {kind: rows - there[kind] for kind, rows in had(stage, handle, since, until).items()}
    return {kind: rows for kind, rows in short.items() if rows}
