"""What operators type does what their pages do, by the same rules and with the same trace."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from ingest import clock as the_clock
from ingest import db
from ingest.models import BackfillWindow, Delivery, OperatorAction, OperatorSession, QueueHold, Raw, VendorApp
from ingest.ops import operators
from providers.errors import VagusError
from tests.ingest.ops.ops_stage import BOSS, PERSON, Rows, bury, operator, seed
from workers import cli, vendor_commands

RUN = CliRunner()
WHY = ("--reason", "fixed upstream")


@pytest.fixture
def rows(database: str, valkey: str, clock) -> Rows:
    clock("2026-11-22T06:00")
    with db.transaction() as session:
        made = seed(session)
        bury(session, made)
        return made


def typed(*words: str) -> str:
    """What a command says; its error is raised."""
    result = RUN.invoke(cli.app, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout.strip()


def told(*words: str) -> dict:
    return json.loads(typed(*words, "--json"))


def kept() -> list[tuple[str, str, str, int]]:
    with db.transaction() as session:
        every = session.scalars(select(OperatorAction).order_by(OperatorAction.id))
        return [(row.by, row.action, row.about, row.count) for row in every]


def buried() -> int:
    with db.transaction() as session:
        waiting = select(func.count()).select_from(BackfillWindow).where(BackfillWindow.state == "buried")
        return session.scalar(waiting) or 0


def test_operators_are_added_listed_given_another_role_and_let_go(rows: Rows):
    assert typed("operator", "list") == "nobody: `vagus operator add ADDRESS`"
    assert typed("operator", "add", BOSS) == f"{BOSS} may view."
    assert told("operator", "add", BOSS.upper(), "--role", "operate") == {"address": BOSS, "role": "operate"}
    assert told("operator", "list") == [{"address": BOSS, "role": "operate"}]
    with db.transaction() as session:
        operator(session)
    assert typed("operator", "remove", BOSS) == f"{BOSS} operates no more."
    with db.transaction() as session:
        assert session.scalars(select(OperatorSession)).all() == []
    assert [action for _, action, _, _ in kept()] == ["add operator", "add operator", "remove operator"]


@pytest.mark.parametrize(
    "words",
    [
        ("add", "no address"),
        ("add", BOSS, "--role", "admin"),
        ("remove", "nobody@example.org"),
        ("sign-in", "nobody@example.org"),
    ],
)
def test_what_is_wrong_with_an_operator_is_said_in_one_line(rows: Rows, words):
    with pytest.raises(VagusError) as said:
        typed("operator", *words)
    assert "\n" not in str(said.value)
    assert kept() == []


def test_a_link_is_printed_for_an_operator_alone_on_its_line(rows: Rows):
    typed("operator", "add", BOSS)
    link = typed("operator", "sign-in", BOSS)
    ticket = re.fullmatch(r"http://127\.0\.0\.1:\d+/ops/sign-in/once/(\S+)", link)[1]
    with db.transaction() as session:
        assert operators.spend(session, ticket).address == BOSS
    assert [(action, about) for _, action, about, _ in kept()][-1] == ("sign-in link", BOSS)


def test_who_operates_changes_for_a_reason_that_is_kept_with_it(rows: Rows):
    typed("operator", "add", BOSS, "--reason", "takes the night shift")
    typed("operator", "remove", BOSS)
    with db.transaction() as session:
        reasons = session.scalars(select(OperatorAction.reason).order_by(OperatorAction.id)).all()
    assert reasons == ["takes the night shift", "removed on the terminal"]
    with pytest.raises(VagusError, match="Say why"):
        typed("operator", "add", BOSS, "--reason", " ")


def test_kept_answers_are_counted_first_and_read_again_for_a_reason_that_is_written_down(rows: Rows, monkeypatch):
    read = []
    monkeypatch.setattr(vendor_commands, "replay_answers", lambda: read.append(len(kept())) or "2 rows are new")
    with db.transaction() as session:
        row = {"connection": rows.connection, "stream": "oura.sleep", "content": "c", "mapping": "0", "size": 1}
        now = the_clock.now()
        session.add(Raw(**row, body=b"", window_start=now, at=now, expires_at=now + timedelta(days=400)))
    seen = told("replay", "--answers", "--dry-run")
    assert (seen["count"], seen["done"]) == (1, False)
    with pytest.raises(VagusError, match="Say why"):
        typed("replay", "--answers")
    assert (read, kept()) == ([], [])
    assert typed("replay", "--answers", *WHY) == "2 rows are new"
    assert read == [1]  # it was written down before
    assert kept()[0][1:] == ("replay answers", "kept answers of older mappings", 1)


def test_a_vendor_and_a_queue_are_paused_and_resumed_with_the_account_that_typed_it(rows: Rows):
    assert typed("pause", "vendor", "oura", *WHY) == "Oura is paused."
    assert typed("pause", "queue", "backfill", *WHY) == "The queue backfill is paused."
    with db.transaction() as session:
        assert session.get_one(VendorApp, rows.app).held_by.startswith("terminal (")
        assert session.get_one(QueueHold, "backfill").reason == "fixed upstream"
    assert typed("resume", "vendor", "oura", *WHY) == "Oura is asked again."
    assert typed("resume", "queue", "backfill", *WHY) == "The queue backfill goes on."
    assert [about for _, _, about, _ in kept()] == ["vendor oura", "queue backfill"] * 2
    assert all(re.fullmatch(r"terminal \(.+\)", by) for by, *_ in kept())


def test_a_dry_run_counts_and_does_nothing(rows: Rows):
    seen = told("replay", "--kind", "window", "--dry-run")
    assert (seen["count"], seen["done"]) == (3, False)
    assert seen["sentence"].startswith("Replay 3 windows of the past of 1 person, spread over 60 s.")
    assert buried() == 3
    assert kept() == []


def test_nothing_is_done_without_a_reason(rows: Rows):
    with pytest.raises(VagusError, match="Say why"):
        typed("replay", "--kind", "window")
    assert buried() == 3


def test_what_was_given_up_is_listed_without_the_addresses_in_it_then_replayed_or_discarded(rows: Rows):
    jobs = json.loads(typed("buried", "--json"))
    assert {job["kind"] for job in jobs} == {"stream", "window", "score", "message"}
    assert PERSON not in typed("buried", "--json")
    assert PERSON not in typed("buried")
    one = next(job["id"] for job in jobs if job["kind"] == "window")
    assert typed("replay", "--kind", "window", "--job", str(one), *WHY) == "1 job is due again."
    assert told("discard", "--kind", "window", "--matching", "418", *WHY)["count"] == 2
    assert told("discard", "--kind", "message", *WHY) | {"sentence": ""} == {
        "action": "discard",
        "about": "messages",
        "count": 1,
        "done": True,
        "sentence": "",
    }
    assert (buried(), [count for *_, count in kept()]) == (0, [1, 2, 1])
    with db.transaction() as session:
        assert session.scalars(select(Delivery.status)).one() == "cancelled"


def test_days_of_a_connection_are_fetched_again(rows: Rows):
    span = ("--from", "2026-11-01", "--to", "2026-11-10")
    done = told("resync", str(rows.connection), *span, "--stream", "oura.sleep", *WHY)
    assert (done["count"], done["done"]) == (1, True)
    with pytest.raises(VagusError, match="180 days"):
        typed("resync", str(rows.connection), "--from", "2026-01-01", "--to", "2026-11-10", *WHY)
    assert told("release", str(rows.connection), "--dry-run")["count"] == 0
    assert told("recompute", str(rows.person), *WHY)["done"]
