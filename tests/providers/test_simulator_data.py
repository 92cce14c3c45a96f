"""The simulated vendor's data: its own range semantics, paging, refusals, and the oddities of its recordings."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from providers.simulator.oura import Life
from providers.simulator.oura.truth import truth
from providers.simulator.people import Story
from tests.providers.simulator_stage import LAST, Stage, told

OFFSET = -480
DOCUMENTS = ("sleep", "daily_readiness", "daily_spo2", "daily_activity", "workout", "ring_configuration")


@pytest.fixture
def stage():
    staged = Stage(Story.OVERREACHING, utc_offset_minutes=OFFSET, nights=60).at("2026-03-21T20:00")
    staged.connect()
    return staged


def days(records, kind=None):
    return sorted({record["day"] for record in records if kind in {None, record.get("type")}})


def test_a_bare_end_date_means_midnight_and_cuts_the_last_day_of_sleep_and_activity_but_not_of_readiness(stage):
    def asked(kind):
        return days(stage.all(kind, start_date="2026-03-10", end_date="2026-03-12"))

    assert asked("daily_readiness") == ["2026-03-10", "2026-03-11", "2026-03-12"]
    assert asked("daily_activity") == ["2026-03-10", "2026-03-11"]
    assert asked("sleep") == ["2026-03-10", "2026-03-11"]


def test_an_end_with_a_time_reaches_the_last_day(stage):
    found = stage.all("daily_activity", start_date="2026-03-10", end_date="2026-03-12T23:59:59")
    assert days(found)[-1] == "2026-03-12"


def test_an_end_with_an_offset_is_an_instant(stage):
    before = stage.all("daily_activity", start_date="2026-03-12T00:00:00Z", end_date="2026-03-12T11:59:59+00:00")
    after = stage.all("daily_activity", start_date="2026-03-12T00:00:00Z", end_date="2026-03-12T12:00:00+00:00")
    assert (days(before), days(after)) == ([], ["2026-03-12"])


def test_without_a_start_the_day_before_the_end_is_meant(stage):
    assert days(stage.all("daily_activity", end_date="2026-03-12T13:00:00+00:00")) == ["2026-03-12"]
    assert days(stage.all("daily_activity", end_date="2026-03-12")) == ["2026-03-11"]
    assert days(stage.all("daily_activity")) == ["2026-03-20"]


def test_a_start_after_its_end_is_unprocessable_and_so_is_what_is_no_date(stage):
    assert stage.get("sleep", start_date="2026-03-12", end_date="2026-03-11").status == 422
    assert stage.get("sleep", start_date="yesterday").status == 422
    assert stage.get("sleep", next_token="made up").status == 422


def test_heart_rate_takes_thirty_days_and_no_more(stage):
    end = "2026-03-20T00:00:00+00:00"
    assert stage.get("heartrate", start_datetime="2026-02-18T00:00:00+00:00", end_datetime=end).status == 200
    assert stage.get("heartrate", start_datetime="2026-02-17T23:59:59+00:00", end_datetime=end).status == 422


def test_heart_rate_is_the_persons_own_in_any_cut_of_windows(stage):
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC)
    whole = {row[0]: row[1] for row in truth(stage.account, since, until)["heart_rate"]}
    stage.oura.page_size = 700
    seen = {}
    while since < until:
        edge = min(until, since + timedelta(days=4, hours=7))
        cut = stage.all("heartrate", start_datetime=since.isoformat(), end_datetime=edge.isoformat())
        seen |= {record["timestamp_unix"] // 1000: record["bpm"] for record in cut}
        since = edge
    assert {at: bpm for at, bpm in seen.items() if at < until.timestamp()} == whole
    assert len(whole) > 15 * 200


def test_training_is_recorded_each_five_seconds_with_one_instant_twice(stage):
    found = stage.all("heartrate", start_datetime="2026-03-18T20:00:00Z", end_datetime="2026-03-19T12:00:00Z")
    training = [record["timestamp_unix"] // 1000 for record in found if record["source"] == "workout"]
    steps = [later - earlier for earlier, later in pairwise(training)]
    assert steps.count(5) > 300
    assert steps.count(0) == 1
    assert {record["source"] for record in found} == {"awake", "sleep", "workout"}


def test_the_heart_rates_of_a_night_are_those_of_its_sleep_at_the_same_seconds(stage):
    sleeps = stage.all("sleep", start_date="2026-03-19", end_date="2026-03-20T23:59:59")
    night = next(one for one in sleeps if one["type"] == "long_sleep")
    start = int(datetime.fromisoformat(night["heart_rate"]["timestamp"]).timestamp())
    beats = {start + 300 * index: beat for index, beat in enumerate(night["heart_rate"]["items"]) if beat is not None}
    span = {"start_datetime": night["bedtime_start"], "end_datetime": night["bedtime_end"]}
    found = {
        one["timestamp_unix"] // 1000: one["bpm"] for one in stage.all("heartrate", **span) if one["source"] == "sleep"
    }
    assert found == beats


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_pages_of_any_size_hold_the_same_documents_once(stage, kind):
    span = {"start_date": "2026-01-01", "end_date": "2026-03-25"}
    whole = stage.all(kind, **span)
    stage.oura.page_size = 3
    assert stage.all(kind, **span) == whole
    assert len({record["id"] for record in whole}) == len(whole) > 0


def test_pages_that_follow_belong_to_the_answer_that_began_them(stage):
    stage.at("2026-03-20T11:00")
    stage.oura.page_size = 5
    span = {"start_date": "2026-03-01", "end_date": "2026-03-25"}
    whole = stage.all("sleep", **span)
    first = told(stage.get("sleep", **span))
    stage.at("2026-03-20T23:00")  # the night of the 20th has come in between
    found, token = first["data"], first["next_token"]
    while token:
        page = told(stage.get("sleep", **span, next_token=token))
        found, token = found + page["data"], page["next_token"]
    assert found == whole


def test_one_document_is_the_one_of_the_collection(stage):
    document = stage.all("sleep", start_date="2026-03-10", end_date="2026-03-12")[0]
    assert told(stage.get(f"sleep/{document['id']}")) == document
    missing = stage.get("sleep/00000000-0000-0000-0000-000000000000")
    assert (missing.status, told(missing)) == (404, {"detail": "Document not found."})
    assert stage.get("heartrate/1").status == 404


def test_fields_trim_the_answer(stage):
    found = stage.all("sleep", start_date="2026-03-10", end_date="2026-03-12", fields="id,day")
    assert all(set(record) == {"id", "day"} for record in found)


def test_without_a_token_nothing_is_given(stage):
    stage.access = "made up"
    assert stage.get("sleep").status == 401
    assert stage.get("personal_info").status == 401


def test_a_lapsed_membership_closes_the_data_and_leaves_the_person(stage):
    stage.account.lapsed = True
    assert stage.get("sleep").status == 403
    assert stage.get("personal_info").status == 200


@pytest.mark.parametrize(
    ("kind", "scope"),
    [("sleep", "daily"), ("heartrate", "heartrate"), ("workout", "workout"), ("daily_spo2", "spo2")],
)
def test_a_scope_that_was_not_granted_is_refused_and_named(stage, kind, scope):
    stage.connect(scopes=[one for one in stage.app.scopes if not one.startswith(scope)])
    refused = stage.get(kind)
    assert refused.status == 401
    assert scope in told(refused)["detail"]


def test_an_unknown_type_is_not_found(stage):
    assert stage.get("daily_mood").status == 404
    assert stage.ask("GET", "/v1/sleep").status == 404


@pytest.mark.parametrize(("tier", "limit"), [("token", {"token": 3}), ("app", {"app": 3})])
def test_the_call_too_many_is_told_which_layer_it_met_and_when_to_come_back(stage, tier, limit):
    for name, value in limit.items():
        setattr(stage.oura.limits, name, value)
    stage.at("2026-03-20T12:01")
    assert [stage.get("personal_info").status for _ in range(4)] == [200, 200, 200, 429]
    headers = stage.get("personal_info").headers
    assert (headers["x-ratelimit-tier"], headers["retry-after"]) == (tier, "240")
    assert stage.pass_(seconds=240).get("personal_info").status == 200


def test_a_person_without_scopes_is_still_known_by_id(stage):
    stage.connect(scopes=[])
    assert told(stage.get("personal_info")) == {"id": stage.account.id}


def test_long_sleeps_carry_what_the_person_had_and_their_series_have_gaps(stage):
    found = stage.all("sleep", start_date="2026-01-01", end_date="2026-03-21")
    by_day = {night.day.isoformat(): night for night in stage.account.nights}
    nights = [record for record in found if record["type"] == "long_sleep"]
    for record in nights:
        night = by_day[record["day"]]
        assert record["average_hrv"] == night.hrv_ms
        assert record["lowest_heart_rate"] == night.resting_heart_rate
        beats = [beat for beat in record["heart_rate"]["items"] if beat is not None]
        assert min(beats) == night.resting_heart_rate
        assert record["bedtime_end"].endswith("-08:00")
        assert len(record["hrv"]["items"]) == len(record["sleep_phase_5_min"])
        assert 3 <= record["hrv"]["items"].count(None) <= 30
    assert len(nights) == sum(night.worn for night in by_day.values())


def test_short_sleeps_carry_the_sentinels_of_the_recordings():
    stage = Stage(nights=200)
    stage.connect()
    found = stage.all("sleep", start_date="2025-01-01", end_date="2026-03-21")
    short = [record for record in found if record["type"] == "sleep"]
    assert len(short) > 40
    assert all(record["lowest_heart_rate"] == 255 for record in short)
    assert all(record["hrv"] is record["heart_rate"] is record["average_hrv"] is None for record in short)
    assert all(set(record["readiness"]["contributors"].values()) == {0} for record in short)
    assert {record["type"] for record in found} == {"long_sleep", "sleep", "late_nap", "rest", "deleted"}


def test_a_night_that_was_not_worn_has_no_document():
    stage = Stage(Story.MISSING_NIGHTS, nights=60)
    stage.connect()
    worn = sorted(night.day.isoformat() for night in stage.account.nights if night.worn)
    assert days(stage.all("sleep", start_date="2026-01-01", end_date="2026-03-21"), "long_sleep") == worn
    assert days(stage.all("daily_readiness", start_date="2026-01-01", end_date="2026-03-21")) == worn


def test_readiness_is_stamped_at_midnight_with_an_offset_that_is_not_the_persons(stage):
    found = stage.all("daily_readiness", start_date="2026-03-10", end_date="2026-03-12")
    assert [record["timestamp"] for record in found] == [f"{record['day']}T00:00:00+00:00" for record in found]


def test_a_new_ring_is_a_new_configuration_and_its_sleeps_name_it():
    stage = Stage(Story.NEW_DEVICE, nights=60)
    stage.connect()
    rings = stage.all("ring_configuration", start_date="2025-01-01", end_date="2026-03-21")
    sleeps = stage.all("sleep", start_date="2025-01-01", end_date="2026-03-21")
    assert len(rings) == 2
    assert {record["ring_id"] for record in sleeps} == {ring["id"] for ring in rings}
    newest = max(rings, key=lambda ring: ring["set_up_at"])
    first = min(record["bedtime_start"] for record in sleeps if record["ring_id"] == newest["id"])
    assert newest["set_up_at"] < first


def test_rings_are_given_without_a_span_and_from_the_evening_they_are_set_up():
    stage = Stage(Story.NEW_DEVICE, nights=60)
    first_with_it = stage.account.nights[-25]
    for hours, count in ((-5, 1), (-3, 2)):
        stage.now = first_with_it.onset.replace(tzinfo=UTC) + timedelta(hours=hours)
        stage.connect()
        assert len(stage.all("ring_configuration")) == count


def test_rest_mode_begins_with_the_first_ill_morning_and_stays_open_while_it_lasts():
    stage = Stage(Story.ILL, nights=60).at("2026-03-18T12:00")
    stage.connect()
    span = {"start_date": "2026-01-01", "end_date": "2026-03-25"}
    assert [(one["start_day"], one["end_day"]) for one in stage.all("rest_mode_period", **span)] == [
        ("2026-03-15", None)
    ]
    stage.at("2026-03-22T12:00").connect()
    assert stage.all("rest_mode_period", **span)[0]["end_day"] == "2026-03-20"


def test_a_traveller_writes_times_in_the_zone_of_each_place():
    stage = Stage(Story.TRAVELLER, nights=20).at("2026-03-21T12:00")
    stage.connect()
    found = stage.all("sleep", start_date="2026-03-01", end_date="2026-03-21")
    assert {record["bedtime_start"][-6:] for record in found if record["type"] == "long_sleep"} == {"+00:00", "+09:00"}


def test_equal_seeds_give_equal_documents_and_other_handles_other_ids():
    one, same = Stage(nights=5), Stage(nights=5)
    assert one.account.documents == same.account.documents
    other = one.oura.add_person("bo", Life(Story.STEADY, LAST, 5, one.account.seed))
    assert other.id != one.account.id
    assert [night.hrv_ms for night in other.nights] == [night.hrv_ms for night in one.account.nights]
