"""One window of the past: fetched by its own worker, out of its own share of the budget, newest first."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ingest import clock, store
from ingest.db import transaction
from ingest.grants import client, following, raws, sync
from ingest.grants.client import Grant
from ingest.models import BackfillWindow, Connection, VendorAccount
from ingest.runs import LeaseLost
from providers.base import Asked
from workers import leases, standing
from workers.leases import Outcome, Work

TAKES = timedelta(minutes=3)
LONGEST_REST = timedelta(hours=6)
LOST_AGAIN = timedelta(hours=1)  # windows of a lost grant are not claimed; this is for the moment in between

log = structlog.get_logger(__name__)


def _failed(session: Session, key: int, outcome: Outcome, error: Exception, reason: str) -> Mapping[str, Any]:
    now = clock.now()
    window = session.get(BackfillWindow, key)
    if window is None:
        raise LeaseLost(f"window {key} went with its connection")
    if outcome.name in {"reconnect", "ask"}:
        return {"due_at": _lost(session, window, error), "error": reason}
    if outcome.name in {"bury", "cancel", "skip"}:
        log.warning("window_given_up", window=key, stream=window.stream, outcome=outcome.name, reason=reason)
        if outcome.name == "skip":
            following.skip(session, window.connection, window.stream)
        _ask_for_score(session, window.connection)
        return {"state": "buried" if outcome.name == "bury" else "cancelled", "error": reason}
    return {"due_at": now + max(outcome.after, _rest(session, window)), "error": reason}


def _rest(session: Session, window: BackfillWindow) -> timedelta:
    """The longer a grant is followed already, the longer a window that fails may wait: a tenth, at most six hours."""
    since = session.scalars(select(Connection.state_since).where(Connection.id == window.connection)).one()
    return min(LONGEST_REST, (clock.now() - since) / 10)


def _lost(session: Session, window: BackfillWindow, error: Exception) -> datetime:
    """Write that the grant of a window is lost, where that is so and news; when to try the window again."""
    now = clock.now()
    connection = session.get_one(Connection, window.connection, with_for_update=True)
    asked_at = (window.lease_until or now) - TAKES  # the lease was extended before the call that was refused
    if standing.renewed(connection, asked_at):
        return now
    if connection.state in {"active", "needs_you"}:
        connection.next_sync_at = standing.lose(session, connection, client.grant_of(session, connection.id), error)
    return now + LOST_AGAIN


WINDOWS = Work(
    name="window",
    task="backfill.window",
    key=BackfillWindow.id,
    order=BackfillWindow.end_at.desc(),
    due=lambda now: (BackfillWindow.state == "waiting") & (BackfillWindow.due_at <= now),
    takes=TAKES,
    room=40,
    failed=_failed,
)


def fill_window(window_id: int, token: str) -> None:
    """Fetch one window of the past and mark it done. Raises LeaseLost, and what the vendor's answers raise."""
    with transaction() as session:
        window = session.get_one(BackfillWindow, window_id)
        grant = client.grant_of(session, window.connection, share="backfill")
        session.expunge(window)
    stream = grant.provider.stream(window.stream)
    spans = client.spans(stream, window.start_at, window.end_at)
    hold = partial(extend, window_id, token)
    for since, until in spans:
        last = (since, until) == spans[-1]
        finish = partial(_done, grant, window_id, token) if last else _nothing
        sync.fetch_window(grant, stream, Asked(since, min(until, clock.now())), hold, finish)


def extend(window_id: int, token: str, session: Session) -> None:
    """Extend the lease of a window. Raises LeaseLost."""
    longer = (
        update(BackfillWindow).where(*leases.held(WINDOWS, window_id, token)).values(lease_until=clock.now() + TAKES)
    )
    if session.scalar(longer.returning(BackfillWindow.id), execution_options=leases.UNTRACKED) is None:
        raise LeaseLost(f"window {window_id} belongs to another worker, or was cancelled")


def _done(grant: Grant, window_id: int, token: str, session: Session, _newest: datetime | None) -> None:
    """In the transaction of the last page: the window is done, and the nights it brought are judged."""
    done = {"state": "done", "done_at": clock.now(), "error": None, "attempts": 0}
    leases.give_back(session, WINDOWS, window_id, token, done)
    raws.hold_to_cap(session, grant.connection)
    _ask_for_score(session, grant.connection)


def _nothing(_session: Session, _newest: datetime | None) -> None:
    """A window that is asked in several requests is done with the last of them."""


def _ask_for_score(session: Session, connection: int) -> None:
    """The last window decides whether what holds now is told: judge once more when it ends, whatever its end."""
    account = select(Connection.vendor_account).where(Connection.id == connection).scalar_subquery()
    person = session.scalar(select(VendorAccount.person).where(VendorAccount.id == account))
    if person is not None:
        store.request_score(session, person, "past nights")
