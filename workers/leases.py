"""Leased rows: work is a row, a message carries only its key and a lease, and who lost the lease writes nothing.

A claim takes free rows that are due and sets their lease, nothing else. A worker begins by asking whether the lease is
still the row's; a message that was lost, doubled or came late thereby costs nothing but time.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from ingest import clock
from ingest.db import transaction
from ingest.runs import LeaseLost

QUEUED = timedelta(seconds=60)  # from claim to begin; a message lost on the way costs this much
UNTRACKED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a row that failed; `after` is how long it rests before it is due again."""

    name: str
    after: timedelta = timedelta(0)
    counts: bool = True  # whether this try is held against the row


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of leased row: when it is due, how long one takes at most, and what failure writes into it.

    `room` bounds how many are on their way at once, so that no message waits longer than its lease.
    """

    name: str
    task: str
    key: InstrumentedAttribute[int]
    order: ColumnElement[Any] | InstrumentedAttribute[Any]
    due: Callable[[datetime], ColumnElement[bool]]
    takes: timedelta
    room: int
    failed: Callable[[Session, int, Outcome, Exception, str], Mapping[str, Any]]
    started: Mapping[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> Any:
        """The table of the row."""
        return self.key.class_

    @property
    def queue(self) -> str:
        """The queue of its messages: the first word of its task."""
        return self.task.partition(".")[0]


def claim(session: Session, work: Work, *within: ColumnElement[bool], most: float = inf) -> list[tuple[int, str]]:
    """Take free rows that are due, oldest first: their keys, each with the token of its lease.

    `within` narrows the rows, and their room, to one vendor's; `most` makes the room smaller.
    """
    if most < 1:
        return []
    now, table = clock.now(), work.table
    latest = now + work.takes + QUEUED  # a lease beyond it was taken before the clock was set back
    # Who was claimed first was due first: what is under way stands at the front, and no index of leases is needed.
    front = select(table.lease_token, table.lease_until).where(work.due(now), *within).order_by(work.order)
    seen = front.limit(2 * work.room).subquery()
    held_now = (seen.c.lease_token.is_not(None), seen.c.lease_until > now, seen.c.lease_until <= latest)
    room = int(min(work.room, most)) - (session.scalar(select(func.count()).select_from(seen).where(*held_now)) or 0)
    if room <= 0:
        return []
    free = or_(table.lease_until.is_(None), table.lease_until <= now, table.lease_until > latest)
    due = select(work.key.label("key")).where(work.due(now), *within, free).order_by(work.order).limit(room)
    chosen = due.with_for_update(skip_locked=True).cte("due")
    token = secrets.token_hex(8)
    lease = {"lease_token": token, "lease_until": now + QUEUED}
    taken = session.scalars(
        update(table).where(work.key == chosen.c.key).values(lease).returning(work.key), execution_options=UNTRACKED
    )
    return [(key, token) for key in taken]


def begin(work: Work, key: int, token: str) -> int | None:
    """Start on a row: the number of this try, or None where the lease is another's or the work is done.

    The try is counted before it is made, so that a row which kills its worker runs out of tries as well.
    """
    table = work.table
    started = {"attempts": table.attempts + 1, "lease_until": clock.now() + work.takes, **work.started}
    begun = update(table).where(*held(work, key, token)).values(started).returning(table.attempts)
    with transaction() as session:
        attempt: int | None = session.scalar(begun, execution_options=UNTRACKED)
    return attempt


def give_back(session: Session, work: Work, key: int, token: str, values: Mapping[str, Any]) -> None:
    """End the lease and write `values` into the row. Raises LeaseLost where the lease is no longer ours."""
    free: dict[str, Any] = {"lease_token": None, "lease_until": None}
    ours = update(work.table).where(*held(work, key, token)).values(free | dict(values)).returning(work.key)
    if session.scalar(ours, execution_options=UNTRACKED) is None:
        raise LeaseLost(f"{work.name} {key} belongs to another worker")


def held(work: Work, key: int, token: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition that fences every write of leased work."""
    return work.key == key, work.table.lease_token == token
