"""One parent keeps every process: what it starts, what it starts again, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ingest.settings import settings
from providers.errors import Misconfigured, Unavailable
from workers.supervision import control, home
from workers.supervision.children import Backoff
from workers.supervision.home import socket_path
from workers.supervision.port import listen
from workers.supervision.postgres import postgres
from workers.supervision.processes import alive, server_account, wait_until
from workers.supervision.running import Running, running
from workers.supervision.servers import Server
from workers.supervision.valkey import valkey

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has accounts to choose from")

SLEEPER = "from workers.supervision.children import hold_leash; hold_leash(); import time; time.sleep(600)"
SUPERVISOR = """
    import os, sys
    from ingest.settings import settings
    from workers import cli
    from workers.supervision import supervisor
    from workers.supervision.children import Child
    from workers.terminal import Steps

    command = tuple(os.environ["COMMAND"].split("|"))
    children = tuple(Child(name, command) for name in ("one", "two"))
    plan = supervisor.Plan(children, ("/bin/sh", "-c", os.environ["MIGRATE"]))
    if "TRIAL" in os.environ:
        supervisor.TRIAL = (os.environ["TRIAL"],)
    cli.app = lambda: supervisor.supervise(settings().home, Steps(), plan)
    cli.main()
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def state(supervised_home: Path) -> Path:
    return supervised_home


@pytest.fixture
def start(state: Path) -> Iterator[Start]:
    """Start a supervisor whose two children only sleep."""
    started: list[subprocess.Popen[str]] = []

    def start(
        command: str = f"{sys.executable}|-P|-c|{SLEEPER}", migrate: str = "true", **more: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", textwrap.dedent(SUPERVISOR)],
            env=os.environ | {"COMMAND": command, "MIGRATE": migrate} | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


def ready(home: Path) -> Running:
    """The supervisor of this home once it has all ready."""
    found: list[Running] = []

    def look() -> bool:
        state = running(home)
        if state and state.ready:
            found.append(state)
        return bool(found)

    assert wait_until(look, 30)
    return found[0]


def changed(home: Path, before: Running) -> Running:
    """The same supervisor once all that it keeps is up again and something has another process."""
    found: list[Running] = []

    def look() -> bool:
        state = running(home)
        members = (*state.servers, *state.children) if state else ()
        old = (*before.servers, *before.children)
        if state and all(one.pid for one in members) and [one.pid for one in members] != [one.pid for one in old]:
            found.append(state)
        return bool(found)

    assert wait_until(look, 30)
    return found[0]


def test_a_log_that_grows_large_is_moved_aside_while_its_process_writes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "LOG_BYTES", 10)
    log = home.open_log(tmp_path, "one")
    with log.open("ab", buffering=0) as written:
        written.write(b"more than ten bytes\n")
        home.trim_logs(tmp_path)
        written.write(b"after\n")
        home.trim_logs(tmp_path)
    assert log.read_bytes() == b"after\n"
    assert log.with_suffix(".log.1").read_bytes() == b"more than ten bytes\n"


def test_a_stopped_supervisor_leaves_no_process_no_socket_and_no_lock(state: Path, start: Start) -> None:
    process = start()
    before = ready(state)
    pids = [one.pid for one in (*before.servers, *before.children)]
    assert [one.name for one in (*before.servers, *before.children)] == ["Valkey", "PostgreSQL", "one", "two"]
    process.terminate()
    assert process.wait(60) == 0
    assert not any(alive(pid) for pid in pids if pid)
    assert not socket_path(state, server_account()).exists()
    assert running(state) is None
    assert not control.stop(state)


def test_a_record_without_a_held_lock_counts_for_nothing_even_where_its_process_lives(
    state: Path, start: Start
) -> None:
    process = start()
    before = ready(state)
    control.stop(state)
    process.wait(60)
    record = state / "supervisor.json"
    record.write_text(record.read_text().replace(f'"pid": {before.pid}', f'"pid": {os.getpid()}'))
    assert running(state) is None


def test_a_second_supervisor_is_refused_and_says_where_the_first_is(state: Path, start: Start) -> None:
    start()
    first = ready(state)
    said, _ = start().communicate(timeout=30)
    assert said == (
        f"vagus: Vagus already runs for {state} at {first.address} (process {first.pid}): stop it with `vagus down`\n"
    )
    assert running(state) == first


def test_a_child_that_dies_is_started_again_and_said_to_have_died(state: Path, start: Start) -> None:
    process = start()
    before = ready(state)
    os.kill(before.children[0].pid or 0, signal.SIGKILL)
    after = changed(state, before)
    assert (after.children[0].restarts, after.children[1]) == (1, before.children[1])
    control.stop(state)
    assert "one ended (SIGKILL), starts again in 0.5 s" in process.communicate()[0]


