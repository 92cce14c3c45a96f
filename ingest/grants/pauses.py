"""The gates: while most calls to a vendor fail its app is left alone, longer each time they still do.

An operator's hold, of a vendor or of a queue, stands beside that until it is let go; no success lifts it.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ingest import clock, db
from ingest.models import QueueHold, VendorApp

FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)
QUEUES = ("sync", "backfill", "score", "notify", "upkeep")

log = structlog.get_logger(__name__)


def begin(app_id: int, reason: str) -> None:
    """Pause an app, twice as long as the last time. One that is paused already stays so."""
    now = clock.now()
    with db.transaction() as session:
        app = _locked(session, app_id)
        if app is None or (app.paused_until is not None and app.paused_until > now):
            return
        pause = min(FIRST * 2 ** min(app.backoff, 10), LONGEST)
        app.paused_until, app.pause_reason, app.backoff = now + pause, reason, app.backoff + 1
    log.warning("vendor_paused", vendor_app=app_id, seconds=pause.total_seconds(), reason=reason)


def end(app_id: int) -> bool:
    """Forget the back-off of an app that answers again after its pause; whether nothing is left to forget."""
    now = clock.now()
    with db.transaction() as session:
        app = session.get(VendorApp, app_id)
        if app is None or app.backoff == 0:
            return True
        app = _locked(session, app_id)
        if app is None or (app.paused_until is not None and app.paused_until > now):
            return False
        app.paused_until, app.pause_reason, app.backoff = None, None, 0
    log.info("vendor_answers_again", vendor_app=app_id)
    return True


def hold(session: Session, vendor: str, by: str, reason: str) -> int:
    """Ask a vendor for nothing until an operator lets it go; its notices are still taken. How many apps were free."""
    free = [app for app in apps(session, vendor) if app.held_at is None]
    for app in free:
        app.held_at, app.held_by, app.held_reason = clock.now(), by, reason
    return len(free)


def let_go(session: Session, vendor: str) -> int:
    """End an operator's hold of a vendor; how many apps were held."""
    held = [app for app in apps(session, vendor) if app.held_at is not None]
    for app in held:
        app.held_at = app.held_by = app.held_reason = None
    return len(held)


def apps(session: Session, vendor: str) -> Sequence[VendorApp]:
    """Our registrations at a vendor, locked so that connections can still be made to them."""
    own = select(VendorApp).where(VendorApp.vendor == vendor).order_by(VendorApp.id)
    return session.scalars(own.with_for_update(key_share=True)).all()


def hold_queue(session: Session, queue: str, by: str, reason: str) -> int:
    """Claim nothing of a queue until an operator lets it go; 1 where that is new."""
    new = insert(QueueHold).values(queue=queue, by=by, reason=reason, at=clock.now())
    return len(session.scalars(new.on_conflict_do_nothing().returning(QueueHold.queue)).all())


def let_go_queue(session: Session, queue: str) -> int:
    """End an operator's hold of a queue; 1 where it was held."""
    return len(session.scalars(delete(QueueHold).where(QueueHold.queue == queue).returning(QueueHold.queue)).all())


def held_queues(session: Session) -> frozenset[str]:
    """The queues of which nothing is claimed now."""
    return frozenset(session.scalars(select(QueueHold.queue)))


def _locked(session: Session, app_id: int) -> VendorApp | None:
    """The row, locked so that connections can still be made to it."""
    return session.get(VendorApp, app_id, with_for_update={"key_share": True}, populate_existing=True)
