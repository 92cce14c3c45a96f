"""The runbook has a heading for whatever the program may say, so that a name from a log leads to a paragraph."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from ingest.ops import why
from providers import errors
from workers import outcomes

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text()
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
NEVER_SHOWN = {"VagusError"}  # only the base of the others


def anchors() -> set[str]:
    """What a link into the page may end with."""
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def error_names() -> list[str]:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.VagusError)]
    return [kind.__name__ for kind in (*kinds, outcomes.WorkerDied) if kind.__name__ not in NEVER_SHOWN]


@pytest.mark.parametrize("name", error_names())
def test_every_error_has_a_paragraph(name: str) -> None:
    assert name in SECTIONS


@pytest.mark.parametrize("name", get_args(why.Name))
def test_every_cause_has_a_paragraph(name: str) -> None:
    assert name in SECTIONS


def test_a_paragraph_says_what_to_do_or_what_heals() -> None:
    silent = [
        name for name, said in SECTIONS.items() if not re.search(r"\*(Do|Heals)\b|nothing syncs|All is well", said)
    ]
    assert silent == []


def test_every_link_within_the_page_arrives() -> None:
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors()


def test_every_alert_has_a_paragraph() -> None:
    text = ALERTS.read_text()
    assert set(re.findall(r"- alert: (\w+)", text)) <= SECTIONS.keys()
    assert set(re.findall(r"operations\.md#([\w-]+)", text)) <= anchors()
