"""The client: a page asked with a usable token, within the budget; every error named by what to do next."""

import gzip
import itertools
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from requests.adapters import HTTPAdapter
from tenacity import wait_none

import providers
from ingest import db
from ingest.grants import budget, client, oauth, tokens, vendor_http
from ingest.models import Credential, VendorApp
from ingest.saving import Erased
from providers.base import Allowance, OnePage, Request, as_instant
from providers.errors import (
    AuthorizationLost,
    ContractBroken,
    Forbidden,
    Misconfigured,
    NeedsPerson,
    RateLimited,
    Unavailable,
)
from tests.ingest.grants.local_vendor import LOCAL, NIGHTS, Said, connect, counters, forward, only_latest, said, vendor

__all__ = ["counters", "vendor"]

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(client, "PAUSE", wait_none())


@pytest.fixture
def grant(vendor, counters) -> client.Grant:
    connection = connect(vendor)
    vendor.answer = lambda _: said({"data": []})
    with db.transaction() as session:
        return client.grant_of(session, connection)


def page(grant, **more):
    return client.fetch_page(grant, NIGHTS, SINCE, UNTIL, **more)


def answering(vendor, *answers):
    """These answers in turn, the last for ever."""
    turn = itertools.chain(answers, itertools.repeat(answers[-1]))
    vendor.answer = lambda _: next(turn)


def test_a_page_is_asked_with_token_window_and_its_margins_and_comes_back_as_it_was(vendor, grant):
    answering(vendor, Said(200, b'{"data": [1,  2]}'))
    assert page(grant) == b'{"data": [1,  2]}'
    (asked,) = vendor.asked
    assert (asked.method, asked.path) == ("GET", "/local/v1/nights")
    assert asked.query == {"from": "2026-10-31", "to": "2026-11-21"}
    assert asked.headers["authorization"] == "Bearer access-hush-0"


def test_the_next_page_is_asked_by_its_token(vendor, grant):
    page(grant, token="n-2")
    assert vendor.asked[0].query == {"from": "2026-10-31", "to": "2026-11-21", "next_token": "n-2"}
    client.fetch_page(grant, replace(NIGHTS, paging=OnePage(), window=None, params={"x": "1"}), SINCE, UNTIL, "n-2")
    assert vendor.asked[1].query == {"x": "1"}


def test_a_stream_whose_scope_was_not_granted_is_not_asked_for(vendor, grant):
    with pytest.raises(Forbidden, match="nights was not granted"):
        page(replace(grant, scopes=frozenset({"days"})))
    assert vendor.asked == []
    page(replace(grant, scopes=None))


def test_a_call_is_reserved_before_it_is_made(vendor, grant, counters):
    tight = replace(grant, provider=replace(LOCAL, budgets=(replace(LOCAL.budgets[0], calls=1),)))
    page(tight)
    with pytest.raises(RateLimited) as denied:
        page(tight)
    assert denied.value.retry_after == pytest.approx(300, abs=5)
    assert len(vendor.asked) == 1


def test_the_grant_of_a_connection_is_what_its_rows_say(vendor, grant):
    assert (grant.provider, grant.origin, grant.scopes) == (LOCAL, vendor.origin, {"nights", "days"})
    with db.transaction() as session:
        assert client.grant_of(session, grant.connection, share="backfill").share == "backfill"
        with pytest.raises(Erased):
            client.grant_of(session, 4711)


@pytest.mark.parametrize("failure", [Said(503), Said(500), Said(408), Said(0), Said(200, b'{"data": []}', cut=5)])
def test_a_call_that_failed_on_its_way_is_tried_again_within_seconds(vendor, grant, failure):
    answering(vendor, failure, failure, said({"data": [3]}))
    assert page(grant) == b'{"data": [3]}'
    assert len(vendor.asked) == 3


@pytest.mark.parametrize("failure", [Said(503), Said(0), Said(200, b'{"data": []}', cut=5)])
def test_three_tries_are_enough_for_now_and_each_was_reserved(vendor, grant, counters, failure):
    answering(vendor, failure)
    with pytest.raises(Unavailable) as raised:
        page(grant)
    assert len(vendor.asked) == 3
    assert budget.left(grant.app, LOCAL) == pytest.approx(0.997)
    assert "hush" not in str(raised.value)


def test_a_call_that_changes_something_is_not_repeated(vendor, grant):
    answering(vendor, Said(503))
    with pytest.raises(Unavailable):
        client.fetch(grant, Request("POST", "/v1/subscriptions", json={"topic": "nights"}))
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("how", ["17", "Sun, 22 Nov 2026 05:00:17 GMT"])
def test_too_many_calls_close_the_budget_until_the_vendor_said(vendor, grant, clock, how):
    answering(vendor, said({}, 429, retry_after=how), said({}))
    with pytest.raises(RateLimited) as told:
        page(grant)
    assert told.value.retry_after == pytest.approx(17, abs=5)
    with pytest.raises(RateLimited):
        page(grant)
    assert len(vendor.asked) == 1
    forward(clock, timedelta(seconds=18))
    assert page(grant) == b"{}"


