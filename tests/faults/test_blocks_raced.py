"""Two writers of one block at once: what the fence is for, and that these tests would see it missing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingest import accounts, blocks, db, people, saving
from ingest.saving import save
from ingest.source import GRANT_RANK, Source
from providers import shapes
from providers.measures import HRV_RMSSD, Definition
from tests.ground import wait_for

RATE = Definition(HRV_RMSSD, "test_raced", "day")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def source(database: str) -> Source:
    with db.transaction() as session:
        person = people.ensure(session, "ada@example.org")
        account = accounts.file_account(session, person.id, "test")
        connection = accounts.file_connection(session, account)
    as_of = datetime(2026, 3, 1, tzinfo=UTC)
    return Source(person.id, account.id, connection, "test.rate", GRANT_RANK, as_of, "0001")


def points(*at: int) -> shapes.Points:
    return shapes.Points(RATE, np.array(at, np.int64), np.full(len(at), 60, np.float32))


def put(source: Source, *at: int) -> None:
    with db.transaction() as session:
        save(session, source, [points(*at)])


def stored() -> set[int]:
    with db.transaction() as session:
        return set(session.scalars(text("SELECT extract(epoch FROM at)::int FROM sample")))


def waiting() -> bool:
    with db.transaction() as session:
        return bool(session.scalar(text(WAITING)))


def race(source: Source) -> set[int]:
    """Let a second writer begin while the first has not committed; what of both is stored in the end."""
    put(source, 0)
    with ThreadPoolExecutor(1) as pool:
        with Session(db.engine()) as first, first.begin():
            save(first, source, [points(60)])
            second = pool.submit(put, source, 120)
            wait_for(waiting)
        second.result()
    return stored()


def test_two_writers_of_one_block_lose_nothing_behind_the_fence(source: Source) -> None:
    assert race(source) == {0, 60, 120}


def test_without_the_fence_the_second_writer_undoes_the_first(source: Source, monkeypatch) -> None:
    monkeypatch.setattr(saving, "lock_fence", lambda *_: None)
    assert race(source) == {0, 120}, "else the test above proves nothing"


def test_many_writers_of_the_same_days_lose_nothing(source: Source) -> None:
    with ThreadPoolExecutor(4) as pool:
        writers = [
            pool.submit(put, source, *range(minute * 60, 4 * 86_400 + minute * 60, 86_400)) for minute in range(60)
        ]
        for writer in writers:
            writer.result()
    assert stored() == {day * 86_400 + minute * 60 for day in range(4) for minute in range(60)}


def test_points_saved_while_others_are_forgotten_are_kept(source: Source) -> None:
    put(source, 0, 60)
    with ThreadPoolExecutor(1) as pool:
        with Session(db.engine()) as first, first.begin():
            saving.lock_fence(first, source.connection)
            blocks.forget(first, source, [RATE], (0, 86_400), [points(0)])
            second = pool.submit(put, source, 120)
            wait_for(waiting)
        second.result()
    assert stored() == {0, 120}
