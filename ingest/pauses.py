"""The one gate before a vendor: while most calls fail an app is left alone, longer each time they still do."""

from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from ingest import clock, db
from ingest.models import VendorApp

FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)

log = structlog.get_logger(__name__)


def begin(app_id: int, reason: str) -> None:
    """Pause an app, twice as long as the last time. One that is paused already, perhaps by an operator, stays so."""
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


def _locked(session: Session, app_id: int) -> VendorApp | None:
    """The row, locked so that connections can still be made to it."""
    return session.get(VendorApp, app_id, with_for_update={"key_share": True}, populate_existing=True)
