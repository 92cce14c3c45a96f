"""The simulated WHOOP's OAuth is as strict as the vendor: no refresh without `offline`, no grace for what is dead."""

import base64
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.providers.simulator_stage import BACK, STATE, WHOOP_APP, WhoopStage, sent_back, told

PROFILE = "user/profile/basic"
ACCESS = "/developer/v2/user/access"


@pytest.fixture
def stage():
    return WhoopStage()


def asked(stage, **changed):
    query = {"response_type": "code", "client_id": "app", "redirect_uri": BACK, "state": STATE}
    return stage.ask("GET", stage.authorize, query | changed)


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_the_consent_page_shows_the_scopes_that_were_asked_for(stage):
    page = asked(stage, scope="offline read:sleep")
    assert (page.status, page.body.count(b"checkbox")) == (200, 2)
    assert asked(stage).body.count(b"checkbox") == len(WHOOP_APP.scopes)
    assert asked(stage, redirect_uri=f"{BACK}/").status == 400


@pytest.mark.parametrize("state", ["", "seven77"])
def test_a_state_of_less_than_eight_characters_is_sent_back(stage, state):
    assert sent_back(asked(stage, state=state))["error"] == "invalid_state"
    assert sent_back(stage.code(state=state))["error"] == "invalid_state"
    assert asked(stage, state="eight888").status == 200


def test_a_scope_that_the_dashboard_has_not_enabled_is_forbidden_before_anything_is_shown():
    stage = WhoopStage(app=replace(WHOOP_APP, scopes=("offline", "read:sleep")))
    assert sent_back(asked(stage, scope="offline read:workout"))["error"] == "request_forbidden"


def test_deny_sends_back_access_denied_with_the_state(stage):
    assert sent_back(stage.code(decision="deny")) == {"error": "access_denied", "state": STATE}


def test_a_token_lasts_an_hour_and_its_answer_says_so(stage):
    tokens = stage.connect()
    assert (tokens["expires_in"], tokens["token_type"]) == (3600, "bearer")
    assert stage.pass_(seconds=3599).get(PROFILE).status == 200
    assert stage.pass_(seconds=1).get(PROFILE).status == 401


def test_without_the_offline_scope_there_is_no_refresh_token_at_all(stage):
    tokens = stage.connect(scopes=["read:profile"])
    assert "refresh_token" not in tokens
    assert tokens["scope"] == "read:profile"
    assert stage.get(PROFILE).status == 200
    assert stage.refresh("").status == 400


def test_a_refresh_that_does_not_name_the_offline_scope_is_refused_and_spends_nothing(stage):
    tokens = stage.connect()
    for scope in ("", "read:sleep"):
        assert told(stage.refresh(tokens["refresh_token"], scope=scope)) == {"error": "invalid_scope"}
    assert stage.get(PROFILE).status == 200
    assert stage.refresh(tokens["refresh_token"], scope="offline read:sleep").status == 200


def test_a_refresh_kills_the_old_pair_at_once_and_without_grace(stage):
    first = stage.connect()
    second = told(stage.refresh(first["refresh_token"]))
    assert stage.get(PROFILE).status == 401, "the access token has an hour left, and is dead"
    assert told(stage.refresh(first["refresh_token"])) == {"error": "invalid_grant"}
    stage.access = second["access_token"]
    assert stage.get(PROFILE).status == 200
    assert stage.refresh(second["refresh_token"]).status == 200


def test_the_app_proves_itself_in_the_form_and_nowhere_else(stage):
    tokens = stage.connect()
    basic = {"authorization": f"Basic {base64.b64encode(b'app:secret').decode()}"}
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": "offline"}
    assert stage.ask("POST", stage.token_path, headers=basic, body=urlencode(form).encode()).status == 401
    assert stage.refresh(tokens["refresh_token"], client_secret="other").status == 401
    assert told(stage.token(grant_type="password")) == {"error": "unsupported_grant_type"}
    assert stage.refresh(tokens["refresh_token"]).status == 200


def test_a_code_works_once_for_ten_minutes_and_its_own_address(stage):
    code, late, other = (sent_back(stage.code())["code"] for _ in range(3))
    form = {"grant_type": "authorization_code", "code": other, "redirect_uri": "https://other.example"}
    assert stage.token(**form).status == 400
    assert stage.exchange(code).status == 200
    assert told(stage.exchange(code)) == {"error": "invalid_grant"}
    assert stage.pass_(minutes=10).exchange(late).status == 400


def test_deleting_the_access_ends_the_grant_with_all_its_tokens(stage):
    tokens = stage.connect()
    assert stage.ask("DELETE", ACCESS, headers=bearer("made up")).status == 401
    ended = stage.ask("DELETE", ACCESS, headers=bearer(tokens["access_token"]))
    assert (ended.status, ended.body) == (204, b"")
    assert stage.get(PROFILE).status == 401
    assert stage.refresh(tokens["refresh_token"]).status == 400
    assert stage.whoop.grants.grants == []


def test_a_lost_rotation_has_rotated_and_leaves_nothing_that_works(stage):
    tokens = stage.connect()
    stage.whoop.faults.next("lost", path=stage.token_path)
    assert stage.refresh(tokens["refresh_token"]).reset
    assert stage.refresh(tokens["refresh_token"]).status == 400
    assert stage.get(PROFILE).status == 401


def test_a_reset_comes_before_anything_is_rotated(stage):
    tokens = stage.connect()
    stage.whoop.faults.next("reset", path=stage.token_path)
    assert stage.refresh(tokens["refresh_token"]).reset
    assert stage.get(PROFILE).status == 200
    assert stage.refresh(tokens["refresh_token"]).status == 200
