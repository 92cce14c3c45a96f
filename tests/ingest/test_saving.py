"""What stands after any order of arrival, and what a save says it touched."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from ingest import accounts, db, people
from ingest.models import DayValue, Episode, Fence, Rejected, Tag, Tombstone
from ingest.saving import Erased, Saved, save
from ingest.source import Source
from ingest.vault import vault
from providers import measures, shapes

HRV = measures.Definition(measures.HRV_RMSSD, "test_night", "sleep")
STREAM = "test.sleep"
ONSET = datetime(2026, 3, 1, 22, tzinfo=UTC)
DAY = date(2026, 3, 2)


def at(hour: int) -> datetime:
    return datetime(2026, 3, 10, hour, tzinfo=UTC)


def hrv(value: float | None = 50, record: str = "r1", day: date | None = DAY, **more: object) -> shapes.DayValue:
    fields = {"starts_at": ONSET, "ends_at": ONSET + timedelta(hours=8), "day": day, **more}
    return shapes.DayValue(HRV, record, value, **fields)


def sleep(record: str = "s1", day: date = DAY, **more: object) -> shapes.Episode:
    return shapes.Episode(STREAM, record, "sleep", ONSET, ONSET + timedelta(hours=8), day, **more)


@pytest.fixture
def source(database: str) -> Source:
    with db.transaction() as session:
        person = people.ensure(session, "ada@example.org")
        account = accounts.file_account(session, person.id, "test")
        connection = accounts.file_connection(session, account)
    return Source(person.id, account.id, connection, STREAM, 1, at(1), "0001:a")


def versioned(source: Source, as_of: datetime, content: str = "0001:a", rank: int = 1) -> Source:
    return Source(source.person, source.vendor_account, source.connection, source.stream, rank, as_of, content)


def put(source: Source, *rows: shapes.Row) -> Saved:
    with db.transaction() as session:
        return save(session, source, rows)


def values() -> list[tuple[str, float | None, date | None, bool]]:
    with db.transaction() as session:
        stored = select(DayValue.record, DayValue.value, DayValue.day, DayValue.gone).order_by(DayValue.record)
        return [tuple(row) for row in session.execute(stored)]


def tags() -> list[tuple[date, str, bool]]:
    with db.transaction() as session:
        return [tuple(row) for row in session.execute(select(Tag.day, Tag.name, Tag.present).order_by(Tag.day))]


def empty() -> None:
    with db.transaction() as session:
        session.execute(text("TRUNCATE day_value, episode, tombstone, tag, rejected"))


def test_the_same_version_again_writes_no_row(source: Source) -> None:
    rows = (sleep(), hrv(link=(STREAM, "s1")), shapes.Tag(DAY, "alcohol", "journal s1", link=(STREAM, "s1")))
    first, again = put(source, *rows), put(source, *rows)
    assert (first.new, first.revised, first.unchanged) == (3, 0, 0)
    assert (again.new, again.revised, again.unchanged, again.written) == (0, 0, 3, 0)
    assert first.days == {DAY}
    assert again.days == set()
    with db.transaction() as session:
        locked = "SELECT xmax::text FROM day_value UNION ALL SELECT xmax::text FROM episode"
        assert set(session.scalars(text(locked))) == {"0"}, "an unchanged row is not even locked, so no WAL is written"


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (("pending", 1, 9, "b"), ("final", 1, 1, "a")),
        (("final", 1, 9, "b"), ("final", 2, 1, "a")),
        (("final", 1, 1, "b"), ("final", 1, 2, "a")),
        (("final", 1, 1, "a"), ("final", 1, 1, "b")),
    ],
    ids=["final over pending", "grant over file", "later over earlier", "larger content"],
)
def test_the_same_version_stands_in_either_order(source: Source, older: tuple, newer: tuple) -> None:
    def write(version: tuple, value: float) -> None:
        state, rank, hour, content = version
        put(versioned(source, at(hour), content, rank), hrv(value, state=state))

    for order in ((older, newer), (newer, older)):
        empty()
        for version in order:
            write(version, 60 if version is newer else 50)
        assert values() == [("r1", 60, DAY, False)]


def test_a_newer_version_with_the_same_value_still_beats_one_between(source: Source) -> None:
    put(versioned(source, at(1)), hrv(50))
    assert put(versioned(source, at(3)), hrv(50)).days == set()
    put(versioned(source, at(2)), hrv(70))
    assert values() == [("r1", 50, DAY, False)]


def test_a_save_reports_the_day_a_value_left_and_the_day_it_went_to(source: Source) -> None:
    put(source, hrv())
    moved = put(versioned(source, at(2)), hrv(day=DAY + timedelta(days=1)))
    assert moved.days == {DAY, DAY + timedelta(days=1)}


def test_a_value_whose_episode_has_not_come_has_no_day_until_it_comes(source: Source) -> None:
    put(source, hrv(day=None, link=(STREAM, "s1")))
    assert values() == [("r1", 50, None, False)]
    assert put(source, sleep()).days == {DAY}
    assert values() == [("r1", 50, DAY, False)]


def test_any_order_of_value_episode_moved_episode_and_tag_ends_the_same(source: Source) -> None:
    later = DAY + timedelta(days=1)
    steps = [
        (versioned(source, at(1)), hrv(day=None, link=(STREAM, "s1"))),
        (versioned(source, at(1)), sleep()),
        (versioned(source, at(2)), sleep(day=later)),
        (versioned(source, at(1)), shapes.Tag(DAY, "alcohol", "journal s1", link=(STREAM, "s1"))),
    ]
    for order in permutations(steps):
        empty()
        for origin, row in order:
            put(origin, row)
        assert values() == [("r1", 50, later, False)]
        assert tags() == [(later, "alcohol", True)]


def test_any_order_of_value_episode_and_its_end_leaves_a_tombstone(source: Source) -> None:
    steps = [
        (versioned(source, at(1)), hrv(link=(STREAM, "s1"))),
        (versioned(source, at(1)), sleep()),
        (versioned(source, at(2)), shapes.Gone(STREAM, "s1")),
    ]
    for order in permutations(steps):
        empty()
        for origin, row in order:
            put(origin, row)
        assert [row[3] for row in values()] == [True]
        with db.transaction() as session:
            assert session.scalars(select(Episode)).all() == []
            assert len(session.scalars(select(Tombstone)).all()) == 1


def test_a_record_that_comes_back_newer_than_its_end_lives_again(source: Source) -> None:
    put(versioned(source, at(1)), sleep(), hrv(link=(STREAM, "s1")))
    put(versioned(source, at(2)), shapes.Gone(STREAM, "s1"))
    put(versioned(source, at(3)), sleep())
    assert values() == [("r1", 50, DAY, False)]
    put(versioned(source, at(2)), shapes.Gone(STREAM, "s1"))
    assert values() == [("r1", 50, DAY, False)]


def test_a_tag_without_an_episode_that_changes_its_day_leaves_nothing_behind(source: Source) -> None:
    put(source, shapes.Tag(DAY, "ill", "journal s1", link=(STREAM, "s1")))
    put(versioned(source, at(2)), shapes.Tag(DAY + timedelta(days=1), "ill", "journal s1", link=(STREAM, "s1")))
    assert tags() == [(DAY + timedelta(days=1), "ill", True)]


def test_a_later_no_takes_the_place_of_a_yes_of_the_same_source_only(source: Source) -> None:
    put(source, shapes.Tag(DAY, "alcohol", "journal s1"), shapes.Tag(DAY, "alcohol", "journal s2"))
    put(versioned(source, at(2)), shapes.Tag(DAY, "alcohol", "journal s1", present=False))
    assert sorted(tags()) == [(DAY, "alcohol", False), (DAY, "alcohol", True)]


def rest(record: str, first: date, last: date | None = None) -> shapes.Tag:
    return shapes.Tag(first, "rest_mode", "test", link=(STREAM, record), last_day=last)


def lasting() -> list[tuple[str | None, date, date | None]]:
    with db.transaction() as session:
        return sorted(tuple(row) for row in session.execute(select(Tag.link_record, Tag.day, Tag.last_day)))


def test_of_several_tags_of_one_name_each_is_compared_with_itself_alone(source: Source) -> None:
    first, second = DAY - timedelta(days=20), DAY
    put(versioned(source, at(1), rank=2), rest("a", first, first), rest("b", second, second))
    saved = put(versioned(source, at(2), rank=2), rest("a", first, first), rest("b", second, second))
    assert saved.written == 0
    put(versioned(source, at(3), rank=2), rest("a", first, first), rest("b", second, second + timedelta(days=1)))
    assert lasting() == [("a", first, first), ("b", second, second + timedelta(days=1))]


def test_two_tags_of_one_name_may_change_places(source: Source) -> None:
    days = [DAY + timedelta(days=n) for n in range(3)]
    put(versioned(source, at(1), rank=2), rest("a", days[0]), rest("b", days[1]))
    put(versioned(source, at(2), rank=2), rest("a", days[1]), rest("b", days[2]))
    assert lasting() == [("a", days[1], None), ("b", days[2], None)]
    put(versioned(source, at(3), rank=2), rest("a", days[2]), rest("b", days[1]))
    assert lasting() == [("a", days[2], None), ("b", days[1], None)]


def test_what_is_set_aside_is_sealed_and_kept_once(source: Source) -> None:
    reject = shapes.Rejected("HRV is not a number", "r1;x", line=7, field="HRV", record="r1")
    for _ in range(2):
        assert put(source, reject).rejected == 1
    with db.transaction() as session:
        row = session.scalars(select(Rejected)).one()
    assert b"r1;x" not in row.body
    assert vault().open(row.body, f"rejected|{source.connection}|{row.fingerprint}") == b"r1;x"


def test_a_later_good_version_removes_what_was_set_aside(source: Source) -> None:
    put(source, shapes.Rejected("HRV is not a number", "r1;x", field="HRV", record="r1"))
    put(versioned(source, at(2)), hrv())
    with db.transaction() as session:
        assert session.scalars(select(Rejected)).all() == []


def test_nothing_is_saved_behind_an_erased_fence(source: Source) -> None:
    with db.transaction() as session:
        session.execute(update(Fence).values(state="erased"))
    with pytest.raises(Erased, match="nothing was stored"):
        put(source, hrv())
    assert values() == []


def test_an_erasure_waits_for_the_save_that_holds_the_fence(source: Source) -> None:
    with Session(db.engine()) as saving, saving.begin():
        save(saving, source, [hrv()])
        with Session(db.engine()) as erasing, erasing.begin():
            erasing.execute(text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                erasing.execute(update(Fence).values(state="erased"))


def test_a_file_of_more_records_than_a_statement_takes_parameters_is_saved(source: Source) -> None:
    many = [hrv(50, record=f"r{number}") for number in range(70_000)]
    assert put(source, *many).new == 70_000
    assert put(versioned(source, at(2)), *many[:5]).days == set()
