"""Signing in: what opens the door, and what does not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from ingest import people, signin
from ingest.db import transaction
from ingest.models import Channel, Person, SignInCode, WebSession
from tests.ingest.web.web_stage import NOON, TODAY, Stage, mailed_digits, nights

NEW = "new@example.org"


def ask(client, address=NEW):
    return client.post("/sign-in", data={"address": address})


def enter(client, digits):
    return client.post("/sign-in/code", data={"digits": digits})


def another(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06d}"


def count(table) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_six_digits_sign_a_new_person_in_and_confirm_their_mail(stage: Stage):
    client = stage.client()
    assert ask(client, " New@Example.org ").headers["location"] == "/sign-in/code"
    assert count(Person) == 0
    answer = enter(client, mailed_digits(NEW))
    assert answer.headers["location"] == "/today"
    assert "How to begin" in client.get("/today").text
    with transaction() as session:
        channel = session.scalars(select(Channel)).one()
        assert channel.address == NEW
        assert channel.confirmed_at == pytest.approx(NOON, abs=timedelta(minutes=5))


def test_a_code_works_once(stage: Stage):
    client = stage.client()
    ask(client)
    digits, nonce = mailed_digits(NEW), client.cookies["vagus_asking"]
    enter(client, digits)
    late = stage.client(cookies={"vagus_asking": nonce})
    assert enter(late, digits).status_code == 422
    assert late.get("/today").status_code == 303


def test_a_code_works_only_in_the_browser_that_asked(stage: Stage):
    ask(stage.client())
    stranger = stage.client()
    ask(stranger, "other@example.org")
    assert enter(stranger, mailed_digits(NEW)).status_code == 422
    assert enter(stage.client(), mailed_digits(NEW)).status_code == 422
    assert count(WebSession) == 0


def test_the_fifth_wrong_entry_is_the_last(stage: Stage):
    client = stage.client()
    ask(client)
    digits = mailed_digits(NEW)
    answers = [enter(client, another(digits)).text for _ in range(5)]
    assert "4 tries left" in answers[0]
    assert "One try left" in answers[3]
    assert enter(client, digits).status_code == 422
    assert count(WebSession) == 0


def test_guesses_at_the_same_moment_share_the_five_tries(stage: Stage):
    client = stage.client()
    ask(client)
    digits, nonce = mailed_digits(NEW), client.cookies["vagus_asking"]
    guessers = [stage.client(cookies={"vagus_asking": nonce}) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda guesser: enter(guesser, another(digits)), guessers))
    with transaction() as session:
        assert session.scalars(select(SignInCode.tries_left)).one() == 0
    assert enter(client, digits).status_code == 422


def test_a_code_dies_after_ten_minutes(stage: Stage, clock):
    client = stage.client()
    ask(client)
    clock(NOON + timedelta(minutes=10, seconds=1))
    answer = enter(client, mailed_digits(NEW))
    assert "expired" in answer.text
    assert count(WebSession) == 0


def test_an_earlier_mail_still_works_after_send_again(stage: Stage):
    client = stage.client()
    ask(client)
    first = mailed_digits(NEW)
    ask(client)
    assert enter(client, f" {first[:3]} {first[3:]} ").headers["location"] == "/today"


def test_an_address_gets_five_codes_an_hour(stage: Stage, clock):
    answers = [ask(stage.client()).status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]
    assert ask(stage.client(), "other@example.org").status_code == 303
    clock(NOON + timedelta(hours=1, minutes=1))
    assert ask(stage.client()).status_code == 303


def test_a_burst_of_requests_finds_no_more_room(stage: Stage):
    clients = [stage.client() for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda client: ask(client).status_code, clients))
    assert sorted(answers) == [303] * 5 + [429] * 7


def test_a_network_gets_twenty_codes_an_hour(stage: Stage):
    answers = [ask(stage.client(), f"p{n}@example.org").status_code for n in range(21)]
    assert answers == [303] * 20 + [429]


def test_one_customer_of_ipv6_is_one_network(session, home):
    for n in range(20):
        signin.ask(session, f"p{n}@example.org", f"nonce{n}", f"2001:db8:0:1::{n:x}")
    signin.ask(session, "next@example.org", "nonce", "2001:db8:0:2::1")
    with pytest.raises(signin.TooManyCodes):
        signin.ask(session, "last@example.org", "nonce", "2001:db8:0:1:ffff::1")


def test_nothing_tells_whether_an_address_is_known(stage: Stage):
    stage.sitter("known@example.org", nights())
    shown = []
    for address in ("known@example.org", "never@example.org"):
        client = stage.client()
        asked = ask(client, address)
        wrong = enter(client, another(mailed_digits(address)))
        page = client.get("/sign-in/code").text.replace(f"{address[0]}…", "x…")
        shown.append((asked.status_code, asked.headers["location"], wrong.status_code, page))
    assert shown[0] == shown[1]


def test_opening_the_mails_link_spends_nothing_and_fills_the_code_in(stage: Stage):
    client = stage.client()
    ask(client)
    digits = mailed_digits(NEW)
    link = signin.link(digits)
    assert link.startswith(stage.url)
    assert f'value="{digits}"' in client.get(link).text
    scanner = stage.client().get(link).text
    assert "where you started" in scanner
    assert f"{digits[:3]} {digits[3:]}" in scanner
    assert enter(client, digits).headers["location"] == "/today"


def test_signing_in_changes_the_cookie_and_ends_the_session_it_replaces(stage: Stage):
    sitter = stage.sitter(NEW)
    ask(sitter.client)
    enter(sitter.client, mailed_digits(NEW))
    assert sitter.client.cookies["vagus_session"] != sitter.cookie
    old = stage.client(cookies={"vagus_session": sitter.cookie})
    assert old.get("/today").headers["location"] == "/sign-in"


def test_signing_out_ends_the_session_and_not_only_the_cookie(stage: Stage):
    sitter = stage.sitter()
    sitter.client.post("/sign-out")
    thief = stage.client(cookies={"vagus_session": sitter.cookie})
    assert thief.get("/today").status_code == 303


def test_a_session_ends_after_thirty_days(stage: Stage, clock):
    sitter = stage.sitter()
    clock(NOON + timedelta(days=31))
    assert sitter.client.get("/today").headers["location"] == "/sign-in"


def test_neither_codes_nor_cookies_stand_readable_in_the_database(stage: Stage):
    client = stage.client()
    ask(client)
    digits = mailed_digits(NEW)
    enter(client, digits)
    with transaction() as session:
        row = session.scalars(select(SignInCode)).one()
        kept = f"{row.code_hash} {row.browser_hash} {row.code!r}"
        token = session.scalars(select(WebSession.token_hash)).one()
    assert digits not in kept
    assert client.cookies["vagus_session"] not in token


def test_a_page_that_was_asked_for_opens_after_signing_in(stage: Stage):
    sitter = stage.sitter(NEW, nights(strained=10), told=True)
    client = stage.client()
    client.get(f"/alerts/{sitter.alert}")
    ask(client)
    assert enter(client, mailed_digits(NEW)).headers["location"] == f"/alerts/{sitter.alert}"


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/u/1.x", "/today\\@evil.example", "/sign-out"]
)
def test_signing_in_leads_to_no_other_site(stage: Stage, wanted):
    client = stage.client(cookies={"vagus_return": wanted})
    ask(client)
    assert enter(client, mailed_digits(NEW)).headers["location"] == "/today"


def test_what_is_no_address_is_said_on_the_page(stage: Stage):
    for address in ("", "nobody", "a@b\nBcc: c@d", "<script>@x", "a" * 250 + "@x.org"):
        answer = ask(stage.client(), address)
        assert answer.status_code == 422, address
        assert "<script>@x" not in answer.text
    assert count(SignInCode) == 0


def test_a_link_from_the_terminal_works_once_and_not_by_being_opened(stage: Stage):
    with transaction() as session:
        person = people.ensure(session, NEW)
        link = signin.one_time_link(session, person.id)
    assert link.startswith(f"{stage.url}/sign-in/once/")
    client = stage.client()
    assert client.get(link).status_code == 200
    assert client.post(link).headers["location"] == "/today"
    assert client.get("/today").status_code == 200
    assert stage.client().post(link).status_code == 410
    with transaction() as session:
        assert session.scalars(select(Channel.confirmed_at)).one() is None


def test_a_link_from_the_terminal_dies_after_ten_minutes(stage: Stage, clock):
    with transaction() as session:
        link = signin.one_time_link(session, people.ensure(session, NEW).id)
    clock(NOON + timedelta(minutes=11))
    assert stage.client().post(link).status_code == 410


def test_an_invented_link_signs_nobody_in(stage: Stage):
    with transaction() as session:
        signin.one_time_link(session, people.ensure(session, NEW).id)
    for ticket in ("1", "1.", ".x", "²." + "x" * 30, "9" * 30 + ".x", "1.x"):
        assert stage.client().post(f"/sign-in/once/{ticket}").status_code == 410, ticket


def test_links_from_the_terminal_are_no_codes_and_use_up_none(stage: Stage):
    with transaction() as session:
        person = people.ensure(session, NEW)
        for _ in range(6):
            signin.one_time_link(session, person.id)
    assert ask(stage.client()).status_code == 303


def test_old_codes_and_sessions_are_forgotten_and_fresh_ones_kept(stage: Stage, clock):
    stage.sitter("old@example.org")
    ask(stage.client())
    clock(NOON + timedelta(days=31))
    stage.sitter("fresh@example.org")
    ask(stage.client(), "fresh@example.org")
    with transaction() as session:
        signin.forget_expired(session)
    assert (count(SignInCode), count(WebSession)) == (1, 1)


def test_under_https_cookies_are_bound_to_the_host(stage: Stage, monkeypatch):
    from tests.ingest.web.web_stage import reread_settings  # noqa: PLC0415

    monkeypatch.setenv("VAGUS_BASE_URL", "https://vagus.example")
    reread_settings()
    client = stage.client()
    asked = ask(client).headers["set-cookie"]
    assert asked.startswith("__Host-vagus_asking=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(asked.split("; "))
    assert signin.link("123456").startswith("https://vagus.example/")


def test_a_person_who_is_signed_in_is_not_asked_again(stage: Stage):
    sitter = stage.sitter(given=nights(TODAY))
    assert sitter.client.get("/sign-in").headers["location"] == "/today"
    assert sitter.client.get("/").headers["location"] == "/today"
