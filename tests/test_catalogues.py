"""Every sentence that exists in two languages: both say the same, plainly, calmly, and with nothing of medicine."""

import re
from string import Formatter

import pytest

from tests.wording import CYCLE, FORBIDDEN, FORMAL, LONGEST, NOT_GERMAN, catalogues, filled, words_a_sentence

BOTH = catalogues()
SAME_IN_BOTH = {"HRV", "ms", "h", "min", "OK", "Median"}
RESTLESS = re.compile(r"!|  |\.\.|\s$")
OF_NO_BODY = re.compile(  # phrases in which such a word says nothing of a person or their nights
    r"as it should|It should be there soon|How should we reach you|not an average person's|never one bad night"
)


def values(sentence: str) -> list[tuple[str, str]]:
    return sorted((name, form or "") for _, name, form, _ in Formatter().parse(sentence) if name)


def bare(sentence: str) -> str:
    return re.sub(r"\{.*?\}", "", sentence)


def test_the_catalogues_of_scoring_pages_and_mails_are_found() -> None:
    assert {
        "scoring.words.states",
        "scoring.words.doubts",
        "ingest.words.phrases",
        "workers.letter_words",
    } <= BOTH.keys()


@pytest.mark.parametrize("name", BOTH)
def test_both_languages_say_the_same_things_of_the_same_values(name: str) -> None:
    english, german = BOTH[name]
    assert list(english) == list(german)
    assert [key for key in english if values(english[key]) != values(german[key])] == []


@pytest.mark.parametrize("name", BOTH)
def test_a_count_has_a_form_for_one_and_a_form_for_more(name: str) -> None:
    english, _ = BOTH[name]
    stems = {
        key.rsplit(".", 1)[0] for key in english if key.endswith((".one", ".other")) and "{number}" in english[key]
    }
    assert [stem for stem in stems if not {f"{stem}.one", f"{stem}.other"} <= english.keys()] == []


@pytest.mark.parametrize("name", BOTH)
def test_nothing_is_left_in_the_other_language(name: str) -> None:
    english, german = BOTH[name]
    same = [sentence for key, sentence in english.items() if sentence == german[key]]
    assert [sentence for sentence in same if set(re.findall(r"\w+", bare(sentence))) - SAME_IN_BOTH] == []
    assert [sentence for sentence in german.values() if NOT_GERMAN.search(bare(sentence))] == []


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", BOTH)
def test_a_sentence_is_short_calm_and_not_medical(name: str, language: str) -> None:
    catalogue = BOTH[name][("en", "de").index(language)]
    sentences = [filled(sentence) for sentence in catalogue.values()]
    told_of_people = [OF_NO_BODY.sub("", sentence) for sentence in sentences]
    assert [sentence for sentence in told_of_people if FORBIDDEN[language].search(sentence)] == []
    assert [sentence for sentence in sentences if RESTLESS.search(sentence)] == []
    assert [sentence for sentence in sentences if words_a_sentence(sentence) > LONGEST] == []


@pytest.mark.parametrize("name", BOTH)
def test_people_are_called_du(name: str) -> None:
    assert [sentence for sentence in BOTH[name][1].values() if FORMAL.search(sentence)] == []


def test_what_is_said_of_the_cycle_stands_where_only_those_who_share_it_can_meet_it() -> None:
    said = {name for name, pair in BOTH.items() for each in pair for line in each.values() if CYCLE.search(line)}
    assert said <= {"ingest.words.cycle"}
