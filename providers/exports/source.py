"""What every vendor's file reader offers, so that import code knows none of them by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from providers.shapes import Row


@dataclass(frozen=True, slots=True)
class Export:
    """What one file said: its rows, the number of its lines, and `as_of`, the latest instant it speaks of (UTC)."""

    stream: str
    as_of: datetime
    rows: list[Row]
    lines: int


class Read(Protocol):
    """Reads one open file; calls `seen` with the bytes read so far; raises FileRefused for the file as a whole."""

    def __call__(self, stream: BinaryIO, *, now: datetime, seen: Callable[[int], None] = ...) -> Export:
        """Read `stream` to its end; rows that lie in the future of `now` are set aside."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A vendor whose files can be imported.

    `recognise` names the stream of a file by its first bytes. `mapping` is stored with the data, so that a corrected
    mapping can be told from the one before. `known_but_unused` says, per stream, why a file is passed over; `wanted`
    is the file to bring and `hint` where a person finds it.
    """

    vendor: str
    title: str
    recognise: Callable[[bytes], str | None]
    read: Read
    mapping: str
    known_but_unused: Mapping[str, str]
    wanted: str
    hint: str
