"""OAuth by a vendor's declaration: what is asked where, what an answer means, and what never shows."""

import base64
import hashlib
import io
import json
import logging
import re
import sys
import warnings
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from ingest import db, log, settings
from ingest.grants import oauth
from ingest.grants.oauth import TokenRefused
from ingest.models import VendorApp
from providers.errors import ContractBroken, Misconfigured, RateLimited, Unavailable, VagusError
from tests.ingest.grants.local_vendor import LOCAL, SECRET, Said, connect, said, vendor

__all__ = ["vendor"]

BACK = "https://vagus.example.org/connect/local/return"


@pytest.fixture
def app(vendor) -> VendorApp:
    connect(vendor)
    with db.transaction() as session:
        return session.get_one(VendorApp, 1)


def declared(**changes):
    return replace(LOCAL, auth=replace(LOCAL.auth, **changes))


def test_a_person_is_sent_to_the_vendor_with_scopes_state_and_proof(app):
    app.origin = None
    provider = declared(pkce=True, authorize_params={"prompt": "consent"}, scope_separator=",")
    url = oauth.authorize_url(provider, app, "state-1", BACK, "verifier-1")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"verifier-1").digest()).rstrip(b"=").decode()
    assert url.startswith("https://login.local.example/authorize?")
    assert {name: values for name, (values,) in parse_qs(urlsplit(url).query).items()} == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": BACK,
        "scope": "nights,days",
        "state": "state-1",
        "prompt": "consent",
        "code_challenge": digest,
        "code_challenge_method": "S256",
    }


def test_where_a_simulator_stands_in_every_address_keeps_path_and_query(app, vendor):
    url = oauth.authorize_url(LOCAL, app, "state-1", BACK, None)
    assert url.startswith(f"{vendor.origin}/authorize?")
    assert "code_challenge" not in url
    oauth.exchange(LOCAL, app, "code-1", BACK, None)
    assert vendor.asked[0].path == "/local/token"


@pytest.mark.parametrize("origin", ["http://10.0.0.1:80", "https://example.org", "ftp://127.0.0.1"])
def test_a_stand_in_anywhere_but_on_this_machine_is_refused(app, origin):
    app.origin = origin
    with pytest.raises(Misconfigured, match="must be on this machine"):
        oauth.authorize_url(LOCAL, app, "state-1", BACK, None)
    with pytest.raises(Misconfigured, match="must be on this machine"):
        oauth.refresh(LOCAL, app, "refresh-hush-0")


def test_a_code_is_exchanged_with_the_secret_in_the_body(app, vendor):
    granted = oauth.exchange(declared(pkce=True), app, "code-1", BACK, "verifier-1")
    assert (granted.access, granted.refresh, granted.expires_in) == ("access-hush-1", "refresh-hush-1", 3600)
    assert (granted.scopes, granted.body["user"]) == ({"nights", "days"}, "u-1")
    assert vendor.asked[0].form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": BACK,
        "client_id": "app-1",
        "client_secret": SECRET,
        "code_verifier": "verifier-1",
    }
    assert "authorization" not in vendor.asked[0].headers


def test_a_vendor_that_wants_it_in_the_header_gets_it_there_alone(app, vendor):
    provider = declared(client_auth="basic")
    oauth.exchange(provider, app, "code-1", BACK, None)
    oauth.refresh(provider, app, vendor.refresh)
    expected = "Basic " + base64.b64encode(f"app-1:{SECRET}".encode()).decode()
    for asked in vendor.asked:
        assert asked.headers["authorization"] == expected
        assert not {"client_id", "client_secret"} & asked.form.keys()


def test_what_a_vendor_wants_in_a_refresh_beside_the_token_is_sent_even_a_scope(app, vendor):
    oauth.refresh(declared(refresh_params={"scope": "offline", "x": "a b"}), app, vendor.refresh)
    assert (vendor.asked[0].form["scope"], vendor.asked[0].form["x"]) == ("offline", "a b")


@pytest.mark.parametrize("scope", ["nights", "nights more other", "", ["nights"]])
def test_a_grant_of_other_scopes_than_asked_costs_no_token(app, vendor, scope):
    vendor.token_answer = lambda _: said({"access_token": "a", "refresh_token": "r", "scope": scope})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        granted = oauth.refresh(LOCAL, app, "refresh-hush-0")
    assert granted.access == "a"
    assert granted.scopes == frozenset(scope.split() if isinstance(scope, str) else scope)


