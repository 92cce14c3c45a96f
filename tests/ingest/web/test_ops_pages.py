"""The door and the pages of operators: who comes in, what they may do, and what is never shown there."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from ingest import clock as the_clock
from ingest.db import transaction
from ingest.grants.pauses import QUEUES
from ingest.models import (
    BackfillWindow,
    Connection,
    Heartbeat,
    OperatorAction,
    OperatorSession,
    Person,
    SignInCode,
    StreamState,
    VendorApp,
)
from ingest.ops import operators
from ingest.ops.actions import ACTS
from tests.ingest.ops.ops_stage import BOSS, PERSON, Rows, bury, count, operator, seed
from tests.ingest.web.web_stage import NOON, Stage, mailed_digits, nights

STRANGER = "nobody@example.org"
REASON = {"reason": "fixed upstream", "seen": "1"}


def signed(stage: Stage, role: str = "operate", address: str = BOSS) -> httpx.Client:
    """An operator's browser."""
    with transaction() as session:
        cookie = operator(session, role, address)
    client = stage.client()
    client.cookies.set("vagus_ops", cookie, domain="127.0.0.1")
    return client


def broken(stage: Stage) -> Rows:
    """A person with a history of nights and one of everything given up."""
    sitter = stage.sitter(PERSON, nights(strained=10), told=True)
    with transaction() as session:
        rows = seed(session)
        bury(session, rows)
        session.get_one(Connection, rows.connection).state_reason = f"{PERSON} has to pay"
    assert rows.person == sitter.id
    return rows


def addresses(rows: Rows) -> list[str]:
    """Every page there is for operators, an act of each kind among them."""
    given = {
        "pause-vendor": {"vendor": "oura"},
        "resume-vendor": {"vendor": "oura"},
        "pause-queue": {"queue": "notify"},
        "resume-queue": {"queue": "notify"},
        "replay": {"kind": "message"},
        "discard": {"kind": "message"},
        "resync": {"connection": rows.connection, "since": "2026-11-01", "until": "2026-11-10"},
        "sync": {"connection": rows.connection},
        "release": {},
        "recompute": {"person": rows.person},
        "test": {"channel": rows.channel},
    }
    assert given.keys() == ACTS.keys()
    return [
        "/ops",
        "/ops?still=true",
        "/ops/buried",
        "/ops/connections",
        *(f"/ops/connections?state={state}" for state in ("due", "failing", "active", "reconnect")),
        f"/ops/connections/{rows.connection}",
        f"/ops/people/{rows.person}",
        "/ops/find?q=99",
        "/ops/audit",
        *(f"/ops/actions/{name}?{urlencode(query)}" for name, query in given.items()),
    ]


def test_an_operator_comes_in_with_six_digits_and_stays_for_twelve_hours(stage: Stage, clock):
    with transaction() as session:
        operators.add(session, BOSS, "view")
    client = stage.client()
    assert client.post("/ops/sign-in", data={"address": f" {BOSS.upper()} "}).headers["location"] == "/ops/sign-in/code"
    answer = client.post("/ops/sign-in/code", data={"digits": mailed_digits(BOSS)})
    assert answer.headers["location"] == "/ops"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert client.get("/ops").status_code == 200
    clock(NOON + timedelta(hours=11, minutes=59))
    assert client.get("/ops").status_code == 200
    clock(NOON + timedelta(hours=12, minutes=1))
    assert client.get("/ops").headers["location"] == "/ops/sign-in"


def test_nobody_learns_whether_an_address_is_an_operator_s_and_strangers_get_no_mail(stage: Stage):
    with transaction() as session:
        operators.add(session, BOSS, "view")
    told = []
    for address in (BOSS, STRANGER):
        client = stage.client()
        first = client.post("/ops/sign-in", data={"address": address})
        page = client.get("/ops/sign-in/code").text
        wrong = client.post("/ops/sign-in/code", data={"digits": "000000"}).text
        shown = f"{address[0]}…@{address.split('@')[1]}"
        told.append((first.status_code, first.headers["location"], page.replace(shown, ""), wrong.replace(shown, "")))
    assert told[0] == told[1]
    with transaction() as session:
        codes = {row.address: (row.code is None, row.sent_at is None) for row in session.scalars(select(SignInCode))}
        assert codes == {BOSS: (False, True), STRANGER: (True, False)}
        assert count(session, Person) == 0


def test_the_codes_of_one_door_open_nothing_at_the_other(stage: Stage):
    with transaction() as session:
        operators.add(session, BOSS, "operate")
    person = stage.client()
    person.post("/sign-in", data={"address": BOSS})
    digits, nonce = mailed_digits(BOSS), person.cookies["vagus_asking"]
    ops = stage.client(cookies={"vagus_ops_asking": nonce})
    assert ops.post("/ops/sign-in/code", data={"digits": digits}).status_code == 422
    assert ops.get("/ops").status_code == 303
    ops = stage.client()
    ops.post("/ops/sign-in", data={"address": BOSS})
    nonce = ops.cookies["vagus_ops_asking"]
    person = stage.client(cookies={"vagus_asking": nonce})
    assert person.post("/sign-in/code", data={"digits": mailed_digits(BOSS)}).status_code == 422


