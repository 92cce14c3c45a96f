"""What a mail says, as text and as HTML: what was seen, against what, what it may be, and what to do next.

The sentences stand in `letter_words.py`, in each language; one template serves both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ingest import chart, privacy, signin, words
from ingest.models import Alert, Connection
from ingest.settings import settings
from scoring import Assessment, Input, Language
from scoring.explain import without_feeling
from scoring.words import LANGUAGES, Speaker, grouped, speaker
from workers.letter_words import DE, EN

SHOWN = timedelta(days=100)  # nights before the alert: five weeks, and what their load is compared with
MARKS = {"above": "▲", "below": "▼", "within": "○", None: ""}
SPEAKERS: Mapping[Language, Speaker] = {language: speaker(language, EN, DE) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without its envelope."""

    subject: str
    text: str
    html: str
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One signal of the night, beside its usual range."""

    label: str
    value: str
    usual: str
    verdict: str
    mark: str


def strained(  # noqa: PLR0913  what the letter tells, and how
    nights: Sequence[Assessment],
    alert: Alert,
    stop_url: str,
    *,
    with_numbers: bool,
    language: Language = "en",
    events: chart.Events = chart.NOTHING,
) -> Letter:
    """Strain that lasts. Without numbers it is one sentence and a link, for an address that nobody confirmed yet."""
    told = SPEAKERS[language]
    page = f"{settings().public_url}/alerts/{alert.id}"
    links = {"page_url": page, "why_url": f"{page}#explain", "stop_url": stop_url}
    night = next((each for each in reversed(nights) if words.recorded(each)), None)
    if night is None or not with_numbers:
        return letter(told, told.say("quiet.subject"), "quiet", links)
    content = {
        "explanation": without_feeling(night.explanation),  # the footer says it
        "suggestion": night.suggestion,
        "rows": deciding(night, language),
        **links,
    }
    return letter(told, told.say("strained.subject"), "strained", content, _picture(nights, events, language))


def reconnect(vendor: str, connection: Connection, since: date, stop_url: str, language: Language = "en") -> Letter:
    """A vendor needs the person: since when, that nothing is lost, and the one button. It comes once."""
    told, day = SPEAKERS[language], words.day(since, language)
    opening = told.say("reconnect.ended", vendor=vendor, day=day)
    if connection.state == "needs_you":
        opening = told.say("reconnect.nothing", vendor=vendor, day=day, reason=connection.state_reason)
    content = {"opening": opening, "page_url": f"{settings().public_url}/connections", "stop_url": stop_url}
    return letter(told, told.say("reconnect.subject", vendor=vendor), "reconnect", content)


def test(stop_url: str, language: Language) -> Letter:
    """That mail arrives, asked for by a button on the page of channels."""
    told = SPEAKERS[language]
    return letter(told, told.say("test.subject"), "test", {"stop_url": stop_url})


def sign_in(digits: str, language: Language = "en") -> Letter:
    """The six digits, and a link to the page where they are entered."""
    told = SPEAKERS[language]
    content = {"digits": digits, "page_url": signin.link(digits)}
    return letter(told, told.say("sign_in.subject"), "sign_in", content)


def erased(counts: Mapping[str, int], day: date, language: Language = "en") -> Letter:
    """The receipt of an erasure: on which day of the person's, and how many rows of what."""
    told = SPEAKERS[language]
    went = [name for name in privacy.LABELS if counts.get(name)]
    shown = [(told.say(f"erased.{name}"), grouped(counts[name], language)) for name in went]
    opening = told.say("erased.text" if shown else "erased.nothing", at=words.full(day, language))
    return letter(told, told.say("erased.subject"), "erased", {"opening": opening, "counts": shown})


def letter(
    told: Speaker, subject: str, template: str, content: Mapping[str, Any], image: bytes | None = None
) -> Letter:
    """A letter from one template in that speaker's words; the template asks for its fixed sentences by `say`."""
    shown = {"say": told.say, "language": told.language, "subject": subject, **content}
    text, page = (_pages().get_template(f"{template}.{kind}").render(shown) for kind in ("txt", "html"))
    return Letter(subject, text, page, image)


def deciding(night: Assessment, language: Language) -> list[Row]:
    """The two signals of a night beside their usual ranges."""
    return [_row(given, SPEAKERS[language]) for given in night.inputs if given.signal in words.DECIDING]


def _picture(nights: Sequence[Assessment], events: chart.Events, language: Language) -> bytes:
    return chart.png(nights, events=events, language=language)


def _row(given: Input, told: Speaker) -> Row:
    signal, usual = words.named(given, told.language), words.usual(given, told.language)
    value = "–" if given.value is None else f"{words.shown(given.value, given.signal, told.language)} {signal.unit}"
    beside = told.say("strained.usual", usual=usual) if usual else ""
    return Row(signal.label, value, beside, words.verdict(given, told.language), MARKS[words.direction(given)])


@lru_cache(maxsize=1)
def _pages() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
