"""What an answer no longer has goes only when a second one, an hour later, agrees."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from ingest import db
from ingest.grants import absences
from ingest.models import Absence, Episode
from ingest.saving import save
from ingest.source import GRANT_RANK, Source
from providers.shapes import Episode as EpisodeRow
from tests.ingest.grants.following_stage import NIGHTS, PULSE, connected

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SPAN = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))


@pytest.fixture
def source(database: str, clock: Callable) -> Source:
    clock(NOON)
    staged = connected()
    made = Source(staged.person, staged.account, staged.connection, NIGHTS.name, GRANT_RANK, NOON, "0001")
    with db.transaction() as session:
        save(session, made, [sleep(day) for day in range(2, 9)])
    return made


def sleep(day: int) -> EpisodeRow:
    start = datetime(2026, 3, day, 23, tzinfo=UTC)
    return EpisodeRow(
        NIGHTS.name, f"n{day}", "sleep", start, start + timedelta(hours=8), (start + timedelta(8 / 24)).date()
    )


def gone(source: Source, *answered: str) -> list[str]:
    with db.transaction() as session:
        return sorted(row.record for row in absences.gone_records(session, source, SPAN, set(answered)))


ALL = ("n2", "n3", "n4", "n5", "n6", "n7", "n8")


def test_a_record_missing_once_is_kept_and_missing_an_hour_later_is_gone(source: Source, clock: Callable) -> None:
    assert gone(source, *ALL[1:]) == []
    clock(NOON + timedelta(minutes=59))
    assert gone(source, *ALL[1:]) == []
    clock(NOON + timedelta(minutes=61))
    assert gone(source, *ALL[1:]) == ["n2"]


def test_a_wrong_empty_answer_deletes_nothing_and_a_right_one_after_it_forgets_the_doubt(
    source: Source, clock: Callable
) -> None:
    assert gone(source) == []
    clock(NOON + timedelta(minutes=30))
    assert gone(source, *ALL) == []
    clock(NOON + timedelta(minutes=90))
    assert gone(source) == [], "the doubt began anew"
    with db.transaction() as session:
        assert len(session.scalars(select(Episode)).all()) == 7


def test_what_lies_at_the_edge_of_a_window_by_date_is_not_missed(source: Source, clock: Callable) -> None:
    assert gone(source) == []
    with db.transaction() as session:
        missed = set(session.scalars(select(Absence.record)))
    assert missed == set(ALL[:-1]), "the eighth may belong to the day after the window"


def test_a_day_whose_points_an_answer_lacks_is_believed_the_second_time_an_hour_later(
    source: Source, clock: Callable
) -> None:
    pulse, lost = replace(source, stream=PULSE.name), date(2026, 3, 4)

    def again(*missed: date) -> list[date]:
        with db.transaction() as session:
            return absences.missed_again(session, pulse, SPAN, missed)

    assert again(lost) == []
    clock(NOON + timedelta(minutes=61))
    assert again(lost, lost + timedelta(1)) == [lost]
    assert again(lost) == [], "after it was believed, doubt begins anew"
    assert again() == []
    assert not pending(pulse)


def pending(source: Source) -> bool:
    with db.transaction() as session:
        return absences.pending(session, source.connection, source.stream)
