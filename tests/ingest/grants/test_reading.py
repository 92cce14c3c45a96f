"""A page becomes rows: what cannot be read or cannot be true is set aside alone, and the rest is kept."""

import json
from datetime import UTC, date, datetime
from typing import NotRequired

import numpy as np
import pytest
from pydantic import AwareDatetime
from typing_extensions import TypedDict

from ingest import accounts, clock, db, nights, people
from ingest.grants.reading import MOST_POINTS_SET_ASIDE, parsed, plausible, read_page
from ingest.models import Rejected as Stored
from ingest.saving import save
from ingest.source import GRANT_RANK, Source
from providers import get, measures
from providers.base import Asked, Stream, TokenPaging
from providers.errors import ContractBroken, Unavailable
from providers.shapes import DayValue, Points, Rejected, Tag

HRV = measures.Definition(measures.HRV_RMSSD, "test", "sleep")
HEART = measures.Definition(measures.HEART_RATE, "test", "day")
AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
ASKED = Asked(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


class Beat(TypedDict):
    id: str
    at: AwareDatetime
    ms: NotRequired[float | None]


def read_beats(records, asked):
    for record in records:
        yield DayValue(HRV, record["id"], record.get("ms"), record["at"], None, record["at"].date())


BEATS = Stream(
    name="test.beats",
    title="beats",
    path="/beats",
    record=Beat,
    read=read_beats,
    records_at="items",
    paging=TokenPaging("next", "page"),
)


def beat(name="b1", **more):
    return {"id": name, "at": "2026-03-01T06:00:00Z", "ms": 50.0, **more}


def page(*records, **more):
    return read_page(BEATS, json.dumps({"items": records, **more}).encode(), ASKED)


def rejects(found):
    return [row for row in found.rows if isinstance(row, Rejected)]


def test_a_good_page_is_its_rows_and_the_token_of_the_next():
    found = page(beat("b1"), beat("b2"), next="further")
    assert [row.record for row in found.rows] == ["b1", "b2"]
    assert (found.records, found.next_token) == (2, "further")
    assert page(beat(), next=None).next_token is None
    assert page(beat()).next_token is None


def test_a_token_that_is_a_number_is_a_token():
    found = page(beat(), next=7)
    assert (found.next_token, len(found.rows)) == ("7", 1)


def test_fields_that_nobody_reads_may_be_anything():
    assert len(page(beat(extra={"deep": [1, None]}), surprise=True).rows) == 1


def test_of_a_thousand_records_with_one_broken_999_are_kept_and_its_reason_is_told():
    given = [beat(f"b{index}") for index in range(1000)]
    given[500] = {**given[500], "at": "2026-03-01T06:00:00"}
    found = page(*given)
    (rejected,) = rejects(found)
    assert (rejected.reason, rejected.record) == ("at: Input should have timezone info", "b500")
    assert json.loads(rejected.body) == given[500]
    assert (len(found.rows), found.records) == (1000, 1000)


@pytest.mark.parametrize("name", [None, 7, {"deep": 1}, "b\u0000", "b" * 201, "b\nb"])
def test_an_id_that_no_table_can_hold_stays_in_the_body(name):
    broken = {"id": name, "at": "never"}
    (rejected,) = rejects(page(beat(), broken))
    assert rejected.record is None
    assert json.loads(rejected.body) == broken


def test_a_reason_does_not_repeat_what_the_record_held():
    (rejected,) = rejects(page(beat(), beat(ms="62 beats of mine")))
    assert "62 beats" not in rejected.reason


def test_a_page_of_which_no_record_is_as_documented_is_a_broken_contract():
    with pytest.raises(ContractBroken, match=r"test\.beats: none of 2 records is as documented: at: Field required"):
        page({"id": "b1"}, {"id": "b2"})


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b'{"items": [', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_a_gateway_that_fails_and_is_asked_again(body):
    with pytest.raises(Unavailable):
        read_page(BEATS, body, ASKED)
    with pytest.raises(Unavailable):
        parsed(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"words"', b"{}", b'{"items": null}', b'{"items": {"id": "b1"}}'])
def test_json_of_another_shape_is_a_broken_contract(body):
    with pytest.raises(ContractBroken):
        read_page(BEATS, body, ASKED)


@pytest.mark.parametrize("value", [0.0, 500.0, -3.0, float("nan"), float("inf")])
def test_a_value_that_cannot_be_true_is_set_aside_alone_and_its_row_says_it_is_none(value):
    rejected, row = plausible(DayValue(HRV, "r", value, AT, None, AT.date()))
    assert isinstance(rejected, Rejected)
    assert (rejected.record, rejected.field) == ("r", "test.heart_rate_variability_rmssd")
    assert isinstance(row, DayValue)
    assert (row.value, row.state, row.record) == (None, "unscorable", "r")


def test_rows_without_a_measure_pass():
    tag = Tag(AT.date(), "ill", "test")
    assert plausible(tag) == [tag]
    none = DayValue(HRV, "r", None, AT, None, AT.date(), state="unscorable")
    assert plausible(none) == [none]


def points(*values):
    return Points(
        HEART, np.arange(len(values), dtype=np.int64), np.array(values, np.float32), "ring", ("s", "r"), (0, 99)
    )


def test_of_a_column_only_the_values_that_cannot_be_true_are_set_aside():
    first, second, kept = plausible(points(60, 255, 61, float("nan")))
    assert [first.reason, second.reason] == ["heart_rate 255 /min cannot be true", "heart_rate nan /min cannot be true"]
    assert (kept.at.tolist(), kept.value.tolist()) == ([0, 2], [60.0, 61.0])
    assert (kept.device, kept.borne_by, kept.span) == ("ring", ("s", "r"), (0, 99))
    whole = points(60, 61)
    assert plausible(whole) == [whole]
    assert len(plausible(points())) == 1


def test_a_column_full_of_nonsense_does_not_fill_the_table_of_what_was_set_aside():
    *rejected, kept = plausible(points(*[255] * 500))
    assert len(rejected) == MOST_POINTS_SET_ASIDE + 1
    assert rejected[-1].reason == "400 more values of heart_rate cannot be true"
    assert len(kept.at) == 0


# Through the database: what a vendor sends, and what a person's night is then.

NIGHT = {
    "id": "s-1",
    "day": "2026-03-26",
    "type": "long_sleep",
    "bedtime_start": "2026-03-25T23:00:00+01:00",
    "bedtime_end": "2026-03-26T07:00:00+01:00",
    "average_hrv": 52,
    "lowest_heart_rate": 47,
    "total_sleep_duration": 25200,
    "hrv": {"items": [50, None, 54], "timestamp": "2026-03-25T23:00:00+01:00", "interval": 300},
    "ring_id": "ring-1",
}


@pytest.fixture
def told(database, clock):
    """Save sleep documents as answers of successive hours; the person's night of 26 March after each."""
    with db.transaction() as session:
        person = people.ensure(session, "ada@example.org")
        account = accounts.file_account(session, person.id, "oura")
        whose = (person.id, account.id, accounts.file_connection(session, account))
    hours = iter(range(24))

    def tell(*documents):
        clock(f"2026-03-27T{next(hours):02}:00")
        return _answered(whose, documents)

    return tell


def _answered(whose, documents):
    stream = get("oura").stream("oura.sleep")
    body = json.dumps({"data": documents}).encode()
    rows = read_page(stream, body, ASKED).rows
    with db.transaction() as session:
        save(session, Source(*whose, stream.name, GRANT_RANK, clock.now(), "0001:a", borne=stream.borne), rows)
    with db.transaction() as session:
        found = {night.day: night for night in nights.nights_of(session, whose[0], date(2026, 3, 26))}
    night = found.get(date(2026, 3, 26))
    return (night.hrv_ms, night.resting_heart_rate, night.sleep_minutes) if night else None


def test_a_night_that_becomes_a_rest_or_is_deleted_counts_no_more_and_comes_back_when_it_does(told):
    assert told(NIGHT) == (52, 47, 420)
    assert told({**NIGHT, "type": "rest"}) is None
    assert told(NIGHT) == (52, 47, 420)
    assert told({**NIGHT, "type": "deleted"}) is None
    assert told(NIGHT) == (52, 47, 420)


def test_a_resting_rate_of_255_never_reaches_a_night(told):
    assert told({**NIGHT, "lowest_heart_rate": 255}) == (52, None, 420)


def test_a_nap_beside_a_night_changes_nothing_of_it(told):
    nap = {**NIGHT, "id": "s-2", "type": "sleep", "bedtime_start": "2026-03-26T13:00:00+01:00"}
    nap |= {"bedtime_end": "2026-03-26T13:40:00+01:00", "average_hrv": 90, "hrv": None}
    assert told(NIGHT, nap) == (52, 47, 420)


def test_of_two_long_sleeps_of_a_day_the_longer_is_the_night(told):
    second = {
        **NIGHT,
        "id": "s-2",
        "average_hrv": 60,
        "lowest_heart_rate": 50,
        "total_sleep_duration": 12000,
        "hrv": None,
    }
    second |= {"bedtime_start": "2026-03-26T08:00:00+01:00", "bedtime_end": "2026-03-26T11:30:00+01:00"}
    assert told(NIGHT, second) == (52, 47, 420)


def test_what_was_set_aside_can_be_stored_whatever_its_id(told):
    told(NIGHT, {**NIGHT, "id": "s\u0000"}, {**NIGHT, "id": {"deep": "\u0000"}})
    with db.transaction() as session:
        assert session.query(Stored).count() == 2
