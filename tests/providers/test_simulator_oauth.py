"""The simulated vendor's OAuth is as strict as the vendor: exact addresses, single-use tokens, no grace."""

import base64
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from providers.simulator.oura.grants import TOKEN_PATHS
from tests.providers.simulator_stage import APP, BACK, STATE, Stage, sent_back, told

NEW_PORTAL = "/oauth/v2/ext/oauth-token"


@pytest.fixture
def stage():
    return Stage()


def test_the_consent_page_shows_each_scope_that_was_asked_for_and_the_person_to_be(stage):
    stage.oura.accounts["bo"] = stage.account
    query = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": BACK,
        "state": '"><script>',
        "scope": "daily x",
    }
    page = stage.ask("GET", "/oauth/authorize", {**query, "login_hint": "bo"}).body.decode()
    assert page.count("checkbox") == 1
    assert 'value="daily" checked' in page
    assert "<option selected>bo" in page
    assert "<script>" not in page


def test_without_a_named_scope_everything_the_app_may_have_is_asked_for(stage):
    page = stage.ask("GET", "/oauth/authorize", {"response_type": "code", "client_id": "app", "redirect_uri": BACK})
    assert page.body.count(b"checkbox") == len(APP.scopes)


@pytest.mark.parametrize("wrong", [{"redirect_uri": f"{BACK}/"}, {"client_id": "other"}, {"response_type": "token"}])
def test_an_address_that_is_not_registered_to_the_letter_is_refused_in_place(stage, wrong):
    query = {"response_type": "code", "client_id": "app", "redirect_uri": BACK} | wrong
    assert stage.ask("GET", "/oauth/authorize", query).status == 400
    if "response_type" not in wrong:
        assert stage.code(**wrong).status == 400


def test_deny_sends_back_access_denied_with_the_state(stage):
    assert sent_back(stage.code(decision="deny")) == {"error": "access_denied", "state": STATE}


def test_a_code_works_once(stage):
    code = sent_back(stage.code())["code"]
    assert stage.exchange(code).status == 200
    assert told(stage.exchange(code)) == {"error": "invalid_grant"}


def test_a_code_works_for_ten_minutes(stage):
    early, late = sent_back(stage.code())["code"], sent_back(stage.code())["code"]
    stage.pass_(minutes=9, seconds=59)
    assert stage.exchange(early).status == 200
    stage.pass_(seconds=1)
    assert stage.exchange(late).status == 400


def test_a_code_is_exchanged_with_the_redirect_address_it_was_made_for(stage):
    code = sent_back(stage.code())["code"]
    assert stage.token(grant_type="authorization_code", code=code, redirect_uri="https://other.example").status == 400


def test_granted_scopes_may_be_narrower_and_stand_in_the_tokens_answer(stage):
    tokens = stage.connect(scopes=["daily"])
    assert tokens["scope"] == "daily"
    assert told(stage.refresh(tokens["refresh_token"]))["scope"] == "daily"


def test_a_refresh_token_works_once_and_is_dead_at_once(stage):
    first = stage.connect()
    second = told(stage.refresh(first["refresh_token"]))
    assert second["access_token"] != first["access_token"]
    assert told(stage.refresh(first["refresh_token"])) == {"error": "invalid_grant"}
    assert stage.refresh(second["refresh_token"]).status == 200


def test_an_access_token_lasts_as_long_as_its_answer_said(stage):
    stage.app = stage.oura.add_app(replace(APP, expires_in=90))
    assert stage.connect()["expires_in"] == 90
    assert stage.pass_(seconds=89).get("personal_info").status == 200
    assert stage.pass_(seconds=1).get("personal_info").status == 401


def test_a_client_that_shows_itself_in_a_basic_header_alone_is_refused(stage):
    tokens = stage.connect()
    basic = base64.b64encode(b"app:secret").decode()
    form = urlencode({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}).encode()
    refused = stage.ask("POST", "/oauth/token", headers={"authorization": f"Basic {basic}"}, body=form)
    assert refused.status == 401
    assert stage.refresh(tokens["refresh_token"]).status == 200


def test_a_wrong_secret_is_refused(stage):
    assert stage.exchange(sent_back(stage.code())["code"], client_secret="other").status == 401


def test_another_kind_of_grant_is_refused(stage):
    assert told(stage.token(grant_type="password")) == {"error": "unsupported_grant_type"}


@pytest.mark.parametrize("portal", ["legacy", "new"])
def test_the_other_portals_address_refuses_and_spends_nothing(portal):
    stage = Stage(app=replace(APP, portal=portal))
    right, wrong = sorted(TOKEN_PATHS, key=lambda path: TOKEN_PATHS[path] != portal)
    form = {"grant_type": "authorization_code", "code": sent_back(stage.code())["code"], "redirect_uri": BACK}
    assert stage.token(wrong, **form).status == 401
    tokens = told(stage.token(right, **form))
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (stage.token(wrong, **again).status, told(stage.token(wrong, **again))) == (
        400,
        {"error": "invalid_request"},
    )
    assert stage.token(right, **again).status == 200


def test_revoking_an_access_token_ends_the_whole_grant(stage):
    tokens = stage.connect()
    assert stage.ask("POST", "/oauth/revoke", {"access_token": tokens["access_token"]}).status == 200
    assert stage.get("personal_info").status == 401
    assert stage.refresh(tokens["refresh_token"]).status == 400


def test_a_person_who_takes_the_permission_back_ends_it_too(stage):
    tokens = stage.connect()
    assert stage.oura.grants.deauthorise("mira") == 1
    assert stage.get("personal_info").status == 401
    assert stage.refresh(tokens["refresh_token"]).status == 400


def test_expired_tokens_can_be_ordered_and_leave_the_refresh_token(stage):
    tokens = stage.connect()
    assert stage.oura.grants.expire("mira", stage.now) == 1
    assert stage.get("personal_info").status == 401
    assert stage.refresh(tokens["refresh_token"]).status == 200


def test_only_the_apps_own_refresh_token_refreshes(stage):
    tokens = stage.connect()
    assert stage.refresh(tokens["access_token"]).status == 400
    other = stage.oura.add_app(replace(APP, client_id="other"))
    assert stage.refresh(tokens["refresh_token"], app=other).status == 400
    assert stage.refresh(tokens["refresh_token"]).status == 200


def test_scopes_may_be_told_under_another_name(stage):
    stage.app = stage.oura.add_app(replace(APP, scope_prefix="extapi:"))
    assert stage.connect(scopes=["daily", "spo2"])["scope"] == "extapi:daily extapi:spo2"
    assert stage.get("sleep").status == 200