def test_what_is_asked_for_at_one_door_can_be_guessed_at_no_other_and_uses_up_none_of_its_codes(
    stage: Stage, monkeypatch
):
    monkeypatch.setattr("ingest.signin.secrets.randbelow", lambda _: 123456)
    ops = stage.client()
    for _ in range(5):
        assert ops.post("/ops/sign-in", data={"address": STRANGER}).status_code == 303
    nonce = ops.cookies["vagus_ops_asking"]
    for cookie in (nonce, f"operator.{nonce}"):
        crossing = stage.client(cookies={"vagus_asking": cookie})
        answer = crossing.post("/sign-in/code", data={"digits": "123456"})
        assert answer.status_code == 422
        assert "has expired" in answer.text  # there is nothing to guess at, not even once
    assert ops.post("/ops/sign-in/code", data={"digits": "123456"}).status_code == 422
    with transaction() as session:
        operators.add(session, STRANGER, "view")
    assert ops.post("/ops/sign-in/code", data={"digits": "123456"}).status_code == 422
    assert ops.post("/ops/sign-in", data={"address": STRANGER}).status_code == 429
    assert stage.client().post("/sign-in", data={"address": STRANGER}).status_code == 303


def test_the_link_in_an_operator_s_mail_leads_to_their_door(stage: Stage):
    with transaction() as session:
        operators.add(session, BOSS, "view")
    client = stage.client()
    client.post("/ops/sign-in", data={"address": BOSS})
    answer = client.get("/sign-in/code?digits=123456")
    assert answer.headers["location"] == "/ops/sign-in/code?digits=123456"
    assert 'value="123456"' in client.get(answer.headers["location"]).text


def test_a_link_from_the_terminal_signs_an_operator_in_once_and_no_person(stage: Stage):
    with transaction() as session:
        operators.add(session, BOSS, "view")
        link = operators.one_time_link(session, BOSS).removeprefix(stage.url)
    client = stage.client()
    assert client.get(link).status_code == 200
    assert client.post(link.replace("/ops", "")).status_code == 410
    assert client.post(link).headers["location"] == "/ops"
    assert stage.client().post(link).status_code == 410
    assert client.get("/today").headers["location"] == "/sign-in"


def test_a_person_s_cookie_opens_no_page_of_operators_and_theirs_no_page_of_a_person(stage: Stage):
    rows = broken(stage)
    sitter = stage.sitter(PERSON)
    sitter.client.cookies.set("vagus_ops", sitter.cookie, domain="127.0.0.1")
    for path in addresses(rows):
        assert sitter.client.get(path).headers["location"] == "/ops/sign-in", path
    client = signed(stage)
    client.cookies.set("vagus_session", client.cookies["vagus_ops"], domain="127.0.0.1")
    for path in ("/today", "/history", "/data", "/channels", "/connections"):
        assert client.get(path).headers["location"] == "/sign-in", path


def test_whoever_is_removed_is_out_at_once(stage: Stage):
    client = signed(stage)
    assert client.get("/ops").status_code == 200
    with transaction() as session:
        operators.remove(session, BOSS)
    assert client.get("/ops").status_code == 303
    with transaction() as session:
        assert count(session, OperatorSession) == 0


def test_signing_out_ends_the_session_and_not_only_the_cookie(stage: Stage):
    client = signed(stage)
    kept = client.cookies["vagus_ops"]
    client.post("/ops/sign-out")
    assert stage.client(cookies={"vagus_ops": kept}).get("/ops").status_code == 303


@pytest.mark.parametrize("name", ACTS)
def test_who_may_only_look_changes_nothing_whatever_they_post(stage: Stage, name):
    rows = broken(stage)
    client = signed(stage, "view")
    (path,) = [path for path in addresses(rows) if path.startswith(f"/ops/actions/{name}?")]
    looked = client.get(path)
    assert looked.status_code == 200
    assert 'method="post" action="/ops/actions' not in looked.text
    for data in (REASON | {"confirm": name}, {}):
        answer = client.post(path, data=data)
        assert answer.status_code == 403
        assert "You can look but not change." in answer.text
    with transaction() as session:
        assert count(session, OperatorAction) == 0


def test_another_site_s_form_moves_nothing(stage: Stage):
    broken(stage)
    client = signed(stage)
    path = "/ops/actions/pause-vendor?vendor=oura"
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert client.post(path, data=REASON, headers=headers).status_code == 403
    with transaction() as session:
        assert count(session, OperatorAction) == 0


