"""A template and what it shows, as an answer."""

import hashlib
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from ingest import words
from ingest.models import Person
from ingest.settings import settings

HERE = Path(__file__).parent
STATIC = HERE / "static"
TABS = (
    ("/today", "Today", "today"),
    ("/history", "History", "history"),
    ("/import", "Import", "import"),
    ("/connections", "Settings", "settings"),
)
SETTINGS_PAGES = ("/connect", "/channels", "/data")  # `/connections` among them


def page(
    request: HTTPConnection, template: str, *, person: Person | None = None, status: int = 200, **shown: object
) -> HTMLResponse:
    """The page; tabs stand on it where somebody is signed in."""
    path = request.url.path
    tab = "/connections" if path.startswith(SETTINGS_PAGES) else f"/{path.split('/')[1]}"
    frame = {"person": person, "tab": tab, "tabs": TABS, "demo": settings().demo, "version": version(), "refresh": 0}
    return HTMLResponse(_templates().get_template(template).render(frame | shown), status)


@lru_cache(maxsize=1)
def version() -> str:
    """What the styles' address carries, so that a browser may keep them for ever."""
    return hashlib.sha256(b"".join((STATIC / name).read_bytes() for name in ("style.css", "chart.css"))).hexdigest()[
        :12
    ]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {
        "day": words.day,
        "short": words.short,
        "counted": words.counted,
        "clock_time": words.clock_time,
        "stamp": stamp,
        "size": size,
        "from_iso": from_iso,
        "sentence": sentence,
    }
    made.globals |= {"words": words, "timedelta": timedelta}
    return made


def stamp(at: datetime) -> str:
    """`Sun 22 Nov, 18:05`, in the zone that the instant carries."""
    return f"{words.day(at.date())}, {at:%H:%M}"


def from_iso(text: str) -> str:
    """`2023-10-02` as `2 Oct 2023`."""
    return words.full(date.fromisoformat(text))


def sentence(text: str) -> str:
    """A reason as a sentence: it begins with a capital and ends with a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


def size(count: int) -> str:
    """A number of bytes as people say it."""
    return f"{count / 1024**2:.1f} MB" if count >= 1024**2 else f"{count / 1024:.0f} KB"
