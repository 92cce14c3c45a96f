"""A year of 5-minute heart rate from a vendor's bytes to committed blocks, beside a raw COPY of the same samples.

All in one run on a PostgreSQL with its default settings, a commit a page, by turns with COPY; medians. `new` reads,
merges and commits; `whole` is the engine's way, which also keeps the answer and looks for what it no longer has, and
whose processor time is counted. An equal answer again is a `duplicate`, known by its hash; `overlap` is what is there
already in an answer that is not equal.
"""

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import numpy as np
import psycopg
from sqlalchemy import text

from ingest import accounts, clock, db, people
from ingest.grants import sync
from ingest.grants.client import Grant
from ingest.grants.reading import read_page
from ingest.saving import save
from providers.base import Asked
from providers.oura import OURA
from tests.bench.servers import servers

DAYS, DAYS_A_PAGE, EVERY, RUNS = 365, 30, 300, 7
SAMPLES = DAYS * 86_400 // EVERY
START = datetime(2025, 1, 1, tzinfo=UTC)
SINCE_2000 = int((START - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds())
DATA_TABLES = ("block", "series", "day_value", "episode", "tag", "tombstone", "rejected")
FILLED = """
INSERT INTO narrow SELECT s, TIMESTAMPTZ '2025-01-01' + i * INTERVAL '5 min', 60
FROM generate_series(1, 200) AS s, generate_series(1, 10000) AS i
"""  # two million rows of other people, as a table has where somebody joins
NARROW = "CREATE TABLE narrow (series bigint, at timestamptz, value real, PRIMARY KEY (series, at))"

Pages = Sequence[tuple[bytes, Asked]]


STREAM = OURA.stream("oura.heartrate")


def rows() -> dict[str, dict[str, Any]]:
    """What a dense sample costs in processor time, against COPY, at rest, and when it comes again."""
    with servers():
        pages, rates = _pages()
        with db.transaction() as session:
            session.execute(text(NARROW))
            session.execute(text(FILLED))
        _ingest(_grant("warm@example.org"), pages[:2])
        new, whole, again, merged, copied, cpu = [], [], [], [], [], []
        for run in range(RUNS):
            grant = _grant(f"person{run}@example.org")
            begun = time.process_time()
            whole.append(_seconds(lambda grant=grant: _ingest(grant, pages)))
            cpu.append((time.process_time() - begun) / SAMPLES * 1e6)
            packed = _packed(1000 + run, rates)
            copied.append(_seconds(lambda packed=packed: _copy(packed)))
            again.append(_seconds(lambda grant=grant: _ingest(grant, pages)))
            merged.append(_seconds(lambda grant=grant: _merge(grant, pages)))
            other = _grant(f"other{run}@example.org")
            new.append(_seconds(lambda grant=other: _merge(grant, pages)))
        at_rest = _bytes_a_sample()
        versions = _row_versions(lambda: _merge(grant, pages))
    copy = statistics.median(copied)
    return {
        "ingest_cpu_us_per_sample": _row(statistics.median(cpu), "µs", 4, most=True),
        "ingest_new_vs_copy": _row(copy / statistics.median(new), "×", 1),
        "ingest_duplicate_vs_copy": _row(copy / statistics.median(again), "×", 2),
        "ingest_whole_vs_copy": _row(copy / statistics.median(whole), "×", 0.4),
        "ingest_overlap_vs_copy": _row(copy / statistics.median(merged), "×", 0.5),
        "bytes_per_sample": _row(at_rest, "B", 13, most=True),
        "row_versions_on_unchanged_resync": _row(versions, "rows", 0, most=True),
    }


def _row(value: float, unit: str, bar: float, *, most: bool = False) -> dict[str, Any]:
    return {"value": round(value, 2), "unit": unit, "bar": bar, "ok": value <= bar if most else value >= bar}


def _pages() -> tuple[Pages, list[int]]:
    """A year as the vendor sends it, and its rates: a daily rhythm, noise that wanders, and noise that does not."""
    rng = random.Random(2026)
    rates, drift = [], 0.0
    for index in range(SAMPLES):
        drift = 0.9 * drift + rng.gauss(0, 2)
        rhythm = 12 * np.sin(2 * np.pi * (index * EVERY / 86_400 - 0.4))
        rates.append(round(68 + rhythm + drift + rng.gauss(0, 3)))
    pages = []
    for day in range(0, DAYS, DAYS_A_PAGE):
        asked = Asked(START + timedelta(day), START + timedelta(min(day + DAYS_A_PAGE, DAYS)))
        first, end = ((instant - START) // timedelta(seconds=EVERY) for instant in (asked.since, asked.until))
        data = [_record(START + timedelta(seconds=index * EVERY), rates[index]) for index in range(first, end)]
        pages.append((json.dumps({"data": data, "next_token": None}).encode(), asked))
    return pages, rates


def _record(at: datetime, rate: int) -> dict[str, Any]:
    """As the vendor writes it; a third of the day asleep, a tenth at rest, an hour of workout on some days."""
    hour = at.hour + at.minute / 60
    source = "sleep" if hour < 7.5 else "rest" if 13 <= hour < 15.4 else "awake"
    if at.day % 3 == 0 and 18 <= hour < 19:
        source = "workout"
    unix = int(at.timestamp() * 1000)
    return {"timestamp": at.isoformat(timespec="milliseconds"), "timestamp_unix": unix, "bpm": rate, "source": source}


def _grant(address: str) -> Grant:
    with db.transaction() as session:
        person = people.ensure(session, address)
        account = accounts.file_account(session, person.id, "oura")
        connection = accounts.file_connection(session, account)
    return Grant(connection, account.id, 0, person.id, OURA, None, None, "backfill")


def _ingest(grant: Grant, pages: Pages) -> None:
    """As the engine does it, but for the network: read, save, keep the answer, let go what it no longer has, commit."""
    for body, asked in pages:
        with patch.object(sync.client, "fetch_page", return_value=body):
            sync.fetch_window(grant, STREAM, asked, _nothing, _nothing)


def _merge(grant: Grant, pages: Pages) -> None:
    """Validate, deduplicate, commit: without keeping the answer, and without looking for what it no longer has."""
    for body, asked in pages:
        page = read_page(STREAM, body, asked)
        with db.transaction() as session:
            save(session, sync.source_for(grant, STREAM, clock.now()), page.rows)


def _nothing(*_: Any) -> None:
    """There is no lease and no cursor here."""


def _packed(series: int, rates: Sequence[int]) -> list[bytes]:
    """The same samples as COPY takes them, page by page: what is timed is the server's work alone."""
    fields = [("n", ">i2"), ("ls", ">i4"), ("s", ">i8"), ("la", ">i4"), ("a", ">i8"), ("lv", ">i4"), ("v", ">f4")]
    table = np.zeros(SAMPLES, fields)
    table["n"], table["ls"], table["la"], table["lv"] = 3, 8, 8, 4
    table["s"], table["v"] = series, rates
    table["a"] = (SINCE_2000 + np.arange(SAMPLES, dtype=np.int64) * EVERY) * 1_000_000
    size = DAYS_A_PAGE * 86_400 // EVERY
    head, end = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
    return [head + table[first : first + size].tobytes() + end for first in range(0, SAMPLES, size)]


def _copy(packed: Sequence[bytes]) -> None:
    raw = db.engine().raw_connection()
    connection: psycopg.Connection = raw.driver_connection
    for page in packed:
        with connection.cursor() as cursor, cursor.copy("COPY narrow FROM STDIN (FORMAT binary)") as copy:
            copy.write(page)
        connection.commit()
    raw.close()


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _bytes_a_sample() -> float:
    with db.transaction() as session:
        return session.execute(text("SELECT pg_total_relation_size('block')::float / sum(count) FROM block")).scalar()


def _row_versions(work: Callable[[], None]) -> float:
    """What the server counted as inserted, updated or deleted in tables of data, and blocks that are not the same."""
    before = _written(), _versions()
    work()
    after = _written(), _versions()
    return after[0] - before[0] + len(before[1] ^ after[1])


def _written() -> int:
    counted = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname = ANY(:tables)"
    db.engine().dispose()  # a server process reports what it wrote when it ends, at the latest
    with db.transaction() as session:
        return int(session.scalar(text(counted), {"tables": list(DATA_TABLES)}))


def _versions() -> set[tuple[str, str]]:
    with db.transaction() as session:
        return {tuple(row) for row in session.execute(text("SELECT ctid::text, xmin::text FROM block"))}


if __name__ == "__main__":
    for name, row in rows().items():
        print(name, row)  # noqa: T201