def test_no_page_of_operators_shows_an_address_of_a_person_or_what_their_body_measured(stage: Stage):
    rows = broken(stage)
    client = signed(stage)
    inputs = stage.sitter(PERSON, nights(strained=10)).assessments[-1].inputs
    measured = [re.compile(rf"\b{given.value:.{places}f}\b") for given in inputs for places in (1, 2, 3)]
    fingerprints = set(re.findall(r"fingerprint=(\w+)", client.get("/ops/buried").text))
    assert len(fingerprints) == 4
    every = [*addresses(rows), *(f"/ops/buried?fingerprint={each}" for each in fingerprints)]
    client.post("/ops/actions/replay?kind=message", data=REASON)
    for path in every:
        text = client.get(path).text
        assert PERSON not in text, path
        assert "mira" not in text, path
        assert [word for word in ("HRV", "bpm", " ms", "strained") if word in text] == [], path
        assert [value.pattern for value in measured if value.search(text)] == [], path
    with transaction() as session:
        kept = [f"{row.by} {row.about} {row.reason}" for row in session.scalars(select(OperatorAction))]
    assert kept
    assert not any("mira" in line for line in kept)


def test_the_board_counts_what_is_to_fix_in_its_title_and_renews_itself_until_told_not_to(stage: Stage):
    broken(stage)
    client = signed(stage)
    text = client.get("/ops").text
    yours = int(re.search(r"Yours to fix \((\d+)\)", text)[1])
    assert f"<title>({yours}) Vagus ops</title>" in text
    assert '<meta http-equiv="refresh" content="10">' in text
    assert "http-equiv" not in client.get("/ops?still=true").text
    assert text.index("Yours to fix") < text.index("Are people being told?") < text.index("Is data fresh?")
    assert "/ops/buried" in text


def test_the_board_works_without_a_script(stage: Stage):
    rows = broken(stage)
    client = signed(stage)
    for path in addresses(rows):
        assert "<script" not in client.get(path).text


def test_an_act_is_looked_at_then_done_then_said_and_written_down(stage: Stage):
    rows = broken(stage)
    client = signed(stage)
    path = "/ops/actions/pause-vendor?vendor=oura"
    before = client.get(path).text
    assert "Oura is asked for nothing until it is resumed: 1 connection waits." in before
    answer = client.post(path, data=REASON)
    assert answer.status_code == 303
    after = client.get(answer.headers["location"]).text
    assert "Done: pause vendor, vendor oura. 1 row." in after
    with transaction() as session:
        assert session.get_one(VendorApp, rows.app).held_by == BOSS
    audit = client.get("/ops/audit").text
    assert BOSS in audit
    assert "fixed upstream" in audit
    assert "paused already" in client.post(path, data=REASON).text


def test_what_was_typed_is_shown_again_with_what_is_missing(stage: Stage):
    broken(stage)
    client = signed(stage)
    path = "/ops/actions/replay?kind=window&spread=600"
    answer = client.post(path, data={"seen": "3", "reason": " "})
    assert answer.status_code == 422
    assert "Say why" in answer.text
    answer = client.post(path, data={"seen": "30", "reason": "all fixed"})
    assert answer.status_code == 409
    assert "They were 30 when you looked and are 3 now" in answer.text
    assert 'name="seen" value="3"' in answer.text
    assert 'value="all fixed"' in answer.text
    assert client.get("/ops/actions/nonsense").status_code == 422


def test_the_rows_of_the_address_are_the_ones_that_are_touched(stage: Stage):
    broken(stage)
    client = signed(stage)
    client.post("/ops/actions/replay?kind=window&spread=600", data={"seen": "3", "reason": "fixed", "spread": "0"})
    with transaction() as session:
        assert count(session, BackfillWindow, BackfillWindow.state == "buried") == 0
        assert count(session, StreamState, StreamState.state == "buried") == 1
        waiting = session.scalars(select(BackfillWindow.due_at).where(BackfillWindow.state == "waiting")).all()
        assert max(waiting) <= the_clock.now()


@pytest.mark.parametrize(
    ("asked", "found"),
    [("connection 1", "/ops/connections/1"), (" person #1", "/ops/people/1"), ("99", None), ("1", None), ("", None)],
)
def test_people_and_connections_are_found_by_number_alone(stage: Stage, asked, found):
    broken(stage)
    answer = signed(stage).get("/ops/find", params={"q": asked})
    assert answer.headers.get("location") == found
    if asked == "1":
        assert "Which 1?" in answer.text


def test_a_connection_that_is_not_there_is_not_found(stage: Stage):
    broken(stage)
    client = signed(stage)
    for path in ("/ops/connections/99", "/ops/people/99", f"/ops/people/{10**30}", f"/ops/connections/{10**30}"):
        assert client.get(path).status_code in {404, 422}, path
    for act in ("release?connection", "sync?connection", "recompute?person", "test?channel"):
        assert client.get(f"/ops/actions/{act}={2**70}").status_code == 422, act


def test_a_healthy_service_says_so_in_one_sentence_and_folds_the_rest(stage: Stage, valkey: str):
    client = signed(stage)
    with transaction() as session:
        now = the_clock.now()
        session.add_all(Heartbeat(name=name, at=now) for name in ("beat", *QUEUES))
        session.add(VendorApp(vendor="oura", client_id="ours", created_at=now))
    text = client.get("/ops").text
    assert "Nothing to do." in text
    assert "<title>Vagus ops</title>" in text
    assert "<summary>5 queues move</summary>" in text
    assert "<summary>1 vendor on time</summary>" in text
    assert "Yours to fix" not in text
