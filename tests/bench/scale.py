"""What docs/scale.md reckons with: calls and processor time of a sync, a score, and the disk that a person takes.

    PYTHONPATH=. .venv/bin/python tests/bench/scale.py

Not a part of `make bench`: these are figures to plan with, and have no bar. The simulated Oura answers in this process;
its time is left out, PostgreSQL's is counted.
"""

import logging
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias
from unittest.mock import patch

import psutil
import requests
import structlog
from sqlalchemy import text

from ingest import db
from tests.bench.servers import servers
from tests.workers.sync_stage import fill, judge, make_due, staged, sync_now

PEOPLE, NIGHTS, TRIES = 12, 180, 5
SIZE = "SELECT pg_database_size(current_database())"
PARTS = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 6
"""
YEAR = timedelta(days=365) / timedelta(days=NIGHTS)
Spent: TypeAlias = tuple[float, float, float]


def main() -> None:
    """Connect some people, fetch their half year, and ask again when nothing is new."""
    with servers(), staged() as stage:
        stage.sim.oura.limits.app = stage.sim.oura.limits.token = 10**9
        before = _number(SIZE)
        stage.connect(stage.person("first", nights=NIGHTS), "first")
        for number in range(PEOPLE - 1):
            stage.connect(stage.person(f"p{number}", nights=NIGHTS, seed=number), f"p{number}")
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        first = _spent(sync_now)
        filled = _spent(fill)
        judged = _spent(judge)
        again = [_unchanged() for _ in range(TRIES)]
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            plain.execute(text("VACUUM FULL"))
        _say("calls, first sync and half a year", (first[0] + filled[0]) / PEOPLE, "a person")
        for name, place in (("processor, ours", 1), ("processor, PostgreSQL's", 2)):
            _say(f"{name}: first sync and half a year", (first[place] + filled[place]) / PEOPLE, "ms a person")
            _say(f"{name}: judged", judged[place] / PEOPLE, "ms a person")
        for name, place in (("calls", 0), ("processor, ours", 1), ("processor, PostgreSQL's", 2)):
            _say(f"{name}: a sync with nothing new", statistics.median(one[place] for one in again) / PEOPLE, "")
        _say("disk", (_number(SIZE) - before) / PEOPLE * YEAR / 1e6, "MB a person and year")
        with db.transaction() as session:
            for name, size in session.execute(text(PARTS)):
                _say(f"  {name}", size / PEOPLE * YEAR / 1e6, "MB a person and year")


def _unchanged() -> Spent:
    """Everybody is due, and nothing is new."""
    make_due()
    return _spent(sync_now)


def _spent(work: Callable[[], object]) -> Spent:
    """Calls to the vendor, and the ms of processor that this thread took, and PostgreSQL, until nothing is due."""
    calls = 0
    send = requests.Session.send

    def counted(*given: object, **more: object) -> requests.Response:
        nonlocal calls
        calls += 1
        return send(*given, **more)

    begun, servers_begun = time.thread_time(), _postgres_seconds()
    with patch.object(requests.Session, "send", counted):
        while work():
            pass
    ours = time.thread_time() - begun
    return calls, ours * 1000, (_postgres_seconds() - servers_begun) * 1000


def _postgres_seconds() -> float:
    """The processor time of the server that this process talks to, and of the one process that serves it."""
    with db.transaction() as session:
        backend = psutil.Process(session.scalar(text("SELECT pg_backend_pid()")))
    family = [backend.parent(), *backend.parent().children()]
    return sum(each.cpu_times().user + each.cpu_times().system for each in family)


def _number(query: str) -> float:
    with db.transaction() as session:
        return float(session.scalar(text(query)))


def _say(what: str, value: float, unit: str) -> None:
    print(f"{what:52} {value:10.2f} {unit}")  # noqa: T201


if __name__ == "__main__":
    main()
