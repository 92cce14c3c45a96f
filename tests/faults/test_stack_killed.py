"""The whole of Vagus, killed piece by piece with work in hand: equal rows in the end, and each person told once.

First a connected ring's sync and its past, in mid-write or robbed of the broker; then nights that came as a file. The
rows of the ring are compared as a whole, so whoever brings a file comes after it.
"""

import io
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from sqlalchemy import select, text, update

from ingest import clock as the_clock
from ingest import db, imports, people, privacy, settings, store
from ingest.models import Alert, Delivery, Person, Readiness, ScoreRequest, VendorApp
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv
from tests.ground import clear_caches, wait_for
from tests.workers.sync_stage import Stage, rows, staged
from workers.supervision import control
from workers.supervision.embedded import stop_servers
from workers.supervision.home import empty
from workers.supervision.processes import free_port
from workers.supervision.running import Running, running

pytestmark = pytest.mark.slow
MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)  # for all of them: around midnight two would have two last nights
ADDRESS, CALM = "mira@example.org", "calm@example.org"
PHONE = (time(7, 30),)  # what the vendor has stays the same all morning, however far the clock is moved on
# What extends a lease waits for these rows; what only refers to a connection does not.
LEASE_OF = {
    "worker-sync": "SELECT FROM connection FOR NO KEY UPDATE",
    "worker-backfill": "SELECT FROM backfill_window WHERE lease_token IS NOT NULL FOR NO KEY UPDATE",
}
COMMITTED = {
    "worker-sync": "SELECT count(*) FROM stream_state WHERE last_ok_at IS NOT NULL",
    "worker-backfill": "SELECT count(*) FROM backfill_window WHERE state = 'done'",
}
AT_A_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
HELD_BY = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
UNDONE = (
    "SELECT 1 FROM backfill_window WHERE state = 'waiting'",
    "SELECT 1 FROM stream_state WHERE last_ok_at IS NULL",
    "SELECT 1 FROM connection WHERE lease_token IS NOT NULL",
    "SELECT 1 FROM score_request",
    "SELECT 1 FROM delivery WHERE status IN ('waiting', 'held')",
)

Outcome = tuple[dict[str, Any], tuple[list, list, list], list[tuple[str, int]]]


class Stack:
    """A running Vagus of the test's own, with the demo's mailbox, on a clock that can be moved on."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = home / "clock.json"
        self.killed: set[str] = set()
        self.up()

    def up(self) -> None:
        """Start it, or start it again, and work with its servers in this process."""
        command = [sys.executable, "-m", "workers.cli", "up", "--detach"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        clear_caches()
        control.use(self.state)
        clear_caches()

    @property
    def state(self) -> Running:
        state = running(self.home)
        assert state is not None
        return state

    def kill(self, name: str) -> None:
        """kill -9 one process by its name in `vagus status`, or the supervisor itself."""
        pids = {one.name: one.pid for one in (*self.state.servers, *self.state.children)}
        pid = self.state.pid if name == "supervisor" else pids[name]
        self.killed.add(name)
        os.kill(pid, signal.SIGKILL)

    def move_on(self, minutes: int) -> None:
        """Let the leases of dead workers run out."""
        the_clock.set_clock(self.clock, the_clock.now() + timedelta(minutes=minutes))

    def bring(self, address: str) -> int:
        """Import the nights of somebody who is strained now, has no quiet hours, and reads mail."""
        with db.transaction() as session:
            person = people.ensure(session, address)
            person.quiet_from = person.quiet_until = None
            people.confirm(session, person.id)
        file = cycles_csv(nights(Story.OVERREACHING, the_clock.now().date(), 120, seed=1))
        return imports.import_file(address, "whoop", "cycles.csv", io.BytesIO(file.encode())).person

    def mails(self, address: str) -> Counter[str]:
        """How often each message reached this address."""
        kept = (message_from_bytes(file.read_bytes(), policy=default) for file in (self.home / "mailbox").glob("*.eml"))
        return Counter(mail["Message-ID"] for mail in kept if address in mail["To"])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("stack") / "home"
        home.mkdir()
        patch.setenv("VAGUS_HOME", str(home))
        patch.setenv("VAGUS_DEMO", "true")
        patch.setenv("VAGUS_SMTP_URL", f"smtp+plain://127.0.0.1:{free_port()}")
        patch.setenv("VAGUS_PUSH_SINK", f"http://127.0.0.1:{free_port()}")  # without, that process ends again and again
        patch.setenv("VAGUS_PORT", "0")
        patch.setenv(the_clock.VARIABLE, str(home / "clock.json"))
        for name in ("DATABASE_URL", "REDIS_URL"):
            patch.delenv(name, raising=False)
        try:
            yield Stack(home)
        finally:
            clear_caches()
            control.stop(home)
            stop_servers(home)
            empty(home)
    clear_caches()


def settled(person: int) -> bool:
    with db.transaction() as session:
        waiting = session.scalar(select(ScoreRequest.version).where(ScoreRequest.person == person))
        sent = session.scalars(select(Delivery.status).where(Delivery.person == person)).all()
    return waiting is None and sent == ["sent"]


def result(person: int) -> tuple[list, list, list]:
    """What a person's nights came to, without ids and the time of computing."""
    with db.transaction() as session:
        nightly = session.execute(
            select(Readiness.day, Readiness.assessment).where(Readiness.person == person).order_by(Readiness.day)
        )
        alerts = session.execute(
            select(Alert.first_day, Alert.last_day, Alert.state, Alert.told).where(Alert.person == person)
        )
        sent = session.execute(select(Delivery.kind, Delivery.status).where(Delivery.person == person))
        return [tuple(row) for row in nightly], [tuple(row) for row in alerts], [tuple(row) for row in sent]


