import ast
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import clock as the_clock

ROOT = Path(__file__).parents[2]
FORBIDDEN_CALLS = {"time.time", "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "func.now"}
FORBIDDEN_SQL = re.compile(r"\b(now\(\)|current_timestamp|current_date|clock_timestamp|localtimestamp)", re.IGNORECASE)
SOURCES = sorted(
    file for package in ("ingest", "workers", "providers", "scoring") for file in (ROOT / package).rglob("*.py")
)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nobody_but_the_clock_reads_the_time(file: Path) -> None:
    if file == ROOT / "ingest/clock.py":
        return
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert ast.unparse(node.func) not in FORBIDDEN_CALLS, f"line {node.lineno}: ask ingest.clock.now()"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SELECT" in node.value.upper():
            assert not FORBIDDEN_SQL.search(node.value), f"line {node.lineno}: pass the time into SQL as a parameter"


def test_without_a_setting_the_clock_is_the_machine_s() -> None:
    assert abs(the_clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_clock_file_shifts_and_speeds_every_process(clock, home) -> None:
    clock("2026-03-01T06:00")
    assert abs(the_clock.now() - datetime(2026, 3, 1, 6, tzinfo=UTC)) < timedelta(seconds=5)
    other = [sys.executable, "-c", "from ingest.clock import now; print(now().isoformat())"]
    shown = subprocess.run(other, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert shown.startswith("2026-03-01T06:00")
    the_clock.set_clock(home / "clock.json", datetime(2026, 3, 1, tzinfo=UTC), speed=86400)
    assert the_clock.now().tzinfo is UTC


def test_a_clock_file_that_is_not_there_yet_shows_the_real_time(home, monkeypatch) -> None:
    monkeypatch.setenv(the_clock.VARIABLE, str(home / "none.json"))
    assert abs(the_clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
