"""What is no export is refused in one line, at once, and with next to no memory."""

import gzip
import io
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import FileRefused
from providers.exports import SOURCES, parts, whoop_csv
from providers.simulator.whoop_export import CYCLE_COLUMNS

HEADER = ",".join(CYCLE_COLUMNS)


def refusal(read, content):
    with pytest.raises(FileRefused) as refused:
        read(content)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "this file is empty: bring WHOOP's physiological_cycles.csv"),
        (b"\n \n\n", "not a CSV of WHOOP's"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a CSV in UTF-8"),
        (gzip.compress(HEADER.encode(), mtime=0), "not a CSV"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "not a CSV of WHOOP's"),
        (b"<html><body>Sign in</body></html>", "not a CSV of WHOOP's"),
        (b"name,email\nMona,mona@example.org\n", "not a CSV of WHOOP's"),
        (HEADER.encode("utf-16"), "not a CSV in UTF-8"),
        (HEADER.encode("utf-16-be"), "not a CSV in UTF-8"),
        ("Startzeit des Zyklus,Herzfrequenzvariabilität (ms)\n".encode("latin-1"), "or not in UTF-8"),
        (HEADER.encode(), "has a header and no rows"),
        (HEADER.encode() + b"\n,,,,\n\n", "has a header and no rows"),
        (HEADER.encode() + b"\n2026-11-02 22:4", "line 2: it has fewer columns than the header, as if cut off"),
        (b"Cycle start time,Nap,Sleep onset\n", "the nights of sleeps.csv are already in physiological_cycles.csv"),
        (b"Cycle start time,Workout start time\n", "workouts.csv is already in physiological_cycles.csv"),
        ((HEADER + "\n" + HEADER).encode(), "no row of this file can be read (line 2: its Cycle timezone is not"),
    ],
)
def test_a_file_that_is_no_export_is_refused_with_what_to_bring(read, content, says):
    assert says in refusal(read, content)


def test_a_nul_byte_far_down_refuses_the_file(read, cycles, row):
    assert "not a CSV in UTF-8" in refusal(read, cycles(row(), row(hrv="7\0")))


class OneLine(io.RawIOBase):
    """Half a gigabyte without a line end, made as it is asked for."""

    def __init__(self, first=b"", size=500_000_000):
        super().__init__()
        self.first, self.left, self.served = first, size, 0

    def read(self, size=-1):
        assert 0 < size < 1_000_000
        data = self.first or b"x" * min(size, self.left)
        self.first, self.left, self.served = b"", self.left - len(data), self.served + len(data)
        return data


@pytest.mark.parametrize("first", [b"", HEADER.encode() + b"\n"])
def test_half_a_gigabyte_of_one_line_is_not_read_to_its_end(read, now, first):
    stream = OneLine(first)
    tracemalloc.start()
    with pytest.raises(FileRefused, match="longer than 64 KB"):
        whoop_csv.read(stream, now=now)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert stream.served < 1_000_000


def test_a_latin_1_file_loses_the_rows_that_are_not_utf_8_and_no_other(read, journal):
    export = read(
        journal(
            "2026-11-02 22:41:07,,UTC-08:00,Have any alcoholic drinks?,true,café",
            ("Feeling sick or ill?", "false"),
        ).encode("latin-1")
    )
    tag, fault = export.rows
    assert tag.name == "ill"
    assert (fault.line, fault.reason) == (2, "it holds characters that are not UTF-8")


def test_a_file_cut_off_in_the_middle_keeps_what_is_whole(read, cycles, row):
    whole = cycles(row(), row(start="2026-11-03 23:02:55", end=""))
    export = read(whole[:-60])
    fault = export.rows[-1]
    assert (fault.line, fault.reason) == (3, "it has fewer columns than the header, as if cut off")
    assert len(export.rows) == 11


def _read_all(data, now):
    for source in SOURCES:
        for _, part in parts(source, io.BytesIO(data), "upload"):
            source.recognise(part.peek())
            source.read(part, now=now)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_a_refusal(data):
    for content in (data, HEADER.encode() + b"\n" + data, b"PK\x03\x04" + data, b"PK\x05\x06" + data):
        try:
            _read_all(content, datetime(2026, 11, 22, tzinfo=UTC))
        except FileRefused:
            continue
