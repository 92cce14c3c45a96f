"""Who turns *My cycle* on meets it; who does not reads nothing of it beyond the card that offers it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import delete, select

from ingest import privacy, store
from ingest.db import transaction
from ingest.models import Person, ScoreRequest, Tag
from ingest.nights import nights_of
from tests.ingest.web.stored_nights import keep
from tests.ingest.web.web_stage import TODAY, Sitter, Stage, nights
from tests.wording import CYCLE

EARLIER = TODAY - timedelta(days=20)
PAGES = ("/today", "/history", f"/history?night={EARLIER}", "/check-in", "/history.csv")


@pytest.fixture
def mira(stage: Stage) -> Sitter:
    given = nights(count=60)
    sitter = stage.sitter(given=given)
    keep(sitter, given)
    return sitter


def turn(sitter: Sitter, wanted: str = "") -> None:
    answer = sitter.client.post("/cycle", data={"used": wanted} if wanted else {})
    assert answer.headers["location"] == "/channels?saved=true#cycle"


def noted() -> list:
    with transaction() as session:
        return session.scalars(select(Tag.day).where(Tag.name == "period", Tag.present).order_by(Tag.day)).all()


def judged_anew() -> bool:
    """Whether the nights were to be judged again since it was last asked."""
    with transaction() as session:
        return session.execute(delete(ScoreRequest)).rowcount > 0


def phases(sitter: Sitter) -> list:
    with transaction() as session:
        return [night.cycle_phase for night in nights_of(session, sitter.id, TODAY)]


def read(sitter: Sitter, path: str) -> str:
    answer = sitter.client.get(path)
    assert answer.status_code == 200, path
    return unescape(re.sub(r"<[^>]+>", " ", answer.text))


def test_it_is_off_until_it_is_turned_on_and_then_no_page_speaks_of_it(mira: Sitter):
    assert not re.search(r'name="used" value="true" checked', mira.client.get("/channels").text)
    with transaction() as session:
        store.tag_days(session, mira.id, [EARLIER], "period")
    assert [path for path in PAGES if CYCLE.search(read(mira, path))] == []
    refused = mira.client.post("/history/tags", data={"night": EARLIER, "add": "period"})
    assert refused.status_code == 422
    mira.client.post("/check-in", data={"day": TODAY, "period": "true"})
    assert noted() == [EARLIER], "a form that was opened before changes nothing"


def test_a_note_changes_no_night_of_somebody_who_has_it_off(mira: Sitter):
    with transaction() as session:
        before = nights_of(session, mira.id, TODAY)
        store.tag_days(session, mira.id, [EARLIER], "period")
        assert nights_of(session, mira.id, TODAY) == before


def test_a_period_is_noted_on_the_check_in_shown_and_taken_back(mira: Sitter):
    turn(mira, "true")
    assert 'name="period" value="true">' in mira.client.get("/check-in").text
    mira.client.post("/check-in", data={"day": TODAY, "period": "true"})
    assert noted() == [TODAY]
    page = mira.client.get("/check-in?saved=true").text
    assert 'name="period" value="true" checked' in page
    assert "Saved." in page
    mira.client.post("/check-in", data={"day": TODAY, "feeling": "ok"})
    assert noted() == []
    mira.client.post("/check-in", data={"day": TODAY, "period": "true"})
    mira.client.post("/check-in/remove")
    assert noted() == []


def test_a_period_of_the_past_is_noted_on_its_night_and_the_nights_since_are_compared_by_it(mira: Sitter):
    turn(mira, "true")
    assert judged_anew()
    mira.client.post("/history/tags", data={"night": EARLIER, "add": "period"})
    assert judged_anew()
    assert "Period began" in read(mira, f"/history?night={EARLIER}")
    assert phases(mira)[-22:] == [None] + 14 * ["follicular"] + 7 * ["luteal"]
    mira.client.post("/history/tags", data={"night": EARLIER, "remove": "period"})
    assert noted() == []


def test_turned_off_nothing_noted_is_used_and_its_removal_is_offered(mira: Sitter):
    turn(mira, "true")
    mira.client.post("/history/tags", data={"night": EARLIER, "add": "period"})
    assert "/cycle/forget" not in mira.client.get("/channels").text
    judged_anew()
    turn(mira)
    assert judged_anew()
    assert set(phases(mira)) == {None}
    assert "your 1 note is not used" in read(mira, "/channels")
    mira.client.post("/cycle/forget")
    assert noted() == []
    assert "/cycle/forget" not in mira.client.get("/channels").text


def test_the_notes_go_with_the_person_and_are_nobody_elses(stage: Stage, mira: Sitter):
    ida = stage.sitter("ida@example.org")
    for sitter in (mira, ida):
        turn(sitter, "true")
        sitter.client.post("/check-in", data={"day": TODAY, "period": "true"})
    ida.client.post("/cycle/forget")
    assert noted() == [TODAY]
    privacy.erase(mira.id)
    assert noted() == []


def test_it_is_said_in_german_to_whom_we_speak_german(mira: Sitter):
    turn(mira, "true")
    with transaction() as session:
        session.get_one(Person, mira.id).language = "de"
    assert "Mein Zyklus" in read(mira, "/channels")
    assert "Periode hat heute begonnen" in read(mira, "/check-in")
    assert "Periode begonnen" in read(mira, "/history")
