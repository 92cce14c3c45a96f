"""One broken row never takes another with it, and no line is read further than its bound."""

import io

import pytest

from providers.errors import FileRefused
from providers.exports import table

HEADER = table.Header(["when", "what", "note"], ",")
FIRST, SECOND, THIRD = "2026-11-01 22:00:00,a,", "2026-11-02 22:00:00,b,", "2026-11-03 22:00:00,c,"


def read_rows(*texts, header=HEADER):
    data = "\n".join(texts).encode() if isinstance(texts[0], str) else b"\n".join(texts)
    return list(table.rows(table.lines(io.BytesIO(data), lambda _: None), header))


def outcome(rows):
    return [(row.number, row.cells[1] if not row.fault else row.fault) for row in rows]


UNCLOSED = "a quote is opened and never closed"
BROKEN = "its quotes are broken"


def test_a_quoted_note_may_hold_separators_quotes_and_line_breaks():
    note = '"late, ""strong"" espresso\nand\n\nregret"'
    first, second = read_rows(FIRST + note, SECOND)
    assert first.cells == ["2026-11-01 22:00:00", "a", 'late, "strong" espresso\nand\n\nregret']
    assert (first.number, second.number) == (1, 5)
    assert first.text == FIRST + note


@pytest.mark.parametrize(
    "broken",
    [
        FIRST + '"open',
        FIRST + '"',
        '2026-11-01 22:00:00,"a,note',
        FIRST + '"""',
        FIRST + '"open\nmore of the note',
    ],
)
def test_a_quote_that_never_closes_costs_its_own_line_alone(broken):
    rows = read_rows(broken, SECOND + '"fine"', THIRD)
    assert outcome(rows)[0] == (1, UNCLOSED)
    assert [row.cells[1] for row in rows if not row.fault][-2:] == ["b", "c"]


def test_a_quote_left_open_does_not_close_in_a_later_rows_note():
    rows = read_rows(FIRST + '"open', SECOND + '", begins with a comma"', THIRD + '"\nwraps"')
    assert outcome(rows) == [(1, UNCLOSED), (2, "b"), (3, "c")]


def test_text_after_a_closing_quote_ends_the_search_for_a_close():
    rows = read_rows(FIRST + '"open', 'x"y, more', 'and "', THIRD)
    assert [row.number for row in rows if row.fault] == [1, 2, 3]


def test_a_quote_left_open_on_the_last_line_is_one_fault():
    assert outcome(read_rows(FIRST, SECOND + '"open')) == [(1, "a"), (2, UNCLOSED)]


@pytest.mark.parametrize("broken", ['2026-11-01 22:00:00,"a"b,c', '2026-11-01 22:00:00,a,"x\n"y"z'])
def test_text_beside_a_quoted_cell_is_a_fault_of_that_row(broken):
    rows = read_rows(broken, SECOND)
    assert rows[0].fault in (BROKEN, UNCLOSED)
    assert outcome(rows)[-1][1] == "b"


def test_a_quote_in_the_middle_of_a_cell_is_a_character():
    (row,) = read_rows(FIRST + '5" screen')
    assert row.cells[2] == '5" screen'


def test_a_row_with_its_time_in_another_column_is_still_known_as_a_row():
    header = table.Header(["note", "what", "when"], ",")
    rows = read_rows('"open,x,2026-11-01 22:00:00', '", y",b,2026-11-02 22:00:00', header=header)
    assert [row.fault for row in rows] == [UNCLOSED, None]


def test_a_note_may_begin_a_line_with_a_time():
    (row,) = read_rows(FIRST + '"slept badly\n2026-11-01 23:00:00 woke"')
    assert row.cells[2].endswith("woke")


def test_a_note_of_a_hundred_lines_is_read_and_a_longer_one_is_set_aside():
    def note(count):
        return FIRST + '"' + "\n".join(["x"] * count) + '"'

    assert outcome(read_rows(note(100), SECOND)) == [(1, "a"), (101, "b")]
    assert outcome(read_rows(note(101), SECOND))[0] == (1, UNCLOSED)


def test_a_note_of_more_than_64_kb_is_set_aside():
    rows = read_rows(FIRST + '"' + "\n".join(["x" * 30_000] * 3) + '"', SECOND)
    assert outcome(rows)[0] == (1, UNCLOSED)
    assert outcome(rows)[-1][1] == "b"


def test_a_note_whose_next_line_is_no_text_is_set_aside_and_so_is_that_line():
    rows = read_rows(FIRST.encode() + b'"open', b'caf\xe9"', SECOND.encode())
    assert outcome(rows) == [(1, UNCLOSED), (2, "it holds characters that are not UTF-8"), (3, "b")]
    assert rows[1].text == 'caf\\xe9"'


def test_thousands_of_open_quotes_end_the_reading():
    with pytest.raises(FileRefused, match="more than 1,000 lines open a quote"):
        read_rows(*['x","'] * 1_500)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2026-11-01 22:00:00,a", "it has fewer columns than the header, as if cut off"),
        ("2026-11-01 22:00:00,a,b,c", "it has more columns than the header"),
    ],
)
def test_a_row_that_does_not_fit_its_header_is_a_fault(text, fault):
    assert outcome(read_rows(text, SECOND)) == [(1, fault), (2, "b")]


def test_empty_cells_beyond_the_header_and_blank_lines_say_nothing():
    rows = read_rows("", FIRST + ",,,", " ", ",,", ",,,,,", "\t", SECOND)
    assert outcome(rows) == [(2, "a"), (7, "b")]


def test_lines_end_in_any_convention_even_where_a_chunk_splits_one():
    filler = b"x" * (table.CHUNK - 3)
    data = filler + b"\r\n1\r\r\n2\n\n3"
    assert list(table.lines(io.BytesIO(data), lambda _: None))[1:] == [
        (2, b"1"),
        (3, b""),
        (4, b"2"),
        (5, b""),
        (6, b"3"),
    ]
    split = b"y" * (table.CHUNK - 1) + b"\r\n1\n"
    assert [number for number, _ in table.lines(io.BytesIO(split), lambda _: None)] == [1, 2]


def test_progress_counts_the_bytes_read():
    seen = []
    list(table.lines(io.BytesIO(b"a\n" * table.CHUNK), seen.append))
    assert seen == [table.CHUNK, 2 * table.CHUNK]


def test_a_line_of_64_kb_is_read_and_one_byte_more_is_refused():
    assert len(list(table.lines(io.BytesIO(b"x" * (1 << 16)), lambda _: None))) == 1
    with pytest.raises(FileRefused, match="line 2 is longer than 64 KB"):
        list(table.lines(io.BytesIO(b"a\n" + b"x" * ((1 << 16) + 1)), lambda _: None))
    with pytest.raises(FileRefused, match="line 1 is longer than 64 KB"):
        list(table.lines(io.BytesIO(b"x" * ((1 << 16) + 1) + b"\na"), lambda _: None))


def test_more_lines_than_an_export_can_have_are_refused(monkeypatch):
    monkeypatch.setattr(table, "MOST_LINES", 3)
    with pytest.raises(FileRefused, match="more than 3 lines"):
        list(table.lines(io.BytesIO(b"a\nb\nc\nd\n"), lambda _: None))


def test_more_bytes_than_an_export_can_have_are_refused(monkeypatch):
    monkeypatch.setattr(table, "LARGEST_FILE", 1_000_000)
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        list(table.lines(io.BytesIO(b"aaaa\n" * 250_000), lambda _: None))
