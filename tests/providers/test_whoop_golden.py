"""Each file under fixtures/whoop reads as its .expected.json says. All of their people and numbers are invented.

After a wanted change of the mapping: REWRITE_GOLDEN=1 pytest tests/providers/test_whoop_golden.py, and read the diff.
"""

import json
import os
from pathlib import Path

import pytest

from providers.exports import whoop_csv
from providers.shapes import DayValue, Episode, Rejected, Tag

FIXTURES = Path(__file__).parent / "fixtures" / "whoop"


def told(row):
    """One row in one line of JSON, with everything that reading decides."""
    match row:
        case Episode():
            span = f"{row.starts_at:%m-%dT%H:%M}/{row.ends_at:%m-%dT%H:%M}Z {row.utc_offset_minutes}"
            return ["night", row.record, str(row.day), row.state, span, dict(row.detail)]
        case DayValue():
            series = f"{row.definition.measure.name} {row.definition.name} {row.definition.context}"
            span = f"{row.starts_at:%m-%dT%H:%M}/{f'{row.ends_at:%m-%dT%H:%M}' if row.ends_at else '..'}Z"
            linked = "linked" if row.link == ("whoop.sleep", row.record) else "free"
            return ["value", row.record, str(row.day), row.state, span, linked, series, row.value]
        case Tag():
            return ["tag", str(row.day), row.name, row.present, row.source, row.link]
        case Rejected():
            return ["rejected", row.line, row.field, row.reason, row.record, row.body[:60]]


def as_json(export):
    head = json.dumps({"stream": export.stream, "as_of": f"{export.as_of:%Y-%m-%dT%H:%M:%SZ}", "lines": export.lines})
    rows = ",\n".join(json.dumps(told(row), ensure_ascii=False) for row in export.rows)
    return f"[{head},\n{rows}]\n"


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.csv")), ids=lambda path: path.stem)
def test_a_recorded_shape_of_export_reads_as_it_did(path, now):
    with path.open("rb") as stream:
        found = as_json(whoop_csv.read(stream, now=now))
    expected = path.with_suffix(".expected.json")
    if os.environ.get("REWRITE_GOLDEN"):
        expected.write_text(found)
    assert json.loads(found) == json.loads(expected.read_text())


def test_there_is_a_golden_file_for_each_kind_of_export():
    assert {path.stem for path in FIXTURES.glob("*.csv")} >= {
        "ordinary_year",
        "zones",
        "several_a_day",
        "semicolons",
        "underscored",
        "broken_rows",
        "journal",
        "spanish",
    }
