"""Kept answers that a newer mapping reads again: each stands for itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

import providers
from ingest import db
from ingest.grants import raws, replay
from ingest.models import Raw
from providers.errors import VagusError
from tests.ingest.grants.following_stage import NIGHTS, TEMPO, Staged, connected

START = datetime(2026, 3, 1, tzinfo=UTC)


def keep(staged: Staged, body: bytes, day: int) -> None:
    since = START + timedelta(days=day)
    answer = raws.Answer(since, since + timedelta(days=1))
    answer.add(body)
    with db.transaction() as session:
        assert raws.keep(session, staged.connection, NIGHTS, answer)


def test_a_kept_answer_that_cannot_be_read_keeps_none_of_the_others_away(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = connected()
    keep(staged, b'{"data": "no list"}', 0)
    keep(staged, b'{"data": []}', 1)
    newer = replace(NIGHTS, mapping=2)
    monkeypatch.setattr(providers, "PROVIDERS", (replace(TEMPO, streams=(newer,)),))
    heard: list[tuple[int, int]] = []
    with pytest.raises(VagusError, match=r"^1 of 2 kept answers stay as they were read .*no list under 'data'"):
        replay.read_again(lambda done, total: heard.append((done, total)))
    assert heard == [(1, 2), (2, 2)]
    with db.transaction() as session:
        assert session.scalars(select(Raw.mapping).order_by(Raw.window_start)).all() == ["1", "2"]
