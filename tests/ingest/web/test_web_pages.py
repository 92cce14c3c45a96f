"""What the pages show and do, from the first visit to the receipt of an erasure."""

import gzip
import io
import json
import re
from datetime import date, timedelta
from email.message import EmailMessage
from html import unescape

import pytest
from sqlalchemy import select, update

from ingest import chart
from ingest import clock as the_clock
from ingest.db import transaction
from ingest.models import Alert, Channel, Person, Run, ScoreRequest, Tag
from tests.ingest.web.web_stage import TODAY, Stage, nights, reread_settings

CSV = (
    b"Cycle start time,Cycle end time,Cycle timezone,Resting heart rate (bpm),Heart rate variability (ms)\n"
    b"2026-11-20 22:00:00,2026-11-21 22:00:00,UTC+00:00,51,60\n"
)


def text(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", unescape(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.text, flags=re.DOTALL)))


def test_the_first_page_shows_a_made_up_person_and_is_the_same_for_all(stage: Stage):
    first = stage.client().get("/").text
    assert "made-up person" in first
    assert first.count('class="chart"') == 2
    assert "tint strained" in first
    assert first == stage.client().get("/").text


def test_today_tells_state_count_and_what_to_do(stage: Stage):
    page = text(stage.sitter(given=nights(strained=10)).client, "/today")
    assert re.search(r"Strained Strain for \d of 8 nights Swap the next hard session", page)
    assert "How you feel counts more than this page." in page
    assert "Not a medical device." in page


def test_the_points_on_today_add_up(stage: Stage):
    page = text(stage.sitter(given=nights(strained=10)).client, "/today")
    start, end = re.search(r"exactly as usual (\d+)", page)[1], re.search(r"Readiness (\d+) of 100", page)[1]
    parts = [int(points.replace("−", "-")) for points in re.findall(r"(?:HRV|heart rate) ([+−]?\d+) ", page)]
    assert int(start) == 76
    assert len(parts) >= 2
    assert int(start) + sum(parts[-2:]) == int(end)


def test_today_is_small_enough_for_a_slow_phone(stage: Stage):
    page = stage.sitter(given=nights(strained=10), told=True).client.get("/today")
    assert len(gzip.compress(page.content)) <= 15 * 1024
    assert page.headers["content-encoding"] == "gzip"


def test_yesterday_is_never_shown_as_today(stage: Stage):
    client = stage.sitter(given=nights(TODAY - timedelta(days=1), strained=10)).client
    page = text(client, "/today")
    assert "Waiting for last night" in page
    assert "Yesterday: strained." in page
    assert "Night of Sat 21 Nov" in page
    assert "Readiness" not in page


def test_days_of_silence_are_named_and_do_not_become_learning(stage: Stage):
    page = text(stage.sitter(given=nights(TODAY - timedelta(days=3))).client, "/today")
    assert "Nothing since Thursday" in page
    assert "Learning" not in page
    assert "explain it" not in page


def test_silence_counts_from_the_last_night_with_data(stage: Stage):
    page = text(stage.sitter(given=nights(missing=(0, 1))).client, "/today")
    assert "Nothing since Friday" in page


def test_a_person_without_nights_is_told_how_to_begin(stage: Stage):
    page = text(stage.sitter().client, "/today")
    assert "How to begin" in page
    assert "Export WHOOP Data" in page


def test_first_nights_that_are_being_judged_renew_the_page(stage: Stage):
    sitter = stage.sitter()
    with transaction() as session:
        session.add(ScoreRequest(person=sitter.id, due_at=the_clock.now(), reason="import"))
    answer = sitter.client.get("/today").text
    assert "Working it out" in answer
    assert '<meta http-equiv="refresh" content="3">' in answer
    assert 'http-equiv="refresh"' not in sitter.client.get("/today?still=true").text


def test_a_page_with_something_to_read_does_not_renew_itself(stage: Stage):
    sitter = stage.sitter(given=nights())
    with transaction() as session:
        session.add(ScoreRequest(person=sitter.id, due_at=the_clock.now(), reason="import"))
    answer = sitter.client.get("/today").text
    assert "Your nights are being judged anew." in answer
    assert 'http-equiv="refresh"' not in answer


def test_today_goes_by_the_persons_own_calendar(stage: Stage, clock):
    sitter = stage.sitter(given=nights())
    with transaction() as session:
        session.execute(update(Person).values(zone="Pacific/Auckland"))
    clock("2026-11-22T12:00")
    assert "Waiting for last night" in text(sitter.client, "/today")


def test_a_cause_is_noted_on_the_nights_of_the_run_and_can_be_taken_back(stage: Stage):
    sitter = stage.sitter(given=nights(strained=10))
    page = sitter.client.get("/today").text
    first, last = (
        re.search(r'name="first" value="([\d-]+)"', page)[1],
        re.search(r'name="last" value="([\d-]+)"', page)[1],
    )
    assert last == TODAY.isoformat()
    form = {"cause": "alcohol", "first": first, "last": last}
    answer = sitter.client.post("/tags", data=form)
    assert answer.headers["location"] == "/today?noted=alcohol#explain"
    shown = text(sitter.client, "/today?noted=alcohol")
    assert "Drinks. These nights won't count towards strain. Undo" in shown
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    with transaction() as session:
        tags = session.execute(select(Tag.name, Tag.source, Tag.present)).all()
        assert tags == [("alcohol", "person", True)] * days
        assert session.get(ScoreRequest, sitter.id) is not None
    sitter.client.post("/tags", data=form | {"undo": "true"})
    with transaction() as session:
        assert session.scalars(select(Tag.name)).all() == []


def test_a_new_device_is_noted_on_the_first_night_alone(stage: Stage):
    sitter = stage.sitter(given=nights(strained=10))
    sitter.client.post("/tags", data={"cause": "new_device", "first": "2026-11-15", "last": "2026-11-22"})
    with transaction() as session:
        assert session.scalars(select(Tag.day)).all() == [date(2026, 11, 15)]


def test_notes_apart_are_listed_apart(stage: Stage):
    sitter = stage.sitter(given=nights())
    for first, last in (("2026-11-10", "2026-11-12"), ("2026-11-14", "2026-11-14")):
        sitter.client.post("/tags", data={"cause": "ill", "first": first, "last": last})
    page = text(sitter.client, "/today")
    assert "Noted for 10–12 Nov: I was ill." in page
    assert "Noted for 14 Nov: I was ill." in page


def test_history_offers_ranges_as_links_and_every_night_as_a_table(stage: Stage):
    client = stage.sitter(given=nights(count=500, strained=10), told=True).client
    for span, rows in (("5w", 35), ("3m", 92), ("1y", 365), ("all", 400), ("nonsense", 92)):
        page = client.get(f"/history?span={span}").text
        assert page.count('scope="row"') == rows, span
    assert "Strain, " in page
    assert len(gzip.compress(client.get("/history?span=all").content)) <= 60 * 1024


def test_an_empty_history_is_friendly(stage: Stage):
    page = text(stage.sitter().client, "/history")
    assert "from the first one on" in page
    assert "We'd rather be quiet." in page


def test_an_upload_waits_for_a_worker_and_its_page_renews_itself(stage: Stage):
    sitter = stage.sitter()
    answer = sitter.client.post("/import", files={"file": ("C:\\my\\physiological_cycles.csv", io.BytesIO(CSV))})
    assert answer.status_code == 303
    page = sitter.client.get(answer.headers["location"]).text
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "<progress" in page
    assert 'http-equiv="refresh"' not in sitter.client.get(f"{answer.headers['location']}?still=true").text
    assert "physiological_cycles.csv" in page
    with transaction() as session:
        assert session.scalars(select(Run.state)).one() == "due"


def test_a_finished_import_says_what_was_read(stage: Stage):
    sitter = stage.sitter()
    number = int(
        sitter.client.post("/import", files={"file": ("a.csv", io.BytesIO(CSV))}).headers["location"].split("/")[-1]
    )
    summary = {"nights": 1043, "new": 9120, "revised": 12, "first_day": "2023-10-02", "last_day": "2026-11-22"}
    with transaction() as session:
        session.execute(update(Run).values(state="succeeded", summary=summary))
    page = text(sitter.client, f"/import/{number}")
    assert "1,043 nights read" in page
    assert "From 2 Oct 2023 to 22 Nov 2026." in page
    assert "9,120 new, 12 revised" in page
    assert 'http-equiv="refresh"' not in sitter.client.get(f"/import/{number}").text


def test_a_refused_import_says_why_and_that_nothing_changed(stage: Stage):
    sitter = stage.sitter()
    sitter.client.post("/import", files={"file": ("a.csv", io.BytesIO(CSV))})
    with transaction() as session:
        session.execute(update(Run).values(state="cancelled", error="photos.zip: no such table in it"))
        number = session.scalars(select(Run.id)).one()
    page = text(sitter.client, f"/import/{number}")
    assert "Photos.zip: no such table in it." in page
    assert "Nothing of it is stored." in page


@pytest.mark.parametrize(
    "files", [{}, {"file": ("", io.BytesIO(b""))}, {"file": ("a.csv", io.BytesIO(b"\x00\x01\x02" * 99))}]
)
def test_what_is_no_file_is_said_on_the_form(stage: Stage, files):
    sitter = stage.sitter()
    answer = sitter.client.post("/import", files=files or None)
    if answer.status_code == 422:
        assert 'role="alert"' in answer.text
    else:
        assert answer.headers["location"].startswith("/import/")


def test_quiet_hours_can_be_set_and_left_out(stage: Stage):
    sitter = stage.sitter()
    for form, kept in (
        ({"start": "1380", "end": "390"}, (1380, 390)),
        ({"start": "1380", "end": "390", "none": "true"}, (None, None)),
        ({"start": "600", "end": "600"}, (None, None)),
    ):
        assert sitter.client.post("/quiet-hours", data=form).headers["location"] == "/channels?saved=true"
        with transaction() as session:
            person = session.get_one(Person, sitter.id)
            assert (person.quiet_from, person.quiet_until) == kept
        assert "Saved." in text(sitter.client, "/channels?saved=true")
    assert sitter.client.post("/quiet-hours", data={"start": "1440", "end": "0"}).status_code == 422


def test_another_sensitivity_has_the_nights_judged_again_and_the_same_one_does_not(stage: Stage):
    sitter = stage.sitter()
    sitter.client.post("/sensitivity", data={"level": "balanced"})
    with transaction() as session:
        assert session.get(ScoreRequest, sitter.id) is None
    sitter.client.post("/sensitivity", data={"level": "early"})
    with transaction() as session:
        assert session.get_one(Person, sitter.id).sensitivity == "early"
        assert session.get_one(ScoreRequest, sitter.id).reason == "sensitivity"
    assert sitter.client.post("/sensitivity", data={"level": "never"}).status_code == 422


def test_mail_can_be_turned_off_and_on(stage: Stage):
    sitter = stage.sitter()
    with transaction() as session:
        channel = session.scalars(select(Channel.id)).one()
    for state in ("off", "on"):
        sitter.client.post(f"/channels/{channel}", data={"state": state})
        with transaction() as session:
            assert session.get_one(Channel, channel).state == state


def test_an_unconfirmed_address_is_said_to_get_no_numbers(stage: Stage):
    sitter = stage.sitter()
    with transaction() as session:
        session.execute(update(Channel).values(confirmed_at=None))
    assert "not confirmed, so mails carry no numbers" in text(sitter.client, "/channels")


def test_erasing_needs_the_address_and_leaves_a_receipt_and_nobody(stage: Stage):
    sitter = stage.sitter(given=nights(strained=10), told=True)
    assert "Nights judged 120" in text(sitter.client, "/data")
    refused = sitter.client.post("/data/erase", data={"address": "other@example.org"})
    assert "Nothing was erased." in refused.text
    answer = sitter.client.post("/data/erase", data={"address": " Mira@Example.org"})
    assert answer.status_code == 200
    assert "Everything is erased" in answer.text
    assert re.search(r"Nights judged</dt><dd>120", answer.text)
    assert sitter.client.get("/today").headers["location"] == "/sign-in"
    with transaction() as session:
        assert session.scalars(select(Alert.id)).all() == []


def test_an_alert_says_by_which_rule_on_which_nights_and_what_was_checked(stage: Stage):
    sitter = stage.sitter(given=nights(strained=10), told=True)
    page = text(sitter.client, f"/alerts/{sitter.alert}")
    assert "Why did I get this?" in page
    assert "by more than 0.9 of what your nights usually vary" in page
    assert "We wrote to you on Sat 21 Nov." in page
    assert "Breathing rate" in page
    assert "Clock: no change" in page
    answer = sitter.client.post(
        "/tags", data={"cause": "not_useful", "first": "2026-11-15", "last": "2026-11-22", "alert": sitter.alert}
    )
    assert answer.headers["location"] == f"/alerts/{sitter.alert}?noted=not_useful#explain"
    assert "Thank you" in text(sitter.client, f"/alerts/{sitter.alert}?noted=not_useful")


@pytest.mark.parametrize(
    ("state", "said"), [("closed", "It has passed."), ("lapsed", "no nights came"), ("withdrawn", "we take it back")]
)
def test_an_alert_says_how_it_ended(stage: Stage, state, said):
    sitter = stage.sitter(given=nights(strained=10), told=True)
    with transaction() as session:
        session.execute(update(Alert).values(state=state))
    assert said in text(sitter.client, f"/alerts/{sitter.alert}")


@pytest.fixture
def demo(home, monkeypatch):
    monkeypatch.setenv("VAGUS_DEMO", "true")
    reread_settings()
    return home


def caught(home, *, evil: str = "") -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = f"Strain has lasted a week{evil}", "v@x.org", "mira@x.org"
    message.set_content("for 7 of your last 8 nights")
    message.add_alternative(f'<p style="color:#b0244a">Hello</p><img src="cid:chart@vagus">{evil}', subtype="html")
    picture = chart.png([])
    message.get_payload()[1].add_related(picture, "image", "png", cid="<chart@vagus>")
    (home / "mailbox").mkdir(exist_ok=True)
    (home / "mailbox" / "1.eml").write_bytes(message.as_bytes())


def test_the_demo_signs_in_by_its_token_and_shows_the_caught_mail(demo, stage: Stage):
    sitter = stage.sitter(given=nights())
    with transaction() as session:
        session.execute(update(Person).values(quiet_from=None, quiet_until=None))
    (demo / "demo.json").write_text(json.dumps({"token": "8c1f", "person": sitter.id}))
    caught(demo, evil="<script>alert(1)</script>")
    client = stage.client()
    assert client.get("/demo/wrong").status_code == 404
    assert client.get("/demo/8c1f").headers["location"] == "/today"
    assert "This person has no quiet hours." in text(client, "/today")
    assert "Strain has lasted a week" in text(client, "/demo/mail")
    letter = client.get("/demo/mail/1")
    assert 'sandbox=""' in letter.text
    assert "data:image/png;base64," in letter.text
    assert "cid:" not in letter.text
    assert "<script>" not in letter.text
    assert "script-src" not in letter.headers["content-security-policy"]
    assert client.get("/demo/mail/2").status_code == 404
    assert client.get("/demo/mail/0").status_code == 404


def test_the_demo_answers_only_this_machine_by_its_own_name(demo, stage: Stage):
    caught(demo)
    client = stage.client()
    assert client.get("/demo/mail").status_code == 200
    assert client.get("/demo/mail", headers={"host": "rebound.example"}).status_code == 404
    assert client.get("/demo/mail", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 404


def test_without_the_demo_its_pages_do_not_exist(stage: Stage, home):
    (home / "demo.json").write_text(json.dumps({"token": "8c1f", "person": 1}))
    caught(home)
    for path in ("/demo/8c1f", "/demo/mail", "/demo/mail/1"):
        assert stage.client().get(path).status_code == 404


def test_the_dot_of_a_range_bar_lies_where_its_words_say(stage: Stage):
    page = stage.sitter(given=nights(strained=10)).client.get("/today").text
    drawn = re.findall(
        r'·\s+(\w+) usual.*?x="([\d.]+)" y="4" width="([\d.]+)".*?class="(\w+)" cx="([\d.]+)"', page, flags=re.DOTALL
    )
    assert len(drawn) == 2
    for verdict, left, width, tone, dot in drawn:
        inside = float(left) <= float(dot) <= float(left) + float(width)
        assert inside == (verdict == "as")
        assert tone == ("inside" if inside else "strained")
        assert 8 <= float(dot) <= 312


def test_a_person_who_was_erased_meanwhile_cannot_enter_the_demo(demo, stage: Stage):
    (demo / "demo.json").write_text(json.dumps({"token": "8c1f", "person": 99}))
    assert stage.client().get("/demo/8c1f").status_code == 404