def telling(left, resets_in, per=timedelta(minutes=5)):
    """A vendor whose headers say what is left."""
    return replace(LOCAL, allowance=lambda headers: Allowance(left, per, resets_in) if "x-left" in headers else None)


def test_what_an_answer_says_is_left_of_a_budget_is_all_that_is_asked(vendor, grant, clock):
    told = replace(grant, provider=telling(1, 40))
    answering(vendor, said({}, x_left="1"), said({}))
    for _ in range(2):
        page(told)
    with pytest.raises(RateLimited) as denied:
        page(told)
    assert denied.value.retry_after == pytest.approx(40, abs=5)
    assert len(vendor.asked) == 2


@pytest.mark.parametrize(("retry_after", "wait"), [({}, 300), ({"retry_after": "17"}, 17)])
def test_too_many_calls_wait_for_the_vendor_s_own_header_where_it_has_no_other(vendor, grant, retry_after, wait):
    answering(vendor, said({}, 429, x_left="0", **retry_after))
    with pytest.raises(RateLimited) as told:
        page(replace(grant, provider=telling(0, 300)))
    assert told.value.retry_after == pytest.approx(wait, abs=5)


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, Forbidden), (400, ContractBroken), (404, ContractBroken), (410, ContractBroken), (302, ContractBroken)],
)
def test_every_other_status_has_its_error_and_none_shows_what_was_said(vendor, grant, status, error):
    answering(vendor, said({"detail": "hush"}, status, location=f"{vendor.origin}/elsewhere"))
    with pytest.raises(error) as raised:
        page(grant)
    assert str(status) in str(raised.value)
    assert "hush" not in str(raised.value)
    assert len(vendor.asked) == 1


def test_a_page_that_refuses_is_no_word_of_the_vendor_s_about_the_person(vendor, grant):
    provider = replace(LOCAL, verdict=lambda answer: NeedsPerson("renew") if answer.status == 403 else None)
    answering(vendor, Said(403, b"<html>Request blocked</html>"))
    with pytest.raises(vendor_http.CallFailed, match="something on the way"):
        page(replace(grant, provider=provider))


def test_the_vendor_s_own_words_come_first_even_inside_a_good_answer(vendor, grant):
    provider = replace(LOCAL, verdict=lambda answer: NeedsPerson("renew") if b"lapsed" in answer.body else None)
    for status in (200, 401, 403, 500):
        answering(vendor, said({"detail": "lapsed"}, status))
        with pytest.raises(NeedsPerson, match="renew"):
            page(replace(grant, provider=provider))
    assert vendor.calls("/token") == []


def test_a_refused_token_is_refreshed_once_and_the_call_repeated(vendor, grant):
    vendor.answer = only_latest(vendor)
    vendor.given = 0
    page(grant)
    vendor.rotate(type("Asked", (), {"form": {"refresh_token": vendor.refresh}}))  # the vendor ends the access token
    vendor.token_answer = lambda _: said({"access_token": vendor.access, "refresh_token": vendor.refresh})
    assert page(grant) == b'{"data": []}'
    assert [asked.path for asked in vendor.asked[1:]] == ["/local/v1/nights", "/local/token", "/local/v1/nights"]


def test_a_token_that_another_worker_refreshed_meanwhile_is_used_without_a_refresh(vendor, grant):
    def overtaken(asked):
        if len(vendor.asked) == 1:
            with db.transaction() as session:
                row = session.get_one(Credential, grant.connection)
                row.version += 1
            return said({}, 401)
        return said({"data": []})

    vendor.answer = overtaken
    page(grant)
    assert vendor.calls("/token") == []


def test_a_call_refused_while_a_sibling_s_refresh_is_on_its_way_waits_for_that_and_makes_none_itself(vendor, grant):
    rotated, refused_once = threading.Event(), threading.Event()

    def slow(asked):  # the vendor has ended the old access token; its answer reaches us later
        answer = vendor.rotate(asked)
        rotated.set()
        assert refused_once.wait(20)
        return answer

    def answer(asked):
        good = asked.headers["authorization"] == f"Bearer {vendor.access}"
        refused_once.set()
        return said({"data": []}) if good else said({}, 401)

    vendor.token_answer, vendor.answer = slow, answer
    sibling = threading.Thread(target=tokens.usable_token, args=(grant.connection,), kwargs={"beyond_version": 1})
    sibling.start()
    assert rotated.wait(20)
    assert page(grant) == b'{"data": []}'
    sibling.join()
    assert len(vendor.calls("/token")) == 1
    assert [asked.headers["authorization"] for asked in vendor.calls("/nights")] == [
        "Bearer access-hush-0",
        "Bearer access-hush-1",
    ]
    with db.transaction() as session:
        assert session.get_one(Credential, grant.connection).refusals == 0


