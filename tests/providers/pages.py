"""The pages that stand for each vendor under fixtures/<vendor>/, and their rows as JSON that a person can compare.

All people and numbers in them are invented. Each page answers one question: what happened in `ASKED`.
"""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

from ingest.grants.reading import Page, read_page
from providers import PROVIDERS
from providers.base import Asked, Provider, Stream
from providers.shapes import DayValue, Episode, Gone, Points, Rejected, Row, Tag

FIXTURES = Path(__file__).parent / "fixtures"
ASKED = Asked(datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 4, 2, 9, tzinfo=UTC))
STREAMS = [(provider, stream) for provider in PROVIDERS for stream in provider.streams]


def page_file(stream: Stream) -> Path:
    vendor, name = stream.name.split(".", 1)
    return FIXTURES / vendor / f"{name}.json"


def expected_file(stream: Stream) -> Path:
    return page_file(stream).with_suffix(".expected.json")


def envelope(stream: Stream) -> dict:
    return json.loads(page_file(stream).read_bytes())


def records(stream: Stream) -> list:
    return envelope(stream)[stream.records_at]


def page_of(stream: Stream, given: list, asked: Asked = ASKED, **more: object) -> Page:
    """What a page of these records reads as."""
    return read_page(stream, json.dumps({**envelope(stream), stream.records_at: given, **more}).encode(), asked)


def shuffled(given: list, seed: int) -> list:
    return random.Random(seed).sample(given, len(given))


def hook_file(provider: Provider) -> Path:
    return FIXTURES / provider.name / "webhook.json"


def told(row: Row) -> list:
    """One row in one line of JSON, with everything that reading decides."""
    match row:
        case Episode():
            return ["episode", row.record, row.kind, str(row.day), _span(row), row.state, _marks(row), dict(row.detail)]
        case DayValue():
            link = "/".join(row.link) if row.link else None
            return ["value", row.record, str(row.day), _span(row), row.state, link, row.device, _series(row), row.value]
        case Points():
            bearer = ["/".join(row.borne_by), *row.span] if row.borne_by and row.span else None
            return [
                "points",
                _series(row),
                row.device,
                bearer,
                row.at.tolist(),
                [round(v, 3) for v in row.value.tolist()],
            ]
        case Tag():
            return [
                "tag",
                str(row.day),
                row.name,
                row.present,
                row.source,
                row.link,
                row.last_day and str(row.last_day),
            ]
        case Gone():
            return ["gone", row.stream, row.record]
        case Rejected():
            return ["rejected", row.field, row.reason, row.record, row.body[:60]]


def lines(rows: list[Row]) -> list[str]:
    """The rows as lines of JSON, in an order of their own."""
    return sorted(json.dumps(told(row), ensure_ascii=False) for row in rows)


def _span(row: DayValue | Episode) -> str:
    ends = f"{row.ends_at.astimezone(UTC):%m-%dT%H:%M}" if row.ends_at else ".."
    return f"{row.starts_at.astimezone(UTC):%m-%dT%H:%M}/{ends}Z {row.utc_offset_minutes}"


def _marks(row: Episode) -> str:
    return " ".join(name for name in ("main", "edited") if getattr(row, name))


def _series(row: DayValue | Points) -> str:
    return f"{row.definition.measure.name} {row.definition.name} {row.definition.context}"
