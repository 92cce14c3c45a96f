"""From rows to messages: claim what is due, note the heartbeat, and send the keys out."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import inf
from typing import Any

import structlog
from kombu.exceptions import OperationalError
from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from ingest import clock
from ingest.db import transaction
from ingest.grants import budget, pauses
from ingest.models import BackfillWindow, Connection, Run, RunFile, VendorApp
from ingest.standings import declared
from providers.base import Provider
from workers import leases
from workers.app import app
from workers.backfill import WINDOWS
from workers.leases import Outcome, Work
from workers.pulse import note_heartbeat
from workers.sync import SYNCS

log = structlog.get_logger(__name__)


def _import_failed(session: Session, key: int, outcome: Outcome, _: Exception, reason: str) -> Mapping[str, Any]:
    now = clock.now()
    if outcome.name in {"bury", "cancel"}:
        session.execute(delete(RunFile).where(RunFile.run == key))
        state = "buried" if outcome.name == "bury" else "cancelled"
        return {"state": state, "error": reason, "ended_at": now, "due_at": None}
    state = "snoozed" if outcome.name == "snooze" else "retrying"
    return {"state": state, "error": reason, "due_at": now + outcome.after}


IMPORTS = Work(
    name="import",
    task="upkeep.import",
    key=Run.id,
    order=Run.due_at,
    due=lambda now: (Run.kind == "import") & (Run.due_at <= now),
    takes=timedelta(minutes=10),
    room=20,
    failed=_import_failed,
    started={"state": "running"},
)


def send_out(name: str, works: Sequence[Work], *, by_beat: bool) -> None:
    """Claim what is due of these works and send each key to its queue; a message lost on the way is claimed again."""
    with transaction() as session:
        note_heartbeat(session, name, *(["beat"] if by_beat else []))
        claimed = _claim_free(session, works)
    _send(claimed)


def hand_on(*works: Work) -> None:
    """Claim what the work just done made due, and send it out ahead of its tick, which does the same."""
    with transaction() as session:
        claimed = _claim_free(session, works)
    try:
        _send(claimed)
    except OperationalError:  # what was claimed is claimed again when its lease has run out
        log.info("not_handed_on", claimed=len(claimed))


def follow() -> None:
    """Claim the connections and the windows of the past that are due, vendor by vendor, and send their keys out.

    A vendor that is paused or held, or whose budget is used up, is passed over: its rows hold up nobody else's. No more
    is claimed than the calls suffice for that are left: who finds none would have begun in vain, and all come again at
    once.
    """
    claimed: list[tuple[str, int, str]] = []
    with transaction() as session:
        note_heartbeat(session, "follow")
        held = pauses.held_queues(session)
        for key, provider in _open_apps(session):
            of_app = select(Connection.id).where(Connection.vendor_app == key, Connection.state == "active")
            runs = _enough_for(budget.calls_left(key, provider, "fresh"), len(provider.streams))
            windows = _enough_for(budget.calls_left(key, provider, "backfill"), 1)
            for work, most, own in (
                (SYNCS, runs, Connection.vendor_app == key),
                (WINDOWS, windows, BackfillWindow.connection.in_(of_app)),
            ):
                if work.queue not in held:
                    claimed += _claim(session, work, own, most=most)
    _send(claimed)


def _enough_for(calls: float, each: int) -> float:
    """How many pieces of work so many calls suffice for; one alone may begin with fewer than it needs."""
    return max(calls / each, min(calls, 1))


def _open_apps(session: Session) -> list[tuple[int, Provider]]:
    """Our registrations at vendors that may be asked now."""
    now = clock.now()
    paused_no_more = or_(VendorApp.paused_until.is_(None), VendorApp.paused_until <= now)
    gates = select(VendorApp).where(VendorApp.held_at.is_(None), paused_no_more)
    known = [(row.id, declared(row.vendor)) for row in session.scalars(gates.order_by(VendorApp.id))]
    return [(key, provider) for key, provider in known if provider]


def _claim_free(session: Session, works: Sequence[Work]) -> list[tuple[str, int, str]]:
    """Claim what is due of the works whose queue nobody holds."""
    held = pauses.held_queues(session)
    return [claimed for work in works if work.queue not in held for claimed in _claim(session, work)]


def _claim(session: Session, work: Work, *within: ColumnElement[bool], most: float = inf) -> list[tuple[str, int, str]]:
    return [(work.task, key, token) for key, token in leases.claim(session, work, *within, most=most)]


def _send(claimed: Sequence[tuple[str, int, str]]) -> None:
    if not claimed:
        return
    with app.producer_pool.acquire(block=True) as producer:
        for task, key, token in claimed:
            app.send_task(task, kwargs={"key": key, "token": token}, producer=producer)
