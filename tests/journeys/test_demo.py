"""`vagus demo`: what a newcomer sees first, with all that it starts and stops."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.ground import wait_for
from workers import demo_story
from workers.supervision.home import empty, servers_home
from workers.supervision.running import running

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "workers.cli", "demo"]


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="vagus-demo-"))
    # Only the first test counts what its processes run: being counted takes half of their time.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VAGUS_", "COVERAGE_"))}
    yield kept | {"VAGUS_HOME": str(folder), "VAGUS_PORT": "0", "NO_COLOR": "1"}
    empty(folder / "demo")
    empty(folder)


def play(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "--once", "--json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("hour", range(24))
def test_the_demo_is_played_where_last_night_is_over_at_any_hour(hour: int) -> None:
    now = datetime(2026, 11, 23, hour, 59, tzinfo=UTC)
    assert now.astimezone(demo_story.where_it_is_morning(now)).hour == 10


def test_the_demo_ends_in_one_alert_by_mail_and_push_and_leaves_nothing_running(environment: dict[str, str]) -> None:
    counted = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    done = play(environment | counted)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["seconds"] > 0
    assert (told["rejected"], told["duplicates_sent"]) == (0, 0)
    assert told["deliveries"] == [{"channel": "mail", "status": "sent"}, {"channel": "push", "status": "sent"}]
    assert told["nights"] == 120
    assert told["points"] > 60_000
    assert told["day_values"] > 1000
    assert told["episodes"] > 120
    (connection,) = told["connections"]
    assert (connection["vendor"], connection["state"]) == ("oura", "active")
    assert connection["notices"] > 0, "last night came by the vendor's notice"
    assert told["alert"]["state"] == "strained"
    assert told["alert"]["nights"] >= 1
    assert "How you feel counts more" in told["alert"]["explanation"]
    assert running(Path(environment["VAGUS_HOME"]) / "demo") is None


def test_the_demo_serves_its_pages_and_takes_with_it_what_it_started_even_where_it_is_killed(
    environment: dict[str, str],
) -> None:
    home = Path(environment["VAGUS_HOME"]) / "demo"
    (home / "left").mkdir(parents=True)
    with subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, text=True) as demo, stopped(demo):
        said = ""
        while "Ready in" not in said and demo.poll() is None:
            said += demo.stdout.readline()
        assert not (home / "left").exists(), "the demo empties its folder at start"
        look_around(*re.findall(r"http://\S+/demo/\S+", said))
        second = play(environment)
        assert (second.returncode, second.stdout) == (1, "")
        assert "vagus: the demo already runs at http://" in second.stderr
        demo.kill()
    wait_for(lambda: running(home) is None, 90, every=0.2)
    assert not list(servers_home(home).glob("*/postmaster.pid"))


@contextmanager
def stopped(demo: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever the block finds, what was started ends."""
    try:
        yield
    finally:
        demo.send_signal(signal.SIGINT)


def look_around(page: str, mailbox: str) -> None:
    """Open what the demo printed, as somebody who has just read it."""
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        shown = browser.get(page).text
        assert "Strained" in shown
        assert "no quiet hours" in shown
        assert "Strain has lasted" in browser.get(mailbox).text
        wait_for(lambda: browser.get(page.replace(urlsplit(page).path, "/readyz")).json()["ok"])


def test_a_demo_that_cannot_start_says_why_in_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = environment | {"VAGUS_HOME": str(tmp_path / "file")}
    done = play(broken)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search(r"^vagus: .*VAGUS_HOME", done.stderr, re.MULTILINE), done.stderr