@pytest.mark.parametrize(
    ("given", "seconds"), [("3600.5", 3600.5), ("soon", None), (None, None), (-5, None), ([], None)]
)
def test_an_odd_lifetime_costs_no_token(app, vendor, given, seconds):
    vendor.token_answer = lambda _: said({"access_token": "a", "refresh_token": "r", "expires_in": given})
    granted = oauth.refresh(LOCAL, app, "refresh-hush-0")
    assert (granted.access, granted.expires_in) == ("a", seconds)


def test_scopes_of_a_vendor_that_does_not_name_them_in_the_answer_are_unknown(app, vendor):
    assert oauth.refresh(declared(scopes_from="absent"), app, vendor.refresh).scopes is None
    vendor.token_answer = lambda _: said({"access_token": "a"})
    assert oauth.refresh(LOCAL, app, "refresh-hush-1").scopes is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said({"error": "invalid_grant"}, 400), TokenRefused),
        (said({"message": "Bad Request", "errors": [{"code": "invalid"}]}, 400), TokenRefused),
        (Said(401, b"<html>no</html>"), TokenRefused),
        (said({"error": "invalid_grant"}, 200), TokenRefused),
        (said({}, 429, retry_after="17"), RateLimited),
        (Said(502, b"<html>bad gateway</html>"), Unavailable),
        (Said(0), Unavailable),
        (Said(200, b"<html>a captive portal</html>"), Unavailable),
        (Said(200, b'{"access_token": "a", "ref', cut=10), Unavailable),
        (Said(403, b"<html>a firewall</html>"), Unavailable),
        (said({"tokens": []}), ContractBroken),
        (said({}, 404), ContractBroken),
        (Said(302, headers={"location": "https://elsewhere.example/token"}), ContractBroken),
    ],
)
def test_an_answer_s_status_decides_and_not_the_library_s_parser(app, vendor, answer, error):
    vendor.token_answer = lambda _: answer
    with pytest.raises(error) as raised:
        oauth.refresh(LOCAL, app, "refresh-hush-0")
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None
    if error is RateLimited:
        assert raised.value.retry_after == 17


def test_an_app_that_the_vendor_does_not_know_is_the_operator_s_matter_and_no_refusal_of_a_person(app, vendor):
    vendor.token_answer = lambda _: said({"error": "invalid_client"}, 401)
    with pytest.raises(Misconfigured, match="does not know our app: check its client id and secret"):
        oauth.refresh(LOCAL, app, "refresh-hush-0")


def test_after_a_refusal_the_other_address_is_asked_and_remembered(app, vendor):
    provider = declared(other_token_urls=("https://other.local.example/new/token",))
    vendor.token_answer = lambda asked: vendor.rotate(asked) if "/new/" in asked.path else said({}, 401)
    assert oauth.refresh(provider, app, vendor.refresh).access == "access-hush-1"
    with db.transaction() as session:
        app = session.get_one(VendorApp, app.id)
    assert app.token_url == "https://other.local.example/new/token"
    oauth.refresh(provider, app, vendor.refresh)
    assert [asked.path for asked in vendor.asked] == ["/local/token", "/local/new/token", "/local/new/token"]


@pytest.mark.parametrize("answer", [Said(0), Said(503), said({}, 429)])
def test_after_a_failure_no_other_address_is_asked_as_the_token_may_be_spent(app, vendor, answer):
    vendor.token_answer = lambda _: answer
    with pytest.raises(VagusError):
        oauth.refresh(LOCAL, app, "refresh-hush-0")
    assert len(vendor.asked) == 1


def test_a_token_address_that_is_not_https_is_refused(app):
    app.token_url = "http://login.local.example/token"
    with pytest.raises(Misconfigured, match="must be https"):
        oauth.refresh(LOCAL, app, "refresh-hush-0")


def test_revoking_says_whether_the_vendor_confirmed_it(app, vendor):
    assert oauth.revoke(LOCAL, app, "access-hush-0", None)
    assert vendor.asked[0].query == {"access_token": "access-hush-0"}
    for answer in (Said(400), Said(503), Said(0)):
        vendor.answer = lambda _, answer=answer: answer
        assert not oauth.revoke(LOCAL, app, "access-hush-0", None)
    assert not oauth.revoke(declared(revoke=None), app, "access-hush-0", None)


