"""What vendors answered is kept once a window, sealed, up to a cap; an equal answer needs no reading."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from ingest import db
from ingest.grants import raws
from ingest.models import Raw
from ingest.settings import settings
from ingest.vault import vault
from tests.ingest.grants.following_stage import NIGHTS, Staged, connected

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def staged(database: str) -> Staged:
    return connected()


def answer(*pages: bytes, since: datetime = START) -> raws.Answer:
    made = raws.Answer(since, since + timedelta(days=3))
    for page in pages:
        made.add(page)
    return made


def keep(staged: Staged, made: raws.Answer) -> bool:
    with db.transaction() as session:
        return raws.keep(session, staged.connection, NIGHTS, made)


def kept() -> list[Raw]:
    with db.transaction() as session:
        return list(session.scalars(select(Raw).order_by(Raw.window_start)))


def test_a_window_s_newest_answer_replaces_the_one_before(staged: Staged) -> None:
    keep(staged, answer(b"one", b"two"))
    keep(staged, answer(b"three"))
    keep(staged, answer(b"four", since=START + timedelta(days=1)))
    assert [row.size for row in kept()] == [5, 4]


def test_the_pages_come_back_as_they_were(staged: Staged) -> None:
    pages = [b'{"data": [1]}', b"", b"\xff" * 1000]
    keep(staged, answer(*pages))
    (row,) = kept()
    opened = vault().open(row.body, raws.place(staged.connection, row.content))
    assert raws.unpack(opened) == (START, START + timedelta(days=3), pages)
    assert pages[0] not in row.body


def test_an_equal_answer_is_known_under_its_mapping_and_no_other(staged: Staged) -> None:
    made = answer(b"one", b"two")
    keep(staged, made)
    newer = type(NIGHTS)(**{name: getattr(NIGHTS, name) for name in NIGHTS.__slots__} | {"mapping": 2})
    with db.transaction() as session:
        assert raws.same(session, staged.connection, NIGHTS, START, made.content)
        assert not raws.same(session, staged.connection, newer, START, made.content)
        assert not raws.same(session, staged.connection, NIGHTS, START, answer(b"onetwo").content)
        assert raws.older_mappings(session, newer) == [kept()[0].id]
        assert raws.older_mappings(session, NIGHTS) == []


def test_an_equal_answer_is_read_anew_on_another_day(staged: Staged, clock: Callable) -> None:
    clock("2026-03-10T23:50")
    made = answer(b"one")
    keep(staged, made)
    with db.transaction() as session:
        assert raws.same(session, staged.connection, NIGHTS, START, made.content)
    clock("2026-03-11T00:10")
    with db.transaction() as session:
        assert not raws.same(session, staged.connection, NIGHTS, START, made.content)


def test_beyond_the_cap_the_oldest_answers_go(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAGUS_RAW_MB", "1")
    settings.cache_clear()
    noise = [bytes(f"{day}", "ascii") + os.urandom(400_000) for day in range(5)]
    for day, page in enumerate(noise):
        keep(staged, answer(page, since=START + timedelta(days=day)))
    with db.transaction() as session:
        raws.hold_to_cap(session, staged.connection)
    assert [row.window_start for row in kept()] == [START + timedelta(days=3), START + timedelta(days=4)]


def test_an_answer_too_large_to_be_kept_is_not_kept(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raws, "LARGEST", 1000)
    assert not keep(staged, answer(os.urandom(5000), os.urandom(10)))
    assert kept() == []
