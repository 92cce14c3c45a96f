"""What was given up gets another try, and a mended mapping reads the kept answers again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import providers
from ingest import clock as the_clock
from ingest import db, store
from ingest.models import BackfillWindow, Connection, DayValue, Raw, ScoreRequest, Series, StreamState
from ingest.ops import retries
from ingest.ops.act import By, perform
from providers.errors import VagusError
from providers.shapes import DayValue as DayValueRow
from tests.workers.sync_stage import Stage, rows, stage, sync_now
from workers import vendor_commands

__all__ = ["stage"]

MORNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
SLEEP = "oura.sleep"


@pytest.fixture
def connection(stage: Stage, clock: Callable) -> int:
    clock(MORNING)
    made = stage.connect(stage.person(nights=10, seed=3))
    sync_now()
    return made


def bury(session: Session, connection: int) -> None:
    later = the_clock.now() + timedelta(days=1)
    session.execute(
        update(StreamState)
        .where(StreamState.stream == SLEEP)
        .values(state="buried", last_error="no list under 'data'", next_at=later)
    )
    session.execute(update(Connection).values(next_sync_at=later))
    session.execute(update(BackfillWindow).values(state="buried", error="answered 418"))
    store.request_score(session, session.scalars(select(ScoreRequest.person)).first() or 1, "test")
    session.execute(update(ScoreRequest).values(buried_at=the_clock.now(), error="KeyError at score.py:1"))


def replay(kind: str | None, matching: str | None, job: int | None, spread: int) -> str:
    """Give what was buried another try, as an operator does; what they are told."""
    with db.transaction() as session:
        act = retries.replay(kind=kind, matching=matching or "", job=job, spread=spread)
        return perform(session, act, By("terminal (test)", "mended")).sentence


def test_what_is_buried_is_listed_with_its_reason_and_without_anything_of_a_person_s_health(connection: int) -> None:
    with db.transaction() as session:
        bury(session, connection)
    jobs = vendor_commands.buried()
    assert {job.kind for job in jobs} == {"stream", "window", "score"}
    (stream,) = [job for job in jobs if job.kind == "stream"]
    assert (stream.about, stream.reason) == (f"connection {connection}, oura.sleep", "no list under 'data'")
    assert vendor_commands.buried_table(jobs).row_count == len(jobs)


def test_a_buried_stream_is_due_at_once_and_is_followed_again(connection: int) -> None:
    with db.transaction() as session:
        bury(session, connection)
    assert replay("stream", None, None, 60) == "1 job is due again."
    assert sync_now() == 1
    with db.transaction() as session:
        state = session.get_one(StreamState, (connection, SLEEP))
        assert (state.state, state.fail_count) == ("following", 0)


def test_windows_are_spread_over_the_time_that_was_asked_for(connection: int) -> None:
    with db.transaction() as session:
        bury(session, connection)
        count = len(session.scalars(select(BackfillWindow.id)).all())
    assert replay("window", "418", None, 600) == f"{count} jobs are due again within 10 min."
    with db.transaction() as session:
        due = sorted(session.scalars(select(BackfillWindow.due_at)))
    assert timedelta(seconds=400) < due[-1] - due[0] < timedelta(seconds=600)
    assert replay("window", None, None, 60) == "Nothing that was given up matches this."


def test_one_job_alone_needs_its_kind(connection: int) -> None:
    with db.transaction() as session:
        bury(session, connection)
    with pytest.raises(VagusError, match="name its kind"):
        replay(None, None, 3, 60)
    with pytest.raises(VagusError, match="no buried jobs of kind streams"):
        replay("streams", None, None, 60)
    one = next(job.id for job in vendor_commands.buried() if job.kind == "window")
    assert replay("window", None, one, 60) == "1 job is due again."


def test_a_newer_mapping_reads_the_kept_answers_again_and_an_equal_one_does_not(
    connection: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows()
    assert vendor_commands.replay_answers() == "0 rows are new or other than before"
    mend(monkeypatch)
    assert vendor_commands.replay_answers() != "0 rows are new or other than before"
    changed = rows()
    assert {name for name in before if before[name] != changed[name]} == {"day_value"}
    with db.transaction() as session:
        values = session.scalars(
            select(DayValue.value)
            .join(Series, Series.id == DayValue.series)
            .where(Series.measure == "respiratory_rate", DayValue.value.is_not(None))
        ).all()
        assert set(values) == {12.0}
        assert set(session.scalars(select(Raw.mapping).where(Raw.stream == SLEEP))) == {"1000"}
    assert vendor_commands.replay_answers() == "0 rows are new or other than before"


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every breathing rate be read as 12, by a mapping of a higher number."""
    oura = providers.get("oura")
    sleep = oura.stream(SLEEP)

    def read(records: list, asked: object) -> list:
        found = list(sleep.read(records, asked))
        return [
            replace(row, value=12.0)
            if isinstance(row, DayValueRow) and row.definition.measure.name == "respiratory_rate" and row.value
            else row
            for row in found
        ]

    mended = replace(sleep, read=read, mapping=1000)
    streams = tuple(mended if stream.name == SLEEP else stream for stream in oura.streams)
    monkeypatch.setattr(providers, "PROVIDERS", (replace(oura, streams=streams),))