def test_a_secret_opens_for_its_own_app_only(app):
    assert oauth.app_secret(app) == SECRET
    app.client_id = "app-2"
    with pytest.raises(Misconfigured, match="does not belong"):
        oauth.app_secret(app)
    app.client_secret = None
    with pytest.raises(Misconfigured, match="has no client secret"):
        oauth.app_secret(app)


@pytest.fixture
def everything_logged(home, monkeypatch):
    """All that is logged at debug, by libraries that are told to say everything too."""
    said_aloud = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said_aloud)
    monkeypatch.setenv("VAGUS_LOG", "json")
    monkeypatch.setenv("VAGUS_LOG_LEVEL", "debug")
    settings.settings.cache_clear()
    log.configure("test")
    return said_aloud


@pytest.mark.parametrize("loud", [False, True])
def test_no_token_and_no_secret_is_ever_logged_not_even_by_a_library_at_debug(app, vendor, everything_logged, loud):
    if loud:
        for name in ("requests_oauthlib", "oauthlib", "urllib3"):
            logging.getLogger(name).setLevel(logging.DEBUG)
    oauth.exchange(LOCAL, app, "code-hush", BACK, "verifier-hush")
    oauth.refresh(declared(client_auth="basic"), app, vendor.refresh)
    oauth.revoke(LOCAL, app, vendor.access, vendor.refresh)
    for answer in (Said(0), Said(503), said({"error": "invalid_grant", "refresh_token": "refresh-hush-0"}, 400)):
        vendor.token_answer = vendor.answer = lambda _, answer=answer: answer
        with suppress(VagusError):
            oauth.refresh(LOCAL, app, vendor.refresh)
        oauth.revoke(LOCAL, app, vendor.access, vendor.refresh)
    try:
        oauth.refresh(LOCAL, app, vendor.refresh)
    except VagusError:
        structlog.get_logger().exception("refresh_failed")
    text = everything_logged.getvalue()
    assert "revoke_failed" in text
    assert ("/local/revoke" in text) is loud
    basic = base64.b64encode(f"app-1:{SECRET}".encode()).decode()
    assert [line for line in text.splitlines() if "hush" in line or basic in line] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "sent {'Authorization': 'Bearer hush-hush-hush'}",
        "Authorization: Basic aHVzaC1odXNoLWh1c2g=",
        '{"refresh_token":"hush","x":1}',
        "body was code=hush&grant_type=authorization_code&client_secret=hush",
    ],
)
def test_a_sentence_loses_what_opens_a_grant(sentence):
    assert not re.search("hush|aHVz", log.plain(sentence))
    assert "***" in log.plain(sentence)


def test_a_sentence_that_only_speaks_of_tokens_stays_whole():
    for sentence in (
        "Local refused the token: connect again",
        "a basic need",
        "grant_type=refresh_token",
        "exit_code=1",
    ):
        assert log.plain(sentence) == sentence


def test_a_wait_is_read_as_seconds_or_as_a_date_and_never_for_ever(clock):
    clock(datetime(2026, 11, 22, 5, tzinfo=UTC))
    for asked, seconds in (("30", 30), ("0", 1), ("1e9", 86_400), ("Sun, 22 Nov 2026 05:02:00 GMT", 120)):
        assert oauth.vendor_http.wait_asked({"retry-after": asked}) == pytest.approx(seconds, abs=5)
    for nothing in (
        {},
        {"retry-after": ""},
        {"retry-after": "later"},
        {"retry-after": "Sun, 99 Nov 2026 05:02:00 GMT"},
    ):
        assert oauth.vendor_http.wait_asked(nothing) == 60


def test_the_document_of_a_token_is_handed_on_whole(app, vendor):
    vendor.token_answer = lambda _: Said(200, json.dumps({"access_token": "a", "athlete": {"id": 7}}).encode())
    assert oauth.exchange(LOCAL, app, "code-1", BACK, None).body["athlete"] == {"id": 7}


def test_a_refresh_is_counted_by_how_it_ended(app, vendor, monkeypatch):
    counted = []
    monkeypatch.setattr(oauth.counts, "count", lambda *told: counted.append(told[1:]))
    oauth.refresh(LOCAL, app, vendor.refresh)
    for answer in (said({"error": "invalid_grant"}, 400), Said(503)):
        vendor.token_answer = lambda _, answer=answer: answer
        with suppress(VagusError):
            oauth.refresh(LOCAL, app, vendor.refresh)
    assert [outcome for _, outcome in counted] == ["ok", "refused", "failed"]
