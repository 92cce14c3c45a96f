"""What a vendor answered, kept sealed for a time: one complete answer a window, so that a mapping's mistake is mended.

An answer that equals the one kept, under the same mapping, needs no reading. A newer mapping reads all again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import zstandard
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock
from ingest.grants.following import midnight
from ingest.models import Raw
from ingest.settings import settings
from ingest.vault import vault
from providers.base import Stream

LEVEL = 1  # of zstandard
LARGEST = 8 * 1024 * 1024  # of one answer, packed: beyond it an answer is not kept

# Made once, as every window that is asked begins with it.
SAME = select(Raw.id).where(
    Raw.connection == bindparam("one"),
    Raw.stream == bindparam("of"),
    Raw.window_start == bindparam("since"),
    Raw.content == bindparam("hash"),
    Raw.mapping == bindparam("read_by"),
    Raw.at >= bindparam("today"),
)


@dataclass(slots=True)
class Answer:
    """The pages of one window: hashed as they come, packed once it is known that they are new."""

    since: datetime
    until: datetime
    sizes: list[int] = field(default_factory=list)
    digest: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=20))
    _packer: Any = field(default_factory=lambda: zstandard.ZstdCompressor(level=LEVEL).compressobj())
    _packed: bytearray = field(default_factory=bytearray)
    _last: bytes = b""

    def add(self, body: bytes) -> None:
        """Take the next page."""
        self._pack()
        self.digest.update(len(body).to_bytes(8, "big") + body)
        self.sizes.append(len(body))
        self._last = body

    @property
    def content(self) -> str:
        """The hash of all pages."""
        return self.digest.hexdigest()

    def packed(self) -> bytes | None:
        """A line that says how long each page is and what was asked, then the pages; None where they are too much."""
        self._pack()
        body: bytes = bytes(self._packed) + self._packer.flush()
        if len(body) > LARGEST:
            return None
        head = {"sizes": self.sizes, "since": self.since.isoformat(), "until": self.until.isoformat()}
        line: bytes = json.dumps(head).encode() + b"\n"
        return line + body

    def _pack(self) -> None:
        if len(self._packed) <= LARGEST:
            self._packed += self._packer.compress(self._last)
        self._last = b""


def unpack(packed: bytes) -> tuple[datetime, datetime, list[bytes]]:
    """What `Answer.packed` made: the span that was asked, and its pages."""
    line, _, body = packed.partition(b"\n")
    head = json.loads(line)
    whole, pages, start = zstandard.ZstdDecompressor().decompressobj().decompress(body), [], 0
    for size in head["sizes"]:
        pages.append(whole[start : start + size])
        start += size
    return datetime.fromisoformat(head["since"]), datetime.fromisoformat(head["until"]), pages


def same(session: Session, connection: int, stream: Stream, since: datetime, content: str) -> bool:
    """Whether this very answer was read under this mapping today: what a day still open says changes at its end."""
    answer = {"one": connection, "of": stream.name, "since": since, "hash": content, "read_by": str(stream.mapping)}
    return session.scalar(SAME, answer | {"today": midnight(clock.now())}) is not None


def keep(session: Session, connection: int, stream: Stream, answer: Answer) -> bool:
    """Keep a complete answer in place of the one before; False where it is too large to be kept."""
    packed = answer.packed()
    if packed is None:
        return False
    now = clock.now()
    row = {
        "content": answer.content,
        "mapping": str(stream.mapping),
        "size": sum(answer.sizes),
        "body": vault().seal(packed, place(connection, answer.content)),
        "at": now,
        "expires_at": now + timedelta(days=settings().raw_days),
    }
    new = insert(Raw).values(connection=connection, stream=stream.name, window_start=answer.since, **row)
    window = [Raw.connection, Raw.stream, Raw.window_start]
    replaced = new.on_conflict_do_update(index_elements=window, index_where=Raw.window_start.is_not(None), set_=row)
    session.execute(replaced)
    return True


def place(connection: int, content: str) -> str:
    """Where a kept answer is sealed to."""
    return f"raw|{connection}|{content}"


def older_mappings(session: Session, stream: Stream) -> Sequence[int]:
    """The kept answers of a stream that were read under another mapping than today's, oldest first."""
    behind = (Raw.stream == stream.name, Raw.mapping != str(stream.mapping), Raw.window_start.is_not(None))
    return session.scalars(select(Raw.id).where(*behind).order_by(Raw.at, Raw.id)).all()


def hold_to_cap(session: Session, connection: int) -> None:
    """Let the oldest answers go where a connection's are more than the cap together; asked once a run."""
    newest_first = func.sum(func.octet_length(Raw.body)).over(order_by=(Raw.at.desc(), Raw.id.desc()))
    together = (
        select(Raw.id, newest_first.label("together"))
        .where(Raw.connection == connection, Raw.window_start.is_not(None))
        .subquery()
    )
    beyond = select(together.c.id).where(together.c.together > settings().raw_mb * 1024 * 1024)
    session.execute(delete(Raw).where(Raw.id.in_(beyond)), execution_options={"synchronize_session": False})
