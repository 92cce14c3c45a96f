"""Turning the keys: everything opens before, while and after, whatever is killed, and the old key goes last."""

import base64
import json
import os
import threading
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import LargeBinary, select
from typer.testing import CliRunner

from ingest import db, keys, push, signin
from ingest import vault as vaults
from ingest.grants import tokens
from ingest.models import (
    Channel,
    HintReceived,
    OAuthState,
    Person,
    Raw,
    Run,
    RunFile,
    SignInCode,
    Table,
)
from ingest.saving import save
from ingest.source import GRANT_RANK, Source
from ingest.vault import key_id, load, vault
from providers import shapes
from providers.errors import Misconfigured, VagusError
from tests.ground import wait_for
from tests.ingest.grants.local_vendor import SECRET, connect, vendor
from workers import keys_commands

__all__ = ["vendor"]

AT = datetime(2026, 11, 22, 5, tzinfo=UTC)


class Killed(BaseException):
    """Stands for the end of the process."""


def never() -> None:
    pytest.fail("nothing to wait for")


def rotate() -> str:
    return keys.rotate(lambda _: None, never)


@pytest.fixture
def connection(vendor) -> int:
    """One row in every table that holds something sealed."""
    made, seal = connect(vendor), vault().seal
    with db.transaction() as session:
        person = session.scalars(select(Person.id)).one()
        run = Run(person=person, kind="import", state="due", created_at=AT)
        session.add(run)
        session.flush()
        code = SignInCode(address="a", code_hash="h", browser_hash="b", created_at=AT, expires_at=AT)
        session.add(code)
        session.flush()
        code.code = seal(b"plain", signin.place(code.id))
        endpoint = "https://push.example.org/1"
        session.add_all(
            [
                RunFile(run=run.id, name="x.csv", body=seal(b"plain", f"run_file|{run.id}|body")),
                Raw(
                    connection=made,
                    stream="local.nights",
                    content="c1",
                    mapping="1",
                    size=1,
                    body=seal(b"plain", f"raw|{made}|c1"),
                    at=AT,
                    expires_at=AT,
                ),
                HintReceived(
                    connection=made,
                    key="h1",
                    streams=[],
                    signed=True,
                    body=seal(b"plain", f"hint|{made}|h1"),
                    received_at=AT,
                ),
                OAuthState(
                    state_hash="s1",
                    browser_hash="b1",
                    person=person,
                    vendor_app=1,
                    verifier=seal(b"plain", "oauth_state|s1"),
                    created_at=AT,
                    expires_at=AT,
                ),
                Channel(
                    person=person,
                    kind="push",
                    address=endpoint,
                    settings=push._sealed(person, push.Subscription(endpoint, "plain", "plain")) | {"label": "Browser"},
                    created_at=AT,
                ),
            ]
        )
    reject(made, "plain")
    return made


def reject(connection: int, body: str) -> None:
    """Save something that is sealed, as a sync does."""
    with db.transaction() as session:
        source = Source(1, 1, connection, "local.nights", GRANT_RANK, AT, "c")
        save(session, source, [shapes.Rejected("unreadable", body)])


def opened() -> dict[str, list[bytes]]:
    """All that is sealed, opened; by column."""
    found = {}
    with db.transaction() as session:
        for sealed in keys.SEALED:
            rows = session.execute(
                select(sealed.key, sealed.column, *sealed.named_by).where(sealed.column.is_not(None))
            )
            for row in rows.all():
                place = sealed.place.format(*row[2:])
                values = [base64.b64decode(row[1][name]) for name in sealed.inside if name in row[1]]
                values = values if sealed.inside else [row[1]]
                found.setdefault(str(sealed.column), []).extend(vault().open(value, place) for value in values)
    return found


EVERYTHING = {
    "VendorApp.client_secret": [SECRET.encode()],
    "Credential.access": [b"access-hush-0"],
    "Credential.refresh": [b"refresh-hush-0"],
    "Channel.settings": [b"plain", b"plain"],
} | {
    name: [b"plain"]
    for name in (
        "OAuthState.verifier",
        "HintReceived.body",
        "RunFile.body",
        "Raw.body",
        "Rejected.body",
        "SignInCode.code",
    )
}


