"""What operators look at in a terminal: the same as the board, for people and for machines."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from ingest.db import transaction
from ingest.models import Heartbeat
from ingest.ops import counts
from tests.ingest.ops.morning_stage import NOW, app, beats, broker, grant
from workers import outcomes, pulse, tasks
from workers.cli import app as vagus
from workers.leases import claim
from workers.schedule import TICKS
from workers.supervision import control
from workers.sync import SYNCS

__all__ = ["broker"]


@pytest.fixture
def terminal(database, broker, clock, monkeypatch):
    """A terminal where the servers run already."""
    clock(NOW)
    monkeypatch.setattr(control, "ensure_running", lambda _: None)
    monkeypatch.setenv("TZ", "UTC")
    return lambda *words: CliRunner().invoke(vagus, list(words))


def test_queues_shows_ages_first_and_ends_in_1_where_a_human_must_act(terminal):
    with transaction() as session:
        beats(session, "notify")
        grant(session, app(session), next_sync_at=NOW - timedelta(minutes=41))
    shown = terminal("queues")
    assert shown.exit_code == 1
    assert "41 min" in next(line for line in shown.stdout.splitlines() if line.startswith("sync"))
    assert 'No worker takes "notify" and none ever did: start one. 0 wait.' in shown.stdout
    assert '1 waits in "sync", the oldest 41 min.' in shown.stdout


def test_queues_with_nothing_to_do_says_so_and_ends_in_0(terminal):
    with transaction() as session:
        beats(session)
    shown = terminal("queues")
    assert (shown.exit_code, shown.stdout.splitlines()[-1]) == (0, "Nothing to do. 0 people; nothing waits.")
    board = json.loads(terminal("queues", "--json").stdout)
    assert {queue["queue"] for queue in board["queues"]} == {"sync", "backfill", "score", "notify", "upkeep"}
    assert (board["yours"], board["beat_at"]) == ([], NOW.isoformat())


def test_why_says_one_sentence_and_what_to_do_also_as_json(terminal):
    with transaction() as session:
        beats(session)
        connection = grant(session, app(session), state="reconnect", next_sync_at=None).id
    said = terminal("why", str(connection)).stdout.splitlines()
    assert said[0].startswith("Oura ended our access")
    assert said[1] == "The person has to connect again."
    machine = json.loads(terminal("why", str(connection), "--json").stdout)
    assert set(machine) == {"cause", "since", "until", "sentence", "next"}
    assert machine["cause"] == "reconnect"


def seen() -> set[str]:
    with transaction() as session:
        return set(session.scalars(select(Heartbeat.name)))


def test_each_queue_is_shown_to_be_taken_by_a_task_of_its_own(database, valkey, monkeypatch):
    tasks.app.finalize()
    monkeypatch.setattr(tasks.claims, "_send", lambda _: None)
    for name, (queue, _) in TICKS.items():
        if name.endswith((".tick", ".pulse")):
            tasks.app.tasks[name].run()
            assert queue in seen(), name
    assert seen() == {"sync", "backfill", "score", "notify", "upkeep"}


def test_work_in_hand_is_a_sign_of_life_too_as_a_pulse_expires_behind_a_full_queue(database, broker, monkeypatch):
    monkeypatch.setattr(pulse, "_taken", {})
    outcomes.run(SYNCS, 1, "nobody's", lambda *_: None)
    assert seen() == {"sync"}
    with transaction() as session:
        session.get_one(Heartbeat, "sync").at = NOW
    outcomes.run(SYNCS, 1, "nobody's", lambda *_: None)
    with transaction() as session:
        assert session.get_one(Heartbeat, "sync").at == NOW  # seconds later nothing is written again


def test_each_piece_of_work_is_counted_once_by_its_outcome(database, broker, clock):
    clock(NOW)
    with transaction() as session:
        key = grant(session, app(session), next_sync_at=NOW).id
        [(_, token)] = claim(session, SYNCS)
    outcomes.run(SYNCS, key, token, lambda *_: (_ for _ in ()).throw(RuntimeError("a bug")))
    found = {key: number for key, number in counts.counted().items() if "sum" not in key}
    assert {key: number for key, number in found.items() if key[0] != "vagus_work_seconds"} == {
        ("vagus_work", "sync", "retry"): 1,
        ("vagus_errors", "bug"): 1,
    }
    assert sum(number for key, number in found.items() if key[0] == "vagus_work_seconds") == 1


def test_a_tick_that_breaks_is_counted_by_its_name(broker):
    outcomes.tick("follow", lambda: 1 / 0)
    assert counts.counted() == {("vagus_ticks_failed", "follow"): 1}
