"""How one connects to Oura, what it refuses, what it limits and how it notifies."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from providers import get
from providers.base import Answer
from providers.errors import ContractBroken, Forbidden, NeedsPerson

OURA = get("oura")
HOOK = OURA.webhook
SECRET = "an-invented-secret"
BODY = {"event_type": "update", "data_type": "sleep", "object_id": "s-1", "event_time": "now", "user_id": "u-1"}


def answer(status, **body):
    return Answer(status, {}, json.dumps(body).encode())


def signed(message, at="1774505430", secret=SECRET):
    digest = hmac.new(secret.encode(), at.encode() + message, hashlib.sha256).hexdigest().upper()
    return {"x-oura-timestamp": at, "x-oura-signature": digest}


def test_apps_of_both_portals_get_their_tokens():
    assert OURA.auth.token_url == "https://api.ouraring.com/oauth/token"
    assert OURA.auth.other_token_urls == ("https://moi.ouraring.com/oauth/v2/ext/oauth-token",)


def test_the_app_is_proved_in_the_form_and_a_refresh_token_is_good_once():
    assert (OURA.auth.client_auth, OURA.auth.rotation, OURA.auth.scope_separator) == ("body", "single_use", " ")


def test_scopes_are_those_that_the_live_api_enforces():
    assert set(OURA.auth.scopes) == {"daily", "heartrate", "workout", "spo2", "ring_configuration"}


def test_granted_scopes_are_not_compared_by_name_as_oura_grants_under_other_names():
    assert OURA.auth.scopes_from == "absent"


def test_a_grant_is_ended_with_the_token_in_the_query():
    (request,) = OURA.auth.revoke("an-access-token", "a-refresh-token")
    assert (request.method, request.url) == ("POST", "https://api.ouraring.com/oauth/revoke")
    assert request.params == {"access_token": "an-access-token"}


def test_a_scope_that_was_not_ticked_is_no_lost_grant_though_oura_answers_401():
    refused = answer(401, detail="Token is not authorized access ring_configuration scope.")
    assert isinstance(OURA.verdict(refused), Forbidden)
    assert isinstance(OURA.verdict(answer(403, detail="missing SCOPE daily")), Forbidden)


def test_an_expired_token_and_other_errors_are_left_to_the_general_rules():
    for status in (200, 400, 401, 404, 422, 429, 500):
        assert OURA.verdict(answer(status, detail="Unauthorized")) is None


def test_a_lapsed_membership_is_for_the_person_to_mend():
    for body in ({"detail": "Forbidden"}, {"detail": "Access forbidden. The user's subscription has expired."}):
        found = OURA.verdict(answer(403, **body))
        assert isinstance(found, NeedsPerson)
        assert "membership" in str(found)


def test_an_app_too_old_is_for_the_person_to_update():
    assert isinstance(OURA.verdict(answer(426, detail="Minimum App Version Error")), NeedsPerson)


def test_dates_are_asked_a_day_wider_on_either_side_as_a_bare_end_date_loses_its_own_day():
    for stream in OURA.streams:
        if stream.window and stream.window.by == "date":
            assert (stream.window.before, stream.window.after) == (timedelta(days=1), timedelta(days=1))
            assert stream.window.longest == timedelta(days=90)


def test_heart_rate_is_asked_by_instant_and_for_at_most_30_days():
    window = OURA.stream("oura.heartrate").window
    assert (window.start, window.end, window.by) == ("start_datetime", "end_datetime", "instant")
    assert window.longest == timedelta(days=30)
    assert window.write(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00+00:00"


def test_only_sleep_makes_nights():
    assert [stream.name for stream in OURA.streams if stream.nightly] == ["oura.sleep"]


def test_five_thousand_calls_in_five_minutes_are_the_app_s():
    (budget,) = OURA.budgets
    assert (budget.calls, budget.per, budget.scope) == (5000, timedelta(minutes=5), "app")


@pytest.mark.parametrize("spaces", [{"indent": 2}, {"separators": (",", ":")}, {}])
def test_a_notice_signed_over_its_raw_body_or_over_its_json_without_spaces_is_genuine(spaces):
    sent = json.dumps(BODY, **spaces).encode()
    for message in (sent, json.dumps(BODY, separators=(",", ":")).encode()):
        assert HOOK.verify(signed(message), sent, SECRET)


def test_json_without_spaces_keeps_letters_as_they_are():
    sent = json.dumps({**BODY, "object_id": "ä€"}, indent=1, ensure_ascii=False).encode()
    compact = json.dumps({**BODY, "object_id": "ä€"}, separators=(",", ":"), ensure_ascii=False).encode()
    assert HOOK.verify(signed(compact), sent, SECRET)


def test_a_signature_belongs_to_its_timestamp():
    sent = json.dumps(BODY).encode()
    assert not HOOK.verify({**signed(sent), "x-oura-timestamp": "1774505431"}, sent, SECRET)


def test_without_a_secret_nothing_is_genuine():
    sent = json.dumps(BODY).encode()
    assert not HOOK.verify(signed(sent, secret=""), sent, "")


@pytest.mark.parametrize(
    ("data_type", "streams"),
    [
        ("sleep", ("oura.sleep",)),
        ("daily_sleep", ("oura.sleep",)),
        ("workout", ("oura.workout",)),
        ("rest_mode_period", ("oura.rest_mode_period",)),
        ("vo2_max", ()),
        ("a_word_of_tomorrow", ()),
    ],
)
def test_a_data_type_that_nobody_follows_is_no_fault(data_type, streams):
    (hint,) = HOOK.hints(json.dumps({**BODY, "data_type": data_type}).encode())
    assert (hint.vendor_user, hint.streams) == ("u-1", streams)


@pytest.mark.parametrize(
    "change", [{"user_id": None}, {"user_id": "u\u0000"}, {"user_id": 7}, {"data_type": ["sleep"]}]
)
def test_a_notice_of_nobody_or_of_no_type_is_not_as_documented(change):
    with pytest.raises(ContractBroken, match="Oura's notice"):
        HOOK.hints(json.dumps({**BODY, **change}).encode())


def test_one_subscription_is_ordered_for_each_type_and_event_that_has_a_notice():
    ordering = HOOK.subscribing
    assert len(ordering.topics) == 7 * 3
    assert {topic.split(".")[1] for topic in ordering.topics} == {"create", "update", "delete"}
    assert not [topic for topic in ordering.topics if topic.startswith("heartrate")], "Oura has no notice of these"
    order = ordering.create("daily_spo2.update", "https://vagus.example/hooks/oura", "a-token")
    assert (order.method, order.url) == ("POST", "/v2/webhook/subscription")
    assert order.json == {
        "callback_url": "https://vagus.example/hooks/oura",
        "verification_token": "a-token",
        "event_type": "update",
        "data_type": "daily_spo2",
    }
    assert ordering.credentials("an-id", "a-secret") == {"x-client-id": "an-id", "x-client-secret": "a-secret"}
    assert (ordering.renew("7b").method, ordering.renew("7b").url) == ("PUT", "/v2/webhook/subscription/renew/7b")
    assert (ordering.cancel("7b").method, ordering.cancel("7b").url) == ("DELETE", "/v2/webhook/subscription/7b")


def test_a_subscription_expires_when_oura_says_in_utc_where_no_zone_is_given():
    listed = [
        {"id": "1", "callback_url": "https://v", "event_type": "update", "data_type": "sleep", "expiration_time": given}
        for given in ("2026-06-24T08:00:00+02:00", "2026-06-24T06:00:00.000", None)
    ]
    found = [one.expires_at for one in HOOK.subscribing.read(json.dumps(listed).encode())]
    assert found == [datetime(2026, 6, 24, 6, tzinfo=UTC)] * 2 + [None]
