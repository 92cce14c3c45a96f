"""A ZIP is read as what it really holds, not as what it claims."""

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import FileRefused
from providers.exports import SOURCES, archive, get, parts
from providers.exports.archive import members

WHOOP = SOURCES[0]
CYCLES = b"Cycle start time,Cycle timezone,HRV\n2026-11-02 22:41:07,Z,71\n"
JOURNAL = b"Cycle start time,Question text,Answered yes\n2026-11-02 22:41:07,Traveled on a plane?,true\n"
SLEEPS = b"Cycle start time,Sleep onset,Wake onset,Nap\n"
DAMAGED = "this ZIP is cut off or damaged: download it again"


def packed(*named, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as written:
        for name, content in named:
            written.writestr(name, content)
    return buffer.getvalue()


def contents(data, name="upload.zip"):
    return {title: member.read() for title, member in members(io.BytesIO(data), name)}


def chosen(data, name="upload.zip"):
    return [title for title, _ in parts(WHOOP, io.BytesIO(data), name)]


def test_a_file_that_is_no_zip_is_its_own_only_member():
    assert contents(CYCLES, "cycles.csv") == {"cycles.csv": CYCLES}
    assert chosen(b"anything", "notes.txt") == ["notes.txt"]
    assert contents(b"", "empty") == {"empty": b""}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_csv_members_come_out_whole_under_their_bare_names(compression):
    large = CYCLES + b"".join(b"2026-11-02 22:41:07,Z,%d\n" % (hrv**2) for hrv in range(20_000))
    data = packed(("my_whoop_data/A.csv", CYCLES), ("B.CSV", large), ("photo.jpg", b"x"), compression=compression)
    assert contents(data) == {"A.csv": CYCLES, "B.CSV": large}


def test_folders_shadows_of_macos_and_zips_inside_are_passed_over():
    inner = packed(("physiological_cycles.csv", CYCLES))
    data = packed(
        ("folder.csv/", b""),
        ("__MACOSX/._physiological_cycles.csv", b"\0\5\x16\7"),
        ("data/._physiological_cycles.csv", b"\0\5\x16\7"),
        ("inner.zip", inner),
        ("physiological_cycles.csv", CYCLES),
    )
    assert contents(data) == {"physiological_cycles.csv": CYCLES}


def test_a_zip_renamed_csv_inside_a_zip_is_not_opened():
    data = packed(("inner.csv", packed(("physiological_cycles.csv", CYCLES))))
    with pytest.raises(FileRefused, match=r"this ZIP has no physiological_cycles\.csv"):
        chosen(data)


def test_of_whoops_zip_the_cycles_and_the_journal_are_used_under_any_name():
    data = packed(("a.csv", SLEEPS), ("zyklen.csv", CYCLES), ("b.csv", b"x,y\n"), ("journal.csv", JOURNAL))
    assert chosen(data) == ["zyklen.csv", "journal.csv"]
    assert chosen(packed(("journal.csv", JOURNAL))) == ["journal.csv"]


@pytest.mark.parametrize("named", [[("sleeps.csv", SLEEPS)], [("photo.jpg", b"x")], [("notes.csv", b"a,b\n")], []])
def test_a_zip_without_anything_of_use_says_which_file_to_bring(named):
    with pytest.raises(FileRefused) as refused:
        chosen(packed(*named))
    assert str(refused.value) == (
        "this ZIP has no physiological_cycles.csv: in WHOOP's app, Menu → Export WHOOP Data sends it by mail"
    )


def test_looking_at_a_member_takes_nothing_from_it(now):
    for _, member in parts(WHOOP, io.BytesIO(packed(("cycles.csv", CYCLES))), "x.zip"):
        assert WHOOP.read(member, now=now).lines == 2


def test_a_zip_that_is_cut_off_anywhere_is_refused():
    data = packed(("cycles.csv", CYCLES))
    for size in range(4, len(data)):
        with pytest.raises(FileRefused, match=DAMAGED):
            contents(data[:size])


def test_a_zip_with_a_wrong_checksum_is_refused_when_it_is_read():
    data = bytearray(packed(("cycles.csv", CYCLES), compression=zipfile.ZIP_STORED))
    data[data.index(b"HRV")] ^= 1
    with pytest.raises(FileRefused, match=DAMAGED):
        contents(bytes(data))


@settings(deadline=None)
@given(st.data())
def test_a_zip_with_any_byte_changed_raises_nothing_but_a_refusal(data):
    whole = bytearray(packed(("cycles.csv", CYCLES), ("journal.csv", JOURNAL)))
    at = data.draw(st.integers(4, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    try:
        contents(bytes(whole))
    except FileRefused as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - most changes are harmless


def test_a_zip_with_a_password_is_refused():
    data = bytearray(packed(("cycles.csv", CYCLES)))
    data[6] |= 1  # the flag in the member's header, and below in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FileRefused, match="this ZIP has a password"):
        contents(bytes(data))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_may_ask_for_any_memory_is_refused(compression):
    with pytest.raises(FileRefused, match="packed in an unusual way"):
        contents(packed(("cycles.csv", CYCLES), compression=compression))


def test_a_bomb_is_stopped_while_it_unpacks_however_small_it_claims_to_be():
    bomb = bytearray(packed(("cycles.csv", b"\n" * 50_000_000)))
    read = 0
    opened = members(io.BytesIO(bytes(bomb)), "bomb.zip")
    _, member = next(opened)
    with pytest.raises(FileRefused, match="unpacks to far more than it holds"):  # noqa: PT012 - it is the loop that ends
        while chunk := member.read(1 << 16):
            read += len(chunk)
    assert read < 10_000_000  # of fifty
    directory = bomb.index(b"PK\x01\x02")
    struct.pack_into("<L", bomb, directory + 24, 100)
    with pytest.raises(FileRefused, match=DAMAGED):
        contents(bytes(bomb))


def test_a_member_larger_than_any_export_is_refused(monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_FILE", 1_000_000)
    monkeypatch.setattr(archive, "LARGEST_ARCHIVE", 2_000_000)
    data = packed(("cycles.csv", bytes(1_000_001)), compression=zipfile.ZIP_STORED)
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        contents(data)
    fits = [(f"{number}.csv", bytes(900_000)) for number in range(3)]
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        contents(packed(*fits, compression=zipfile.ZIP_STORED))
    assert len(contents(packed(*fits[:2], compression=zipfile.ZIP_STORED))) == 2


def test_more_csv_files_than_an_export_has_are_refused():
    with pytest.raises(FileRefused, match="more than 64 CSV files"):
        contents(packed(*[(f"{number}.csv", b"a") for number in range(65)]))
    assert len(contents(packed(*[(f"{number}.csv", b"a") for number in range(64)]))) == 64


def test_a_directory_of_thousands_is_refused_before_it_is_read(monkeypatch):
    data = bytearray(packed(("cycles.csv", CYCLES)))
    struct.pack_into("<L", data, len(data) - 22 + 12, archive.LARGEST_DIRECTORY + 1)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # calling it would be a TypeError
    with pytest.raises(FileRefused, match="far more files"):
        contents(bytes(data))


def test_a_zip64_directory_is_refused_before_it_is_read():
    data = packed(("cycles.csv", CYCLES))
    locator = b"PK\x06\x07" + bytes(16)
    with pytest.raises(FileRefused, match="far more files"):
        contents(data[:-22] + locator + data[-22:])


def test_a_member_placed_before_the_files_start_is_refused(tmp_path):
    data = bytearray(packed(("cycles.csv", CYCLES)))
    struct.pack_into("<L", data, len(data) - 22 + 16, 0xFFFF)  # where the directory claims to be
    path = tmp_path / "odd.zip"
    path.write_bytes(bytes(data))
    with path.open("rb") as stream, pytest.raises(FileRefused, match=DAMAGED):
        list(members(stream, "odd.zip"))


def test_a_broken_stream_inside_a_member_is_refused():
    data = bytearray(packed(("cycles.csv", CYCLES * 100)))
    start = data.index(b"cycles.csv") + len(b"cycles.csv")
    data[start] = 0xFF  # no such kind of block
    with pytest.raises(FileRefused, match=DAMAGED):
        contents(bytes(data))


def test_an_unknown_vendor_is_told_which_there_are():
    assert get("whoop").title == "WHOOP"
    with pytest.raises(FileRefused, match="files of “fitbit” cannot be read; those of these vendors can: whoop"):
        get("fitbit")


def test_every_source_says_why_it_passes_a_file_over():
    for source in SOURCES:
        assert source.mapping
        assert all(source.known_but_unused.values())
