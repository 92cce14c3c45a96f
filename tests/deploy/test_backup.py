"""A backup made while rows are written is whole, opens, and never lands on somebody's nights."""

import os
import re
import runpy
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert

from ingest import clock, db
from ingest.models import Person, Rejected, Tag
from ingest.vault import add_key, create_secrets, load, vault
from tests.ground import wait_for
from tests.ingest.grants.local_vendor import connect, vendor
from tests.workers.peers import live_nights, story
from workers.supervision.embedded import start_postgres, stop_postgres
from workers.supervision.postgres import postgres as server_of

__all__ = ["vendor"]

pytestmark = pytest.mark.slow
DEPLOY = Path(__file__).parents[2] / "deploy"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
WAITING = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'"
WRITTEN = ("tag", "rejected")
Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def connection(vendor) -> int:
    """A person with a grant, its sealed tokens, and two months of nights."""
    made = connect(vendor)
    with db.transaction() as session:
        person = session.query(Person).one()
        live_nights(session, person.id, date(2026, 11, 20), story())
    return made


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' account can reach."""
    made = Path(tempfile.mkdtemp(prefix="vagus-backup-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def call(name: str, *words: object, **more: str | None) -> subprocess.CompletedProcess[str]:
    """Run a script with this environment and what is given; None takes a variable out."""
    environment = {name: value for name, value in (os.environ | more).items() if value is not None}
    command = [str(DEPLOY / name), *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def back_up(folder: Path, **more: str | None) -> tuple[Path, Path]:
    done = call("backup.sh", folder, **more)
    assert done.returncode == 0, done.stderr
    dump, secrets = done.stdout.split()
    return Path(dump), Path(secrets)


def contents(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with psycopg.connect(url) as opened:
        names = [name for (name,) in opened.execute(TABLES)]
        return {name: sorted(row for (row,) in opened.execute(f"SELECT t::text FROM {name} t")) for name in names}


def write(connection: int, number: int) -> None:
    """One transaction that writes to two tables, something sealed among it."""
    with db.transaction() as session:
        body = vault().seal(b"row %d" % number, f"rejected|{connection}|{number}")
        session.execute(
            insert(Rejected).values(
                connection=connection, stream="s", fingerprint=str(number), reason="r", body=body, at=clock.now()
            )
        )
        tag = {"day": date(2026, 1, 1), "source": "person", "present": True, "as_of": clock.now(), "content": "c"}
        session.execute(insert(Tag).values(person=1, name=f"t{number}", **tag))


@pytest.fixture
def writing(connection: int) -> Iterator[list[int]]:
    """Somebody who writes all the time; gives the numbers committed so far."""
    done: list[int] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            write(connection, len(done))
            done.append(len(done))
            stop.wait(0.01)  # the scripts want the processor too

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(lambda: len(done) > 5)
    yield done
    stop.set()
    thread.join()


def test_a_backup_made_while_rows_are_written_is_one_moment_of_every_table_and_opens(
    database, connection, writing, home, folder
):
    before = len(writing)
    dump, secrets = back_up(folder / "kept")
    after = len(writing)
    assert after > before
    new = folder / "home"
    done = call("restore.sh", dump, secrets, VAGUS_HOME=str(new), DATABASE_URL=None)
    assert (done.returncode, done.stderr) == (0, "")
    try:
        url = start_postgres(new)
        source, restored = contents(database), contents(url)
        with psycopg.connect(url) as opened:
            bodies = opened.execute("SELECT fingerprint, body FROM rejected").fetchall()
        again, _ = back_up(folder / "again", VAGUS_HOME=str(new), DATABASE_URL=None)
    finally:
        stop_postgres(new)
    assert source.keys() == restored.keys()
    assert {name for name in source if source[name] != restored[name]} <= set(WRITTEN)
    assert restored["credential"]
    assert len(restored["day_value"]) > 100
    numbers = sorted(int(number) for number, _ in bodies)
    assert numbers == list(range(len(restored["tag"])))
    assert before <= len(numbers) <= after
    assert all(set(restored[name]) <= set(source[name]) for name in WRITTEN)
    ring = load(new / "secrets.json")
    assert all(
        ring.open(body, f"rejected|{connection}|{number}") == f"row {number}".encode() for number, body in bodies
    )
    assert again.stat().st_size > 10_000


def test_both_files_are_their_owners_alone_and_the_warning_is_loud(database, connection, home, folder):
    done = call("backup.sh", folder / "kept")
    modes = {file.suffix: stat.S_IMODE(file.stat().st_mode) for file in (folder / "kept").iterdir()}
    assert modes == {".dump": 0o600, ".json": 0o600}
    assert "WITHOUT THE SECRETS FILE THE DUMP IS WORTHLESS" in done.stderr
    assert Path(done.stdout.split()[1]).read_bytes() == (home / "secrets.json").read_bytes()


def test_a_database_that_holds_rows_or_has_visitors_is_not_touched(database, connection, home, folder):
    kept = back_up(folder / "kept")
    before = contents(database)
    with psycopg.connect(database):
        done = call("restore.sh", *kept)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "others work with this database" in done.stderr
    db.engine().dispose()
    done = call("restore.sh", *kept)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "the database is not empty" in done.stderr
    assert contents(database) == before


def test_secrets_that_do_not_open_the_dump_leave_nothing_behind_and_the_right_ones_do(
    database, connection, home, folder, postgres
):
    dump, secrets = back_up(folder / "kept")
    before = contents(database)
    create_secrets(folder / "wrong.json")
    new = folder / "new.json"
    with psycopg.connect(postgres.format(name="postgres"), autocommit=True) as opened:
        name = f"restored_{os.getpid()}"
        opened.execute(f"CREATE DATABASE {name}")
        url = postgres.format(name=name)
        try:
            done = call("restore.sh", dump, folder / "wrong.json", DATABASE_URL=url, VAGUS_SECRETS_FILE=str(new))
            assert (done.returncode, done.stderr.count("\n")) == (1, 1)
            assert "wrong.json does not open it" in done.stderr
            assert (contents(url), new.exists()) == ({}, False)
            done = call("restore.sh", dump, secrets, DATABASE_URL=url, VAGUS_SECRETS_FILE=str(new))
            assert (done.returncode, done.stderr) == (0, "")
            assert contents(url) == before
            assert load(new) == load(secrets) or new.read_bytes() == secrets.read_bytes()
        finally:
            opened.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_keys_turned_while_the_dump_is_made_are_noticed_and_nothing_half_is_left(database, connection, home, folder):
    with psycopg.connect(database) as held, psycopg.connect(database, autocommit=True) as watcher:
        held.execute("LOCK TABLE tag IN ACCESS EXCLUSIVE MODE")
        found: list[subprocess.CompletedProcess[str]] = []
        thread = threading.Thread(target=lambda: found.append(call("backup.sh", folder / "kept")))
        thread.start()
        wait_for(lambda: watcher.execute(WAITING).fetchone())
        add_key(home / "secrets.json")
        held.rollback()
        thread.join()
    assert (found[0].returncode, found[0].stderr) == (1, "vagus: the keys were turned meanwhile: run this again\n")
    assert list((folder / "kept").iterdir()) == []


def test_a_stopped_vagus_is_backed_up_with_nobody_who_writes_and_is_stopped_afterwards(home, folder):
    stopped = folder / "stopped"
    url = start_postgres(stopped)
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute("CREATE TABLE last (said text)")
    stop_postgres(stopped)
    of_it = {"VAGUS_HOME": str(stopped), "VAGUS_SECRETS_FILE": str(home / "secrets.json"), "DATABASE_URL": None}
    dump, _ = back_up(folder / "kept", **of_it)
    assert b"last" in dump.read_bytes()
    assert not server_of(stopped).up


def test_the_tables_of_somebody_else_are_refused_though_they_are_empty(database, home, folder, postgres):
    kept = back_up(folder / "kept")
    url = postgres.format(name=f"others_{os.getpid()}")
    with psycopg.connect(postgres.format(name="postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE others_{os.getpid()}")
        try:
            with psycopg.connect(url, autocommit=True) as opened:
                opened.execute("CREATE TABLE booking (at timestamptz)")
            done = call("restore.sh", *kept, DATABASE_URL=url)
            assert (done.returncode, done.stderr.count("\n")) == (1, 1)
            assert "its table booking is none of Vagus" in done.stderr
            assert contents(url) == {"booking": []}
        finally:
            admin.execute(f"DROP DATABASE others_{os.getpid()} WITH (FORCE)")


def test_secrets_that_lay_in_the_place_of_restored_ones_are_all_kept_aside(tmp_path):
    place = runpy.run_path(str(DEPLOY / "state.py"))["_place"]
    target = tmp_path / "secrets.json"
    for number in range(4):
        source = tmp_path / f"{number}.json"
        source.write_text(f"{number}")
        place(source, target)
    aside = sorted(tmp_path.glob("secrets.json.before-restore*"))
    assert [file.read_text() for file in (*aside, target)] == ["0", "1", "2", "3"]


def test_where_there_is_no_vagus_a_backup_says_what_to_name(home, folder):
    done = call("backup.sh", folder / "kept", VAGUS_HOME=str(folder / "nothing"), DATABASE_URL=None)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert re.search(r"set VAGUS_HOME to where it is, or DATABASE_URL", done.stderr)
    assert not (folder / "nothing").exists()


def test_a_password_is_handed_on_by_a_variable_and_by_no_argument(home):
    secret = "postgresql+psycopg://vagus:hush%40@db.example.org:5433/vagus?sslmode=require"
    python = DEPLOY.parent / ".venv/bin/python"
    done = subprocess.run(
        [str(python), "-P", str(DEPLOY / "state.py"), "where"],
        env=os.environ | {"DATABASE_URL": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"export PGPASSWORD=hush@", "export PGPORT=5433", "export PGSSLMODE=require"} <= set(
        done.stdout.splitlines()
    )
    assert not re.search(r"\$DATABASE_URL|\$\{DATABASE_URL\}", (DEPLOY / "backup.sh").read_text())
    assert not re.search(r"\$DATABASE_URL|\$\{DATABASE_URL\}", (DEPLOY / "restore.sh").read_text())
