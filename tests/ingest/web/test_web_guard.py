"""What the pages refuse: other sites, other people's things, bodies without end, and words that would run."""

import io
import re

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from ingest import channels, signin
from ingest import clock as the_clock
from ingest.db import transaction
from ingest.models import Channel, Connection, Person, Rejected, Run, RunFile, Tag, VendorAccount
from ingest.web import today as today_module
from tests.ingest.web.web_stage import NOON, TODAY, Stage, nights, reread_settings

POSTS = [
    "/sign-in",
    "/sign-in/code",
    "/sign-out",
    "/tags",
    "/import",
    "/quiet-hours",
    "/sensitivity",
    "/language",
    "/data/erase",
]
FORM = {"content-type": "application/x-www-form-urlencoded"}
HEADER = b"Cycle start time,Cycle end time,Cycle timezone,Recovery score %,Heart rate variability (ms)\n"


def csv(sitter, body=HEADER, name="physiological_cycles.csv"):
    return sitter.client.post("/import", files={"file": (name, io.BytesIO(body))})


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": "{own}"},
    ],
)
def test_a_form_of_another_site_is_refused_everywhere(stage: Stage, headers):
    sitter = stage.sitter()
    sent = {name: value.format(own=stage.url) for name, value in headers.items()}
    for path in POSTS:
        assert sitter.client.post(path, data={"level": "calm"}, headers=sent).status_code == 403, path
    with transaction() as session:
        assert session.get_one(Person, sitter.id).sensitivity == "balanced"


@pytest.mark.parametrize(
    "headers", [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "{own}"}]
)
def test_our_own_forms_pass(stage: Stage, headers):
    sitter = stage.sitter()
    sent = {name: value.format(own=stage.url) for name, value in headers.items()}
    assert sitter.client.post("/sensitivity", data={"level": "calm"}, headers=sent).status_code == 303


