"""What stands of dense series after any order of saves, what a record's points take with them, and how it is read."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from ingest import accounts, blocks, db, people, samples
from ingest.saving import Saved, lock_fence, save
from ingest.source import GRANT_RANK, Source
from providers import shapes
from providers.errors import ContractBroken
from providers.measures import HEART_RATE, HRV_RMSSD, Definition, Measure

COARSE = Measure("test_rate", "/min", 0, 300, resolution=60)
RATE = Definition(COARSE, "test_rate", "day")
FINE = Definition(HEART_RATE, "test_fine", "day")
HRV = Definition(HRV_RMSSD, "test_night_hrv", "sleep")
STREAM = "test.sleep"
DAY = 86_400
NIGHT = int(datetime(2026, 3, 1, 22, tzinfo=UTC).timestamp())
HOUR = 3_600
EVERYTHING = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

database_examples = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def source(database: str) -> Source:
    with db.transaction() as session:
        person = people.ensure(session, "ada@example.org")
        account = accounts.file_account(session, person.id, "test")
        connection = accounts.file_connection(session, account)
    return Source(person.id, account.id, connection, STREAM, GRANT_RANK, at_hour(1), "0001", borne=(HRV,))


def at_hour(hour: int) -> datetime:
    return datetime(2026, 3, 10, hour, tzinfo=UTC)


def asked_at(source: Source, hour: int) -> Source:
    same = (source.person, source.vendor_account, source.connection, STREAM, GRANT_RANK)
    return Source(*same, at_hour(hour), "0001", borne=(HRV,))


def points(pairs: Iterable[tuple[int, float]], definition: Definition = RATE, **more: object) -> shapes.Points:
    pairs = list(pairs)
    at, value = np.array([at for at, _ in pairs], np.int64), np.array([value for _, value in pairs], np.float32)
    return shapes.Points(definition, at, value, **more)


def night(record: str, start: int, end: int, value: float, every: int = 300) -> list[shapes.Row]:
    """A sleep from `start` to `end`, and its HRV, the same all night long."""
    instants = [datetime.fromtimestamp(at, UTC) for at in (start, end)]
    sleep = shapes.Episode(STREAM, record, "sleep", *instants, date(2026, 3, 2))
    borne = points([(at, value) for at in range(start, end, every)], HRV, borne_by=(STREAM, record), span=(start, end))
    return [sleep, borne]


def put(source: Source, *rows: shapes.Row) -> Saved:
    with db.transaction() as session:
        return save(session, source, rows)


def forget(source: Source, span: tuple[int, int], *keep: shapes.Points, definition: Definition = RATE) -> set[date]:
    with db.transaction() as session:
        lock_fence(session, source.connection)
        return blocks.forget(session, source, [definition], span, keep)


def stored(definition: Definition = RATE) -> dict[int, float]:
    """Every point of a definition, of whatever device."""
    with db.transaction() as session:
        query = "SELECT extract(epoch FROM at)::bigint, value FROM sample JOIN series s ON s.id = series_id"
        rows = session.execute(text(f"{query} WHERE s.definition = :name ORDER BY at"), {"name": definition.name})
        return dict(rows.all())


def at_rest() -> list[tuple]:
    """Blocks as they lie, with what tells one version of a row from the next."""
    with db.transaction() as session:
        return [
            tuple(row) for row in session.execute(text("SELECT xmin::text, ctid::text, * FROM block ORDER BY 3, 4"))
        ]


def contents() -> list[tuple]:
    """Blocks without the number of their series: a database that was cleared numbers on."""
    return [row[3:] for row in at_rest()]


def clear() -> None:
    with db.transaction() as session:
        session.execute(text("TRUNCATE block, series, episode, tombstone CASCADE"))


def modelled(batches: Sequence[Sequence[tuple[int, float]]], resolution: int) -> dict[int, float]:
    """The same in the plainest Python: the later value stands, then the first second of each span."""
    all_of_them = {at: value for batch in batches for at, value in batch}
    first: dict[int, int] = {}
    for at in sorted(all_of_them):
        first.setdefault(at // resolution, at)
    return {at: all_of_them[at] for at in first.values()}


seconds = st.integers(0, 4 * DAY) | st.sampled_from([0, 1, 59, 60, DAY - 1, DAY, DAY + 1, 2 * DAY - 1, 2 * DAY])
rates = st.integers(30, 200).map(float)
some_batches = st.lists(st.lists(st.tuples(seconds, rates), max_size=40), max_size=6)


@database_examples
@given(batches=some_batches, definition=st.sampled_from([RATE, HRV]))
def test_what_stands_is_what_a_dictionary_would_hold(source: Source, batches: list, definition: Definition) -> None:
    clear()
    for batch in batches:
        assert put(source, points(batch, definition)).points == len(batch)
    assert stored(definition) == modelled(batches, definition.measure.resolution)


@database_examples
@given(pairs=st.dictionaries(seconds, rates, max_size=60), data=st.data())
def test_any_partition_and_order_of_points_ends_in_equal_blocks(source: Source, pairs: dict, data) -> None:
    clear()
    put(source, points(sorted(pairs.items())))
    whole = contents()
    clear()
    shuffled = data.draw(st.permutations(list(pairs.items())))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=5)))
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        put(source, points(shuffled[start:end]), points(shuffled[: start // 2]))  # some come again
    assert contents() == whole


def test_a_save_tells_points_given_blocks_written_and_the_utc_days(source: Source) -> None:
    saved = put(source, points([(0, 60), (DAY - 1, 61), (DAY, 62)]), points([], HRV))
    assert (saved.points, saved.blocks) == (3, 2)
    assert saved.days == {date(1970, 1, 1), date(1970, 1, 2)}
    again = put(source, points([(DAY, 63)]))
    assert (again.points, again.blocks, again.days) == (1, 1, {date(1970, 1, 2)})


def test_the_same_points_again_write_no_row_version(source: Source) -> None:
    batch = points([(at, 60 + at % 7) for at in range(0, 3 * DAY, 300)])
    assert put(source, batch).blocks == 3
    before = at_rest()
    for part in (batch, points([(600, 60 + 600 % 7)]), points([(601, 200)])):  # the last falls to the resolution
        assert put(source, part).blocks == 0
    assert forget(source, (0, 3 * DAY), batch) == set()
    assert at_rest() == before


def test_a_block_that_did_not_change_is_not_written_beside_one_that_did(source: Source) -> None:
    put(source, points([(0, 60), (DAY, 61)]))
    first, second = at_rest()
    assert put(source, points([(0, 60), (DAY, 99)])).days == {date(1970, 1, 2)}
    assert at_rest()[0] == first
    assert at_rest()[1] != second


def test_of_several_devices_each_keeps_its_own_series(source: Source) -> None:
    put(source, points([(0, 60)], device="ring"), points([(0, 70)], device="band"))
    with db.transaction() as session:
        found = samples.points_on(session, source.person, ["test_rate"], *EVERYTHING)
    assert {one.device: one.value.tolist() for one in found} == {"ring": [60], "band": [70]}


def test_of_two_values_for_one_second_in_one_save_the_later_stands(source: Source) -> None:
    put(source, points([(0, 60), (0, 61)]), points([(0, 62), (120, 63)]))
    assert stored() == {0: 62, 120: 63}


@pytest.mark.parametrize("order", list(permutations([(0, 50.0), (4, 54.0), (9, 59.0), (5, 55.0)])))
def test_of_five_seconds_of_heart_rate_the_first_stays_in_any_order(source: Source, order: tuple) -> None:
    for pair in order:
        put(source, points([pair], FINE))
    assert stored(FINE) == {0: 50, 5: 55}


@pytest.mark.parametrize("at", [-1, -DAY, 10**12], ids=["a second before 1970", "a day before", "milliseconds"])
def test_a_second_that_has_no_date_is_refused_and_nothing_is_stored(source: Source, at: int) -> None:
    with pytest.raises(ContractBroken, match="seconds"):
        put(source, points([(0, 60), (at, 61)]))
    assert at_rest() == []


def test_no_points_make_no_block(source: Source) -> None:
    assert put(source, points([])).blocks == 0
    assert at_rest() == []


def test_points_asked_by_instant_are_never_deleted_by_a_save(source: Source) -> None:
    put(source, points([(0, 60), (300, 61)]))
    put(source, points([(0, 60)]))
    assert stored() == {0: 60, 300: 61}


def test_what_a_complete_answer_lacks_is_forgotten_within_its_span_only(source: Source) -> None:
    put(source, points([(at, 60) for at in range(0, 3 * DAY, 3600)]))
    put(source, points([(DAY, 50)], device="another"))
    kept = points([(DAY + 3600, 60), (0, 99)])  # the second lies outside what was asked
    assert forget(source, (DAY, 2 * DAY), kept) == {date(1970, 1, 2)}
    hours = {at: 60 for at in range(0, 3 * DAY, 3600) if not DAY <= at < 2 * DAY}
    assert stored() == hours | {DAY + 3600: 60}


def test_the_days_on_which_an_answer_lacks_points_are_named(source: Source) -> None:
    put(source, points([(0, 60), (DAY, 61), (2 * DAY, 62), (2 * DAY + 60, 62)]))
    with db.transaction() as session:
        answer = [points([(0, 60), (300, 60), (2 * DAY, 62)])]
        lacked = blocks.lacking(session, source, [RATE], (0, 3 * DAY), answer)
        assert lacked == {date(1970, 1, 2), date(1970, 1, 3)}
        assert not blocks.lacking(session, source, [RATE], (3 * DAY, 9 * DAY), answer)


def test_a_block_that_nothing_is_left_of_is_deleted(source: Source) -> None:
    put(source, points([(0, 60), (DAY, 61)]))
    assert forget(source, (0, DAY)) == {date(1970, 1, 1)}
    assert [row[0] for row in contents()] == [date(1970, 1, 2)]


def test_a_sample_that_another_had_hidden_comes_forward_when_that_one_is_forgotten(source: Source) -> None:
    put(source, points([(0, 60), (30, 61)]))
    assert stored() == {0: 60}
    forget(source, (0, DAY), points([(30, 61)]))
    assert stored() == {30: 61}


def test_other_definitions_and_other_accounts_are_not_forgotten(source: Source) -> None:
    with db.transaction() as session:
        bob = people.ensure(session, "bob@example.org")
        account = accounts.file_account(session, bob.id, "test")
        connection = accounts.file_connection(session, account)
    other = Source(bob.id, account.id, connection, STREAM, GRANT_RANK, at_hour(1), "0001")
    put(source, points([(0, 60)], FINE))
    put(other, points([(0, 70)]))
    assert forget(source, (0, DAY)) == set()
    assert (stored(), stored(FINE)) == ({0: 70}, {0: 60})


def test_the_points_of_a_night_move_with_its_bedtime(source: Source) -> None:
    put(source, *night("a", NIGHT, NIGHT + 8 * HOUR, 40))
    put(asked_at(source, 2), *night("a", NIGHT + HOUR + 7, NIGHT + 7 * HOUR, 50))
    assert stored(HRV) == dict.fromkeys(range(NIGHT + HOUR + 7, NIGHT + 7 * HOUR, 300), 50)


def test_a_night_given_again_as_it_was_writes_no_row_version(source: Source) -> None:
    put(source, *night("a", NIGHT, NIGHT + 8 * HOUR, 40))
    before = at_rest()
    assert put(asked_at(source, 2), *night("a", NIGHT, NIGHT + 8 * HOUR, 40)).blocks == 0
    assert at_rest() == before


def test_the_points_of_a_night_replace_those_that_another_device_bore(source: Source) -> None:
    sleep, borne = night("a", NIGHT, NIGHT + 8 * HOUR, 40)
    put(source, sleep, borne)
    put(asked_at(source, 2), sleep, points([(NIGHT, 50)], HRV, borne_by=borne.borne_by, span=borne.span, device="ring"))
    assert stored(HRV) == {NIGHT: 50}


def test_a_night_replaces_what_another_bore_where_it_lies_now(source: Source) -> None:
    put(source, *night("a", NIGHT, NIGHT + 8 * HOUR, 40))
    put(asked_at(source, 2), *night("b", NIGHT + HOUR + 7, NIGHT + 9 * HOUR, 50))
    before = dict.fromkeys(range(NIGHT, NIGHT + HOUR + 7, 300), 40)
    assert stored(HRV) == before | dict.fromkeys(range(NIGHT + HOUR + 7, NIGHT + 9 * HOUR, 300), 50)


def test_a_night_that_comes_without_points_loses_those_it_bore(source: Source) -> None:
    put(source, *night("a", NIGHT, NIGHT + 8 * HOUR, 40), *night("b", NIGHT + 9 * HOUR, NIGHT + 10 * HOUR, 41))
    put(asked_at(source, 2), night("a", NIGHT, NIGHT + 8 * HOUR, 40)[0])
    assert set(stored(HRV).values()) == {41}


def test_the_points_of_a_record_that_is_gone_go_with_it(source: Source) -> None:
    put(source, *night("a", NIGHT, NIGHT + 8 * HOUR, 40), points([(NIGHT, 60)]))
    assert put(asked_at(source, 2), shapes.Gone(STREAM, "a")).blocks == 2
    assert (stored(HRV), stored()) == ({}, {NIGHT: 60})


def test_a_night_that_took_the_place_of_another_keeps_its_points_when_that_one_goes(source: Source) -> None:
    put(source, *night("a", NIGHT, NIGHT + 8 * HOUR, 40))
    put(asked_at(source, 2), *night("b", NIGHT + HOUR, NIGHT + 8 * HOUR, 50))
    put(asked_at(source, 3), shapes.Gone(STREAM, "a"))
    assert stored(HRV) == dict.fromkeys(range(NIGHT + HOUR, NIGHT + 8 * HOUR, 300), 50)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["older first", "newer first"])
def test_the_points_of_the_newer_version_of_a_night_stand_in_either_order(source: Source, order: tuple) -> None:
    versions = [
        (asked_at(source, 1), night("a", NIGHT, NIGHT + 8 * HOUR, 40)),
        (asked_at(source, 2), night("a", NIGHT + HOUR, NIGHT + 7 * HOUR, 50)),
    ]
    for which in order:
        put(versions[which][0], *versions[which][1])
    assert stored(HRV) == dict.fromkeys(range(NIGHT + HOUR, NIGHT + 7 * HOUR, 300), 50)


def test_the_points_of_a_night_that_is_gone_since_stay_out(source: Source) -> None:
    put(asked_at(source, 2), shapes.Gone(STREAM, "a"))
    put(source, *night("a", NIGHT, NIGHT + 8 * HOUR, 40))
    assert stored(HRV) == {}


def test_a_save_holds_few_of_the_stored_blocks_at_a_time(source: Source, monkeypatch) -> None:
    monkeypatch.setattr(blocks, "BLOCKS_AT_ONCE", 3)
    held = []
    read = blocks._read
    monkeypatch.setattr(blocks, "_read", lambda cursor, batch: held.append(len(batch)) or read(cursor, batch))
    year = [(day * DAY, 60) for day in range(365)]
    put(source, points(year))
    held.clear()
    put(source, points([(day * DAY + 300, 61) for day in range(100, 107)]))
    assert held == [3, 3, 1], "seven days of a year are touched, so seven blocks are read"
    assert len(stored()) == 372


def test_a_block_that_is_what_is_given_is_not_even_fetched(source: Source, monkeypatch) -> None:
    fetched = []
    read = blocks._read
    monkeypatch.setattr(
        blocks, "_read", lambda cursor, batch: fetched.extend(found := list(read(cursor, batch))) or found
    )
    put(source, points([(0, 60), (DAY, 61)]))
    fetched.clear()
    put(source, points([(0, 60), (DAY, 61), (DAY + 300, 62)]))
    assert [day for (_, day), _ in fetched] == [1]


def test_points_are_read_back_as_columns_from_one_instant_to_before_another(source: Source) -> None:
    put(source, points([(at, at % 1000 + 0.5) for at in range(0, 90 * DAY, 3600)]))
    since, until = (datetime(1970, 2, 1, hour, tzinfo=UTC) + timedelta(days=40 * (hour > 5)) for hour in (5, 7))
    with db.transaction() as session:
        (found,) = samples.points_on(session, source.person, ["test_rate"], since, until)
        assert samples.points_on(session, source.person, ["test_rate"], until, since) == []
    wanted = list(range(int(since.timestamp()), int(until.timestamp()), 3600))
    assert (found.at.tolist(), found.value.tolist()) == (wanted, [at % 1000 + 0.5 for at in wanted])
    assert (found.at.dtype, found.value.dtype) == (np.int64, np.float32)


def test_a_page_is_given_each_series_of_a_person_that_has_points_in_the_span(source: Source) -> None:
    put(source, points([(0, 60), (DAY, 61)]), points([(0, 62)], FINE), points([(NIGHT, 63)], FINE, device="ring"))
    since, until = datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC)
    with db.transaction() as session:
        found = samples.points_on(session, source.person, ["heart_rate", "test_rate"], since, until)
        assert samples.points_on(session, source.person + 1, ["heart_rate"], since, until) == []
    assert [(one.measure, one.definition, one.at.tolist(), one.value.tolist()) for one in found] == [
        ("heart_rate", "test_fine", [0], [62]),
        ("test_rate", "test_rate", [0], [60]),
    ]


def test_people_who_like_sql_see_one_row_a_sample(source: Source) -> None:
    put(source, points([(DAY - 1, 60.25), (DAY, 61), (NIGHT, 62)]))
    with db.transaction() as session:
        rows = session.execute(text("SELECT s.at, s.value FROM sample s WHERE s.value <> 61 ORDER BY s.at")).all()
    assert [tuple(row) for row in rows] == [
        (datetime(1970, 1, 1, 23, 59, 59, tzinfo=UTC), 60.25),
        (datetime(2026, 3, 1, 22, tzinfo=UTC), 62),
    ]