class Ring:
    """One and the same ring, connected to a running Vagus at one and the same instant."""

    def __init__(self, stack: Stack, stage: Stage) -> None:
        self.stack, self.stage, self.person = stack, stage, 0

    def begin(self) -> None:
        """Set the clock, and let nothing be left of the run before."""
        the_clock.set_clock(self.stack.clock, MORNING)
        for mail in (self.stack.home / "mailbox").glob("*.eml"):
            mail.unlink()

    def connect(self) -> None:
        """Connect it, while nobody may ask its vendor yet."""
        self.pause(until=MORNING + timedelta(hours=1))
        life = {"story": Story.OVERREACHING, "nights": 60, "seed": 7, "last_day": MORNING.date(), "phone": PHONE}
        self.person = self.stage.person(**life)
        self.stage.connect(self.person)

    def pause(self, until: datetime | None) -> None:
        with db.transaction() as session:
            session.execute(update(VendorApp).values(paused_until=until))

    def settle(self) -> Outcome:
        """Wait until nothing is left to do; what it came to."""
        the_clock.set_clock(self.stack.clock, the_clock.now(), speed=10)  # what waits a minute to be tried again does
        wait_for(nothing_undone, 120, every=0.2)
        with db.transaction() as session:
            windows = session.execute(text("SELECT state, count(*) FROM backfill_window GROUP BY state"))
            ended = [tuple(row) for row in windows]
        mails = self.stack.mails(ADDRESS)
        assert list(mails.values()) == [1], mails
        return rows(), result(self.person), ended

    def forget(self) -> None:
        """Let the next run find nothing."""
        if self.person:
            privacy.erase(self.person, receipt=False)
            self.person = 0


@pytest.fixture(scope="module")
def stage(stack: Stack) -> Iterator[Stage]:
    with staged() as made:
        yield made


@pytest.fixture(scope="module")
def calm(stack: Stack, stage: Stage) -> Outcome:
    """What the ring comes to where nobody disturbs it."""
    ring = Ring(stack, stage)
    ring.begin()
    ring.connect()
    ring.pause(until=None)
    outcome = ring.settle()
    ring.forget()
    return outcome


@pytest.fixture
def ring(stack: Stack, stage: Stage, calm: Outcome) -> Iterator[Ring]:
    made = Ring(stack, stage)
    made.begin()
    yield made
    made.forget()


def nothing_undone() -> bool:
    with db.transaction() as session:
        return not any(session.execute(text(f"{query} LIMIT 1")).all() for query in UNDONE)


def plain() -> psycopg.Connection:
    """A connection of the test's own, which a dying server may take along."""
    return psycopg.connect(settings.settings().database_url.get_secret_value())


def broker() -> redis.Redis:
    return redis.Redis(unix_socket_path=settings.settings().redis_url.get_secret_value().partition("://")[2])


def counted(query: str, *given: object) -> int:
    with plain() as connection:
        return connection.execute(query, given).fetchone()[0]


