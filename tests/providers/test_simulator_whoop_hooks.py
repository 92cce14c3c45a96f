"""The simulated WHOOP's webhooks: to one address without a handshake, signed in milliseconds, by the sleep's id."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, time, timedelta

import pytest

from providers.simulator.phone import Phone
from providers.simulator.whoop.hooks import RETRIES
from tests.providers.simulator_stage import HOOKS, WHOOP_APP, WhoopStage, told

EVER = {"start": "2020-01-01T00:00:00Z", "limit": "25"}


@pytest.fixture
def stage():
    lasting = replace(WHOOP_APP, expires_in=86_400)
    staged = WhoopStage(app=lasting, phone=Phone((time(9), time(22)))).at("2026-03-20T08:00")
    staged.connect()
    assert staged.sent() == []
    return staged


def told_of(calls):
    return [json.loads(call.body) for call in calls]


def night_comes(stage, answer=200):
    """The phone hands the night over at nine; what is sent of it at once."""
    stage.at("2026-03-20T09:00")
    assert stage.sent() == []
    return stage.pass_(seconds=5).sent(answer)


def test_a_new_night_is_told_of_by_its_sleep_s_id_for_the_recovery_too(stage):
    events = told_of(night_comes(stage))
    sleep = next(one for one in stage.all("activity/sleep", **EVER) if not one["nap"])
    assert {(event["type"], event["id"]) for event in events if event["id"] == sleep["id"]} == {
        ("sleep.updated", sleep["id"]),
        ("recovery.updated", sleep["id"]),
    }
    assert {event["user_id"] for event in events} == {int(stage.account.id)}
    assert len({event["trace_id"] for event in events}) == len(events)


def test_it_is_told_of_again_when_it_is_scored_and_cycles_are_never_told_of(stage):
    before = {event["trace_id"] for event in told_of(night_comes(stage))}
    stage.pass_(minutes=10)
    assert stage.sent() == []
    events = told_of(stage.pass_(seconds=5).sent())
    assert {event["type"] for event in events} == {"sleep.updated", "recovery.updated"}
    assert not before & {event["trace_id"] for event in events}
    assert stage.pass_(hours=1).sent() == []


def test_a_notice_is_signed_over_its_timestamp_in_milliseconds_and_its_raw_body(stage):
    (call, *_) = night_comes(stage)
    assert (call.url, call.timeout) == (HOOKS, 1.0)
    timestamp = call.headers["x-whoop-signature-timestamp"]
    assert int(timestamp) == int(stage.now.timestamp() * 1000)
    signed = hmac.new(b"secret", timestamp.encode() + call.body, hashlib.sha256).digest()
    assert call.headers["x-whoop-signature"] == base64.b64encode(signed).decode()


def test_a_deleted_sleep_is_told_of_with_its_recovery(stage):
    stage.at("2026-03-20T23:00")
    stage.sent()
    stage.pass_(seconds=5).sent()
    recovery = next(document for document in stage.account.documents["recovery"])
    stage.account.removed[recovery.id] = stage.pass_(seconds=1).now
    stage.sent()
    events = told_of(stage.pass_(seconds=5).sent())
    assert [(event["type"], event["id"]) for event in events] == [
        ("sleep.deleted", recovery.id),
        ("recovery.deleted", recovery.id),
    ]


def test_a_night_that_the_person_corrects_is_told_of_again(stage):
    stage.at("2026-03-20T23:00").sent()
    stage.pass_(seconds=5).sent()
    recovery = stage.account.documents["recovery"][0]
    stage.whoop.pull("rescore", {"handle": "mira", "document": recovery.id}, stage.pass_(seconds=1).now)
    stage.sent()
    events = told_of(stage.pass_(seconds=5).sent())
    assert {("sleep.updated", recovery.id), ("recovery.updated", recovery.id)} <= {
        (event["type"], event["id"]) for event in events
    }


def test_a_workout_is_told_of_after_the_sync_that_brings_it():
    stage = WhoopStage().at("2026-03-19T12:00")
    workout = stage.account.documents["workout"][-1]
    ended = workout.versions[0].ready_at.astimezone(UTC)
    stage.now = ended - timedelta(minutes=1)
    stage.connect()
    stage.sent()
    stage.now = ended
    stage.sent()
    assert [(one["type"], one["id"]) for one in told_of(stage.pass_(seconds=5).sent())] == [
        ("workout.updated", workout.id)
    ]


def test_what_is_not_acknowledged_comes_five_times_more_within_about_an_hour_and_is_lost_then(stage):
    began = stage.at("2026-03-20T09:00").now
    stage.sent()
    waiting = list(stage.whoop.hooks.waiting)
    bodies = []
    while any(notice in stage.whoop.hooks.waiting for notice in waiting):
        stage.now = min(notice.due_at for notice in stage.whoop.hooks.waiting)
        bodies += [call.body for call in stage.sent(answer=500)]
    traces = [notice.event["trace_id"].encode() for notice in waiting]
    assert [sum(trace in body for body in bodies) for trace in traces] == [1 + len(RETRIES)] * len(traces)
    assert len(RETRIES) == 5
    assert timedelta(minutes=55) < stage.now - began < timedelta(minutes=75)
    assert set(waiting) <= set(stage.whoop.hooks.lost)


def test_a_notice_can_come_twice_word_for_word(stage):
    first = told_of(night_comes(stage))
    assert stage.whoop.pull("again", {}, stage.now) == {"waiting": len(first)}
    assert told_of(stage.sent()) == first


def test_the_end_of_a_grant_ends_its_notices_and_is_itself_not_told(stage):
    stage.at("2026-03-20T09:00").sent()
    assert stage.whoop.hooks.waiting
    stage.ask("DELETE", "/developer/v2/user/access", headers={"authorization": f"Bearer {stage.access}"})
    assert stage.pass_(seconds=5).sent() == []
    assert stage.whoop.hooks.waiting == []
    assert stage.pass_(hours=14).sent() == []


def test_an_address_is_set_and_cleared_in_the_dashboard_alone(stage):
    stage.whoop.add_app(replace(WHOOP_APP, webhook_url=""))
    assert night_comes(stage) == []
    given = {"client_id": "app", "client_secret": "secret", "redirect_uris": [], "webhook_url": f"{HOOKS}/new"}
    stage.whoop.pull("app", given, stage.now)
    stage.at("2026-03-20T22:00").sent()
    assert {call.url for call in stage.pass_(seconds=5).sent()} <= {f"{HOOKS}/new"}
    told_now = stage.whoop.pull(
        "notify",
        {"handle": "mira", "event_type": "updated", "data_type": "sleep", "object_id": "an id"},
        stage.now,
    )
    assert told_now == {"waiting": 1}
    assert [call.url for call in stage.pass_(seconds=5).sent()] == [f"{HOOKS}/new"]


def test_a_call_that_was_never_made_is_no_event(stage):
    assert told(stage.get("user/profile/basic"))["user_id"]
    assert stage.pass_(minutes=1).sent() == []
