import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.ground import open_home
from workers.supervision import control
from workers.supervision.children import LEASH_SECONDS
from workers.supervision.processes import alive, wait_until
from workers.supervision.running import Running, running

pytestmark = pytest.mark.slow

SLEEPER = "from workers.supervision.children import hold_leash; hold_leash(); import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
SUPERVISOR = """
    import sys
    from ingest.settings import settings
    from workers.supervision.children import Child
    from workers.supervision.supervisor import Plan, supervise
    from workers.terminal import Steps

    children = tuple(Child(name, (sys.executable, "-P", "-c", sys.argv[1])) for name in ("one", "two"))
    supervise(settings().home, Steps(), Plan(children, ("/bin/sh", "-c", "true")))
"""
Start = Callable[[str], Running]


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """One home for all of them: a cluster is created once, and adopted or started again after that."""
    with open_home() as home:
        yield home


@pytest.fixture
def start(state: Path) -> Iterator[Start]:
    """Start a supervisor with two children, and wait until all is ready."""
    started: list[subprocess.Popen[bytes]] = []

    def start(child: str) -> Running:
        command = [sys.executable, "-P", "-c", textwrap.dedent(SUPERVISOR), child]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/")
        started.append(process)
        found: list[Running] = []

        def look() -> bool:
            now = running(state)
            if now and now.ready and now.pid == process.pid:
                found.append(now)
            return bool(found)

        assert wait_until(look, 120)
        return found[0]

    yield start
    for process in started:
        process.terminate()
        process.wait(60)


def processes_of(home: Path) -> set[int]:
    """Every child that some supervisor of this home has started and that still lives."""
    found = set()
    for process in psutil.process_iter():
        try:
            environment, command = process.environ(), process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if environment.get("VAGUS_HOME") == str(home) and "hold_leash" in " ".join(command[:4]):
            found.add(process.pid)
    return found


def test_a_killed_supervisor_takes_its_children_along_and_leaves_the_servers_to_the_next(
    state: Path, start: Start
) -> None:
    first = start(SLEEPER)
    assert processes_of(state) == {one.pid for one in first.children}
    os.kill(first.pid, signal.SIGKILL)
    assert wait_until(lambda: not processes_of(state), LEASH_SECONDS), "asked to end, and not forced yet"
    assert all(alive(one.pid) for one in first.servers if one.pid)
    second = start(SLEEPER)
    assert [one.pid for one in second.servers] == [one.pid for one in first.servers]
    assert processes_of(state) == {one.pid for one in second.children}


def test_a_start_after_a_kill_waits_for_the_former_children_so_that_there_are_never_two_sets(
    state: Path, start: Start
) -> None:
    first = start(STUBBORN)
    os.kill(first.pid, signal.SIGKILL)
    killed = time.monotonic()
    second = start(SLEEPER)
    assert time.monotonic() - killed > 5
    assert processes_of(state) == {one.pid for one in second.children}


def test_web_workers_and_beat_end_with_a_killed_supervisor_too(state: Path) -> None:
    first = control.start_detached(state, print)
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert [one.name for one in first.children] == [
        "web",
        "worker-sync",
        "worker-backfill",
        "worker-score",
        "worker-notify",
        "beat",
    ]
    assert wait_until(lambda: not any(alive(one.pid) for one in first.children if one.pid), 60)
    assert all(alive(one.pid) for one in first.servers if one.pid)


def test_servers_that_a_killed_supervisor_left_are_stopped_by_vagus_down(state: Path, start: Start) -> None:
    first = start(SLEEPER)
    os.kill(first.pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(first.pid), 5)
    assert control.stop(state)
    assert not any(alive(one.pid) for one in first.servers if one.pid)
