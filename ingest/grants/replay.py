"""What was given up: another try, spread over time, or its end; and kept answers, read by a mapping that is newer."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

import providers
from ingest import clock, db, store
from ingest.grants import raws
from ingest.grants.following import earliest
from ingest.grants.reading import read_page
from ingest.grants.sync import source_of
from ingest.models import (
    BackfillWindow,
    Connection,
    Delivery,
    Raw,
    ScoreRequest,
    StreamState,
    VendorAccount,
)
from ingest.saving import Saved, save
from ingest.vault import vault
from providers.base import Asked, Stream
from providers.errors import VagusError

KINDS = ("stream", "window", "score", "message")
DISCARDED = "discarded by an operator"
MAIL_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, slots=True)
class Buried:
    """One job that was given up; `about` says of what, without anything of a person's health.

    `topic` is the stream, or the kind of message. A `reason` may quote another server, whatever that says. One that is
    `asleep` is of a connection that is not active: replayed, it waits until that is.
    """

    kind: str
    id: int
    about: str
    reason: str
    since: datetime | None
    person: int
    topic: str = ""
    asleep: bool = False

    @property
    def said(self) -> str:
        """The reason as it may be shown: mail servers name in theirs whom they refuse."""
        return without_addresses(self.reason)


def without_addresses(text: str) -> str:
    """A line that somebody else may have written, without the mail addresses in it."""
    return MAIL_ADDRESS.sub("…@…", text)


def buried(session: Session, kind: str | None = None, matching: str | None = None) -> list[Buried]:
    """What was given up, by kind; `matching` is part of a reason as it is shown. Raises VagusError for no such kind."""
    if kind is not None and kind not in KINDS:
        raise VagusError(f"there are no buried jobs of kind {kind}: {', '.join(KINDS)}")
    readers = zip(KINDS, (_streams, _windows, _scores, _messages), strict=True)
    found = [job for name, read in readers if kind in {None, name} for job in read(session)]
    return [job for job in found if (matching or "") in job.said]


def replay(session: Session, jobs: Sequence[Buried], spread: timedelta) -> int:
    """Make these due again, one after the other over `spread`, as if they had never failed; how many still could be."""
    now = clock.now()
    return sum(_revive(session, job, now + spread * place / max(1, len(jobs))) for place, job in enumerate(jobs))


def discard(session: Session, jobs: Sequence[Buried]) -> int:
    """Let these go; how many.

    A window of the past is cancelled, a message is not sent. A score is asked for again by whatever comes in next, and
    within a minute where today is not judged yet.
    A stream cannot go: it is taken off the list, keeps its failures, and is asked at its next probe.
    """
    return sum(_let_go(session, job) for job in jobs)


def older_answers(session: Session) -> list[tuple[int, Stream]]:
    """The kept answers that an older mapping read, each with the stream it is of."""
    streams = [stream for provider in providers.PROVIDERS for stream in provider.streams]
    return [(key, stream) for stream in streams for key in raws.older_mappings(session, stream)]


def read_again(seen: Callable[[int, int], None]) -> int:
    """Read every kept answer of an older mapping anew; `seen` hears how many of how many. Returns rows written.

    Each answer stands for itself: one that cannot be read keeps none of the others away. Raises VagusError for those.
    """
    with db.transaction() as session:
        waiting = older_answers(session)
    written, failed = 0, []
    for count, (key, stream) in enumerate(waiting, 1):
        try:
            written += _read_one(key, stream).written
        except VagusError as error:
            failed.append(error)
        seen(count, len(waiting))
    if failed:
        raise VagusError(f"{len(failed)} of {len(waiting)} kept answers stay as they were read before: {failed[0]}")
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
        if total.judged:
            store.request_score(session, person, "read again")
        return total


def _person_of(session: Session, connection: int) -> int:
    rows = select(VendorAccount.person).join(Connection, Connection.vendor_account == VendorAccount.id)
    return session.scalars(rows.where(Connection.id == connection)).one()


def _streams(session: Session) -> list[Buried]:
    rows = session.execute(
        _with_person(StreamState, StreamState.connection)
        .where(StreamState.state == "buried")
        .order_by(StreamState.connection, StreamState.stream)
    )
    return [
        Buried(
            "stream",
            row.connection,
            f"connection {row.connection}, {row.stream}",
            row.last_error or "",
            row.failing_since,
            person,
            row.stream,
            state != "active",
        )
        for row, person, state in rows
    ]


def _windows(session: Session) -> list[Buried]:
    rows = session.execute(
        _with_person(BackfillWindow, BackfillWindow.connection)
        .where(BackfillWindow.state == "buried")
        .order_by(BackfillWindow.id)
    )
    return [
        Buried(
            "window",
            row.id,
            f"connection {row.connection}, {row.stream} from {row.start_at:%d %b %Y}",
            row.error or "",
            row.due_at,
            person,
            row.stream,
            state != "active",
        )
        for row, person, state in rows
    ]


def _with_person(table: Any, connection: InstrumentedAttribute[int]) -> Select[Any]:
    """Rows of a connection, each with whose it is and how that stands."""
    rows = select(table, VendorAccount.person, Connection.state).join(Connection, Connection.id == connection)
    return rows.join(VendorAccount, VendorAccount.id == Connection.vendor_account)


def _scores(session: Session) -> list[Buried]:
    rows = session.scalars(
        select(ScoreRequest).where(ScoreRequest.buried_at.is_not(None)).order_by(ScoreRequest.person)
    )
    return [
        Buried("score", row.person, f"person {row.person}", row.error or "", row.buried_at, row.person) for row in rows
    ]


def _messages(session: Session) -> list[Buried]:
    rows = session.scalars(select(Delivery).where(Delivery.status == "failed").order_by(Delivery.id))
    return [
        Buried(
            "message",
            row.id,
            f"delivery {row.id}, {row.kind}",
            row.error or "",
            row.created_at,
            row.person,
            row.kind,
        )
        for row in rows
    ]


def _revive(session: Session, job: Buried, due_at: datetime) -> bool:
    """Have one job done again; False where it is no longer given up."""
    # Without its error: what failed is waited for less, and counts from when it was first wanted.
    fresh: dict[str, Any] = {"attempts": 0, "error": None, "lease_token": None, "lease_until": None}
    again: Any
    match job.kind:
        case "stream":
            return _revive_stream(session, job, due_at)
        case "window":
            buried_still = (BackfillWindow.id == job.id, BackfillWindow.state == "buried")
            due = {"state": "waiting", "due_at": due_at, **fresh}
            again = update(BackfillWindow).where(*buried_still).values(due).returning(BackfillWindow.id)
        case "score":
            given_up = (ScoreRequest.person == job.id, ScoreRequest.buried_at.is_not(None))
            due = {"buried_at": None, "due_at": due_at, "version": ScoreRequest.version + 1, **fresh}
            again = update(ScoreRequest).where(*given_up).values(due).returning(ScoreRequest.person)
        case _:
            failed = (Delivery.id == job.id, Delivery.status == "failed")
            due = {"status": "waiting", "not_before": due_at, "failing_since": None, **fresh}
            again = update(Delivery).where(*failed).values(due).returning(Delivery.id)
    return session.scalar(again) is not None


def _revive_stream(session: Session, job: Buried, due_at: datetime) -> bool:
    connection = session.get_one(Connection, job.id, with_for_update=True)  # its row first, then its streams'
    own = (StreamState.connection == job.id, StreamState.stream == job.topic, StreamState.state == "buried")
    again = update(StreamState).where(*own).values(state="following", next_at=due_at, fail_count=0)
    found = session.scalar(again.returning(StreamState.connection)) is not None
    if connection.state == "active":
        connection.next_sync_at = earliest(session, connection.id)
    return found


def _let_go(session: Session, job: Buried) -> bool:
    """End one job; False where it is no longer given up."""
    still: Any
    match job.kind:
        case "stream":
            own = (StreamState.connection == job.id, StreamState.stream == job.topic, StreamState.state == "buried")
            still = update(StreamState).where(*own).values(state="following").returning(StreamState.connection)
        case "window":
            buried_still = (BackfillWindow.id == job.id, BackfillWindow.state == "buried")
            still = update(BackfillWindow).where(*buried_still).values(state="cancelled").returning(BackfillWindow.id)
        case "score":
            given_up = (ScoreRequest.person == job.id, ScoreRequest.buried_at.is_not(None))
            still = delete(ScoreRequest).where(*given_up).returning(ScoreRequest.person)
        case _:
            failed = (Delivery.id == job.id, Delivery.status == "failed")
            ended = {"status": "cancelled", "error": DISCARDED}
            still = update(Delivery).where(*failed).values(ended).returning(Delivery.id)
    return session.scalar(still) is not None
