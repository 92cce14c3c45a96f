"""The language a person chooses, or a browser asks for: every page follows it; what does not is marked."""

import io
import re
from datetime import timedelta
from html import unescape
from string import Formatter

import httpx
import pytest
from sqlalchemy import delete, insert, select, update

import providers
from ingest import accounts, channels, filling, store
from ingest import clock as the_clock
from ingest.db import transaction
from ingest.freshness import sentence
from ingest.models import Alert, BackfillWindow, Channel, Person, Rejected, Run, ScoreRequest, StreamState
from ingest.web import connect_pages, errors
from ingest.web.render import sentence as in_full
from ingest.words import relayed as relayed_words
from ingest.worn import LABELS
from providers import exports, shapes
from providers.errors import FileRefused
from scoring import assess
from tests.ingest.test_freshness import NOW, STORIES
from tests.ingest.web.stored_nights import keep
from tests.ingest.web.test_connect_pages import back, connect, fetched, finished, lose, sim, there
from tests.ingest.web.test_device_pages import wear
from tests.ingest.web.web_stage import TODAY, Sitter, Stage, mailed_digits, nights, reread_settings
from tests.wording import NOT_GERMAN, catalogues, visible

__all__ = ["sim"]
LANGUAGES = ("en", "de")


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


def forms(index: int) -> list[tuple[str, str]]:
    """The sentences of every page in one language: their longest piece, and all of them as a pattern.

    Those of a single word are left out: they might stand in a sentence of the other language.
    """
    made = []
    for name, pair in catalogues().items():
        for key, said in pair[index].items():
            parts = list(Formatter().parse(said))
            plain, told = [part[0] for part in parts], not name.startswith("workers.")
            if told and said != pair[1 - index].get(key) and len(" ".join(plain).split()) > 1:
                form = "".join(re.escape(each) + (".{1,90}?" if value else "") for each, value, _, _ in parts)
                made.append((max(plain, key=len), form))
    return made


FOREIGN = {"en": forms(1), "de": forms(0)}  # to a page in this language


