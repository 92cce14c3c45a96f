"""A person's nights as CSV, written while they are read: a long history costs no more memory than a short one."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from sqlalchemy import select

from ingest import store, vendor_scores, words
from ingest.chart import Events
from ingest.db import transaction
from ingest.models import Readiness
from scoring import Assessment, Input

BATCH = 200  # nights a transaction: a slow reader holds none open
SIGNALS: Mapping[str, str] = {
    "hrv": "hrv_ms",
    "resting_heart_rate": "heart_rate_bpm",
    "respiratory_rate": "breathing_rate",
    "skin_temperature": "skin_temperature_c",
    "oxygen_saturation": "oxygen_percent",
    "sleep": "sleep_minutes",
}
NIGHT = ("night", "state", "readiness", "confidence", "provisional", "alert")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for one


def lines(person_id: int, since: date, events: Events) -> Iterator[str]:
    """The header, then a line a night, oldest first."""
    with transaction() as session:
        own = vendor_scores.by_day(session, person_id, since)
    yield _line([*NIGHT, *_columns(), "load_of_day_before", "tags", *(f"{vendor}_own_score" for vendor in own)])
    for night in _nights(person_id, since):
        tags = ";".join(sorted(events.tags.get(night.day, ())))
        yield _line([*_night(night), night.load, tags, *(score.get(night.day) for score in own.values())])


def _columns() -> list[str]:
    named = [[name, f"{name}_usual_low", f"{name}_usual_high"] for name in SIGNALS.values()]
    return [*(each for three in named for each in three), "hrv_series", "heart_rate_series"]


def _night(night: Assessment) -> list[object]:
    known = {name: words.one(night, name) for name in SIGNALS}
    values = [value for given in known.values() for value in _three(given)]
    series = [given.series if (given := known[name]) else "" for name in words.DECIDING]
    plain = [night.day, night.state, night.score, night.confidence, night.provisional, night.alert]
    return [*plain, *values, *series]


def _three(given: Input | None) -> tuple[float | None, float | None, float | None]:
    return (given.value, given.usual_low, given.usual_high) if given else (None, None, None)


def _nights(person_id: int, since: date) -> Iterator[Assessment]:
    """Stored nights in batches, each read in a transaction of its own."""
    after = since - timedelta(days=1) if since > date.min else since
    while True:
        wanted = select(Readiness.assessment).where(Readiness.person == person_id, Readiness.day > after)
        with transaction() as session:
            batch = session.scalars(wanted.order_by(Readiness.day).limit(BATCH)).all()
        read = [store.ASSESSMENT.validate_python(row, strict=False) for row in batch]
        yield from read
        if len(read) < BATCH:
            return
        after = read[-1].day


def _line(cells: list[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_cell(each) for each in cells])
    return text.getvalue()


def _cell(value: object) -> object:
    """A number rounded to what it can mean; words that begin like a formula are made plain."""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
