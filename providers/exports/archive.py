"""The CSV members of a ZIP, or the file itself, as bounded streams. Nothing that a ZIP says of itself is believed."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from providers.errors import FileRefused
from providers.exports.table import LARGEST_FILE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_MEMBERS = 64
LARGEST_ARCHIVE = 2 * LARGEST_FILE  # all members together
LARGEST_DIRECTORY = 1 << 20
HIGHEST_RATIO = 100  # WHOOP's own ZIPs stay under 40; deflate can reach 1,032
RATIO_COUNTS_FROM = 1_000_000  # a short file of equal lines packs well and harms nobody
BUFFER = 1 << 16
SIP = 1 << 13  # unpacked at a time, as zipfile reads so far ahead: a bomb shows itself within a megabyte or two

_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 0xFFFF
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_SIZE = 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error)


def is_zip(stream: BinaryIO) -> bool:
    """Whether the file begins as a ZIP does; leaves the stream at its start."""
    stream.seek(0)
    head = stream.read(4)
    stream.seek(0)
    return head in {b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"}


def members(stream: BinaryIO, name: str) -> Iterator[tuple[str, io.BufferedReader]]:
    """Name and content of each CSV in a ZIP, or of the file itself; `stream` must be seekable.

    A member is open until the next is asked for. Raises FileRefused, also while a member is read: for what is cut
    off, corrupt, encrypted, too large or a bomb. Folders, resource forks of macOS and ZIPs inside are passed over.
    """
    if not is_zip(stream):
        yield name, io.BufferedReader(_Bounded(stream, _Spent()), BUFFER)
        return
    counted, spent = _Counted(stream), _Spent()
    with _opened(counted) as archive:
        for info in _tables(archive):
            counted.read_so_far = 0
            with _opened_member(archive, info) as packed:
                bounded = _Bounded(packed, spent, lambda: counted.read_so_far)
                yield PurePosixPath(info.filename).name, io.BufferedReader(bounded, BUFFER)


class _Counted:
    """A stream that counts what is taken from it, which is what a member really weighs."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read_so_far = 0
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.read_so_far += len(data)
        return data


class _Spent:
    """Bytes unpacked of the whole archive so far: many members that each just fit are a bomb too."""

    def __init__(self) -> None:
        self.total = 0


class _Bounded(io.RawIOBase):
    """A member that stops at its limits. Sizes are counted as they come; those in the directory are only claims."""

    def __init__(self, source: BinaryIO, archive: _Spent, packed: Callable[[], int] | None = None) -> None:
        super().__init__()
        self._source, self._archive, self._packed = source, archive, packed
        self._total = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            data = self._source.read(min(len(view), SIP))
        except _DAMAGE as error:
            raise _damaged() from error
        self._total += len(data)
        self._archive.total += len(data)
        self._refuse_excess()
        view[: len(data)] = data
        return len(data)

    def _refuse_excess(self) -> None:
        if self._total > LARGEST_FILE or self._archive.total > LARGEST_ARCHIVE:
            raise FileRefused(f"this file is larger than {LARGEST_FILE // 1_000_000} MB, which no export is")
        if self._packed and self._total > max(RATIO_COUNTS_FROM, HIGHEST_RATIO * self._packed()):
            raise FileRefused("this ZIP unpacks to far more than it holds, which no export does")


def _opened(stream: _Counted) -> zipfile.ZipFile:
    try:
        _refuse_large_directory(stream)
        return zipfile.ZipFile(stream)
    except _DAMAGE as error:
        raise _damaged() from error


def _refuse_large_directory(stream: _Counted) -> None:
    """Look at the directory's size before zipfile builds an object for each of its entries."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _LONGEST_COMMENT - _END_OF_DIRECTORY.size - _ZIP64_LOCATOR_SIZE))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise _damaged()
    directory = _END_OF_DIRECTORY.unpack_from(tail, at)[5]
    has_locator = tail[max(0, at - _ZIP64_LOCATOR_SIZE) : at].startswith(_ZIP64_LOCATOR)
    if directory > LARGEST_DIRECTORY or has_locator:  # ZIP64 is for archives far above our limits
        raise FileRefused("this ZIP lists far more files than an export has")


def _tables(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members that are CSVs by name and not a Mac's shadow of one."""
    listed = [info for info in archive.infolist() if not info.filename.endswith("/")]  # is_dir fails on an empty name
    tables = [info for info in listed if _is_table(PurePosixPath(info.filename))]
    if len(tables) > MOST_MEMBERS:
        raise FileRefused(f"this ZIP holds more than {MOST_MEMBERS} CSV files, which no export does")
    return tables


def _is_table(path: PurePosixPath) -> bool:
    shadow = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() == ".csv" and not shadow


def _opened_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    if info.flag_bits & 0x1:
        raise FileRefused("this ZIP has a password: bring it as the vendor sent it")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # LZMA may ask for gigabytes of memory
        raise FileRefused("this ZIP is packed in an unusual way: bring it as the vendor sent it")
    try:
        return archive.open(info)  # type: ignore[return-value]  # typed IO[bytes], which lacks nothing we use
    except (*_DAMAGE, OSError) as error:  # OSError: a header placed before the file's start
        raise _damaged() from error


def _damaged() -> FileRefused:
    return FileRefused("this ZIP is cut off or damaged: download it again")
