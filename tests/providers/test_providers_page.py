"""docs/providers.md says of each vendor what its declarations and its recorded pages say.

VAGUS_REWRITE=1 pytest tests/providers/test_providers_page.py writes the part between the marks; the rest is by hand.
"""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import NotRequired, get_args, get_type_hints

import pytest
from typing_extensions import TypedDict

from providers import PROVIDERS
from providers.base import Provider, Stream
from providers.shapes import DayValue, Episode, Points, Tag
from tests.providers.pages import STREAMS, page_of, records

PAGE = Path(__file__).parents[2] / "docs/providers.md"
BEGIN, END = "<!-- written by tests/providers/test_providers_page.py -->", "<!-- by hand from here -->"


def rendered() -> str:
    return "\n".join(line for provider in PROVIDERS for line in _vendor(provider))


def _vendor(provider: Provider) -> list[str]:
    facts = [
        ("level", provider.level),
        ("gives", provider.gives),
        ("arrives", provider.arrives),
        ("asked", f"every {_span(provider.poll_every)}; the first pull reaches {_span(provider.backfill)} back"),
        ("limits", "; ".join(f"{b.calls} calls in {_span(b.per)} ({b.scope}, {b.clock})" for b in provider.budgets)),
        ("notices", _notices(provider)),
        ("scopes", " ".join(f"`{scope}`" for scope in provider.auth.scopes)),
        ("vendor's pages", f"[API]({provider.docs}), [terms]({provider.terms})"),
    ]
    lines = [f"## {provider.title}", "", "| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in facts), ""]
    lines += ["| stream | scope | one request spans | becomes | reads |", "|---|---|---|---|---|"]
    return [*lines, *(_stream(stream) for stream in provider.streams), "", *_definitions(provider), ""]


def _stream(stream: Stream) -> str:
    window = stream.window
    asked = f"{_span(window.longest)} by {window.by}" if window else "everything"
    fields = " ".join(f"`{name}`" for name in sorted(field_names(stream.record)))
    scope = f"`{stream.scope}`" if stream.scope else "–"
    return f"| `{stream.name}` | {scope} | {asked} | {_becomes(stream)} | {fields} |"


def _becomes(stream: Stream) -> str:
    rows = page_of(stream, records(stream)).rows
    found = {f"episode ({row.kind})" for row in rows if isinstance(row, Episode)}
    found |= {f"tag `{row.name}`" for row in rows if isinstance(row, Tag)}
    found |= {f"`{row.definition.measure.name}`" for row in rows if isinstance(row, DayValue | Points)}
    return ", ".join(sorted(found))


def _definitions(provider: Provider) -> list[str]:
    found = set()
    for stream in provider.streams:
        for row in page_of(stream, records(stream)).rows:
            if isinstance(row, DayValue | Points):
                shape = "series" if isinstance(row, Points) else "a day"
                meaning = row.definition
                found.add(
                    (meaning.measure.name, meaning.name, meaning.context, meaning.measure.unit, shape, stream.name)
                )
    lines = ["| measure | definition | context | unit | shape | from |", "|---|---|---|---|---|---|"]
    return lines + [f"| `{m}` | `{n}` | {c} | {u} | {s} | `{f}` |" for m, n, c, u, s, f in sorted(found)]


def field_names(record: object) -> set[str]:
    """Every field that a record's TypedDicts name, those of the TypedDicts within them included."""
    names = set()
    for part in _parts(record):
        for name, hint in get_type_hints(part).items():
            names |= {name, *field_names(hint)}
    return names


def _parts(hint: object) -> list[type]:
    inside = [hint, *get_args(hint)]
    found = [part for part in inside if isinstance(part, type) and hasattr(part, "__required_keys__")]
    return found + [deep for part in get_args(hint) if part is not hint for deep in _parts(part) if deep not in found]


def _notices(provider: Provider) -> str:
    if provider.webhook is None:
        return "none"
    signed = "signed" if provider.webhook.signed else "not signed"
    ordering = provider.webhook.subscribing
    return (
        f"{signed}; {len(ordering.topics)} subscriptions, ordered by Vagus" if ordering else f"{signed}; set up by hand"
    )


def _span(span: timedelta) -> str:
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if span.total_seconds() >= seconds and span.total_seconds() % seconds == 0:
            count = int(span.total_seconds() // seconds)
            return f"{count} {unit if count > 1 else unit[:-1]}"
    return f"{span.total_seconds():g} seconds"


def test_the_page_of_vendors_says_what_the_vendors_declare():
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    wanted = f"{head}{BEGIN}\n\n{rendered()}\n{END}{tail}"
    if os.environ.get("VAGUS_REWRITE"):
        PAGE.write_text(wanted)
    assert PAGE.read_text() == wanted, f"{__doc__}"


@pytest.mark.parametrize("stream", [stream for _, stream in STREAMS], ids=lambda stream: stream.name)
def test_the_page_names_every_field_that_is_read(stream):
    page = PAGE.read_text()
    assert f"`{stream.name}`" in page, f"{__doc__}"
    assert {name for name in field_names(stream.record) if f"`{name}`" not in page} == set()


class Inner(TypedDict):
    deep: int


class Outer(TypedDict):
    near: NotRequired[Inner | None]
    many: list[Inner]


def test_fields_are_found_however_deep_they_stand():
    assert field_names(Outer) == {"near", "many", "deep"}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_the_page_says_by_hand_what_each_definition_of_a_vendor_means(provider):
    _, _, by_hand = PAGE.read_text().partition(END)
    names = set(re.findall(r"\| `[a-z_]+` \| `([a-z0-9_]+)` \|", "\n".join(_definitions(provider))))
    assert names
    missing = {name for name in names if f"`{name}`" not in by_hand}
    assert not missing, f"say below the mark in docs/providers.md what {sorted(missing)} means and how it was obtained"
