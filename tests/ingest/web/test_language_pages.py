"""The language a person chooses: today and what is said of their nights follow it; what does not is marked."""

import re

from sqlalchemy import delete

from ingest import store
from ingest.db import transaction
from ingest.models import Person, ScoreRequest
from scoring import assess
from tests.ingest.web.web_stage import Sitter, Stage, nights
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
