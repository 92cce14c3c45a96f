"""What a person can set about being written to, and the page that says why they were."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from ingest import channels, clock, snoozes, store, verdicts
from ingest.db import transaction
from ingest.models import Alert, Channel, Person, ScoreRequest
from ingest.web import alert_nights
from scoring import assess
from tests.ingest.web.stored_nights import keep
from tests.ingest.web.web_stage import TODAY, nights

ALCOHOL = "alcohol"


def person_row(sitter):
    with transaction() as session:
        return session.get_one(Person, sitter.id)


def wanted(sitter):
    with transaction() as session:
        return session.scalars(select(Channel.wants).where(Channel.person == sitter.id)).one()


@pytest.fixture
def strained(stage):
    """Somebody who was told of strain, with their nights."""
    given = nights(strained=10)
    sitter = stage.sitter(given=given, told=True)
    keep(sitter, given)
    with transaction() as session:
        alert = session.scalars(select(Alert)).one()
        alert.last_day = TODAY
    return sitter


def test_each_channel_is_told_what_it_wants_and_keeps_what_stands_elsewhere(stage):
    sitter = stage.sitter()
    with transaction() as session:
        session.execute(update(Channel).values(wants=["strained", "question"]))
        channel = session.scalars(select(Channel.id)).one()
    page = sitter.client.get("/channels").text
    assert re.findall(r'name="wanted" value="(\w+)"( checked)?', page) == [
        ("strained", " checked"),
        ("recovered", ""),
        ("other_signs", ""),
        ("brief", ""),
    ]
    answer = sitter.client.post(f"/channels/{channel}/wants", data={"wanted": ["strained", "brief"]})
    assert answer.headers["location"] == "/channels?saved=true"
    assert wanted(sitter) == ["strained", "brief", "question"]
    sitter.client.post(f"/channels/{channel}/wants", data={})
    assert wanted(sitter) == ["question"]
    assert sitter.client.post(f"/channels/{channel}/wants", data={"wanted": "everything"}).status_code == 422
    other = stage.sitter("ida@example.org")
    assert other.client.post(f"/channels/{channel}/wants", data={"wanted": "brief"}).status_code == 404


@pytest.mark.parametrize(("span", "days"), [("1", 1), ("3", 3), ("7", 7)])
def test_a_snooze_is_set_from_any_of_its_pages_and_ended_there(strained, span, days):
    for back in ("/today", "/channels", f"/alerts/{strained.alert}"):
        answer = strained.client.post("/snooze", data={"span": span, "back": back})
        assert answer.headers["location"] == f"{back}#snooze"
        left = person_row(strained).snoozed_until - clock.now()
        assert timedelta(days=days, minutes=-1) < left <= timedelta(days=days)
        assert "Write to me again" in strained.client.get(back).text
        strained.client.post("/snooze", data={"span": "end", "back": back})
        assert person_row(strained).snoozed_until is None


def test_today_says_that_we_are_quiet_also_where_nothing_is_wrong(stage):
    sitter = stage.sitter(given=nights())
    assert "/channels#snooze" not in sitter.client.get("/today").text
    sitter.client.post("/snooze", data={"span": "3", "back": "/channels"})
    assert "/channels#snooze" in sitter.client.get("/today").text


def test_a_snooze_leads_back_to_our_own_pages_only(strained):
    for back in ("https://evil.example", "//evil.example", "/today/../evil", ""):
        assert strained.client.post("/snooze", data={"span": "1", "back": back}).status_code == 422
    assert person_row(strained).snoozed_until is None


def test_the_link_in_a_mail_opens_buttons_and_snoozes_only_when_one_is_pressed(stage):
    sitter = stage.sitter()
    with transaction() as session:
        token = channels.unsubscribe_token(session.scalars(select(Channel.id)).one())
    stranger = stage.client()
    page = stranger.get(f"/u/{token}/pause")
    assert "Until I say so" in page.text
    assert person_row(sitter).snoozed_until is None
    assert "until you say so" in stranger.post(f"/u/{token}/pause", data={"span": "always"}).text
    assert person_row(sitter).snoozed_until == snoozes.UNTIL_TOLD
    stranger.post(f"/u/{token}/pause", data={"span": "end"})
    assert person_row(sitter).snoozed_until is None
    assert stranger.post(f"/u/{token[:-1]}x/pause", data={"span": "1"}).status_code == 404
    assert f"/u/{token}/pause" in stranger.get(f"/u/{token}").text


def test_a_verdict_is_shown_and_can_be_taken_back(strained):
    page = f"/alerts/{strained.alert}"
    for said, shown in (("not_useful", "You called it not useful."), ("useful", "You called it useful.")):
        answer = strained.client.post(f"{page}/verdict", data={"said": said})
        assert answer.headers["location"] == f"{page}#worth"
        assert shown in strained.client.get(page).text
        with transaction() as session:
            assert session.scalars(select(Alert.verdict)).one() == said
    strained.client.post(f"{page}/verdict", data={"said": "none"})
    assert "Was it worth writing?" in strained.client.get(page).text
    assert strained.client.post(f"{page}/verdict", data={"said": "stupid"}).status_code == 422


def test_nobody_speaks_of_an_alert_of_somebody_else(stage, strained):
    other = stage.sitter("ida@example.org")
    assert other.client.post(f"/alerts/{strained.alert}/verdict", data={"said": "useful"}).status_code == 404


def test_channels_say_that_answers_raised_the_threshold_and_how_to_take_them_back(strained):
    with transaction() as session:
        first = session.scalars(select(Alert)).one()
        times = {"opened_at": first.opened_at - timedelta(days=30), "closed_at": clock.now()}
        days = {"first_day": date(2026, 10, 1), "last_day": date(2026, 10, 9)}
        old = Alert(person=strained.id, kind="strained", state="closed", told=True, threshold=0.9, **times, **days)
        session.add(old)
        session.flush()
        old.verdict = "not_useful"
    assert "Take my answers back" not in strained.client.get("/channels").text
    strained.client.post(f"/alerts/{strained.alert}/verdict", data={"said": "not_useful"})
    page = strained.client.get("/channels").text
    raised = verdicts.SENSITIVITY["balanced"] + 0.1
    assert f"{raised:g} instead of {raised - 0.1:g}" in page
    with transaction() as session:
        assert session.get_one(ScoreRequest, strained.id).reason == "verdict"
    strained.client.post("/verdicts/forget")
    with transaction() as session:
        assert set(session.scalars(select(Alert.verdict))) == {None}
    assert "Take my answers back" not in strained.client.get("/channels").text


def test_the_page_says_of_each_night_whether_it_counted_and_what_would_have_changed_it(strained):
    page = re.sub(r"\s+", " ", strained.client.get(f"/alerts/{strained.alert}").text)
    for said in (
        "No: left out, the furthest of eight",
        "leans towards strain",
        "after it began",
        "What would have changed it",
        "Without the nights furthest from your usual",
        "We could not check:",
        "What only you know",
    ):
        assert said in page
    assert page.count(">Yes: ") == 7


def test_nights_noted_since_are_left_out_and_asked_about(strained):
    onset = next(each.day for each in strained.assessments if each.alert == "start")
    with transaction() as session:
        store.tag_days(session, strained.id, [onset - timedelta(days=1), onset], ALCOHOL)
    page = strained.client.get(f"/alerts/{strained.alert}").text
    assert page.count("No: left out. Drinks noted.") == 2
    assert "Without the nights noted with drinks" in page
    assert "We could not check: blood oxygen, heat and how you felt." in page


def test_an_alert_whose_nights_are_gone_still_has_its_page(stage):
    sitter = stage.sitter(given=nights(strained=10), told=True)
    page = sitter.client.get(f"/alerts/{sitter.alert}")
    assert page.status_code == 200
    assert "What would have changed it" not in page.text


def test_a_night_that_nobody_measured_did_not_count():
    given = nights(strained=10, missing=(3,))
    judged = assess(given)
    onset = next(each.day for each in judged if each.alert == "start")
    rows = alert_nights.rows(judged[-20:], max(onset, TODAY - timedelta(days=2)), given)
    assert [row.why for row in rows if row.night.day == TODAY - timedelta(days=3)] == ["no reading"]
    assert sum(row.counted for row in rows) == 7


def test_what_to_expect_of_each_setting_is_told_by_ones_own_nights(strained):
    page = re.sub(r"<[^>]+>|\s+", " ", strained.client.get("/channels/expected").text)
    found = re.findall(r"(Calm|Balanced \(yours\)|Early) +(\d+) of (\d+) +(\d+\.\d)", page)
    assert [name for name, *_ in found] == ["Calm", "Balanced (yours)", "Early"]
    calm, balanced, early = (int(warned) for _, warned, _, _ in found)
    assert calm <= balanced <= early <= int(found[0][2])


def test_what_to_expect_is_not_told_by_a_few_nights(stage):
    sitter = stage.sitter()
    keep(sitter, nights(count=30))
    assert "About three months of nights are needed" in sitter.client.get("/channels/expected").text


def test_the_page_says_what_to_do_next_only_while_strain_lasts(strained):
    page = f"/alerts/{strained.alert}"
    assert "Consider swapping the next hard session" in strained.client.get(page).text
    with transaction() as session:
        session.execute(update(Alert).values(state="closed"))
    assert "Consider" not in strained.client.get(page).text
