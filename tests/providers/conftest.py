"""What the tests of file readers share: a clock that stands, and rows of an invented person."""

import io
from datetime import UTC, datetime

import pytest

from providers.exports import whoop_csv
from providers.simulator.whoop_export import CYCLE_COLUMNS, JOURNAL_COLUMNS

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)

USUAL = {
    "Cycle start time": "2026-11-02 22:41:07",
    "Cycle end time": "2026-11-03 23:02:55",
    "Cycle timezone": "UTC-08:00",
    "Recovery score %": "66",
    "Resting heart rate (bpm)": "52",
    "Heart rate variability (ms)": "71",
    "Skin temp (celsius)": "33.42",
    "Blood oxygen %": "96.30",
    "Day Strain": "11.4",
    "Energy burned (cal)": "2456",
    "Max HR (bpm)": "161",
    "Average HR (bpm)": "71",
    "Sleep onset": "2026-11-02 22:41:07",
    "Wake onset": "2026-11-03 06:29:31",
    "Sleep performance %": "88",
    "Respiratory rate (rpm)": "14.6",
    "Asleep duration (min)": "431",
    "In bed duration (min)": "468",
    "Light sleep duration (min)": "210",
    "Deep (SWS) duration (min)": "92",
    "REM duration (min)": "129",
    "Awake duration (min)": "37",
    "Sleep need (min)": "489",
    "Sleep debt (min)": "24",
    "Sleep efficiency %": "92",
    "Sleep consistency %": "77",
}


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def read():
    """Read a file given as text or bytes."""

    def reading(content, **arguments):
        data = content.encode() if isinstance(content, str) else content
        return whoop_csv.read(io.BytesIO(data), now=NOW, **arguments)

    return reading


@pytest.fixture
def row():
    """A usual row with some cells replaced, without its line end."""
    return lambda **cells: ",".join({**USUAL, **_by_title(cells)}.values())


@pytest.fixture
def cycles():
    """A cycles file of these rows."""
    return lambda *rows: "\n".join([",".join(CYCLE_COLUMNS), *rows, ""])


@pytest.fixture
def journal():
    """A journal file of these (question, answer) pairs, or of whole rows."""

    def writing(*entries):
        cycle = [USUAL[title] for title in JOURNAL_COLUMNS[:3]]
        rows = [entry if isinstance(entry, str) else ",".join([*cycle, *entry, ""]) for entry in entries]
        return "\n".join([",".join(JOURNAL_COLUMNS), *rows, ""])

    return writing


def _by_title(cells):
    short = {
        "start": "Cycle start time",
        "end": "Cycle end time",
        "zone": "Cycle timezone",
        "recovery": "Recovery score %",
        "resting": "Resting heart rate (bpm)",
        "hrv": "Heart rate variability (ms)",
        "strain": "Day Strain",
        "energy": "Energy burned (cal)",
        "onset": "Sleep onset",
        "wake": "Wake onset",
        "breathing": "Respiratory rate (rpm)",
        "debt": "Sleep debt (min)",
        "consistency": "Sleep consistency %",
    }
    return {short[name]: value for name, value in cells.items()}