def test_one_click_unsubscribing_comes_from_anywhere_and_opening_its_link_changes_nothing(stage: Stage):
    sitter = stage.sitter()
    with transaction() as session:
        channel = session.scalars(select(Channel.id).where(Channel.person == sitter.id)).one()
    address = f"/u/{channels.unsubscribe_token(channel)}"
    stranger = stage.client()
    assert "Stop these mails?" in stranger.get(address).text
    with transaction() as session:
        assert session.get_one(Channel, channel).state == "on"
    answer = stranger.post(address, data={"List-Unsubscribe": "One-Click"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    with transaction() as session:
        assert session.get_one(Channel, channel).state == "off"
    assert stranger.post(f"/u/{channel}.forged").status_code == 404


def test_no_page_changes_anything_by_being_opened(stage: Stage):
    sitter = stage.sitter(given=nights(strained=10), told=True)
    before = snapshot(sitter.id)
    for path in (*POSTS, "/", "/today", "/history", "/channels", "/channels/1", "/data", f"/alerts/{sitter.alert}"):
        sitter.client.get(path)
    assert snapshot(sitter.id) == before


def snapshot(person_id):
    with transaction() as session:
        person = session.get_one(Person, person_id)
        channel = session.scalars(select(Channel).where(Channel.person == person_id)).one()
        tags = session.scalars(select(Tag.name)).all()
        known = signin.person_of(session, None)
        return person.state, person.sensitivity, person.quiet_from, channel.state, tags, known


def test_nobody_sees_or_changes_what_is_another_persons(stage: Stage):
    own = stage.sitter("mira@example.org", nights(strained=10), told=True)
    other = stage.sitter("other@example.org", nights(seed=9))
    csv(own)
    with transaction() as session:
        run = session.scalars(select(Run.id).where(Run.person == own.id)).one()
        channel = session.scalars(select(Channel.id).where(Channel.person == own.id)).one()
    assert own.client.get(f"/alerts/{own.alert}").status_code == 200
    assert own.client.get(f"/import/{run}").status_code == 200
    for path in (f"/alerts/{own.alert}", f"/import/{run}", "/alerts/0", "/import/-1", f"/alerts/{2**70}"):
        assert other.client.get(path).status_code == 404, path
    assert other.client.post(f"/channels/{channel}", data={"state": "off"}).status_code == 404
    assert other.client.post("/data/erase", data={"address": own.address}).status_code == 422
    other.client.post("/tags", data={"cause": "ill", "first": "2026-11-20", "last": "2026-11-22", "alert": own.alert})
    for path in ("/today", "/history?span=all", "/import", "/channels", "/data"):
        assert own.address not in other.client.get(path).text, path
    assert "Strain," not in other.client.get("/history").text
    with transaction() as session:
        assert session.get_one(Channel, channel).state == "on"
        assert set(session.scalars(select(Tag.person))) == {other.id}
        assert session.get(Person, own.id) is not None


def test_pages_of_a_person_need_one(stage: Stage):
    for path in ("/today", "/history", "/import", "/import/1", "/channels", "/data", "/alerts/1"):
        answer = stage.client().get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path


def test_forms_of_a_person_need_one(stage: Stage):
    form = {"level": "calm", "state": "off", "cause": "ill", "first": "2026-11-20", "last": "2026-11-20"}
    for path in ("/tags", "/import", "/quiet-hours", "/sensitivity", "/data/erase", "/channels/1"):
        answer = stage.client().post(path, data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path


def test_somebody_who_is_being_erased_is_signed_out(stage: Stage):
    sitter = stage.sitter()
    with transaction() as session:
        session.execute(update(Person).values(state="erasing"))
    assert sitter.client.get("/today").status_code == 303


def test_every_answer_carries_the_headers(stage: Stage, monkeypatch):
    sitter = stage.sitter()
    monkeypatch.setattr(today_module, "look", broken)
    monkeypatch.setattr("ingest.web.pages.look", broken)
    for path, status in (("/channels", 200), ("/nope", 404), ("/today", 500), ("/", 303)):
        answer = sitter.client.get(path)
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def broken(*_):
    raise ZeroDivisionError("secret of the inside")


def test_a_fault_is_a_page_with_a_reference_that_the_log_has(stage: Stage, monkeypatch, capsys):
    sitter = stage.sitter()
    seen = []
    monkeypatch.setattr("ingest.web.pages.look", broken)
    monkeypatch.setattr("ingest.web.errors.log", type("Log", (), {"error": lambda *_, **k: seen.append(k)})())
    answer = sitter.client.get("/today")
    assert answer.status_code == 500
    assert "secret of the inside" not in answer.text
    reference = re.search(r"recorded as <strong>(\w{5})</strong>", answer.text)[1]
    assert [each["reference"] for each in seen] == [reference]


def test_forms_are_small_and_a_file_is_at_most_fifty_megabytes(stage: Stage):
    sitter = stage.sitter()
    assert sitter.client.post("/sign-in", data={"address": "x" * 70_000}).status_code == 413
    assert sitter.client.post("/sign-in", content=(b"x" * 1000 for _ in range(80)), headers=FORM).status_code == 413
    assert csv(sitter, b"x" * (51 * 1024 * 1024)).status_code == 413
    assert "That is too big" in csv(sitter, b"x" * (51 * 1024 * 1024)).text
    with transaction() as session:
        assert session.scalars(select(RunFile.run)).all() == []


def test_a_stranger_may_not_even_send_a_file(stage: Stage):
    answer = stage.client(cookies={"vagus_session": "made-up"}).post(
        "/import", files={"file": ("a.csv", io.BytesIO(HEADER * 10_000))}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_nothing_that_came_from_outside_runs_on_a_page(stage: Stage):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    sitter = stage.sitter()
    csv(sitter, name=f"{evil}.csv")
    with transaction() as session:
        account = VendorAccount(person=sitter.id, vendor="whoop", created_at=the_clock.now())
        session.add(account)
        session.flush()
        connection = Connection(
            vendor_account=account.id, kind="file", state_since=the_clock.now(), created_at=the_clock.now()
        )
        session.add(connection)
        session.flush()
        run = session.scalars(select(Run)).one()
        run.state, run.rejected, run.connection, run.error = "partial", 1, connection.id, evil
        session.add(
            Rejected(
                connection=connection.id,
                stream="cycles",
                fingerprint=evil,
                field=evil,
                line=3,
                reason=evil,
                body=b"",
                run=run.id,
                at=the_clock.now(),
            )
        )
        number = run.id
    for path in (f"/import/{number}", "/import", f"/sign-in/code?digits={evil}", f"/today?noted={evil}", f"/{evil}"):
        text = sitter.client.get(path).text
        assert not re.search(r"<script(?! src=\"/)", text), path
        assert "<img" not in text, path
    assert "&lt;script&gt;" in sitter.client.get(f"/import/{number}").text


def test_a_note_that_makes_no_sense_is_refused(stage: Stage):
    sitter = stage.sitter(given=nights())
    for form in (
        {"cause": "ill", "first": "2026-11-22", "last": "2026-11-20"},
        {"cause": "ill", "first": "2020-01-01", "last": "2026-11-20"},
        {"cause": "ill", "first": "2026-12-20", "last": "2026-12-22"},
        {"cause": "grumpy", "first": "2026-11-20", "last": "2026-11-20"},
        {"cause": "ill", "first": "yesterday", "last": "2026-11-20"},
        {"cause": "ill"},
    ):
        assert sitter.client.post("/tags", data=form).status_code == 422, form
    with transaction() as session:
        assert session.scalars(select(Tag.name)).all() == []


def test_the_styles_may_be_kept_and_the_pages_not(stage: Stage):
    page = stage.client().get("/sign-in").text
    address = re.search(r'href="(/static/style\.css\?v=\w+)"', page)[1]
    answer = stage.client().get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert stage.client().get("/static/../app.py").status_code == 404


def test_it_is_alive_without_its_database(stage: Stage, monkeypatch):
    monkeypatch.setattr("ingest.web.health.migrate.is_current", broken)
    assert stage.client().get("/healthz").json() == {"ok": True}
    answer = stage.client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] is False


def test_it_is_ready_when_every_queue_is_taken_and_says_what_is_missing(stage: Stage, valkey, clock):
    from ingest.models import Heartbeat  # noqa: PLC0415

    nobody = stage.client().get("/readyz")
    assert nobody.status_code == 503
    assert 'no worker takes the queue "sync": start one' in nobody.json()["missing"]
    names = ("beat", "sync", "backfill", "score", "notify", "upkeep")
    with transaction() as session:
        session.add_all(Heartbeat(name=name, at=the_clock.now()) for name in names)
    answer = stage.client().get("/readyz")
    assert answer.json() == {
        "ok": True,
        "checks": {"database": True, "broker": True} | dict.fromkeys(names, True),
        "missing": [],
    }
    with transaction() as session:
        session.get_one(Heartbeat, "backfill").at = NOON.replace(hour=5, minute=40)
    assert stage.client().get("/readyz").json()["missing"] == ['no worker takes the queue "backfill": start one']
    clock(NOON.replace(hour=6))
    stale = stage.client().get("/readyz")
    assert stale.status_code == 503
    assert stale.json()["checks"] == {"database": True, "broker": True} | dict.fromkeys(names, False)


def test_it_is_not_ready_where_the_database_goes_while_it_is_asked(stage: Stage, valkey, monkeypatch):
    def gone() -> None:
        raise OperationalError("", {}, Exception("the server closed the connection"))

    monkeypatch.setattr("ingest.web.health.transaction", gone)
    answer = stage.client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, False)


def test_no_page_carries_a_script_or_an_inline_style(stage: Stage):
    sitter = stage.sitter(given=nights(TODAY, strained=10), told=True)
    for path in ("/today", "/history", "/import", "/channels", "/data", f"/alerts/{sitter.alert}"):
        text = sitter.client.get(path).text
        assert not re.search(r"<script(?! src=\"/)", text)
        assert not re.search(r"\sstyle=|\son\w+=|javascript:", text), path


def test_an_origin_that_is_no_address_is_refused_like_any_other_site(stage: Stage):
    refused = stage.client().post("/sign-in", data={"address": "a@example.org"}, headers={"Origin": "http://["})
    assert refused.status_code == 403


def test_digits_of_another_script_in_an_address_are_no_fault(stage: Stage):
    assert stage.client().get("/alerts/%D9%A1").status_code in {303, 404, 422}


def test_a_file_name_with_what_nobody_can_print_is_cleaned(stage: Stage):
    client = stage.sitter().client
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a\x00b.csv"\r\n\r\nno table\r\n--x--\r\n'
    answer = client.post("/import", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 303
    with transaction() as session:
        assert session.scalars(select(RunFile.name)).one() == "ab.csv"


def test_without_a_mail_server_nobody_is_told_to_wait_for_a_mail(stage: Stage, monkeypatch):
    monkeypatch.delenv("VAGUS_SMTP_URL")
    reread_settings()
    answer = stage.client().post("/sign-in", data={"address": "a@example.org"})
    assert answer.status_code == 503
    for page in (answer.text, stage.client().get("/sign-in").text):
        assert "vagus sign-in --person" in page
        assert "Send me a code" not in page
