"""The language a person chooses: today and what is said of their nights follow it; what does not is marked."""

import re

from sqlalchemy import delete, update

from ingest import store
from ingest.db import transaction
from ingest.models import Alert, Person, ScoreRequest
from scoring import assess
from tests.ingest.web.stored_nights import keep
from tests.ingest.web.web_stage import TODAY, Sitter, Stage, nights
from tests.wording import NOT_GERMAN, visible


def speak(sitter: Sitter, code: str) -> int:
    return sitter.client.post("/language", data={"code": code}).status_code


def english_left(page: str) -> list[str]:
    """The English words of a German page that are not marked as such."""
    unmarked = re.sub(r'<(\w+)[^>]* lang="en".*?</\1>', " ", page, flags=re.DOTALL)
    return [word[0] for word in NOT_GERMAN.finditer(visible(unmarked))]


def judged_in(stage: Stage, language: str, **given: object) -> Sitter:
    sitter = stage.sitter()
    sitter.assessments = assess(nights(**given), language=language)
    speak(sitter, language)
    with transaction() as session:
        store.save_readiness(session, sitter.id, sitter.assessments, "test")
        session.execute(delete(ScoreRequest))
    return sitter


def test_another_language_has_the_nights_judged_again_and_the_same_one_does_not(stage: Stage):
    sitter = stage.sitter()
    assert speak(sitter, "en") == 303
    with transaction() as session:
        assert session.get(ScoreRequest, sitter.id) is None
    assert speak(sitter, "de") == 303
    with transaction() as session:
        assert session.get_one(Person, sitter.id).language == "de"
        assert session.get_one(ScoreRequest, sitter.id).reason == "language"
    page = sitter.client.get("/channels").text
    assert '<html lang="de">' in page
    assert re.search(r'value="de" checked', page)
    assert '<p class="notice"><strong>Vagus</strong><br>Deine Erholung hat sich verändert.' in page
    assert speak(sitter, "fr") == 422


def test_today_speaks_german_to_whoever_reads_german_and_marks_what_is_not(stage: Stage):
    sitter = judged_in(stage, "de", strained=12)
    page = sitter.client.get("/today").text
    assert '<html lang="de">' in page
    assert re.search(r"<h1>Belastung in \d von \d Nächten</h1>", page)
    assert re.search(r'<p class="state strained">.*Belastet</p>', page)
    assert re.search(r'<p class="prose">Mach die nächste harte Einheit leicht', page)
    bars = re.search(r'<dl class="ranges">(.*?)</dl>', page, re.DOTALL)
    assert bars
    for words in ("HRV nachts", "Schlafpuls", "wie üblich", "höher als üblich", "für dich üblich"):
        assert words in bars[1]
    assert english_left(page) == []
    assert english_left(sitter.client.get("/channels?saved=true&tested=true").text) == []
    speak(sitter, "en")
    assert 'lang="de"' not in sitter.client.get("/today").text, "nothing is marked as foreign where nothing is"


def test_before_the_first_night_and_while_nights_are_missing_the_words_are_german_too(stage: Stage):
    sitter = stage.sitter()
    speak(sitter, "de")
    with transaction() as session:
        session.execute(delete(ScoreRequest))
    assert "Bring frühere Nächte mit" in sitter.client.get("/today").text
    late = judged_in(stage, "de", missing=(0,))
    page = late.client.get("/today").text
    assert "Letzte Nacht fehlt noch" in page
    assert "Gestern: wie üblich." in page


def told_in_german(stage: Stage) -> tuple[Sitter, str]:
    """Somebody who reads German and was told of strain, and the address of the page that says why."""
    sitter = judged_in(stage, "de", strained=10)
    keep(sitter, nights(strained=10))
    alert = stage.tell(sitter)
    with transaction() as session:
        session.execute(update(Alert).values(last_day=TODAY))
    return sitter, f"/alerts/{alert}"


def test_why_an_alert_came_is_told_in_german_down_to_each_night(stage: Stage):
    sitter, why = told_in_german(stage)
    onset = next(each.day for each in sitter.assessments if each.alert == "start")
    with transaction() as session:
        store.tag_days(session, sitter.id, [onset], "alcohol")
    page = re.sub(r"\s+", " ", sitter.client.get(why).text)
    for said in (
        '<html lang="de">',
        "<h1>Warum kam das?</h1>",
        "Wir haben dir am Sa 21. Nov geschrieben.",
        "mehr als das 0,9-Fache dessen",
        "Ja: neigt zu Belastung",
        "Nein: ausgelassen. Alkohol notiert.",
        "Nein: nach dem Beginn",
        "Atemfrequenz",
        "Die nächste harte Einheit lieber leicht",
        "Nicht prüfen konnten wir: Sauerstoff, Hitze und wie du dich gefühlt hast.",
        "Ohne die Nacht mit Alkohol",
        "Ohne die auffälligsten Nächte",
    ):
        assert said in page
    assert english_left(page) == []


def test_how_an_alert_ended_and_what_was_answered_to_it_are_told_in_german(stage: Stage):
    sitter, why = told_in_german(stage)
    for state, said in (
        ("closed", "Es ist vorbei."),
        ("lapsed", "lassen wir es ruhen"),
        ("withdrawn", "nehmen es zur"),
    ):
        with transaction() as session:
            session.execute(update(Alert).values(state=state, verdict="not_useful"))
        sitter.client.post("/snooze", data={"span": "3", "back": why})
        page = sitter.client.get(why).text
        assert said in page
        assert "nicht hilfreich genannt" in page
        assert "Schreibt mir wieder" in page
        assert english_left(page) == []


def test_what_to_expect_is_told_in_german_with_its_numbers_as_germans_write_them(stage: Stage):
    sitter = judged_in(stage, "de")
    few = sitter.client.get("/channels/expected").text
    assert "etwa drei Monate an Nächten" in few
    keep(sitter, nights())
    page = sitter.client.get("/channels/expected").text
    assert re.search(r"Ausgewogen \(deine\)</th><td>\d+ von \d+</td><td>\d+,\d</td>", page)
    assert english_left(few + page) == []
