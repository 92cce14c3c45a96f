"""Bring in a file that a person downloaded from a vendor: one way, for the command line and for an upload.

A file is read whole before anything is stored, so that one which is refused leaves no trace; what can be read is saved
in one transaction under the connection's fence, with the file itself as raw, once per account and content.
"""

import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, BinaryIO

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import accounts, clock, db, people, runs
from ingest.models import Raw, Run, RunFile
from ingest.saving import Saved, save
from ingest.settings import settings
from ingest.source import FILE_RANK, Source
from ingest.store import request_score
from ingest.vault import vault
from providers import exports, shapes
from providers.errors import FileRefused
from providers.exports.source import Export, FileSource

LARGEST_UPLOAD = 50 * 1024 * 1024
BUFFER = 1 << 16


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a file, read: its rows, and the bytes it was read from, compressed."""

    export: Export
    content: str
    size: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole file, read and not yet saved."""

    source: FileSource
    name: str
    parts: list[Part]


@dataclass(slots=True)
class Imported:
    """What an import did, in the words of its summary."""

    person: int
    run: int
    file: str
    saved: Saved = field(default_factory=Saved)
    nights: int = 0
    first_day: date | None = None
    last_day: date | None = None
    rejects: list[shapes.Rejected] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The counts as a document, for the run and for `--json`."""
        return {
            "file": self.file,
            "nights": self.nights,
            "first_day": self.first_day.isoformat() if self.first_day else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "day_values": self.saved.day_values,
            "episodes": self.saved.episodes,
            "tags": self.saved.tags,
            "new": self.saved.new,
            "revised": self.saved.revised,
            "unchanged": self.saved.unchanged,
            "rejected": self.saved.rejected,
        }


def read_file(source: FileSource, name: str, stream: BinaryIO, seen: Callable[[int], None]) -> Reading:
    """Read a CSV or a ZIP of CSVs; `seen` hears how many bytes of the file itself are read, packed as they are.

    Raises FileRefused, with nothing stored.
    """
    parts: list[Part] = []
    for _, body in exports.parts(source, stream, name):
        copy = _Copy(body, lambda: seen(stream.tell()))
        export = source.read(io.BufferedReader(copy, BUFFER), now=clock.now())
        parts.append(Part(export, copy.content, copy.size, copy.packed()))
    return Reading(source, name, parts)


def import_file(
    address: str, vendor: str, name: str, stream: BinaryIO, seen: Callable[[int], None] = lambda _: None
) -> Imported:
    """Import a file for the person at `address`, made if new. Raises FileRefused, VagusError."""
    normal = people.normal_address(address)
    reading = read_file(exports.get(vendor), name, stream, seen)
    with db.transaction() as session:
        person = people.ensure(session, normal)
        run = Run(person=person.id, kind="import", state="running", created_at=clock.now())
        session.add(run)
        session.flush()
        return _save(session, run, reading)


def accept_upload(session: Session, person_id: int, vendor: str, name: str, stream: BinaryIO) -> int:
    """Keep an upload, sealed, until a worker runs it; the id of its run. Raises FileRefused at the first look."""
    accounts.lock_active(session, person_id)
    source = exports.get(vendor)
    body = stream.read(LARGEST_UPLOAD + 1)
    if len(body) > LARGEST_UPLOAD:
        raise FileRefused(f"{name}: over {LARGEST_UPLOAD // 1024**2} MB, which no export is: {source.hint}")
    next(exports.parts(source, io.BytesIO(body), name))
    run = Run(person=person_id, kind="import", state="due", due_at=clock.now(), total=len(body), created_at=clock.now())
    run.summary = {"file": name, "vendor": vendor}
    session.add(run)
    session.flush()
    session.add(RunFile(run=run.id, name=name, body=vault().seal(zlib.compress(body, 1), f"run_file|{run.id}|body")))
    return run.id


def run_import(run_id: int, lease_token: str) -> None:
    """Import the upload that waits with this run. A file refused ends the run with its reason. Raises LeaseLost."""
    with db.transaction() as session:
        run = session.get_one(Run, run_id)
        waiting = session.get(RunFile, run_id)
        if run.lease_token != lease_token or waiting is None:
            raise runs.LeaseLost(f"run {run_id} was taken over")
        source = exports.get(run.summary["vendor"])
        body = zlib.decompress(vault().open(waiting.body, f"run_file|{run_id}|body"))
        name = waiting.name
    try:
        reading = read_file(source, name, io.BytesIO(body), runs.Progress(run_id, lease_token, len(body)))
        with db.transaction() as session:
            runs.extend(session, run_id, lease_token)
            _save(session, session.get_one(Run, run_id), reading)
    except FileRefused as refused:
        with db.transaction() as session:
            runs.extend(session, run_id, lease_token)
            _end(session, session.get_one(Run, run_id), "cancelled", str(refused))


def _save(session: Session, run: Run, reading: Reading) -> Imported:
    """Save a file that was read, ask for a score, end its run: all in the caller's transaction. Raises Erased."""
    account = accounts.file_account(session, run.person, reading.source.vendor)
    connection = accounts.file_connection(session, account)
    done = Imported(run.person, run.id, reading.name)
    days: set[date] = set()
    for part in reading.parts:
        version = f"{int(reading.source.mapping):04d}:{part.content}"
        origin = Source(
            run.person, account.id, connection, part.export.stream, FILE_RANK, part.export.as_of, version, run.id
        )
        done.saved.add(save(session, origin, part.export.rows))
        _keep_raw(session, connection, reading, part)
        days |= {row.day for row in part.export.rows if isinstance(row, shapes.Episode)}
        done.rejects += [row for row in part.export.rows if isinstance(row, shapes.Rejected)]
    done.nights = len(days)
    done.first_day, done.last_day = (min(days), max(days)) if days else (None, None)
    if done.saved.written:
        request_score(session, run.person, "import")
    run.connection, run.rejected, run.summary = connection, done.saved.rejected, done.summary()
    _end(session, run, "partial" if done.saved.rejected else "succeeded")
    return done


def _end(session: Session, run: Run, state: str, error: str | None = None) -> None:
    run.state, run.error, run.ended_at = state, error, clock.now()
    run.due_at = run.lease_token = run.lease_until = None
    run.done = run.total or 0
    session.execute(delete(RunFile).where(RunFile.run == run.id))


def _keep_raw(session: Session, connection: int, reading: Reading, part: Part) -> None:
    place = f"raw|{connection}|{part.content}"
    kept = insert(Raw).values(
        connection=connection,
        stream=part.export.stream,
        content=part.content,
        mapping=reading.source.mapping,
        size=part.size,
        body=vault().seal(part.packed, place),
        at=clock.now(),
        expires_at=clock.now() + timedelta(days=settings().raw_days),
    )
    session.execute(kept.on_conflict_do_nothing())


class _Copy(io.RawIOBase):
    """A stream that hashes, counts and compresses what is read through it."""

    def __init__(self, stream: BinaryIO, seen: Callable[[], None]) -> None:
        self._stream, self._seen = stream, seen
        self._hash, self._packer, self._packed = hashlib.sha256(), zlib.compressobj(6), io.BytesIO()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._hash.update(chunk)
        self._packed.write(self._packer.compress(chunk))
        self.size += len(chunk)
        self._seen()
        return len(chunk)

    @property
    def content(self) -> str:
        return self._hash.hexdigest()

    def packed(self) -> bytes:
        self._packed.write(self._packer.flush())
        return self._packed.getvalue()