def test_a_refresh_that_names_a_scope_of_its_own_takes_no_granted_scope_away(vendor, grant, monkeypatch):
    auth = replace(LOCAL.auth, scopes_from="code", refresh_params={"scope": "offline"})
    monkeypatch.setattr(providers, "PROVIDERS", (replace(LOCAL, auth=auth),))
    vendor.token_answer = lambda _: said({"access_token": "fresh", "refresh_token": "next", "scope": "offline"})
    tokens.usable_token(grant.connection, beyond_version=1)
    (asked,) = vendor.calls("/token")
    assert asked.form["scope"] == "offline"
    with db.transaction() as session:
        assert session.get_one(Credential, grant.connection).scopes == ["days", "nights"]
        app = session.get_one(VendorApp, grant.app)
    assert oauth.exchange(providers.get("local"), app, "a-code", "https://v", None).scopes == {"offline"}


def test_a_grant_whose_access_token_has_ended_is_ended_with_a_new_one(vendor, grant):
    vendor.given = 1  # the token we hold is refused, its refresh token is good
    vendor.answer = lambda asked: said({}, 401 if asked.query["access_token"] != vendor.access else 204)
    with db.transaction() as session:
        app = session.get_one(VendorApp, grant.app)
    assert oauth.revoke(LOCAL, app, "access-hush-0", vendor.refresh)
    assert len(vendor.calls("/token")) == 1
    assert len(vendor.calls("/revoke")) == 2
    vendor.answer = lambda _: said({}, 401)
    assert not oauth.revoke(LOCAL, app, "access-hush-0", vendor.refresh)
    assert not oauth.revoke(LOCAL, app, "access-hush-0", None)


def test_a_fresh_token_that_is_refused_is_counted_and_condemns_nobody_at_once(vendor, grant, clock):
    answering(vendor, Said(401))
    for _ in range(2):
        with pytest.raises(Unavailable, match="refuses a token it just gave; trying again"):
            page(grant)
        forward(clock, timedelta(minutes=11))
    with pytest.raises(AuthorizationLost, match="3 times in a row"):
        page(grant)


def test_one_good_answer_forgets_earlier_refusals(vendor, grant, clock):
    answering(vendor, Said(401), Said(401), said({}))
    with pytest.raises(Unavailable):
        page(grant)
    page(grant)
    with db.transaction() as session:
        assert session.get_one(Credential, grant.connection).refusals == 0


def test_failing_calls_pause_the_app_and_refused_ones_speak_neither_for_nor_against_it(vendor, grant):
    def paused():
        with db.transaction() as session:
            return session.get_one(VendorApp, grant.app).paused_until

    def ask(status, times, error):
        answering(vendor, Said(status))
        for _ in range(times):
            with pytest.raises(error):
                page(grant)

    ask(403, 30, Forbidden)
    assert paused() is None
    ask(503, 6, Unavailable)
    assert paused() is None
    ask(503, 1, Unavailable)
    assert paused() is not None


def test_a_body_without_end_is_not_read_into_memory(vendor, grant, monkeypatch):
    monkeypatch.setattr(vendor_http, "LARGEST", 100_000)
    answering(vendor, Said(200, b"x" * 200_000))
    with pytest.raises(ContractBroken, match="ask for less"):
        page(grant)
    answering(vendor, Said(200, gzip.compress(b"x" * 50_000_000), {"content-encoding": "gzip"}))
    with pytest.raises(ContractBroken, match="ask for less"):
        page(grant)
    answering(vendor, Said(200, gzip.compress(b"x" * 90_000), {"content-encoding": "gzip"}))
    assert page(grant) == b"x" * 90_000


def test_a_vendor_that_is_slow_over_one_answer_is_left(vendor, grant, monkeypatch):
    monkeypatch.setattr(vendor_http, "WHOLE", -1.0)
    answering(vendor, Said(200, b"x" * 200_000))
    with pytest.raises(Unavailable, match="over one answer"):
        page(grant)


