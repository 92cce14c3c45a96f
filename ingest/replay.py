"""Another try: of what was given up, spread over time; and of kept answers, through a mapping that is newer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

import providers
from ingest import clock, db, raws, store
from ingest.following import earliest
from ingest.models import (
    BackfillWindow,
    Connection,
    Delivery,
    Raw,
    ScoreRequest,
    StreamState,
    VendorAccount,
)
from ingest.reading import read_page
from ingest.saving import Saved, save
from ingest.sync import source_of
from ingest.vault import vault
from providers.base import Asked, Provider, Stream
from providers.errors import VagusError

KINDS = ("stream", "window", "score", "message")


@dataclass(frozen=True, slots=True)
class Buried:
    """One job that was given up; `about` says of what, without anything of a person's health."""

    kind: str
    id: int
    about: str
    reason: str
    since: datetime | None


def buried(session: Session, kind: str | None = None, matching: str | None = None) -> list[Buried]:
    """What was given up, by kind; `matching` is part of a reason. Raises VagusError for a kind there is not."""
    if kind is not None and kind not in KINDS:
        raise VagusError(f"there are no buried jobs of kind {kind}: {', '.join(KINDS)}")
    found = [*_streams(session), *_windows(session), *_scores(session), *_messages(session)]
    return [job for job in found if kind in {None, job.kind} and (matching or "") in job.reason]


def replay(session: Session, jobs: Sequence[Buried], spread: timedelta) -> int:
    """Make these due again, one after the other over `spread`; how many."""
    now = clock.now()
    for place, job in enumerate(jobs):
        _revive(session, job, now + spread * place / max(1, len(jobs)))
    return len(jobs)


def read_again(seen: Callable[[int, int], None]) -> int:
    """Read every kept answer of an older mapping anew; `seen` hears how many of how many. Returns rows written."""
    with db.transaction() as session:
        waiting = [
            (key, connection.id, stream)
            for connection, provider in _grants(session)
            for stream in provider.streams
            for key in raws.older_mappings(session, connection.id, [stream])
        ]
    written = 0
    for count, (key, _, stream) in enumerate(waiting, 1):
        written += _read_one(key, stream).written
        seen(count, len(waiting))
    return written


def _read_one(raw_id: int, stream: Stream) -> Saved:
    """Read one kept answer anew, in one transaction under the fence; what stands and is newer stays."""
    with db.transaction() as session:
        raw = session.get(Raw, raw_id)
        if raw is None:
            return Saved()
        since, until, pages = raws.unpack(vault().open(raw.body, raws.place(raw.connection, raw.content)))
        person = _person_of(session, raw.connection)
        source = source_of(session, raw.connection, person, stream, raw.at)
        total = Saved()
        for body in pages:
            total.add(save(session, source, read_page(stream, body, Asked(since, until)).rows))
        raw.mapping = str(stream.mapping)
        if total.written:
            store.request_score(session, person, "read again")
        return total


def _grants(session: Session) -> list[tuple[Connection, Provider]]:
    rows = session.execute(
        select(Connection, VendorAccount.vendor)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .where(Connection.kind == "grant")
        .order_by(Connection.id)
    )
    return [(connection, providers.get(vendor)) for connection, vendor in rows]


def _person_of(session: Session, connection: int) -> int:
    rows = select(VendorAccount.person).join(Connection, Connection.vendor_account == VendorAccount.id)
    return session.scalars(rows.where(Connection.id == connection)).one()


def _streams(session: Session) -> list[Buried]:
    rows = session.scalars(select(StreamState).where(StreamState.state == "buried").order_by(StreamState.connection))
    return [
        Buried(
            "stream",
            row.connection,
            f"connection {row.connection}, {row.stream}",
            row.last_error or "",
            row.failing_since,
        )
        for row in rows
    ]


def _windows(session: Session) -> list[Buried]:
    rows = session.scalars(select(BackfillWindow).where(BackfillWindow.state == "buried").order_by(BackfillWindow.id))
    return [
        Buried(
            "window",
            row.id,
            f"connection {row.connection}, {row.stream} from {row.start_at:%d %b %Y}",
            row.error or "",
            row.due_at,
        )
        for row in rows
    ]


def _scores(session: Session) -> list[Buried]:
    rows = session.scalars(select(ScoreRequest).where(ScoreRequest.buried_at.is_not(None)))
    return [Buried("score", row.person, f"person {row.person}", row.error or "", row.buried_at) for row in rows]


def _messages(session: Session) -> list[Buried]:
    rows = session.scalars(select(Delivery).where(Delivery.status == "failed").order_by(Delivery.id))
    return [
        Buried("message", row.id, f"delivery {row.id}, {row.kind}", row.error or "", row.created_at) for row in rows
    ]


def _revive(session: Session, job: Buried, due_at: datetime) -> None:
    fresh = {"attempts": 0, "lease_token": None, "lease_until": None}
    match job.kind:
        case "stream":
            _revive_stream(session, job, due_at)
        case "window":
            again = update(BackfillWindow).where(BackfillWindow.id == job.id, BackfillWindow.state == "buried")
            session.execute(again.values(state="waiting", due_at=due_at, **fresh))
        case "score":
            again = update(ScoreRequest).where(ScoreRequest.person == job.id)
            session.execute(again.values(buried_at=None, due_at=due_at, version=ScoreRequest.version + 1, **fresh))
        case "message":
            again = update(Delivery).where(Delivery.id == job.id, Delivery.status == "failed")
            session.execute(again.values(status="waiting", not_before=due_at, **fresh))


def _revive_stream(session: Session, job: Buried, due_at: datetime) -> None:
    connection = session.get_one(Connection, job.id, with_for_update=True)  # its row first, then its streams'
    stream = job.about.rpartition(", ")[2]
    own = (StreamState.connection == job.id, StreamState.stream == stream, StreamState.state == "buried")
    session.execute(update(StreamState).where(*own).values(state="following", next_at=due_at, fail_count=0))
    if connection.state == "active":
        connection.next_sync_at = earliest(session, connection.id)
