"""Starting, finding and stopping a supervisor from another process."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ingest.settings import settings
from providers.errors import Misconfigured, Unavailable
from workers.supervision.children import own_command
from workers.supervision.embedded import stop_servers
from workers.supervision.home import last_words, open_log, prepare_home
from workers.supervision.processes import POLL_SECONDS, alive, end, server_account
from workers.supervision.running import Running, running

READY_SECONDS = 120.0  # recovery of a database after a crash may take half of it
HOPELESS = 4  # restarts, after some eight seconds
STOP_SECONDS = 100.0  # what children and servers may take together


def ensure_running(show: Callable[[str], None]) -> Running | None:
    """Make sure that the servers run, and use them here; None where both were given. Raises Unavailable, Misconfigured.

    Servers that were given are another's to start; that they have our tables is checked.
    """
    if not settings().embedded:
        from ingest.migrate import is_current  # noqa: PLC0415  a supervisor does without

        if not is_current():
            raise Misconfigured(
                "the database lacks the tables of this version: start `vagus up` once, which makes them"
            )
        return None
    home = settings().home
    state = running(home)
    state = _ready(home, state.pid, show) if state else start_detached(home, show)
    use(state)
    return state


def use(state: Running) -> None:
    """Let this process work with the servers of a running supervisor."""
    for name, url in (("DATABASE_URL", state.database_url), ("REDIS_URL", state.redis_url)):
        if url:
            os.environ[name] = url
    os.environ["VAGUS_PORT"] = str(state.port)
    settings.cache_clear()


def start_detached(home: Path, show: Callable[[str], None]) -> Running:
    """Start a supervisor without a terminal, show what it says, wait until all is ready. Raises Unavailable."""
    prepare_home(home, server_account())
    log = open_log(home, "supervisor")
    said = log.stat().st_size
    pid = os.posix_spawn(
        sys.executable,
        own_command("supervisor"),
        os.environ | {"VAGUS_HOME": str(home)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    return _ready(home, pid, show, said)


def stop(home: Path) -> bool:
    """Stop the supervisor, and servers that one left behind; returns whether anything ran. Raises Unavailable."""
    state = running(home)
    if state and not end(state.pid, signal.SIGTERM, STOP_SECONDS):
        raise Unavailable(f"Vagus (process {state.pid}) does not stop: see {home / 'log' / 'supervisor.log'}")
    return stop_servers(home) or state is not None


def _ready(home: Path, pid: int, show: Callable[[str], None], said: int | None = None) -> Running:
    """Wait until the supervisor `pid` has all ready, showing what it adds to its log after `said` bytes."""
    log = open_log(home, "supervisor")
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        state = running(home)
        if said is not None:
            said = _relay(log, said, show)
        if state and state.pid == pid and state.ready:
            return state
        broken = next((one for one in state.children if one.restarts >= HOPELESS), None) if state else None
        if broken:
            raise Unavailable(f"{broken.name} does not stay up: see {home}/log/{broken.name}.log")
        if not alive(pid):
            if state and state.pid != pid:  # another start was first: that one is waited for
                pid, said = state.pid, None
                continue
            raise Unavailable(last_words(log).removeprefix("vagus: "))
        time.sleep(POLL_SECONDS)
    raise Unavailable(f"Vagus is not ready after {READY_SECONDS:.0f} s but goes on trying: see {log}")


def _relay(log: Path, said: int, show: Callable[[str], None]) -> int:
    with log.open("rb") as handle:
        handle.seek(said)
        new = handle.read()
    whole = new[: new.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        if not line.startswith("vagus: "):
            show(line.strip())
    return said + len(whole)
