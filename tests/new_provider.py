"""`make new-provider NAME=x`: write the skeleton of a vendor, and say what comes next; docs/adding-a-provider.md.

The skeleton is typed and lints; its contract tests fail, each saying what to do.
"""

import argparse
import keyword
import re
import sys
from pathlib import Path
from string import Template

SKELETON = Template('''"""$TITLE: the page of the vendor's API documentation, and the day it was read."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NotRequired

from typing_extensions import TypedDict

from providers import measures
from providers.base import Asked, Budget, Id, Instant, InToken, OAuth, Provider, Stream, TokenPaging, Window, as_date
from providers.measures import Definition
from providers.shapes import DayValue, Episode, Row

# A name that says how the number was obtained: of which span, mean or lowest. docs/providers.md explains it by hand.
RESTING = Definition(measures.RESTING_HEART_RATE, "${name}_night_lowest", "sleep")


class Night(TypedDict):
    """What a record holds of what is read here; units in words. What may be missing or null says so."""

    id: Id
    starts_at: Instant
    ends_at: Instant
    lowest_heart_rate: NotRequired[float | None]


def read_nights(records: Sequence[Night], _asked: Asked) -> Iterator[Row]:
    """A night, and what hangs on it. A value that is none is said to be: the vendor may have taken it back."""
    for record in records:
        starts, ends, value = record["starts_at"], record["ends_at"], record.get("lowest_heart_rate")
        yield Episode("${name}.nights", record["id"], "sleep", starts, ends, ends.date())
        yield DayValue(
            definition=RESTING,
            record=record["id"],
            value=value,
            starts_at=starts,
            ends_at=ends,
            day=ends.date(),
            state="unscorable" if value is None else "final",
            link=("${name}.nights", record["id"]),
        )


${NAME} = Provider(
    name="$name",
    title="$TITLE",
    base_url="https://api.${name}.example",
    auth=OAuth(
        authorize_url="https://${name}.example/oauth/authorize",
        token_url="https://${name}.example/oauth/token",  # noqa: S106
        scopes=("nights",),
        vendor_user=InToken("user_id"),
    ),
    streams=(
        Stream(
            name="${name}.nights",
            title="sleep",
            path="/v1/nights",
            record=Night,
            read=read_nights,
            window=Window(start="from", end="to", write=as_date, longest=timedelta(days=30), after=timedelta(days=1)),
            paging=TokenPaging(),
            scope="nights",
            nightly=True,
        ),
    ),
    budgets=(Budget(calls=100, per=timedelta(minutes=1)),),
    poll_every=timedelta(hours=1),
    backfill=timedelta(days=180),
    gives="",
    arrives="",
    docs="",
    terms="",
)
''')
EMPTY_PAGE = '{\n  "data": [],\n  "next_token": null\n}\n'
NEXT = """written: {written}

To put {title} into the registry, two lines in providers/__init__.py:

    from providers.{name} import {constant}
    PROVIDERS: tuple[Provider, ...] = (…, {constant})

Then ask what is still missing, and do what each failure says:

    .venv/bin/python -m pytest -q tests/providers/test_contract.py tests/providers/test_providers_page.py

docs/adding-a-provider.md goes through it once.
"""


def refusal(root: Path, name: str) -> str | None:
    """Why a vendor cannot have this name; None where it can."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", name) or keyword.iskeyword(name):
        return f"{name!r} is no name for a vendor: small letters, digits and underscores, as in google_health"
    taken = root / f"providers/{name}.py", root / f"providers/{name}", root / f"tests/providers/fixtures/{name}"
    there = [str(path.relative_to(root)) for path in taken if path.exists()]
    return f"{there[0]} is already there: nothing was written" if there else None


def write(root: Path, name: str) -> list[Path]:
    """Write the skeleton of a vendor below `root`; the files written."""
    module = root / f"providers/{name}.py"
    page = root / f"tests/providers/fixtures/{name}/nights.json"
    title = name.replace("_", " ").title()
    module.write_text(SKELETON.substitute(name=name, NAME=name.upper(), TITLE=title))
    page.parent.mkdir(parents=True)
    page.write_text(EMPTY_PAGE)
    return [module, page]


def main() -> int:
    """Write a skeleton; 2 where the name cannot be."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("name")
    name = asked.parse_args().name
    root = Path(__file__).parents[1]
    if wrong := refusal(root, name):
        sys.stderr.write(wrong + "\n")
        return 2
    written = ", ".join(str(path.relative_to(root)) for path in write(root, name))
    title = name.replace("_", " ").title()
    sys.stdout.write(NEXT.format(written=written, title=title, name=name, constant=name.upper()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
