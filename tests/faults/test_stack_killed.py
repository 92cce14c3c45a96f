"""The whole of Vagus, killed piece by piece with work in hand: equal rows in the end, and each person told once."""

import io
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select

from ingest import clock as the_clock
from ingest import db, imports, people, store
from ingest.models import Alert, Delivery, Readiness, ScoreRequest
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv
from tests.ground import clear_caches, wait_for
from workers.supervision import control
from workers.supervision.embedded import stop_servers
from workers.supervision.home import empty
from workers.supervision.running import Running, running

pytestmark = pytest.mark.slow
CALM = "calm@example.org"


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


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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
        rows = session.execute(
            select(Readiness.day, Readiness.assessment).where(Readiness.person == person).order_by(Readiness.day)
        )
        alerts = session.execute(
            select(Alert.first_day, Alert.last_day, Alert.state, Alert.told).where(Alert.person == person)
        )
        sent = session.execute(select(Delivery.kind, Delivery.status).where(Delivery.person == person))
        return [tuple(row) for row in rows], [tuple(row) for row in alerts], [tuple(row) for row in sent]


@pytest.fixture(scope="module")
def calm(stack: Stack) -> tuple[list, list, list]:
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


# Valkey, PostgreSQL and the supervisor are killed in `test_sync_killed`, where more is in hand.
@pytest.mark.parametrize("victim", ["worker-score", "worker-notify", "beat"])
def test_whatever_is_killed_the_rows_are_equal_and_the_person_is_told_once(
    stack: Stack, calm: tuple[list, list, list], victim: str
) -> None:
    address = f"{victim.lower()}@example.org"
    person = stack.bring(address)
    wait_for(leased(person), 30)
    stack.kill(victim)
    stack.move_on(minutes=3)
    wait_for(lambda: settled(person), 90, every=0.2)
    assert result(person) == calm
    assert len(stack.mails(address)) == 1
    assert {child.name for child in stack.state.children if child.restarts} <= stack.killed
    with db.transaction() as session:
        assert store.scored(session, person)
