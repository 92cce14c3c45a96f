"""Any order and any split of a history into files ends in equal readiness rows."""

from datetime import date
from io import BytesIO
from itertools import count
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from ingest import db, imports, people
from ingest.nights import nights_of
from ingest.store import ASSESSMENT
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import cycles_csv, journal_csv
from scoring import assess

LAST = date(2026, 3, 1)
PATIENT = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WHO = (f"person{number}@example.org" for number in count())


@pytest.fixture(autouse=True)
def _a_morning_in_march(clock, database) -> None:
    clock("2026-03-01T12:00")


def history(story: Story = Story.OVERREACHING, seed: int = 1) -> tuple[str, list[str], str]:
    lived = nights(story, LAST, 50, seed)
    header, *rows = cycles_csv(lived).splitlines()
    return header, rows, journal_csv(lived)


def readiness(files: list[str]) -> list[dict]:
    """The readiness of a person who brought these files in this order."""
    address = next(WHO)
    for number, file in enumerate(files):
        done = imports.import_file(address, "whoop", f"{number}.csv", BytesIO(file.encode()))
    with db.transaction() as session:
        found = nights_of(session, done.person, people.today_of(session, done.person))
    return [ASSESSMENT.dump_python(one, mode="json") for one in assess(found)]


def table(header: str, rows: list[str]) -> str:
    return "\n".join((header, *rows, ""))


@PATIENT
@given(seed=strategies.integers(0, 2**16), parts=strategies.integers(1, 6), story=strategies.sampled_from(list(Story)))
def test_any_split_of_a_history_into_files_in_any_order_is_one_history(seed: int, parts: int, story: Story) -> None:
    header, rows, journal = history(story)
    dice = Random(seed)
    shares: list[list[str]] = [[] for _ in range(parts)]
    for row in rows:
        for share in {dice.randrange(parts), dice.randrange(parts)}:
            shares[share].append(row)
    files = [*(table(header, share) for share in shares if share), journal]
    dice.shuffle(files)
    assert readiness(files) == readiness([table(header, rows), journal])


@PATIENT
@given(seed=strategies.integers(0, 2**16))
def test_older_and_newer_versions_of_some_rows_in_any_order_end_the_same(seed: int) -> None:
    dice = Random(seed)
    header, rows, journal = history()
    files = [journal]
    for _ in range(4):
        oldest, newest = sorted(dice.sample(range(len(rows)), 2))
        changed = [_revised(header, row, dice) if dice.random() < 0.3 else row for row in rows[oldest:newest]]
        files.append(table(header, changed))
    expected = readiness(files)
    dice.shuffle(files)
    assert readiness(files) == expected


def _revised(header: str, row: str, dice: Random) -> str:
    """The same cycle as scored at another time: another HRV, or a night that ended an hour later."""
    at = header.split(",").index("Heart rate variability (ms)")
    cells = row.split(",")
    if cells[at]:
        cells[at] = str(dice.randint(20, 90))
    return ",".join(cells)
