"""What mails and lock screens say, in both languages: one letter, whole, plain, and quiet where others may read."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, partial

import pytest

from ingest import privacy, words
from ingest.models import Alert, Connection
from scoring import Assessment, Language, Night, assess
from scoring.words import LANGUAGES
from tests.wording import FORBIDDEN, FORMAL, LONGEST, NOT_GERMAN, visible, words_a_sentence
from tests.workers.peers import story
from workers import letters, notes
from workers.kinds import KINDS
from workers.letters import Letter

LAST = date(2026, 3, 1)
STOP = "https://vagus.example.net/u/stop"
FEELING = {"en": "How you feel counts more than this mail.", "de": "Wie du dich fühlst, zählt mehr als diese Mail."}
PRIVATE = re.compile(
    r"\d|strain|belast|heart|puls|hrv|breath|atem|temperat|oura|whoop|polar|fitbit|garmin|alcohol|alkohol|drinks|ill\b|krank",
    re.IGNORECASE,
)
OTHER_LANGUAGE = {"en": re.compile(r"\b(und|dein|deine|nicht|wir|ist)\b"), "de": NOT_GERMAN}
TOLD_OF_NIGHTS = ("strained", "unconfirmed", "reminder", "recovered", "other_signs", "quiet")


@cache
def strained_nights(language: Language) -> list[Assessment]:
    given = story()
    first = LAST - timedelta(days=len(given) - 1)
    nights = [Night(first + timedelta(days=k), *night) for k, night in enumerate(given) if night]
    return assess(nights, language=language)


def alert() -> Alert:
    return Alert(id=7, person=1, kind="strained", first_day=LAST - timedelta(days=4), last_day=LAST, state="open")


def reconnect(state: str, language: Language) -> Letter:
    connection = Connection(id=3, state=state, state_reason="its membership has ended")
    return letters.reconnect("WHOOP", connection, LAST, STOP, language)


def erased(counts: dict[str, int], language: Language) -> Letter:
    return letters.erased(counts, LAST, language)


def strained(language: Language, *, with_numbers: bool = True) -> Letter:
    return letters.strained(strained_nights(language), alert(), STOP, with_numbers=with_numbers, language=language)


LETTERS: dict[str, Callable[[Language], Letter]] = {
    "strained": strained,
    "unconfirmed": partial(strained, with_numbers=False),
    "reconnect": partial(reconnect, "reconnect"),
    "needs_you": partial(reconnect, "needs_you"),
    "test": partial(letters.test, STOP),
    "sign_in": partial(letters.sign_in, "123456"),
    "erased": partial(erased, dict.fromkeys(privacy.LABELS, 1043)),
    "nothing_erased": partial(erased, {}),
    "reminder": lambda language: notes.reminder(strained_nights(language), alert(), STOP, language),
    "recovered": lambda language: notes.recovered(alert(), STOP, language),
    "other_signs": lambda language: notes.other_signs(strained_nights(language), STOP, language),
    "quiet": lambda language: notes.quiet(STOP, language),
}
EVERY_LETTER = pytest.mark.parametrize("kind", LETTERS)
EVERY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def written() -> Callable[[str, Language], Letter]:
    """Each letter, written once: the picture of a mail takes a tenth of a second."""
    return cache(lambda kind, language: LETTERS[kind](language))


@EVERY_LETTER
@EVERY_LANGUAGE
def test_a_letter_is_in_one_language_plain_calm_and_not_medical(home, written, kind: str, language: Language) -> None:
    letter = written(kind, language)
    assert f'<html lang="{language}">' in letter.html
    for text in (letter.subject, visible(letter.text), visible(letter.html.replace(' lang="en"', ""))):
        quoted = text.replace("its membership has ended", "")  # a vendor's reason is passed on as it came
        assert not FORBIDDEN[language].search(quoted), text
        assert not OTHER_LANGUAGE[language].search(quoted.replace("light only", "")), text
        assert not FORMAL.search(quoted)
        assert not re.search(r"None|\{|\}|!(?!--)", quoted)


@EVERY_LETTER
@EVERY_LANGUAGE
def test_the_text_of_a_letter_fits_72_columns_and_is_read_with_ease(
    home, written, kind: str, language: Language
) -> None:
    text = written(kind, language).text
    assert [line for line in text.splitlines() if len(line) > 72 and "https://" not in line] == []
    told = visible(text)
    prose = [part for part in re.split(r"\n\s*\n", told) if part.strip() and not part.startswith("  ")]
    assert [part for part in prose if words_a_sentence(part) > LONGEST] == []


@pytest.mark.parametrize("kind", TOLD_OF_NIGHTS)
@EVERY_LANGUAGE
def test_every_letter_about_nights_says_that_feeling_counts_more(home, written, kind: str, language: Language) -> None:
    letter = written(kind, language)
    for said in (letter.text, letter.html):
        assert " ".join(said.split()).count(FEELING[language]) == 1
        assert words.SPEAKERS[language].say("disclaimer") in said


@pytest.mark.parametrize("kind", ["unconfirmed", "quiet"])
@EVERY_LANGUAGE
def test_an_address_that_nobody_confirmed_gets_no_number_and_no_state(
    home, written, kind: str, language: Language
) -> None:
    letter = written(kind, language)
    body = visible(letter.text).split("\n--\n")[0]
    assert not re.search(r"\d|strained|belastet", f"{letter.subject} {body}", re.IGNORECASE)


@EVERY_LANGUAGE
def test_numbers_and_dates_of_a_letter_are_written_as_its_language_does(home, written, language: Language) -> None:
    told = {"en": ("1,043", "1 Mar 2026", "Sun 1 Mar"), "de": ("1.043", "1. März 2026", "So 1. März")}[language]
    assert told[0] in written("erased", language).text
    assert told[1] in written("erased", language).text
    assert told[2] in written("reconnect", language).text


def test_a_mail_and_the_nights_it_tells_of_call_the_heart_rate_by_one_name(home, written) -> None:
    for language, name, other in (("en", "sleeping heart rate", "resting"), ("de", "schlafpuls", "ruhepuls")):
        text = " ".join(written("strained", language).text.lower().split())
        assert text.count(name) >= 3, "in both sentences and in the table"
        assert other not in text


@pytest.mark.parametrize("kind", KINDS)
@EVERY_LANGUAGE
def test_a_lock_screen_shows_no_number_no_state_no_signal_and_no_vendor(kind: str, language: Language) -> None:
    told = KINDS[kind].lock_screen[language]
    assert not PRIVATE.search(told)
    assert not FORBIDDEN[language].search(told)
    assert not OTHER_LANGUAGE[language].search(told)
    assert len(told) <= 60
    assert re.fullmatch(r"[A-ZÄÖÜ][^!]*[.?]", told)