def test_a_vendor_that_says_nothing_is_not_waited_for(vendor, grant, monkeypatch):
    monkeypatch.setattr(vendor_http, "TIMEOUT", (1, 0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unavailable, match="did not answer in time"):
            page(replace(grant, origin=origin))


def test_a_vendor_that_is_not_there_is_unavailable(grant):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        origin = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(Unavailable, match=r"the connection to api.local.example broke"):
        page(replace(grant, origin=origin))


def test_no_cookie_of_one_person_s_answer_goes_into_another_s_question(vendor, grant):
    answering(vendor, said({}, set_cookie="session=hush; Path=/"))
    with vendor_http.quiet(vendor_http.OneCall(), None, HTTPAdapter()) as call:
        for _ in range(2):
            call.get(f"{vendor.origin}/v1/nights")
    assert ["cookie" in asked.headers for asked in vendor.asked] == [False, False]


def test_a_password_in_a_netrc_does_not_take_the_token_s_place(vendor, grant, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\ndefault login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    page(grant)
    assert vendor.asked[0].headers["authorization"] == "Bearer access-hush-0"


@pytest.mark.parametrize(
    "url", ["http://api.local.example/x", "https://elsewhere.example/x", "https://api.local.example.evil.example/x"]
)
def test_only_https_addresses_on_hosts_of_the_declaration_are_ever_called(vendor, grant, url):
    with pytest.raises(ContractBroken, match="only called over https on hosts it declares"):
        client.fetch(grant, Request("GET", url))
    with pytest.raises(ContractBroken, match="only called over https"):
        client.ask(LOCAL, None, Request("GET", url))
    assert vendor.asked == []


def test_a_stand_in_elsewhere_than_on_this_machine_is_refused(grant):
    with pytest.raises(Misconfigured, match="must be on this machine"):
        page(replace(grant, origin="http://10.1.2.3:80"))


def test_what_is_asked_without_a_grant_comes_back_whatever_its_status(vendor, grant):
    for status in (201, 404, 409):
        answering(vendor, said({"id": "s-1"}, status))
        answer = client.ask(LOCAL, vendor.origin, Request("POST", "/v1/subscriptions", json={"topic": "nights"}))
        assert answer.status == status
    assert "authorization" not in vendor.asked[0].headers
    answering(vendor, Said(503))
    with pytest.raises(Unavailable):
        client.ask(LOCAL, vendor.origin, Request("GET", "/v1/subscriptions"))
    answering(vendor, said({}, 429))
    with pytest.raises(RateLimited):
        client.ask(LOCAL, vendor.origin, Request("GET", "/v1/subscriptions"))


def test_a_document_is_a_good_answer_s_object(vendor, grant):
    def asked(answer):
        answering(vendor, answer)
        return client.document(client.ask(LOCAL, vendor.origin, Request("GET", "/v1/me")), LOCAL)

    assert asked(said({"id": "u-1"})) == {"id": "u-1"}
    for answer, error in ((said([]), ContractBroken), (Said(200, b"<"), Unavailable), (said({}, 403), Forbidden)):
        with pytest.raises(error):
            asked(answer)
    with pytest.raises(ContractBroken, match="401"):
        asked(said({}, 401))


def test_sixteen_calls_at_once_share_one_pool_and_mix_nothing_up(vendor, grant):
    vendor.answer = lambda asked: said({"data": [asked.query["next_token"]]})
    got = {}

    def work(number):
        got[number] = page(grant, token=f"n-{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {number: b'{"data": ["n-%d"]}' % number for number in range(16)}


def days(count: float) -> timedelta:
    return timedelta(days=count)


def test_a_span_is_asked_in_requests_that_begin_at_midnight_and_never_exceed_the_longest():
    since = datetime(2026, 9, 3, 17, 20, tzinfo=UTC)
    until = datetime(2026, 11, 22, 5, 7, tzinfo=UTC)
    got = client.spans(NIGHTS, since, until)
    assert got[0][0] == datetime(2026, 9, 3, tzinfo=UTC)
    assert got[-1][1] == until
    for (start, end), following in itertools.zip_longest(got, got[1:]):
        assert start.time() == datetime.min.time()
        assert end - start + NIGHTS.window.before + NIGHTS.window.after <= NIGHTS.window.longest
        assert following is None or following[0] == end
    assert len(got) == 3


def test_one_request_is_enough_where_there_is_no_window_and_none_where_there_is_no_span():
    now = datetime(2026, 11, 22, 5, 7, tzinfo=UTC)
    assert client.spans(replace(NIGHTS, window=None), now, now) == [(now, now)]
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert client.spans(NIGHTS, midnight, midnight) == []
    assert client.spans(NIGHTS, now, now + days(1)) == [(midnight, now + days(1))]


def test_a_window_without_room_for_a_day_is_a_declaration_s_mistake():
    window = replace(NIGHTS.window, longest=days(2.9), write=as_instant)
    with pytest.raises(ValueError, match="leaves no whole day"):
        client.spans(replace(NIGHTS, window=window), SINCE, UNTIL)


def test_a_vendor_that_left_the_registry_is_named(vendor, grant, monkeypatch):
    monkeypatch.setattr(providers, "PROVIDERS", ())
    with db.transaction() as session, pytest.raises(Misconfigured, match="there is no vendor local"):
        client.grant_of(session, grant.connection)
