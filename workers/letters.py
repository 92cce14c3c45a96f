"""What a mail says, as text and as HTML: what was seen, against what, what it may be, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ingest import chart, privacy, signin, words
from ingest.models import Alert, Connection, Erasure
from ingest.settings import settings
from scoring import Assessment, Input
from scoring.explain import FEEL

SHOWN = timedelta(days=45)  # nights before the alert that the chart needs to draw five weeks and their usual range
MARKS = {"above": "▲", "below": "▼", "within": "○", None: ""}
FIRST_SENTENCE = "Your recent nights look different from your usual."


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


def strained(nights: Sequence[Assessment], alert: Alert, stop_url: str, *, with_numbers: bool) -> Letter:
    """Strain that lasts. Without numbers it is one sentence and a link, for an address that nobody confirmed yet."""
    page = f"{settings().public_url}/alerts/{alert.id}"
    links = {"page_url": page, "why_url": f"{page}#explain", "stop_url": stop_url, "disclaimer": words.DISCLAIMER}
    night = next((each for each in reversed(nights) if words.recorded(each)), None)
    if night is None or not with_numbers:
        return _letter("Something changed in your nights", "quiet", None, {"sentence": FIRST_SENTENCE, **links})
    content = {
        "explanation": night.explanation.removesuffix(FEEL).rstrip(),  # the footer says it
        "suggestion": night.suggestion,
        "rows": [_row(given) for given in night.inputs if given.signal in words.DECIDING],
        **links,
    }
    return _letter("Strain has lasted several nights", "strained", _picture(nights), content)


def reconnect(vendor: str, connection: Connection, since: date, stop_url: str) -> Letter:
    """A vendor needs the person: since when, that nothing is lost, and the one button. It comes once."""
    opening = f"{vendor} ended our access on {words.day(since)}."
    if connection.state == "needs_you":
        opening = f"Since {words.day(since)} {vendor} gives us nothing: {connection.state_reason}."
    content = {
        "opening": opening,
        "page_url": f"{settings().public_url}/connections",
        "stop_url": stop_url,
    }
    return _letter(f"{vendor} needs you", "reconnect", None, content)


def test(stop_url: str) -> Letter:
    """That mail arrives, asked for by a button on the page of channels."""
    return _letter("A test from Vagus", "test", None, {"stop_url": stop_url, "disclaimer": words.DISCLAIMER})


def sign_in(digits: str) -> Letter:
    """The six digits, and a link to the page where they are entered."""
    return _letter("Your Vagus code", "sign_in", None, {"digits": digits, "page_url": signin.link(digits)})


def erased(erasure: Erasure) -> Letter:
    """The receipt of an erasure: when, and how many rows of what."""
    counts = [(label, erasure.counts[name]) for name, label in privacy.LABELS.items() if erasure.counts.get(name)]
    content = {"at": f"{erasure.at.day} {erasure.at:%B %Y}", "counts": counts}
    return _letter("Everything about you was erased", "erased", None, content)


def _picture(nights: Sequence[Assessment]) -> bytes:
    return chart.png(nights, days=35)


def _letter(subject: str, template: str, image: bytes | None, content: dict[str, Any]) -> Letter:
    page = _pages().get_template(f"{template}.html").render(subject=subject, **content)
    return Letter(subject, _pages().get_template(f"{template}.txt").render(content), page, image)


def _row(given: Input) -> Row:
    signal = words.SIGNALS[given.signal]
    value = "–" if given.value is None else f"{words.shown(given.value, given.signal)} {signal.unit}"
    mark = MARKS[words.direction(given)]
    return Row(signal.label, value, words.usual(given), words.verdict(given), mark)


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
