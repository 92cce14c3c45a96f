"""Files that people can download from a vendor: one `FileSource` a vendor, one line in SOURCES."""

from collections.abc import Iterator
from io import BufferedReader
from typing import BinaryIO

from providers.errors import FileRefused
from providers.exports import whoop_csv
from providers.exports.archive import is_zip, members
from providers.exports.source import FileSource

SOURCES: tuple[FileSource, ...] = (whoop_csv.SOURCE,)

HEAD = 1 << 14  # bytes shown to `recognise`: every header known is under 1 KB


def get(vendor: str) -> FileSource:
    """The source of this vendor's files; raises FileRefused with the list of those there are."""
    for source in SOURCES:
        if source.vendor == vendor:
            return source
    known = ", ".join(source.vendor for source in SOURCES)
    raise FileRefused(f"files of “{vendor}” cannot be read; those of these vendors can: {known}")


def parts(source: FileSource, stream: BinaryIO, name: str) -> Iterator[tuple[str, BufferedReader]]:
    """What `source.read` should be given of this file: the file itself, or the useful members of a ZIP, one by one.

    Each part must be read before the next is asked for. Files that the vendor's ZIP holds and we do not use are
    passed over; a ZIP with nothing of use raises FileRefused. A file that is no ZIP is not judged here: `read` says
    what is wrong with it.
    """
    archived, found = is_zip(stream), False
    for title, member in members(stream, name):
        if archived:
            kind = source.recognise(member.peek(HEAD)[:HEAD])
            if kind is None or kind in source.known_but_unused:
                continue
        found = True
        yield title, member
    if not found:
        raise FileRefused(f"this ZIP has no {source.wanted}: {source.hint}")