def test_pauses_between_restarts_double_to_half_a_minute_and_are_forgotten_in_health() -> None:
    backoff = Backoff()
    assert [backoff.after(lived=1) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(lived=31) == 0.5


@pytest.mark.parametrize(("server", "place"), [(valkey, 0), (postgres, 1)])
def test_a_server_that_is_killed_is_started_again(
    state: Path, start: Start, server: Callable[[Path], Server], place: int
) -> None:
    start()
    before = ready(state)
    os.kill(server(state).pid or 0, signal.SIGKILL)
    after = changed(state, before)
    assert after.servers[place].restarts == 1
    assert after.children == before.children
    assert server(state).answers()


def test_a_port_in_use_is_passed_over_and_said(state: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("VAGUS_PORT", str(port))
        process = start()
        assert ready(state).port > port
        control.stop(state)
        assert f"(port {port} is in use)" in process.communicate()[0]


def test_an_address_that_is_not_ours_is_refused_in_one_line() -> None:
    with pytest.raises(Misconfigured, match=r"^cannot listen on 192\.0\.2\.1.*: set VAGUS_"):
        listen("192.0.2.1", 8730)


def test_given_servers_are_used_and_none_is_started(state: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/vagus")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    start()
    found = ready(state)
    assert (found.servers, found.database_url, found.redis_url) == ((), None, None)
    assert "elsewhere" not in (state / "supervisor.json").read_text()
    monkeypatch.setattr("ingest.migrate.is_current", lambda: True)
    assert control.ensure_running(print) is None
    monkeypatch.setattr("ingest.migrate.is_current", lambda: False)
    with pytest.raises(Misconfigured, match="lacks the tables of this version"):
        control.ensure_running(print)


def test_one_given_server_leaves_the_other_to_us(state: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/vagus")
    start()
    found = ready(state)
    assert [one.name for one in found.servers] == ["Valkey"]
    settings.cache_clear()
    monkeypatch.delenv("VAGUS_PORT")
    assert control.ensure_running(print) == found
    assert settings().redis_url
    assert settings().port == found.port
    for name in ("REDIS_URL", "VAGUS_PORT"):
        monkeypatch.setenv(name, "0")


def test_a_failed_migration_is_one_line_and_stops_what_was_started(state: Path, start: Start) -> None:
    process = start(migrate="echo reading >&2; echo 'RuntimeError: no such table' >&2; exit 1")
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "vagus: the tables could not be brought up to date: RuntimeError: no such table"
    assert postgres(state).pid is None
    assert valkey(state).pid is None


def test_a_second_request_to_stop_does_not_wait_for_a_stubborn_child(state: Path, start: Start) -> None:
    process = start("/bin/sh|-c|trap '' TERM; while true; do sleep 1; done")
    before = ready(state)
    process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.terminate()
    assert process.wait(10) == 0
    assert not any(alive(one.pid) for one in before.children if one.pid)


def _writes(pid: int, pipes: set[Path]) -> bool:
    """Whether a process holds the writing end of one of these pipes."""
    try:
        held = [file for file in Path(f"/proc/{pid}/fd").iterdir() if file.readlink() in pipes]
        infos = [Path(f"/proc/{pid}/fdinfo/{file.name}").read_text() for file in held]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return any(int(info.split("flags:")[1].split()[0], 8) & os.O_ACCMODE == os.O_WRONLY for info in infos)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nobody_but_the_supervisor_holds_the_end_that_its_children_wait_for(state: Path, start: Start) -> None:
    start("/bin/sleep|600")
    found = ready(state)
    held = [file.readlink() for file in Path(f"/proc/{found.children[0].pid}/fd").iterdir()]
    leash = {target for target in held if str(target).startswith("pipe:")}
    assert len(leash) == 1
    assert [pid for pid in psutil.pids() if _writes(pid, leash)] == [found.pid]


@as_root
def test_children_drop_root_where_the_other_account_can_run_them(state: Path, start: Start) -> None:
    start("/bin/sh|-c|id -u; head -c 1 $VAGUS_HOME/secrets.json; exec sleep 600", TRIAL="true")
    found = ready(state)
    account = server_account()
    assert {psutil.Process(one.pid).uids().real for one in found.children} == {account.uid}
    assert wait_until(lambda: "{" in (state / "log" / "one.log").read_text(), 5)
    assert (state / "log" / "one.log").read_text().splitlines() == [str(account.uid), "{"]
    assert (state / "secrets.json").stat().st_mode & 0o777 == 0o600


@as_root
def test_children_go_on_as_root_with_one_line_where_it_cannot(state: Path, start: Start) -> None:
    process = start(TRIAL="false")
    found = ready(state)
    assert {psutil.Process(one.pid).uids().real for one in found.children} == {0}
    control.stop(state)
    lines = [line for line in process.communicate()[0].splitlines() if "root" in line]
    assert lines == [f" web and workers go on as root: {server_account().name} cannot run {sys.executable}"]


def test_a_home_of_somebody_else_is_refused_in_one_line(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(Misconfigured, match="belongs to another account"):
        running(state)
    monkeypatch.undo()


def test_a_detached_start_that_fails_says_why(state: Path) -> None:
    state.mkdir(parents=True)
    (state / "postgres").mkdir()
    (state / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(Unavailable, match="written by PostgreSQL 9"):
        control.start_detached(state, print)


def vagus(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "workers.cli", *words]
    environment = os.environ | more
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/", timeout=60)


def test_status_of_what_does_not_run_says_how_to_start_it_and_exits_3(state: Path) -> None:
    done = vagus("status")
    assert (done.returncode, done.stdout) == (3, "not running: start with `vagus up`\n")
    assert vagus("status", "--json").stdout == '{"running": false}\n'


def test_status_shows_processes_and_keeps_urls_to_itself(state: Path, start: Start) -> None:
    start()
    found = ready(state)
    assert str(found.children[1].pid) in vagus("status").stdout
    said = vagus("status", "--json").stdout
    assert "postgresql://" not in said
    assert f'"pid": {found.pid}' in said


def test_an_expected_error_is_one_line_without_a_traceback(state: Path) -> None:
    done = vagus("status", VAGUS_PORT="high")
    assert done.returncode == 1
    assert done.stderr.startswith("vagus: setting VAGUS_PORT is wrong")
    assert len(done.stderr.splitlines()) == 1


def test_the_doctor_names_what_fails_and_what_to_do(state: Path) -> None:
    state.mkdir(parents=True)
    state.chmod(0o711)
    (state / "secrets.json").write_text("{}")
    (state / "secrets.json").chmod(0o644)
    done = vagus("doctor", "--json")
    assert done.returncode == 1
    assert f'"remedy": "chmod 600 {state}/secrets.json"' in done.stdout