def test_every_column_of_bytes_is_known_to_those_who_turn_the_keys():
    binary = {
        f"{table.name}.{column.name}"
        for table in Table.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    turned = {str(each.column.property.columns[0]) for each in keys.SEALED if not each.inside}
    assert turned == binary


def test_turning_seals_everything_anew_and_leaves_one_key(connection, home):
    file = home / "secrets.json"
    before = load(file)
    assert rotate() == "k2"
    after = load(file)
    assert (after.primary, set(after.keys), after.purposes) == ("k2", {"k2"}, before.purposes)
    assert opened() == EVERYTHING
    assert keys.count() == 0
    assert push.opened_keys(channel()) == {"p256dh": "plain", "auth": "plain"}
    assert oct(file.stat().st_mode)[-3:] == "600"


def channel() -> Channel:
    with db.transaction() as session:
        return session.scalars(select(Channel).where(Channel.kind == "push")).one()


def test_the_next_turn_takes_the_next_number(connection):
    assert [rotate(), rotate(), rotate()] == ["k2", "k3", "k4"]
    assert opened() == EVERYTHING


STEPS = ["add_key", "make_primary", "open_transactions", "reseal", "_replace", "retire"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_everything_opens_and_the_next_turn_ends_what_was_begun(
    connection, home, monkeypatch, step, when
):
    real = getattr(keys, step)

    def killed(*given, **more):
        if when == "after":
            real(*given, **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(keys, step, killed)
        with pytest.raises(Killed):
            rotate()
    assert opened() == EVERYTHING
    new = "k3" if (step, when) == ("retire", "after") else "k2"
    assert rotate() == new
    assert opened() == EVERYTHING
    assert set(load(home / "secrets.json").keys) == {new}


def test_killed_between_two_chunks_the_rest_is_done_by_the_next_turn(connection, monkeypatch):
    for number in range(5):
        reject(connection, f"row {number}")
    monkeypatch.setattr(keys, "CHUNK", 2)
    seen = []

    def kill_at_the_third(count):
        seen.append(count)
        if len(seen) == 3:
            raise Killed

    with pytest.raises(Killed):
        keys.rotate(kill_at_the_third, never)
    assert 0 < keys.count() < 16
    rotate()
    assert keys.count() == 0
    assert len(opened()["Rejected.body"]) == 6


def test_turning_beside_refreshes_and_saves_loses_none_of_them(connection, vendor, monkeypatch):
    monkeypatch.setattr(keys, "CHUNK", 3)
    for number in range(30):
        reject(connection, f"before {number}")
    stop, broken = threading.Event(), []

    def work(task):
        count = 0
        while not stop.is_set():
            try:
                task(count)
            except BaseException as error:  # noqa: BLE001 - told below
                broken.append(error)
                return
            count += 1
        assert count

    def refresh(_):
        seen = tokens.usable_token(connection)
        assert tokens.usable_token(connection, beyond_version=seen.version).version > seen.version

    threads = [
        threading.Thread(target=work, args=(task,))
        for task in (refresh, lambda count: reject(connection, f"beside {count}"))
    ]
    for thread in threads:
        thread.start()
    moment = threading.Event()
    turned = [keys.rotate(lambda _: None, lambda: moment.wait(0.01)) for _ in range(4)]
    stop.set()
    for thread in threads:
        thread.join()
    assert broken == []
    assert turned == ["k2", "k3", "k4", "k5"]
    everything = opened()
    assert everything["Credential.refresh"] == [vendor.refresh.encode()]
    assert len(everything["Rejected.body"]) > 31


def test_a_value_that_changed_since_it_was_read_is_left_to_whoever_changed_it(connection, home):
    with db.transaction() as session:
        credential = next(each for each in keys.SEALED if str(each.column) == "Credential.access")
        stale = (connection, vault().seal(b"older", f"credential|{connection}|access"), connection)
        keys._replace(session, credential, stale)
    assert opened()["Credential.access"] == [b"access-hush-0"]


def test_the_old_key_stays_until_transactions_that_may_have_sealed_with_it_have_ended(connection, home):
    waits = []
    slow = db.transaction()
    session = slow.__enter__()
    late = vault().seal(b"late", "oauth_state|late")
    session.execute(select(Person.id))

    def wait():
        waits.append(set(load(home / "secrets.json").keys))
        if len(waits) == 2:
            row = {"browser_hash": "b", "person": 1, "vendor_app": 1, "created_at": AT, "expires_at": AT}
            session.add(OAuthState(state_hash="late", verifier=late, **row))
            slow.__exit__(None, None, None)

    keys.rotate(lambda _: None, wait)
    assert waits == [{"k1", "k2"}] * 2
    assert sorted(opened()["OAuthState.verifier"]) == [b"late", b"plain"]


def test_a_row_that_a_refresh_holds_until_it_is_refused_is_waited_for(connection, home, database, monkeypatch):
    real, reseal, asked = keys.open_transactions, keys.reseal, []
    holder = psycopg.connect(database)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def let_go():
        with psycopg.connect(database, autocommit=True) as other:
            wait_for(lambda: other.execute(waiting).fetchone()[0])
        holder.close()

    def hold_after_the_first():
        asked.append(real())
        if len(asked) == 2:
            holder.execute("SELECT FROM credential FOR UPDATE")
            thread.start()
        return asked[-1]

    thread = threading.Thread(target=let_go)
    monkeypatch.setattr(keys, "open_transactions", hold_after_the_first)
    monkeypatch.setattr(keys, "reseal", lambda seen, patient=False: reseal(seen, patient=patient) if patient else None)
    assert rotate() == "k2"
    thread.join()
    assert opened() == EVERYTHING


def test_what_cannot_be_opened_keeps_its_key_and_is_counted(connection, home):
    with db.transaction() as session:
        session.get_one(OAuthState, "s1").verifier = vault().seal(b"plain", "somewhere else")
    with pytest.raises(VagusError, match="1 values cannot be opened and stay as they are"):
        rotate()
    ring = load(home / "secrets.json")
    assert (ring.primary, set(ring.keys)) == ("k2", {"k1", "k2"})
    assert keys.count() == 1


def test_two_commands_at_once_do_not_turn_against_each_other(connection):
    def second():
        with pytest.raises(VagusError, match="by another command"):
            rotate()

    with keys._alone():
        second()
    rotate()


def test_a_running_process_seals_with_the_new_key_and_opens_with_both_without_a_restart(home):
    old = vault().seal(b"old", "x")
    held = vault()
    kid = vaults.add_key(home / "secrets.json")
    assert key_id(vault().seal(b"y", "x")) == "k1"
    vaults.make_primary(home / "secrets.json", kid)
    new = vault().seal(b"new", "x")
    assert key_id(new) == "k2"
    assert (vault().open(old, "x"), vault().open(new, "x")) == (b"old", b"new")
    assert held.open(new, "x") == b"new"
    vaults.retire(home / "secrets.json", {"k1"})
    with pytest.raises(Misconfigured, match="key k1, which this installation lacks"):
        vault().open(old, "x")


def test_a_vault_that_did_not_change_is_not_read_again(home, monkeypatch):
    vault()
    monkeypatch.setattr(vaults, "load", lambda _: pytest.fail("read again"))
    assert vault().open(vault().seal(b"y", "x"), "x") == b"y"


def test_the_keys_stay_readable_for_whom_they_were(home, monkeypatch):
    given = []
    monkeypatch.setattr(os, "fchown", lambda _, user, group: given.append((user, group)))
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    vaults.add_key(home / "secrets.json")
    was = (home / "secrets.json").stat()
    assert given == [(was.st_uid, was.st_gid)]


def test_the_command_turns_the_keys_and_says_what_became_of_them(connection, home, monkeypatch):
    monkeypatch.setattr(keys_commands.control, "ensure_running", lambda _: None)
    done = CliRunner().invoke(keys_commands.app, ["rotate"])
    assert done.exit_code == 0, done.output
    assert "Everything is sealed with key k2; the older one is gone." in done.output
    assert json.loads((home / "secrets.json").read_text())["primary"] == "k2"


def test_the_command_does_not_wait_for_ever_for_an_older_transaction():
    keys_commands._wait_for_older(iter([0]))
    with pytest.raises(VagusError, match="does not end"):
        keys_commands._wait_for_older(iter([10**6]))
