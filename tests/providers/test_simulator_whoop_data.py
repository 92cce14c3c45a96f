"""The simulated WHOOP's data: its windows, pages, refusals and limits, and how a record comes by its score."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest

from providers.simulator.faults import BEFORE, KINDS
from providers.simulator.people import Story
from providers.simulator.phone import Phone
from providers.simulator.whoop import Strap
from providers.simulator.whoop.nights import Edit
from providers.simulator.whoop.truth import truth
from tests.providers.simulator_stage import WHOOP_APP, Stage, WhoopStage, told

COLLECTIONS = ("cycle", "recovery", "activity/sleep", "activity/workout")
SLEEP, RECOVERY = "activity/sleep", "recovery"
EVER = {"start": "2020-01-01T00:00:00Z", "limit": "25"}


@pytest.fixture
def stage():
    staged = WhoopStage(Story.OVERREACHING, utc_offset_minutes=-300, nights=60).at("2026-03-21T20:00")
    staged.connect()
    return staged


def at(text):
    return datetime.fromisoformat(text)


def starts(records):
    return [at(record["start"]) for record in records]


def nights_of(records):
    return [record for record in records if not record["nap"]]


def woken(stage):
    return stage.account.nights[-1].wake.replace(tzinfo=UTC)


@pytest.mark.parametrize("path", COLLECTIONS)
def test_a_page_holds_ten_where_nothing_is_said_and_never_more_than_twenty_five(stage, path):
    page = {"start": EVER["start"]}
    assert len(told(stage.get(path, **page))["records"]) == 10
    assert len(told(stage.get(path, **page, limit="25"))["records"]) <= 25
    assert [stage.get(path, **page, limit=wrong).status for wrong in ("26", "0", "-1", "many")] == [400] * 4


@pytest.mark.parametrize("path", COLLECTIONS)
def test_pages_of_any_size_hold_the_same_records_once_newest_first(stage, path):
    whole = stage.all(path, **EVER)
    assert stage.all(path, **{**EVER, "limit": "4"}) == whole
    if path != RECOVERY:
        assert starts(whole) == sorted(starts(whole), reverse=True)
    assert len({str(record) for record in whole}) == len(whole) > 20


def test_recoveries_stand_in_the_order_of_their_sleeps(stage):
    sleeps = [one["id"] for one in nights_of(stage.all(SLEEP, **EVER))]
    assert [one["sleep_id"] for one in stage.all(RECOVERY, **EVER)] == sleeps


@pytest.mark.parametrize("path", ["cycle", SLEEP, "activity/workout"])
def test_a_start_counts_to_the_millisecond_and_an_end_does_not(stage, path):
    first, second, *_ = stage.all(path, **EVER)
    found = stage.all(path, start=second["start"], end=first["start"])
    assert [one["id"] for one in found] == [second["id"]]


def test_the_last_page_has_no_token_or_one_that_is_null(stage):
    assert "next_token" not in told(stage.get("cycle", start="2026-03-15T00:00:00Z", limit="25"))
    first = told(stage.get("cycle", **EVER))
    second = told(stage.get("cycle", **EVER, nextToken=first["next_token"]))
    assert told(stage.get("cycle", **EVER, nextToken=second["next_token"]))["next_token"] is None
    assert stage.get("cycle", nextToken="made up").status == 400
    assert stage.get("cycle", start="yesterday").status == 400


def test_a_record_that_comes_between_two_pages_shifts_none_of_them(stage):
    stage.at("2026-03-20T05:00")
    stage.connect()
    whole = stage.all("cycle", **EVER)
    first = told(stage.get("cycle", **EVER))
    stage.pass_(minutes=59)
    stage.account.phone.opened.append(stage.now)
    found, token = first["records"], first["next_token"]
    while token:
        page = told(stage.get("cycle", **EVER, nextToken=token))
        found, token = found + page["records"], page["next_token"]
    assert [one["id"] for one in found] == [one["id"] for one in whole]


def test_single_documents_are_those_of_the_collections_and_a_recovery_is_reached_by_its_cycle_alone(stage):
    recovery = stage.all(RECOVERY, **EVER)[0]
    cycle, sleep = recovery["cycle_id"], recovery["sleep_id"]
    assert told(stage.get(f"cycle/{cycle}/recovery")) == recovery
    assert told(stage.get(f"cycle/{cycle}/sleep"))["id"] == sleep
    assert told(stage.get(f"cycle/{cycle}"))["id"] == cycle
    assert told(stage.get(f"{SLEEP}/{sleep}"))["cycle_id"] == cycle
    workout = stage.all("activity/workout", **EVER)[0]
    assert told(stage.get(f"activity/workout/{workout['id']}")) == workout
    for nowhere in (f"recovery/{cycle}", f"recovery/{sleep}", f"{SLEEP}/{sleep}/stream", "cycle/1", "cycle/1/recovery"):
        assert stage.get(nowhere).status == 404
    assert stage.ask("GET", "/developer/v1/cycle", headers={"authorization": f"Bearer {stage.access}"}).status == 404


def test_profile_and_body_need_scopes_of_their_own(stage):
    assert told(stage.get("user/profile/basic"))["user_id"] == int(stage.account.id)
    assert set(told(stage.get("user/measurement/body"))) == {"height_meter", "weight_kilogram", "max_heart_rate"}
    stage.connect(scopes=["offline"])
    for path in ("user/profile/basic", "user/measurement/body", *COLLECTIONS):
        assert stage.get(path).status == 403


def test_a_lapsed_membership_is_named_as_the_vendor_does(stage):
    stage.account.lapsed = True
    refused = stage.get("cycle")
    assert (refused.status, told(refused)) == (403, {"error": "deactivated_user"})


def test_every_answer_tells_what_is_left_of_the_app_s_minute_and_day(stage):
    stage.at("2026-03-20T12:00:20")
    headers = stage.get("cycle").headers
    assert headers["x-ratelimit-limit"] == "100, 100;window=60, 10000;window=86400"
    assert (headers["x-ratelimit-remaining"], headers["x-ratelimit-reset"]) == ("99", "40")


def test_the_hundred_and_first_call_of_a_minute_is_refused_whoever_asks_and_no_retry_after_is_told(stage):
    stage.at("2026-03-20T12:00:20")
    first = stage.connect()["access_token"]
    second = stage.connect()["access_token"]
    for number in range(100):
        stage.access = (first, second)[number % 2]
        assert stage.get("user/profile/basic").status == 200
    refused = stage.get("cycle")
    assert (refused.status, refused.headers["x-ratelimit-remaining"], refused.headers["x-ratelimit-reset"]) == (
        *(429, "0"),
        "40",
    )
    assert "retry-after" not in refused.headers
    assert stage.pass_(seconds=40).get("cycle").status == 200


def test_a_day_of_calls_ends_at_midnight(stage):
    stage.whoop.limits.per_day = 3
    stage.at("2026-03-20T23:00")
    stage.connect()
    assert [stage.get("user/profile/basic").status for _ in range(4)] == [200, 200, 200, 429]
    headers = stage.get("cycle").headers
    assert (headers["x-ratelimit-limit"].split(",")[0], headers["x-ratelimit-reset"]) == ("3", "3600")
    assert stage.pass_(minutes=59).get("cycle").status == 429
    stage.pass_(minutes=1).connect()
    assert stage.get("cycle").status == 200


def test_a_night_waits_for_its_score_and_has_it_minutes_after_the_sync():
    stage = WhoopStage()
    stage.now = woken(stage)
    stage.connect()
    sleep, recovery = stage.all(SLEEP, **EVER)[0], stage.all(RECOVERY, **EVER)[0]
    assert (sleep["id"], sleep["score_state"]) == (recovery["sleep_id"], "PENDING_SCORE")
    assert "score" not in sleep
    assert "score" not in recovery
    scored = nights_of(stage.pass_(minutes=10).all(SLEEP, **EVER))[0]
    assert (scored["id"], scored["score_state"], scored["created_at"]) == (sleep["id"], "SCORED", sleep["created_at"])
    assert timedelta(minutes=4) <= at(scored["updated_at"]) - at(sleep["updated_at"]) <= timedelta(minutes=9)
    assert scored["score"]["stage_summary"]["total_awake_time_milli"] > 0
    scored = stage.all(RECOVERY, **EVER)[0]
    assert (scored["score_state"], scored["score"]["resting_heart_rate"]) == (
        "SCORED",
        stage.account.nights[-1].resting_heart_rate,
    )


def test_the_minutes_to_a_score_begin_when_a_late_phone_hands_over_and_not_at_waking():
    stage = WhoopStage(phone=Phone((time(9), time(22)))).at("2026-03-20T08:59")
    stage.connect()
    before = {one["id"] for one in stage.all(SLEEP, **EVER)}
    first = nights_of(stage.at("2026-03-20T09:00").all(SLEEP, **EVER))[0]
    assert first["id"] not in before
    assert (first["score_state"], first["created_at"]) == ("PENDING_SCORE", "2026-03-20T09:00:00.000Z")
    scored = nights_of(stage.at("2026-03-20T09:10").all(SLEEP, **EVER))[0]
    assert "2026-03-20T09:04" <= scored["updated_at"] <= "2026-03-20T09:09:00.000Z"
    assert scored["created_at"] == first["created_at"]


def test_a_phone_that_was_away_hands_over_when_it_is_opened():
    away = [(datetime(2026, 3, 19, 20, tzinfo=UTC), datetime(2026, 4, 20, tzinfo=UTC))]
    stage = WhoopStage(phone=Phone((), away)).at("2026-03-20T12:00")
    stage.connect()
    newest = stage.all(SLEEP, **EVER)[0]["id"]
    stage.account.phone.opened.append(stage.pass_(minutes=1).now)
    stage.pass_(minutes=2)
    night = nights_of(stage.all(SLEEP, **EVER))[0]
    assert night["id"] != newest
    assert night["created_at"] == "2026-03-20T12:01:00.000Z"


def test_a_cycle_runs_from_falling_asleep_to_falling_asleep_begins_the_evening_before_and_is_open_while_it_runs(stage):
    newest, *closed = stage.at("2026-03-20T22:00").all("cycle", **EVER)
    assert "end" not in newest
    assert all(earlier["end"] == later["start"] for later, earlier in pairwise([newest, *closed]))
    local_starts = [at(one["start"]) - timedelta(minutes=300) for one in closed]
    assert sum(start.date() < at(one["end"]).date() for start, one in zip(local_starts, closed, strict=True)) > 50
    assert {one["timezone_offset"] for one in closed} == {"-05:00"}


def test_strain_grows_while_the_cycle_is_open():
    stage = WhoopStage().at("2026-03-20T10:30")
    stage.connect()
    seen = []
    for hour in (11, 15, 19, 23):
        stage.at(f"2026-03-20T{hour}:00").connect()
        seen.append(stage.all("cycle", **EVER)[0]["score"]["strain"])
    assert seen == sorted(set(seen))


def test_naps_are_sleeps_without_a_recovery():
    stage = WhoopStage(nights=120)
    stage.connect()
    naps = [one for one in stage.all(SLEEP, **EVER) if one["nap"]]
    assert len(naps) > 5
    assert not {one["id"] for one in naps} & {one["sleep_id"] for one in stage.all(RECOVERY, **EVER)}


def test_some_nights_cannot_be_scored_and_the_first_say_that_they_calibrate():
    stage = WhoopStage(nights=120, strap=Strap(unscorable_share=0.1, calibrating=4))
    stage.connect()
    recoveries = stage.all(RECOVERY, **EVER)
    unscorable = [one for one in recoveries if one["score_state"] == "UNSCORABLE"]
    assert 4 < len(unscorable) < 25
    assert not any("score" in one for one in unscorable)
    sleeps = {one["id"]: one["score_state"] for one in stage.all(SLEEP, **EVER)}
    assert {sleeps[one["sleep_id"]] for one in unscorable} == {"UNSCORABLE"}
    calibrating = [one.get("score", {}).get("user_calibrating") for one in reversed(recoveries)]
    assert not any(calibrating[4:])
    assert {True} <= set(calibrating[:4]) <= {True, None}


def test_an_older_strap_knows_neither_temperature_nor_oxygen():
    keys = {}
    for older in (False, True):
        stage = WhoopStage(strap=Strap(older=older))
        stage.connect()
        keys[older] = set(stage.all(RECOVERY, **EVER)[0]["score"])
    assert keys[False] - keys[True] == {"spo2_percentage", "skin_temp_celsius"}


def test_a_night_that_was_not_worn_has_a_cycle_and_no_sleep():
    stage = WhoopStage(Story.MISSING_NIGHTS, nights=60)
    stage.connect()
    assert len(stage.all("cycle", **EVER)) == 60
    assert len(stage.all(RECOVERY, **EVER)) == sum(night.worn for night in stage.account.nights) < 50


def test_a_traveller_s_offset_changes_and_home_may_be_west_of_greenwich():
    stage = WhoopStage(Story.TRAVELLER, utc_offset_minutes=-210).at("2026-03-21T20:00")
    stage.connect()
    assert {one["timezone_offset"] for one in stage.all(SLEEP, **EVER)} == {"-03:30", "+05:30"}
    stage = WhoopStage()
    stage.connect()
    assert {one["timezone_offset"] for one in stage.all("cycle", **EVER)} == {"Z"}


def test_a_deleted_sleep_takes_its_recovery_with_it_and_leaves_the_cycle(stage):
    recovery = stage.all(RECOVERY, **EVER)[3]
    cycle, sleep = recovery["cycle_id"], recovery["sleep_id"]
    stage.whoop.pull("remove", {"handle": "mira", "document": sleep}, stage.now)
    assert sleep not in {one["id"] for one in stage.all(SLEEP, **EVER)}
    assert sleep not in {one["sleep_id"] for one in stage.all(RECOVERY, **EVER)}
    assert [stage.get(path).status for path in (f"{SLEEP}/{sleep}", f"cycle/{cycle}/recovery", f"cycle/{cycle}")] == [
        *(404, 404),
        200,
    ]


def test_a_night_that_the_person_corrects_keeps_its_id_and_is_newer(stage):
    before = stage.all(RECOVERY, **EVER)[3]
    sleep = told(stage.get(f"{SLEEP}/{before['sleep_id']}"))
    stage.pass_(minutes=5).whoop.pull("rescore", {"handle": "mira", "document": sleep["id"]}, stage.now)
    after = told(stage.get(f"cycle/{before['cycle_id']}/recovery"))
    longer = told(stage.get(f"{SLEEP}/{sleep['id']}"))
    assert after["score"]["hrv_rmssd_milli"] - before["score"]["hrv_rmssd_milli"] == Edit().hrv_ms
    assert at(longer["end"]) - at(sleep["end"]) == timedelta(minutes=Edit().minutes)
    assert (after["created_at"], at(after["updated_at"])) == (before["created_at"], stage.now)
    with pytest.raises(LookupError, match="no scored night"):
        stage.whoop.pull("rescore", {"handle": "mira", "document": "none"}, stage.now)


def test_some_nights_are_scored_twice_and_the_second_score_is_the_persons():
    stage = WhoopStage(nights=120, strap=Strap(unscorable_share=0))
    stage.connect()
    twice = [document for document in stage.account.documents["recovery"] if len(document.versions) == 3]
    assert 2 <= len(twice) <= 15
    night = next(
        night
        for night in stage.account.nights
        if twice[0].versions[0].body["cycle_id"] // 10**8 == night.day.toordinal()
    )
    stage.now = night.wake.replace(tzinfo=UTC) + timedelta(minutes=10)
    stage.connect()
    first = stage.all(RECOVERY, **EVER)[0]
    stage.pass_(hours=3).connect()
    second = stage.all(RECOVERY, **EVER)[0]
    assert (first["score"]["hrv_rmssd_milli"], second["score"]["hrv_rmssd_milli"]) == (night.hrv_ms - 3, night.hrv_ms)
    assert second["updated_at"] > first["updated_at"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_strikes_whoop_too(stage, kind):
    stage.whoop.faults.next(kind, path="/developer/v2/recovery", field="score_state", to="state")
    asked = {**EVER, "limit": "3"}
    reply = stage.get(RECOVERY, **asked)
    whole = told(stage.get(RECOVERY, **asked))
    if kind in BEFORE | {"lost"}:
        assert reply.reset or reply.status >= 429
    elif kind in {"html", "half", "truncated", "timeout"}:
        assert reply.cut or reply.delay or reply.body != stage.get(RECOVERY, **asked).body
    else:
        records = {
            "renamed": [
                {"state" if name == "score_state" else name: one[name] for name in one} for one in whole["records"]
            ],
            "retyped": [one | {"score_state": {"value": one["score_state"]}} for one in whole["records"]],
            "empty": [],
            "duplicates": [*whole["records"], whole["records"][-1]],
        }
        assert told(reply)["records"] == records[kind]
        assert kind != "empty" or not told(reply)["next_token"]


def test_equal_seeds_give_equal_documents_and_ids_are_nobody_else_s(stage):
    same = WhoopStage(Story.OVERREACHING, utc_offset_minutes=-300, nights=60)
    assert same.account.documents == stage.account.documents
    oura = Stage(Story.OVERREACHING, utc_offset_minutes=-300, nights=60)
    assert not {one.id for one in oura.account.documents["sleep"]} & {
        one.id for one in stage.account.documents["sleep"]
    }


def test_calls_are_counted_without_the_ids_in_their_paths(stage):
    recovery = stage.all(RECOVERY, **EVER)[0]
    stage.get(f"cycle/{recovery['cycle_id']}/recovery")
    stage.get(f"{SLEEP}/{recovery['sleep_id']}")
    counted = {one.path for one in stage.whoop.calls if one.token == stage.access}
    assert counted == {f"/developer/v2/{path}" for path in (RECOVERY, "cycle/{id}/recovery", f"{SLEEP}/{{id}}")}


def test_one_person_who_wears_both_slept_and_trained_once(stage):
    oura = Stage(Story.OVERREACHING, utc_offset_minutes=-300, nights=60).at("2026-03-21T20:00")
    oura.connect()
    span = {"start_date": "2026-01-01", "end_date": "2026-03-25"}
    ring = {one["day"]: one for one in oura.all("sleep", **span) if one["type"] == "long_sleep"}
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    strap = {night[1]: night for night in truth(stage.account, since, until)["night"]}
    assert set(strap) <= set(ring)
    assert all(ring[day]["average_hrv"] == night[2] for day, night in strap.items())
    sleeps = {one["end"] for one in nights_of(stage.all(SLEEP, **EVER))}
    assert sleeps == {f"{at(one['bedtime_end']).astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z" for one in ring.values()}
    trained = {at(one["start_datetime"]) for one in oura.all("workout", **span)}
    assert {at(one["start"]) for one in stage.all("activity/workout", **EVER)} == trained


def test_an_app_without_a_webhook_address_may_read_all_the_same():
    stage = WhoopStage(app=replace(WHOOP_APP, webhook_url=""))
    stage.connect()
    assert stage.get("cycle").status == 200
