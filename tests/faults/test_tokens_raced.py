"""One rotating token and several processes that want it at once; and a rotation whose answer never arrived."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from ingest import db
from ingest.grants import tokens
from ingest.models import Credential, Delivery
from providers.simulator.people import Story
from tests.ground import wait_for
from tests.workers.peers import ROOT
from tests.workers.sync_stage import Stage, connection_of, fill, judge, make_due, rows, stage, sync_now, wait_out

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
TOKENS = "/oauth/token"
PHONE = (time(7, 30),)
ASK = """
import json, pathlib, sys, threading
from concurrent.futures import ThreadPoolExecutor
from ingest.grants import tokens
from ingest.vault import vault

vault()
connection, threads, ready = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
gate = threading.Barrier(threads + 1)

def ask(_):
    gate.wait()
    usable = tokens.usable_token(connection)
    return usable.access, usable.version

with ThreadPoolExecutor(threads) as pool:
    asked = [pool.submit(ask, number) for number in range(threads)]
    ready.touch()
    sys.stdin.readline()
    gate.wait()
    print(json.dumps([one.result() for one in asked]))
"""


@pytest.fixture(autouse=True)
def in_the_morning(stage: Stage, clock: Callable) -> Callable:
    clock(MORNING)
    return clock


def test_two_processes_of_six_threads_that_need_one_rotating_token_make_one_refresh(
    stage: Stage, in_the_morning: Callable, tmp_path
) -> None:
    connection = stage.connect(stage.person(nights=3))
    wait_out(in_the_morning, hours=25)
    before = stage.sim.calls(TOKENS)
    stage.sim.faults.some("timeout", share=1, path=TOKENS, seconds=0.5)  # the vendor takes its time over each
    asking = [ask_in_another_process(connection, tmp_path / f"ready-{number}") for number in range(2)]
    wait_for(lambda: all((tmp_path / f"ready-{number}").exists() for number in range(2)), 60)
    for process in asking:
        process.stdin.write("now\n")
        process.stdin.flush()
    given = [tuple(usable) for process in asking for usable in json.loads(process.communicate(timeout=60)[0])]
    assert len(given) == 12
    assert len(set(given)) == 1, "all were given the one new token"
    assert stage.sim.calls(TOKENS) == before + 1
    assert stage.sim.get(given[0][0], "personal_info").status_code == 200


def ask_in_another_process(connection: int, ready) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ASK, str(connection), "6", str(ready)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def follow_all() -> None:
    make_due()
    sync_now()
    fill()
    judge()


def test_a_lost_answer_of_a_rotation_asks_the_person_once_and_a_reconnect_leaves_the_rows_equal(
    stage: Stage, in_the_morning: Callable
) -> None:
    person = stage.person(story=Story.OVERREACHING, nights=20, seed=7, last_day=MORNING.date(), phone=PHONE)
    stage.connect(person)
    follow_all()
    undisturbed = rows()
    stage.forget(person)

    person = stage.person(story=Story.OVERREACHING, nights=20, seed=7, last_day=MORNING.date(), phone=PHONE)
    in_the_morning(MORNING - timedelta(days=2))
    connection = stage.connect(person)
    sync_now()
    in_the_morning(MORNING)
    stage.sim.faults.next("lost", path=TOKENS)
    states = []
    for _ in range(5):
        follow_all()
        states.append(connection_of(connection).state)
        wait_out(in_the_morning, minutes=11)
    assert states == ["active", "active", "reconnect", "reconnect", "reconnect"]
    with db.transaction() as session:
        assert session.scalars(select(Delivery.kind)).all() == ["reconnect"]
    in_the_morning(MORNING)
    assert stage.connect(person) == connection
    follow_all()
    assert connection_of(connection).state == "active"
    assert rows() == undisturbed
    with db.transaction() as session:
        assert session.scalars(select(Delivery.kind).where(Delivery.kind == "reconnect")).all() == ["reconnect"]
        assert session.get_one(Credential, connection).refusals == 0
    assert tokens.usable_token(connection).access
