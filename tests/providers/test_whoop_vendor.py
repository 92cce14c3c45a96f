"""How one connects to WHOOP, what its records mean, what it limits and how it notifies."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from providers import get
from providers.base import Allowance, Answer, Asked
from providers.errors import ContractBroken, NeedsPerson
from providers.exports import whoop_series as series
from providers.shapes import DayValue, Episode, Gone, Rejected
from tests.providers.pages import page_of

WHOOP = get("whoop")
HOOK = WHOOP.webhook
SECRET = "an-invented-secret"
SLEEP, NAP = "5e1d0c2a-0000-4000-8000-000000000001", "5e1d0c2a-0000-4000-8000-000000000002"
NOTICE = {"user_id": 7204411, "id": SLEEP, "type": "recovery.updated", "trace_id": "t-1"}
ASKED = Asked(datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 4, 2, 9, tzinfo=UTC))
HEADERS = {
    "x-ratelimit-limit": "100, 100;window=60, 10000;window=86400",
    "x-ratelimit-remaining": "42",
    "x-ratelimit-reset": "17",
}
STAGES = {
    "total_in_bed_time_milli": 27_000_000,
    "total_light_sleep_time_milli": 12_000_000,
    "total_slow_wave_sleep_time_milli": 5_400_000,
    "total_rem_sleep_time_milli": 7_200_000,
}


def rows(stream, *records):
    return page_of(WHOOP.stream(stream), list(records), ASKED).rows


def sleep(**more):
    record = {
        "id": SLEEP,
        "start": "2026-03-25T22:04:10.212Z",
        "end": "2026-03-26T05:41:02.640Z",
        "timezone_offset": "+01:00",
        "nap": False,
        "score_state": "SCORED",
        "score": {"stage_summary": STAGES, "respiratory_rate": 14.5},
    }
    return {**record, **more}


def recovery(score=None, **more):
    numbers = {"recovery_score": 66, "resting_heart_rate": 52, "hrv_rmssd_milli": 71.25}
    numbers |= {"spo2_percentage": 96.5, "skin_temp_celsius": 33.5, "user_calibrating": False}
    record = {"sleep_id": SLEEP, "cycle_id": 880001, "created_at": "2026-03-26T05:43:11.010Z", "score_state": "SCORED"}
    return {**record, "score": {**numbers, **(score or {})}, **more}


def cycle(**more):
    record = {
        "id": 880001,
        "start": "2026-03-25T22:04:10.212Z",
        "end": "2026-03-26T22:20:00.000Z",
        "timezone_offset": "+01:00",
        "score_state": "SCORED",
        "score": {"strain": 11.5, "kilojoule": 10_460},
    }
    return {**record, **more}


def values(found):
    return {row.definition: row for row in found if isinstance(row, DayValue)}


def told(found):
    return {of.measure.name: row.value for of, row in values(found).items()}


def states(found):
    return {row.state for row in found if isinstance(row, DayValue | Episode)}


# The grant


def test_without_the_scope_offline_there_is_no_refresh_token_neither_at_first_nor_later():
    assert "offline" in WHOOP.auth.scopes
    assert WHOOP.auth.refresh_params == {"scope": "offline"}


def test_what_a_refresh_says_of_scopes_is_not_believed_as_it_had_to_name_one_itself():
    assert WHOOP.auth.scopes_from == "code"


def test_the_app_is_proved_in_the_form_without_pkce_and_a_refresh_token_is_good_once():
    auth = WHOOP.auth
    assert (auth.client_auth, auth.pkce, auth.rotation, auth.scope_separator) == ("body", False, "single_use", " ")


def test_whose_account_it_is_says_the_profile_which_has_a_scope_of_its_own():
    assert (WHOOP.auth.vendor_user.path, WHOOP.auth.vendor_user.key) == ("/v2/user/profile/basic", "user_id")
    assert "read:profile" in WHOOP.auth.scopes


def test_a_grant_is_ended_with_the_person_s_own_token():
    (request,) = WHOOP.auth.revoke("an-access-token", "a-refresh-token")
    assert (request.method, request.url) == ("DELETE", "/v2/user/access")
    assert request.headers == {"authorization": "Bearer an-access-token"}
    assert request.params == {}


# What is asked


@pytest.mark.parametrize("stream", WHOOP.streams, ids=lambda stream: stream.name)
def test_a_page_is_asked_for_by_instants_with_as_many_records_as_whoop_gives(stream):
    assert stream.params == {"limit": "25"}
    assert (stream.paging.key, stream.paging.param) == ("next_token", "nextToken")
    assert (stream.window.start, stream.window.end, stream.window.by) == ("start", "end", "instant")
    assert stream.window.write(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00+00:00"
    assert stream.settles == timedelta(days=3)
    assert (stream.series, stream.borne) == ((), ())


def test_recovery_is_never_asked_for_by_an_id_as_there_is_no_such_address():
    assert WHOOP.stream("whoop.recovery").path == "/v2/recovery"


def test_a_day_of_polls_leaves_room_for_a_hundred_and_fifty_people():
    daily = min(budget.calls for budget in WHOOP.budgets if budget.per == timedelta(days=1))
    polls = len(WHOOP.streams) * (timedelta(days=1) / WHOOP.poll_every)
    backfill_share, notices = 0.3, 12
    assert daily * (1 - backfill_share) / (polls + notices) >= 150


# Sleep


def test_a_night_belongs_to_the_local_date_of_its_end_whatever_the_sign_of_the_offset():
    for offset, minutes, day in (
        ("+01:00", 60, date(2026, 3, 26)),
        ("-05:00", -300, date(2026, 3, 26)),
        ("-06:00", -360, date(2026, 3, 25)),
        ("+05:30", 330, date(2026, 3, 26)),
        ("Z", 0, date(2026, 3, 26)),
    ):
        (night, *_) = rows("whoop.sleep", sleep(timezone_offset=offset))
        assert (night.day, night.utc_offset_minutes) == (day, minutes)


@pytest.mark.parametrize("offset", ["Europe/Oslo", "", None, "+15:00", "5"])
def test_a_record_without_a_readable_offset_is_set_aside_as_none_is_invented(offset):
    rejected, *good = rows("whoop.sleep", sleep(id=NAP, timezone_offset=offset), sleep())
    assert (type(rejected), rejected.record) == (Rejected, NAP)
    assert {row.record for row in good} == {SLEEP}


def test_time_asleep_is_light_deep_and_rem_and_the_totals_are_minutes():
    found = rows("whoop.sleep", sleep())
    assert told(found) == {"total_sleep_time": 410, "respiratory_rate": 14.5}
    assert found[0].detail == {
        "in_bed_minutes": 450,
        "light_minutes": 200,
        "deep_minutes": 90,
        "rem_minutes": 120,
        "asleep_minutes": 410,
    }


def test_a_sleep_of_which_a_stage_is_missing_has_no_time_asleep_rather_than_too_little():
    score = {"stage_summary": {**STAGES, "total_rem_sleep_time_milli": None}, "respiratory_rate": 14.5}
    assert told(rows("whoop.sleep", sleep(score=score))) == {"total_sleep_time": None, "respiratory_rate": 14.5}


def test_a_nap_is_kept_and_is_no_night():
    nap, *of_nap = rows("whoop.sleep", sleep(id=NAP, nap=True))
    assert (nap.main, nap.state) == (False, "final")
    assert {row.value for row in of_nap} == {None}
    assert states(of_nap) == {"unscorable"}


@pytest.mark.parametrize(
    ("score_state", "state"),
    [("PENDING_SCORE", "pending"), ("UNSCORABLE", "unscorable"), ("A_WORD_OF_TOMORROW", "pending")],
)
def test_what_is_not_scored_yet_waits_and_what_cannot_be_is_said_to_be(score_state, state):
    for stream, record in (("whoop.sleep", sleep()), ("whoop.recovery", recovery()), ("whoop.cycle", cycle())):
        unscored = {name: value for name, value in record.items() if name != "score"}
        found = rows(stream, {**unscored, "score_state": score_state})
        assert states(found) == {state}
        assert set(told(found).values()) == {None}


def test_a_score_that_is_said_to_be_there_and_is_not_is_waited_for():
    assert states(rows("whoop.sleep", sleep(score=None))) == {"pending"}


def test_times_that_cannot_be_set_a_record_aside_and_it_is_not_taken_for_gone():
    for change in ({"end": sleep()["start"]}, {"end": "2026-03-26T22:04:11.000Z"}):
        (rejected,) = rows("whoop.sleep", sleep(**change))
        assert isinstance(rejected, Rejected)
        assert rejected.record == SLEEP


# Recovery


def test_a_recovery_has_no_day_of_its_own_and_hangs_on_its_sleep():
    for row in rows("whoop.recovery", recovery()):
        assert (row.day, row.record, row.link) == (None, SLEEP, ("whoop.sleep", SLEEP))


def test_hrv_is_in_milliseconds_as_it_comes_and_temperature_absolute():
    found = values(rows("whoop.recovery", recovery()))
    assert {of: row.value for of, row in found.items()} == {
        series.HRV: 71.25,
        series.RESTING: 52,
        series.OXYGEN: 96.5,
        series.SKIN: 33.5,
        series.READINESS: 66,
    }
    assert {row.state for row in found.values()} == {"final"}


def test_a_strap_without_a_thermometer_still_has_a_night():
    record = recovery({"spo2_percentage": None})
    del record["score"]["skin_temp_celsius"]
    found = values(rows("whoop.recovery", record))
    assert (found[series.OXYGEN].state, found[series.SKIN].state) == ("unscorable", "unscorable")
    assert (found[series.HRV].value, found[series.HRV].state) == (71.25, "final")


def test_while_whoop_calibrates_its_numbers_are_kept_and_marked_and_count_for_no_night():
    for row in rows("whoop.recovery", recovery({"user_calibrating": True})):
        assert row.value is not None
        assert (row.state, row.flags) == ("unscorable", {"calibrating"})
    assert {row.flags for row in rows("whoop.recovery", recovery())} == {frozenset()}


def test_a_recovery_that_cannot_be_read_is_known_by_its_sleep():
    broken, *_ = rows("whoop.recovery", recovery(sleep_id=NAP, created_at="never"), recovery())
    assert (type(broken), broken.record) == (Rejected, NAP)


# Cycle and workout


def test_a_cycle_that_began_in_the_evening_is_the_strain_of_the_next_day():
    found = values(rows("whoop.cycle", cycle()))
    assert {row.day for row in found.values()} == {date(2026, 3, 26)}
    assert {row.link for row in found.values()} == {("whoop.cycle", "880001")}


def test_of_two_cycles_that_begin_on_one_local_date_each_has_its_own_day():
    first = cycle(start="2026-03-24T23:30:00Z", end="2026-03-25T22:30:00Z")
    second = cycle(id=880002, start="2026-03-25T22:30:00Z", end="2026-03-26T22:00:00Z")
    found = rows("whoop.cycle", first, second)
    assert {row.record: row.day for row in found} == {"880001": date(2026, 3, 25), "880002": date(2026, 3, 26)}


def test_a_cycle_that_runs_is_pending_though_whoop_calls_it_scored():
    running = cycle()
    del running["end"]
    for found in (rows("whoop.cycle", running), rows("whoop.cycle", cycle(end=None))):
        assert states(found) == {"pending"}
        assert values(found)[series.STRAIN].value == 11.5


def test_energy_is_kilocalories_though_whoop_says_kilojoules():
    assert told(rows("whoop.cycle", cycle())) == {"vendor_strain": 11.5, "active_energy": 2500}


def test_a_cycle_that_cannot_be_read_is_known_by_its_number_and_so_not_taken_for_gone():
    broken, *_ = rows("whoop.cycle", cycle(id=880009, start="never"), cycle())
    assert broken.record == "880009"


def test_a_workout_tells_minutes_in_each_zone_and_belongs_to_the_local_date_of_its_start():
    workout = sleep(sport_name="running", score={"strain": 9.5, "zone_durations": {"zone_two_milli": 90_000}})
    del workout["nap"]
    (found,) = rows("whoop.workout", {**workout, "timezone_offset": "+02:00"})
    assert (found.kind, found.day, found.detail["activity"]) == ("workout", date(2026, 3, 26), "running")
    assert (found.detail["zone_two_minutes"], found.detail["strain"]) == (1.5, 9.5)


# Refusals and limits


def test_a_lapsed_membership_is_for_the_person_to_mend_and_other_refusals_are_as_everywhere():
    assert isinstance(WHOOP.verdict(Answer(403, {}, b'{"error":"deactivated_user"}')), NeedsPerson)
    for status, body in (
        (403, b'{"error":"forbidden"}'),
        (401, b'{"error":"deactivated_user"}'),
        (400, b""),
        (429, b""),
    ):
        assert WHOOP.verdict(Answer(status, {}, body)) is None


def test_what_is_left_is_read_of_the_budget_that_the_headers_speak_of():
    assert WHOOP.allowance(HEADERS) == Allowance(42, timedelta(minutes=1), 17)
    daily = {**HEADERS, "x-ratelimit-limit": "10000, 100;window=60, 10000;window=86400"}
    assert WHOOP.allowance(daily) == Allowance(42, timedelta(days=1), 17)
    assert WHOOP.allowance({**HEADERS, "x-ratelimit-remaining": "-3"}).calls == 0


@pytest.mark.parametrize("name", list(HEADERS))
@pytest.mark.parametrize("nonsense", [None, "", "soon", "1e9", "100", "100, x;window=y", "9" * 400])
def test_headers_that_say_nothing_correct_nothing(name, nonsense):
    headers = {**HEADERS, name: nonsense}
    if nonsense is None:
        del headers[name]
    found = WHOOP.allowance(headers)
    assert found is None or (name != "x-ratelimit-limit" and nonsense.isdigit())


def test_a_hundred_calls_a_minute_and_ten_thousand_a_day_are_the_app_s():
    limits = [(budget.calls, budget.per, budget.scope) for budget in WHOOP.budgets]
    assert limits == [(100, timedelta(minutes=1), "app"), (10_000, timedelta(days=1), "app")]


# Notices


def signed(body, at="1774505430123", secret=SECRET, join=lambda at, body: at + body):
    digest = hmac.digest(secret.encode(), join(at.encode(), body), hashlib.sha256)
    return {"x-whoop-signature-timestamp": at, "x-whoop-signature": base64.b64encode(digest).decode()}


def test_a_notice_is_signed_over_its_milliseconds_and_its_raw_body():
    body = json.dumps(NOTICE).encode()
    assert HOOK.verify(signed(body), body, SECRET)
    assert not HOOK.verify(signed(body), json.dumps(NOTICE, indent=1).encode(), SECRET)
    assert not HOOK.verify({**signed(body), "x-whoop-signature-timestamp": "1774505430"}, body, SECRET)
    assert not HOOK.verify(signed(body, join=lambda _, body: body), body, SECRET)
    assert not HOOK.verify(signed(body, secret=""), body, "")


def test_a_signature_in_another_case_is_another_signature_as_base64_knows_case():
    body = json.dumps(NOTICE).encode()
    good = signed(body)
    assert not HOOK.verify({**good, "x-whoop-signature": good["x-whoop-signature"].swapcase()}, body, SECRET)


@pytest.mark.parametrize(
    ("of", "streams"),
    [
        ("recovery.updated", ("whoop.sleep", "whoop.recovery", "whoop.cycle")),
        ("recovery.deleted", ("whoop.sleep", "whoop.recovery", "whoop.cycle")),
        ("sleep.updated", ("whoop.sleep",)),
        ("workout.updated", ("whoop.workout",)),
        ("a.word_of_tomorrow", ()),
    ],
)
def test_a_notice_of_a_recovery_brings_its_sleep_too_as_it_names_no_recovery(of, streams):
    (hint,) = HOOK.hints(json.dumps({**NOTICE, "type": of}).encode())
    assert (hint.vendor_user, hint.streams, hint.gone) == ("7204411", streams, ())


def test_what_was_deleted_is_gone_and_a_recovery_goes_with_its_sleep_alone():
    for kind in ("sleep", "workout"):
        (hint,) = HOOK.hints(json.dumps({**NOTICE, "type": f"{kind}.deleted"}).encode())
        assert hint.gone == (Gone(f"whoop.{kind}", SLEEP),)


def test_a_notice_of_model_v1_says_what_to_choose_in_the_dashboard():
    with pytest.raises(ContractBroken, match="model v2"):
        HOOK.hints(json.dumps({**NOTICE, "id": 880001}).encode())


def test_notices_are_set_up_by_hand_and_ask_no_question():
    assert (HOOK.signed, HOOK.subscribing, HOOK.handshake) == (True, None, None)
