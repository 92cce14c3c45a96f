"""Each fault that can be ordered strikes whom it should, as often as it should, and then no more."""

import json

import pytest

from providers.simulator.faults import BEFORE, KINDS
from tests.providers.simulator_stage import Stage, told

SLEEP = "/v2/usercollection/sleep"
SPAN = {"start_date": "2026-03-01", "end_date": "2026-03-21"}


@pytest.fixture
def stage():
    staged = Stage()
    staged.connect()
    return staged


def test_the_next_calls_on_a_path_fail_and_others_do_not(stage):
    stage.oura.faults.next("503", n=2, path=SLEEP)
    assert stage.get("workout").status == 200
    assert [stage.get("sleep").status for _ in range(3)] == [503, 503, 200]


def test_a_share_of_the_calls_fails_in_the_same_places_each_run():
    def run(seed):
        stage = Stage(seed=seed)
        stage.connect()
        rule = stage.oura.faults.some("500", 0.3, SLEEP)
        failed = [stage.get("sleep").status == 500 for _ in range(200)]
        assert rule.struck == sum(failed)
        return failed

    assert 40 < sum(run(1)) < 80
    assert run(1) == run(1) != run(2)


def test_cleared_faults_strike_no_more(stage):
    stage.oura.faults.some("500", 1.0)
    stage.oura.faults.clear()
    assert stage.get("sleep").status == 200


def test_a_fault_there_is_not_cannot_be_ordered(stage):
    with pytest.raises(ValueError, match="there is no fault 418"):
        stage.oura.faults.next("418")


@pytest.mark.parametrize("kind", ["500", "502", "503"])
def test_a_failing_server_answers_a_page_and_no_json(stage, kind):
    stage.oura.faults.next(kind)
    reply = stage.get("sleep")
    assert (reply.status, reply.headers["content-type"][:9]) == (int(kind), "text/html")


def test_a_429_says_when_to_come_back_or_does_not(stage):
    stage.oura.faults.next("429", retry_after=17)
    stage.oura.faults.next("429")
    assert stage.get("sleep").headers["retry-after"] == "17"
    assert "retry-after" not in stage.get("sleep").headers


def test_html_comes_with_status_200(stage):
    stage.oura.faults.next("html")
    reply = stage.get("sleep")
    assert (reply.status, reply.body[:6]) == (200, b"<html>")


def test_half_a_page_promises_the_whole_and_a_truncated_one_does_not(stage):
    whole = stage.get("sleep", **SPAN)
    stage.oura.faults.next("half")
    assert (half := stage.get("sleep", **SPAN)).cut
    assert half.body == whole.body
    stage.oura.faults.next("truncated")
    truncated = stage.get("sleep", **SPAN)
    assert not truncated.cut
    assert whole.body.startswith(truncated.body)
    with pytest.raises(ValueError, match=r".+"):
        json.loads(truncated.body)


def test_a_changed_contract_renames_or_retypes_a_field_of_each_record(stage):
    stage.oura.faults.next("renamed", field="average_hrv", to="avg_hrv")
    assert all("avg_hrv" in one and "average_hrv" not in one for one in told(stage.get("sleep", **SPAN))["data"])
    stage.oura.faults.next("retyped", field="average_hrv")
    assert all(set(one["average_hrv"]) == {"value"} for one in told(stage.get("sleep", **SPAN))["data"])


def test_a_wrong_empty_answer_is_a_complete_one_without_records(stage):
    stage.oura.page_size = 3
    stage.oura.faults.next("empty")
    assert told(stage.get("sleep", **SPAN)) == {"data": [], "next_token": None}


def test_duplicates_repeat_within_a_page_and_across_pages(stage):
    whole = [one["id"] for one in stage.all("sleep", **SPAN)]
    stage.oura.page_size = 4
    stage.oura.faults.some("duplicates", 1.0, SLEEP)
    first = told(stage.get("sleep", **SPAN))
    second = told(stage.get("sleep", **SPAN, next_token=first["next_token"]))
    assert [one["id"] for one in first["data"]] == [*whole[:4], whole[3]]
    assert [one["id"] for one in second["data"]] == [whole[3], *whole[4:8], whole[7]]


def test_faults_that_spoil_records_leave_other_answers_alone(stage):
    stage.oura.faults.some("empty", 1.0)
    assert told(stage.get("personal_info"))["id"] == stage.account.id


def test_a_lost_rotation_has_rotated(stage):
    tokens = stage.connect()
    stage.oura.faults.next("lost", path="/oauth/token")
    assert stage.refresh(tokens["refresh_token"]).reset
    assert stage.refresh(tokens["refresh_token"]).status == 400


def test_a_reset_comes_before_the_call_takes_effect(stage):
    tokens = stage.connect()
    stage.oura.faults.next("reset", path="/oauth/token")
    assert stage.refresh(tokens["refresh_token"]).reset
    assert stage.refresh(tokens["refresh_token"]).status == 200


def test_a_timeout_takes_effect_and_is_late(stage):
    stage.oura.faults.next("timeout", seconds=7)
    reply = stage.get("sleep")
    assert (reply.delay, reply.status) == (7.0, 200)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - BEFORE - {"renamed", "retyped"}))
def test_every_other_fault_can_strike_any_answer(stage, kind):
    stage.oura.faults.next(kind)
    assert stage.get("personal_info").status in {200, 0}


def test_calls_are_counted_by_path_token_and_status(stage):
    stage.oura.faults.next("503", path=SLEEP)
    stage.get("sleep")
    document = told(stage.get("sleep", **SPAN))["data"][0]["id"]
    stage.get(f"sleep/{document}")
    counted = {(one.path, one.status): count for one, count in stage.oura.calls.items() if one.token == stage.access}
    assert counted == {(SLEEP, 503): 1, (SLEEP, 200): 1, (f"{SLEEP}/{{id}}", 200): 1}
