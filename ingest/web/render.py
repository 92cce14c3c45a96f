"""A template and what it shows, as an answer."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from ingest import people, words
from ingest.models import Person
from ingest.settings import settings
from ingest.web import connect_words, data_words, device_words, page_words, signin_words
from ingest.words import answers as answer_words
from ingest.words import relayed as relayed_words
from scoring import Language
from scoring.explain import of_then
from scoring.words import LANGUAGES, Speaker, grouped

HERE = Path(__file__).parent
STATIC = HERE / "static"
TABS = (("/today", "today"), ("/history", "history"), ("/check-in", "check-in"), ("/connections", "settings"))
SETTINGS_PAGES = ("/connect", "/import", "/channels", "/data")  # `/connections` among them
BESIDE = {"/drive-tests": "/check-in", "/questions": "/today"}  # pages without a tab of their own
OWN_WORDS: Mapping[str, Mapping[Language, Speaker]] = {  # those of a page that have a catalogue of their own: `told`
    **dict.fromkeys(("connect.html", "connections.html", "disconnect.html"), connect_words.SPEAKERS),
    **dict.fromkeys(("progress.html", "today.html"), connect_words.SPEAKERS),
    "devices.html": device_words.SPEAKERS,
    **dict.fromkeys(("data.html", "erased.html", "import.html", "run.html"), data_words.SPEAKERS),
    **dict.fromkeys(("code.html", "error.html", "first.html", "once.html", "signin.html"), signin_words.SPEAKERS),
    "unsubscribe.html": signin_words.SPEAKERS,
}


def page(
    request: HTTPConnection,
    template: str,
    *,
    person: Person | None = None,
    reader: Language | None = None,
    status: int = 200,
    **shown: object,
) -> HTMLResponse:
    """The page; tabs stand on it where somebody is signed in. `reader` is the language of whom a link was sent to."""
    path = request.url.path
    tab = "/connections" if path.startswith(SETTINGS_PAGES) else f"/{path.split('/')[1]}"
    tab = BESIDE.get(tab, tab)
    frame: dict[str, object] = {
        "person": person,
        "tab": tab,
        "tabs": TABS,
        "demo": settings().demo,
        "version": version(),
        "refresh": 0,
    }
    frame |= _languages(template, reader or language_for(request, person))
    return HTMLResponse(_templates().get_template(template).render(frame | shown), status)


def language_for(request: HTTPConnection, person: Person | None) -> Language:
    """A person's language; of somebody unknown the first of ours that the browser asks for, else English."""
    if person:
        return people.language_of(person)
    asked = [part.split(";")[0].strip() for part in request.headers.get("accept-language", "").lower().split(",")]
    return next((known for each in asked for known in LANGUAGES if each.split("-")[0] == known), "en")


def _languages(template: str, reader: Language) -> dict[str, object]:
    """The language and words of a page; `lang` and `english` mark what is in its reader's language, or in English."""
    own = page_words.language_of(template, reader)
    marks = {"lang": reader, "english": "en"}
    marked = {name: Markup(' lang="{}"').format(each) if each != own else Markup() for name, each in marks.items()}
    frame: dict[str, object] = {"page_language": own, "say": page_words.SPEAKERS[own].say, **marked}
    return frame | {"told": OWN_WORDS[template][own]} if template in OWN_WORDS else frame


@lru_cache(maxsize=1)
def version() -> str:
    """What the styles' address carries, so that a browser may keep them for ever."""
    kept = sorted(file for file in STATIC.iterdir() if file.suffix in {".css", ".js"})
    return hashlib.sha256(b"".join(file.read_bytes() for file in kept)).hexdigest()[:12]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {
        "day": words.day,
        "short": words.short,
        "clock_time": words.clock_time,
        "stamp": stamp,
        "size": size,
        "from_iso": from_iso,
        "sentence": sentence,
        "of_then": of_then,
        "grouped": grouped,
        "relayed": relayed,
        "relayed_text": relayed_words.told,
    }
    made.globals |= {"words": words, "timedelta": timedelta, "answers_in": answers_in, "listed": relayed_words.listed}
    return made


def answers_in(language: Language) -> Callable[..., str]:
    """What speaks on the pages of answers, in this language."""
    return answer_words.SPEAKERS[language].say


def stamp(at: datetime) -> str:
    """`Sun 22 Nov, 18:05`, in the zone that the instant carries."""
    return f"{words.day(at.date())}, {at:%H:%M}"


def from_iso(text: str, language: Language) -> str:
    """`2023-10-02` as `2 Oct 2023`."""
    return words.full(date.fromisoformat(text), language)


def sentence(text: str) -> str:
    """A reason as a sentence: it begins with a capital and ends with a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


def size(count: int, language: Language) -> str:
    """A number of bytes as people say it."""
    return f"{grouped(count / 1024**2, language, 1)} MB" if count >= 1024**2 else f"{count / 1024:.0f} KB"


def relayed(text: str, language: Language) -> str:
    """What was said in English below, in this language; marked as English where it is known in no other."""
    if language == "en":
        return text
    return relayed_words.german(text) or Markup('<span lang="en">{}</span>').format(text)