def foreign(page: str, language: str) -> list[str]:
    """The sentences of the other language on a page that are not marked as such."""
    other = "de" if language == "en" else "en"
    unmarked = re.sub(rf'<(\w+)[^>]* lang="{other}".*?</\1>', " ", page, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", unescape(visible(unmarked)))
    return [form for plain, form in FOREIGN[language] if plain in text and re.search(form, text)]


def spoken(answer: httpx.Response, language: str, status: int = 200) -> str:
    """A page that is in this language and no other."""
    assert answer.status_code == status
    assert f'<html lang="{language}">' in answer.text
    assert foreign(answer.text, language) == []
    if language == "de":
        assert english_left(answer.text) == []
    return re.sub(r"\s+", " ", unescape(visible(answer.text)))


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Each of our languages."""
    return request.param


@pytest.fixture
def reader(stage: Stage, language: str) -> Sitter:
    """Somebody who reads it, in a browser that asks for the other."""
    sitter = stage.sitter()
    sitter.client.headers["accept-language"] = "de" if language == "en" else "en"
    with transaction() as session:
        session.execute(update(Person).values(language=language))
    return sitter


@pytest.fixture
def stranger(stage: Stage, language: str) -> httpx.Client:
    """A browser where nobody is signed in."""
    return stage.client(headers={"accept-language": {"en": "fr-CH, fr;q=0.9", "de": "fr, de-AT;q=0.9, en"}[language]})


def test_what_a_stranger_opens_is_in_the_language_of_the_browser(stranger, language, monkeypatch):
    for path in ("/", "/sign-in", "/sign-in/code", "/sign-in/code?digits=123456", "/sign-in/once/1.x"):
        spoken(stranger.get(path), language)
    spoken(stranger.post("/sign-in/once/1.x"), language, 410)
    spoken(stranger.get("/nowhere"), language, 404)
    spoken(stranger.get("/connect/oura/return?code=c&state=s"), language, 403)
    monkeypatch.delenv("VAGUS_SMTP_URL")
    reread_settings()
    spoken(stranger.get("/sign-in"), language)


def test_every_step_of_signing_in_is_in_the_language_of_the_browser(stranger, language):
    spoken(stranger.post("/sign-in", data={"address": "nobody"}), language, 422)
    assert stranger.post("/sign-in", data={"address": "new@example.org"}).status_code == 303
    spoken(stranger.get("/sign-in/code"), language)
    wrong = f"{(int(mailed_digits('new@example.org')) + 1) % 1_000_000:06d}"
    for _ in range(5):
        page = spoken(stranger.post("/sign-in/code", data={"digits": wrong}), language, 422)
    assert {"en": "doesn't match. Ask for a new one.", "de": "passt nicht. Lass dir einen neuen"}[language] in page
    spoken(stranger.post("/sign-in/code", data={"digits": wrong}), language, 422)
    for _ in range(4):
        stranger.post("/sign-in", data={"address": "new@example.org"})
    spoken(stranger.post("/sign-in", data={"address": "new@example.org"}), language, 429)


def test_who_is_new_reads_from_then_on_what_their_browser_asked_for_and_who_is_not_keeps_their_choice(
    stage: Stage, stranger, language
):
    for asked in (language, "de" if language == "en" else "en"):
        stranger.post("/sign-in", data={"address": "new@example.org"})
        stranger.post("/sign-in/code", data={"digits": mailed_digits("new@example.org")})
        spoken(stranger.get("/channels"), language)
        with transaction() as session:
            assert session.scalars(select(Person.language)).one() == language, asked
        stranger.post("/sign-out")
        stranger.headers["accept-language"] = "de" if language == "en" else "en"


def test_stopping_mails_speaks_the_language_of_whom_they_went_to(stage: Stage, reader, language):
    with transaction() as session:
        token = channels.unsubscribe_token(session.scalars(select(Channel.id)).one())
    browser = stage.client(headers={"accept-language": "de" if language == "en" else "en"})
    spoken(browser.get(f"/u/{token}"), language)
    spoken(browser.post(f"/u/{token}"), language)
    spoken(reader.client.get("/channels"), language)


def test_the_way_to_a_vendor_is_told_in_one_language(reader, sim, language, monkeypatch):
    page = spoken(reader.client.get("/connect"), language)
    assert {"en": "A night is here within a minute", "de": "Eine Nacht kommt binnen einer Minute"}[language] in page
    spoken(reader.client.post("/connect/whoop"), language, 409)
    way = back(sim, there(reader), allow=False)
    spoken(reader.client.get(way), language, 409)
    spoken(reader.client.get(way), language, 409)
    way = back(sim, there(reader))
    sim.faults.some("503", share=1.0)
    spoken(reader.client.get(way), language, 503)
    sim.faults.clear()
    connect(reader, sim)
    spoken(reader.client.get("/connect"), language)
    with monkeypatch.context() as patched:
        patched.setattr(connect_pages.connections, "leave", misconfigured)
        spoken(reader.client.post("/connect/oura"), language, 503)


def misconfigured(*_: object) -> str:
    raise connect_pages.Misconfigured("the secret of this app cannot be opened")


@pytest.mark.parametrize("story", STORIES)
def test_how_a_connection_stands_is_told_in_german_too(story):
    seen, mood, word, text, action = STORIES[story]
    said = sentence(seen, NOW, "de")
    assert (said.mood, said.action) == (mood, action)
    assert said.word != word
    assert said.text != text
    assert NOT_GERMAN.search(said.text.replace(seen.reason or "", "")) is None


def test_a_vendors_reason_that_we_know_is_told_in_german():
    seen = next(seen for seen, *_ in STORIES.values() if seen.state == "needs_you")
    assert "Der Grund auf Englisch: Oura shares" in sentence(seen, NOW, "de").text


def test_the_pages_of_connections_are_in_one_language_in_each_state(reader, sim, language):
    spoken(reader.client.get("/connections"), language)
    spoken(reader.client.get("/today"), language)
    key = connect(reader, sim)
    spoken(reader.client.get("/connections?asked=true"), language)
    with transaction() as session:
        session.execute(update(StreamState).where(StreamState.stream == "oura.workout").values(state="forbidden"))
    spoken(reader.client.get("/connections"), language)
    with transaction() as session:
        session.execute(update(StreamState).values(state="forbidden"))
    for path in ("/connections", f"/connections/{key}", "/today"):
        spoken(reader.client.get(path), language)
    lose(key)
    for path in ("/connections", f"/connections/{key}", "/today"):
        spoken(reader.client.get(path), language)
    spoken(reader.client.get(f"/connections/{key}/disconnect"), language)
    page = spoken(reader.client.post(f"/connections/{key}/disconnect", data={"nights": "keep"}), language)
    assert {"en": "Its nights are kept.", "de": "Die Nächte davon bleiben."}[language] in page
    spoken(reader.client.get("/connections"), language)


def test_how_far_the_past_is_told_in_one_language_to_its_end(stage: Stage, reader, sim, language):
    key = connect(reader, sim)
    path = f"/connections/{key}"
    spoken(reader.client.get(path), language)
    fetched(key)
    page = spoken(reader.client.get(path), language)
    assert {"en": "94 of up to 180 nights", "de": "94 von bis zu 180 Nächten"}[language] in page
    later = the_clock.now() + timedelta(minutes=24)
    with transaction() as session:
        session.execute(update(BackfillWindow).values(due_at=later))
        first = session.scalars(select(BackfillWindow).order_by(BackfillWindow.start_at).limit(1)).one()
        first.state, first.error = "buried", "ValueError in read"
    spoken(reader.client.get(path), language)
    with transaction() as session:
        session.execute(update(BackfillWindow).values(error="away"))
    spoken(reader.client.get(path), language)
    finished(key)
    spoken(reader.client.get(path), language)
    stage.judge(reader, nights())
    page = spoken(reader.client.get(path), language)
    assert {"en": "Your usual range: HRV", "de": "Dein üblicher Bereich: HRV"}[language] in page


def test_which_device_counts_is_told_in_one_language(reader, language):
    path = "/connections/devices?saved=true"
    spoken(reader.client.get(path), language)
    wear(reader, "oura", 120, more=("step_count",))
    spoken(reader.client.get(path), language)
    strap = wear(reader, "whoop", 6, more=("vendor_strain",))
    page = spoken(reader.client.get(path), language)
    assert {"en": "6 of 21 nights so far", "de": "bisher 6 von 21 Nächten"}[language] in page
    reader.client.post("/connections/devices", data={"account": strap})
    spoken(reader.client.get(path), language)
    silent = wear(reader, "polar", 60, back=9)
    reader.client.post("/connections/devices", data={"account": silent})
    page = spoken(reader.client.get(path), language)
    assert {"en": "silent since 13 Nov;", "de": "still seit 13. Nov;"}[language] in page
    spoken(reader.client.get("/connections"), language)


def test_bringing_a_file_is_told_in_one_language_from_the_form_to_what_was_set_aside(reader, language):
    spoken(reader.client.get("/import"), language)
    spoken(reader.client.post("/import"), language, 422)
    cut_off = {"file": ("a.zip", io.BytesIO(b"PK\x03\x04"))}
    spoken(reader.client.post("/import", files=cut_off), language, 422)
    path = reader.client.post("/import", files={"file": ("a.csv", io.BytesIO(b"x,y\n1,2\n"))}).headers["location"]
    spoken(reader.client.get(path), language)
    spoken(reader.client.get("/import"), language)
    for state in (
        {"done": 1_500_000, "total": 3_000_000, "error": "the database is away"},
        {"state": "cancelled", "error": "photos.zip: no such table in it"},
        {"state": "buried", "error": None},
    ):
        with transaction() as session:
            session.execute(update(Run).values(**state))
        spoken(reader.client.get(path), language)


def test_what_was_read_and_set_aside_of_a_file_is_counted_as_the_language_does(reader, language):
    path = reader.client.post("/import", files={"file": ("a.csv", io.BytesIO(b"x,y\n1,2\n"))}).headers["location"]
    summary = {"nights": 1043, "new": 9120, "revised": 12, "first_day": "2023-10-02", "last_day": "2026-12-22"}
    with transaction() as session:
        session.execute(update(Run).values(state="partial", summary=summary, rejected=60))
        rejected = {"stream": "whoop.cycles", "reason": "it is negative", "body": b"", "at": the_clock.now()}
        rejected |= {"run": session.scalars(select(Run.id)).one(), "connection": file_of(session, reader)}
        session.execute(insert(Rejected), [{"fingerprint": f"{n}", **rejected} for n in range(2)])
    page = spoken(reader.client.get(path), language)
    for said in {
        "en": ("1,043 nights read", "From 2 Oct 2023 to 22 Dec 2026.", "9,120 new", "The first 2 of 60."),
        "de": ("1.043 Nächte gelesen", "Vom 2. Okt 2023 bis zum 22. Dez 2026.", "9.120 neu", "Die ersten 2 von 60."),
    }[language]:
        assert said in page


def file_of(session, sitter: Sitter) -> int:
    """A connection of files, which what is set aside hangs on."""
    return accounts.file_connection(session, accounts.file_account(session, sitter.id, "whoop"))


def test_what_is_stored_and_its_end_are_told_in_one_language(reader, language):
    spoken(reader.client.get("/data"), language)
    spoken(reader.client.post("/data/erase", data={"address": "other@example.org"}), language, 422)
    page = spoken(reader.client.post("/data/erase", data={"address": "mira@example.org"}), language)
    assert {"en": "Nights judged", "de": "Beurteilte Nächte"}[language] in page


def test_what_is_said_below_the_pages_is_known_to_them_by_its_form():
    declared = {text for each in providers.PROVIDERS for text in (each.gives, each.arrives)}
    streams = {stream.title for each in providers.PROVIDERS for stream in each.streams}
    problems = {text for said in errors.WORDS.values() for text in said}
    below = declared | streams | problems | set(LABELS.values()) | set(filling.SIGNALS) - {"HRV"}
    assert [text for text in sorted(below) if relayed_words.german(text) is None] == []
    assert relayed_words.german("Nobody has written this down.") is None


HEADER = b"Cycle start time,Cycle end time,Cycle timezone,Resting heart rate (bpm),Heart rate variability (ms)\n"
SET_ASIDE = (
    b"2026-11-19 22:00:00,2026-11-20 22:00:00,UTC+00:00,-51,many\n"
    b"2026-11-18 22:00:00,2026-11-18 21:00:00,UTC+00:00,51,60\n"
    b"2026-11-17 22:00:00,2026-11-18 22:00:00,Mars,51,60\n"
    b"yesterday,2026-11-17 22:00:00,UTC+00:00,51,60\n"
    b",2026-11-17 22:00:00,UTC+00:00,51,60\n"
    b"2026-12-29 22:00:00,2026-12-30 22:00:00,UTC+00:00,51,60\n"
    b"2009-11-15 22:00:00,2009-11-16 22:00:00,UTC+00:00,51,60\n"
    b"2026-11-14 22:00:00,2026-11-15 22:00:00,UTC+00:00,51,60,7\n"
    b"2026-11-13 22:00:00,2026-11-14 22:00:00\n"
    b"2026-11-12 22:00:00,2026-11-13 22:00:00,UTC+00:00,510,60\n"
    b"2026-11-11 22:00:00,2026-11-12 22:00:00,UTC+00:00,\xff,60\n"
)


@pytest.mark.parametrize("body", [b"", b"\0", b"x,y\n1,2\n", HEADER, HEADER + b"yesterday,,,,\n", b"PK\x03\x04"])
def test_why_a_file_was_refused_is_known_in_german(body: bytes):
    whoop, stream = exports.get("whoop"), io.BytesIO(body)
    with pytest.raises(FileRefused) as refused:
        [whoop.read(part, now=NOW) for _, part in exports.parts(whoop, stream, "a")]
    told = relayed_words.german(in_full(str(refused.value)))
    assert told is not None
    assert NOT_GERMAN.search(told) is None


def test_why_a_line_or_a_value_was_set_aside_is_known_in_german():
    good = b"2026-11-20 22:00:00,2026-11-21 22:00:00,UTC+00:00,51,60\n"
    export = exports.get("whoop").read(io.BytesIO(HEADER + good + SET_ASIDE), now=NOW)
    reasons = {row.reason for row in export.rows if isinstance(row, shapes.Rejected)}
    assert len(reasons) == SET_ASIDE.count(b"\n") + 1
    assert [reason for reason in reasons if relayed_words.german(reason) is None] == []