@contextmanager
def in_mid_write(ring: Ring, worker: str) -> Iterator[None]:
    """The ring's data written by this worker, the fence in its hand, and nothing committed.

    First nobody passes the fence; then one does, writes, and stops where it would extend its lease.
    """
    ring.connect()
    fence, lease = plain(), plain()
    try:
        fence.execute("SELECT FROM fence FOR UPDATE")
        ring.pause(until=None)
        wait_for(lambda: counted(AT_A_LOCK) >= 2, 60, every=0.2)  # the one sync, and a window of the past at least
        lease.execute(LEASE_OF[worker])
        fence.close()
        wait_for(lambda: counted(HELD_BY, lease.info.backend_pid), 60, every=0.2)
        yield
    finally:
        fence.close()
        lease.close()


def test_a_ring_that_nobody_disturbs_is_filled_judged_and_told_once(calm: Outcome) -> None:
    measured, (readiness, alerts, sent), windows = calm
    assert len(measured["episode"]) > 60
    assert len(measured["sample"]) > 120
    assert len(readiness) >= 60
    assert [(state, told) for *_, state, told in alerts] == [("open", True)]
    assert sent == [("strained", "sent")]
    assert {state for state, _ in windows} == {"done"}


@pytest.mark.parametrize(
    ("victim", "worker"),
    [
        ("worker-sync", "worker-sync"),
        ("worker-backfill", "worker-backfill"),
        ("Valkey", "worker-backfill"),
        ("PostgreSQL", "worker-sync"),
        ("supervisor", "worker-backfill"),
    ],
)
def test_whatever_is_killed_in_mid_write_the_rows_are_equal_and_the_person_is_told_once(
    stack: Stack, ring: Ring, calm: Outcome, victim: str, worker: str
) -> None:
    with in_mid_write(ring, worker):
        assert counted(COMMITTED[worker]) == 0
        stack.kill(victim)
    if victim == "supervisor":
        stack.up()
    stack.move_on(minutes=4)
    assert ring.settle() == calm


def test_a_broker_that_forgets_everything_while_windows_are_fetched_costs_a_lease_and_no_row(
    stack: Stack, ring: Ring, calm: Outcome
) -> None:
    with in_mid_write(ring, "worker-backfill"):
        broker().flushall()
    stack.move_on(minutes=4)
    assert ring.settle() == calm


def test_keys_that_are_lost_after_the_claim_are_claimed_again_once_their_leases_have_run_out(
    stack: Stack, ring: Ring, calm: Outcome
) -> None:
    ring.connect()
    asleep = [child.pid for child in stack.state.children if child.name in LEASE_OF]
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    try:
        ring.pause(until=None)
        wait_for(lambda: broker().llen("backfill") >= 20, every=0.1)
        broker().flushall()
    finally:
        for pid in asleep:
            os.kill(pid, signal.SIGCONT)
    with db.transaction() as session:
        leased = session.scalar(text("SELECT count(*) FROM backfill_window WHERE lease_token IS NOT NULL"))
    assert leased >= 20, "rows know of a claim of which no message is left"
    stack.move_on(minutes=2)
    assert ring.settle() == calm


@pytest.fixture(scope="module")
def brought(stack: Stack) -> tuple[list, list, list]:
    """What a file comes to where nobody disturbs it."""
    the_clock.set_clock(stack.clock, MORNING)
    person = stack.bring(CALM)
    wait_for(lambda: settled(person), 60, every=0.2)
    assert list(stack.mails(CALM).values()) == [1]
    return result(person)


def leased(person: int) -> Callable[[], bool]:
    def begun() -> bool:
        with db.transaction() as session:
            token = session.scalar(select(ScoreRequest.lease_token).where(ScoreRequest.person == person))
        return token is not None

    return begun


# Valkey, PostgreSQL and the supervisor are killed above, where more is in hand.
@pytest.mark.parametrize("victim", ["worker-score", "worker-notify", "beat"])
def test_whatever_is_killed_the_rows_are_equal_and_the_person_is_told_once(
    stack: Stack, brought: tuple[list, list, list], victim: str
) -> None:
    address = f"{victim.lower()}@example.org"
    the_clock.set_clock(stack.clock, the_clock.now(), speed=0)  # nobody is due to be judged yet
    person = stack.bring(address)
    with db.transaction() as holding:
        holding.execute(select(Person.id).where(Person.id == person).with_for_update())
        stack.move_on(minutes=1)
        wait_for(leased(person), every=0.1)  # and so it stays: whoever judges stands before the person's row
        stack.kill(victim)
    stack.move_on(minutes=3)
    wait_for(lambda: settled(person), 90, every=0.2)
    assert result(person) == brought
    assert len(stack.mails(address)) == 1
    assert {child.name for child in stack.state.children if child.restarts} <= stack.killed
    with db.transaction() as session:
        assert store.scored(session, person)
