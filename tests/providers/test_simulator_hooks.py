"""The simulated vendor's webhooks: proven subscriptions, signed events after a sync, retries, and the trap of 410."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.simulator.conversation import Asking, Heard
from providers.simulator.oura import App
from providers.simulator.oura.hooks import PATH, RETRIES
from providers.simulator.phone import Phone
from tests.providers.simulator_stage import BACK, Stage, told

CALLBACK = "https://vagus.example/hooks/oura/1"
PROVEN = {"x-client-id": "app", "x-client-secret": "secret"}
WANTED = {
    "callback_url": CALLBACK,
    "verification_token": "a token",
    "event_type": "create",
    "data_type": "sleep",
}


@pytest.fixture
def stage():
    staged = Stage(phone=Phone((time(9), time(22)))).at("2026-03-20T08:00")
    staged.connect()
    return staged


def ask(stage, method, path="", headers=PROVEN, **document):
    return stage.ask(method, f"{PATH}{path}", headers=headers, body=json.dumps(document).encode())


def subscribe(stage, answered=None, **changed):
    asking = ask(stage, "POST", **{**WANTED, **changed})
    if not isinstance(asking, Asking):
        return asking
    asked = {name: values[0] for name, values in parse_qs(urlsplit(asking.call.url).query).items()}
    assert asked["verification_token"] == "a token"
    return asking.then(answered or Heard(200, json.dumps({"challenge": asked["challenge"]}).encode()))


def sent(stage, answer=200):
    return stage.sent(answer)


def test_a_subscription_is_made_once_its_address_repeats_the_challenge(stage):
    made = subscribe(stage)
    assert made.status == 201
    assert told(made)["expiration_time"].startswith("2026-06-18")
    assert "verification_token" not in told(made)
    assert told(ask(stage, "GET")) == [told(made)]
    assert told(ask(stage, "GET", f"/{told(made)['id']}")) == told(made)


@pytest.mark.parametrize(
    "answered", [Heard(0), Heard(401), Heard(200, b"no"), Heard(200, b'{"challenge":"x"}'), Heard(200, b"[]")]
)
def test_an_address_that_does_not_repeat_the_challenge_gets_nothing(stage, answered):
    assert subscribe(stage, answered).status == 400
    assert told(ask(stage, "GET")) == []


def test_a_pair_of_type_and_event_is_subscribed_to_once(stage):
    subscribe(stage)
    assert subscribe(stage).status == 409
    assert subscribe(stage, event_type="update").status == 201


@pytest.mark.parametrize("wrong", [{"data_type": "heartrate"}, {"event_type": "any"}, {"callback_url": None}])
def test_what_is_not_documented_cannot_be_subscribed_to(stage, wrong):
    assert subscribe(stage, **wrong).status == 422


def test_an_app_sees_its_own_subscriptions_only_and_proves_itself(stage):
    known = told(subscribe(stage))["id"]
    stage.oura.add_app(App("other", "other", (BACK,)))
    other = {"x-client-id": "other", "x-client-secret": "other"}
    assert told(ask(stage, "GET", headers=other)) == []
    assert ask(stage, "GET", f"/{known}", headers=other).status == 404
    assert ask(stage, "GET", headers={**PROVEN, "x-client-secret": "wrong"}).status == 401
    assert ask(stage, "PATCH", f"/{known}").status == ask(stage, "PUT").status == 405


def test_a_subscription_is_renewed_for_ninety_days_changed_and_cancelled(stage):
    known = told(subscribe(stage))["id"]
    stage.pass_(days=80)
    assert told(ask(stage, "PUT", f"/renew/{known}"))["expiration_time"].startswith("2026-09-06")
    changing = ask(stage, "PUT", f"/{known}", callback_url=f"{CALLBACK}/new")
    challenge = parse_qs(urlsplit(changing.call.url).query)["challenge"][0]
    assert told(changing.then(Heard(200, json.dumps({"challenge": challenge}).encode())))["callback_url"].endswith(
        "new"
    )
    assert ask(stage, "DELETE", f"/{known}").status == 204
    assert ask(stage, "PUT", f"/renew/{known}").status == 404


def test_a_new_night_is_noticed_half_a_minute_after_the_sync_and_signed_over_timestamp_and_body(stage):
    subscribe(stage)
    assert sent(stage) == []
    assert sent(stage.at("2026-03-20T09:00")) == []
    calls = sent(stage.pass_(seconds=30))
    events = [json.loads(call.body) for call in calls]
    assert len(events) >= 1
    assert {(event["event_type"], event["data_type"], event["user_id"]) for event in events} == {
        ("create", "sleep", stage.account.id)
    }
    night = told(stage.get(f"sleep/{events[0]['object_id']}"))
    assert night["day"] == "2026-03-20"
    signature = calls[0].headers["x-oura-signature"]
    message = calls[0].headers["x-oura-timestamp"].encode() + calls[0].body
    assert signature == hmac.new(b"secret", message, hashlib.sha256).hexdigest().upper()
    assert sent(stage.pass_(hours=1)) == []


def test_a_settled_night_is_an_update_and_a_removed_one_a_delete(stage):
    subscribe(stage, event_type="update")
    subscribe(stage, event_type="delete")
    sent(stage)
    stage.at("2026-03-20T22:01")
    sent(stage)
    events = [json.loads(call.body) for call in sent(stage.pass_(minutes=1))]
    # between two syncs the night came and was settled: it was never seen otherwise
    assert [event["event_type"] for event in events] == []
    known = told(stage.get("sleep", start_date="2026-03-20", end_date="2026-03-21"))["data"][0]["id"]
    stage.account.removed[known] = stage.pass_(seconds=1).now
    sent(stage)
    events = [json.loads(call.body) for call in sent(stage.pass_(minutes=1))]
    assert [(event["event_type"], event["object_id"]) for event in events] == [("delete", known)]


def test_a_night_seen_before_it_was_settled_is_updated():
    stage = Stage().at("2026-03-20T04:00")
    stage.connect()
    subscribe(stage, event_type="update")
    sent(stage)
    wake = stage.account.nights[-1].wake.replace(tzinfo=UTC)
    stage.now = wake + timedelta(minutes=1)
    sent(stage)
    stage.now = wake + timedelta(hours=2)
    sent(stage)
    events = [json.loads(call.body) for call in sent(stage.pass_(minutes=1))]
    assert [event["object_id"] for event in events] == [
        told(stage.get("sleep", start_date="2026-03-20", end_date="2026-03-21"))["data"][0]["id"]
    ]


def test_nobody_is_told_about_a_person_who_allowed_them_nothing(stage):
    subscribe(stage)
    sent(stage)
    stage.oura.grants.deauthorise("mira")
    stage.at("2026-03-20T09:00")
    sent(stage)
    assert sent(stage.pass_(minutes=1)) == []


def test_an_app_is_told_about_those_who_allowed_it_and_no_others(stage):
    stage.oura.add_app(App("other", "other", (BACK,)))
    asking = ask(stage, "POST", headers={"x-client-id": "other", "x-client-secret": "other"}, **WANTED)
    challenge = parse_qs(urlsplit(asking.call.url).query)["challenge"][0]
    assert asking.then(Heard(200, json.dumps({"challenge": challenge}).encode())).status == 201
    sent(stage)
    stage.at("2026-03-20T09:00")
    sent(stage)
    assert sent(stage.pass_(minutes=1)) == []


def test_what_is_not_acknowledged_comes_ten_times_more_in_about_an_hour_and_is_lost_then(stage):
    subscribe(stage)
    sent(stage)
    stage.at("2026-03-20T09:00")
    sent(stage)
    began, tries = stage.now, 0
    count = len(stage.oura.hooks.waiting)
    while stage.oura.hooks.waiting:
        stage.now = min(notice.due_at for notice in stage.oura.hooks.waiting)
        tries += len(sent(stage, answer=500))
    assert tries == 11 * count
    assert timedelta(minutes=50) < stage.now - began < timedelta(minutes=75)
    assert len(RETRIES) == 10
    assert len(stage.oura.hooks.lost) == count


def test_an_answer_of_410_cancels_the_subscription(stage):
    subscribe(stage)
    sent(stage)
    stage.at("2026-03-20T09:00")
    sent(stage)
    sent(stage.pass_(seconds=30), answer=410)
    assert told(ask(stage, "GET")) == []
    assert sent(stage.pass_(hours=2)) == []


def test_two_senders_may_find_a_notice_due_whose_subscription_one_of_them_loses(stage):
    subscribe(stage)
    sent(stage)
    sent(stage.at("2026-03-20T09:00"))
    hooks = stage.pass_(seconds=30).oura.hooks
    notice = hooks.due(stage.now)[0]
    hooks.heard(notice, Heard(410), stage.now)
    assert notice not in hooks.waiting
    assert hooks.call(notice, stage.now) is None


def test_an_expired_subscription_is_silent(stage):
    subscribe(stage)
    sent(stage)
    stage.oura.hooks.subscriptions[told(ask(stage, "GET"))[0]["id"]].expires_at = datetime(
        2026, 3, 20, 8, 30, tzinfo=UTC
    )
    stage.at("2026-03-20T09:00")
    sent(stage)
    assert sent(stage.pass_(minutes=1)) == []
