"""Runs: the latest sync of a connection, or an import with progress that its page reads while it works."""

import time
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ingest import clock, db
from ingest.models import Connection, Rejected, Run, VendorAccount
from providers.errors import VagusError

LEASE = timedelta(minutes=2)
REPORT_EVERY = 0.3


class LeaseLost(VagusError):
    """Raised when another worker has taken this work over: what was done is rolled back."""


class Progress:
    """Writes how far a run is, in short transactions of its own, a few times a second, and extends its lease."""

    def __init__(self, run_id: int, lease_token: str, total: int) -> None:
        """Begin at nothing of `total`."""
        self.run_id, self.lease_token, self.total = run_id, lease_token, total
        self._reported = -REPORT_EVERY

    def __call__(self, done: int) -> None:
        """Report `done` of the total, unless that was just done. Raises LeaseLost."""
        if time.monotonic() - self._reported < REPORT_EVERY:
            return
        self._reported = time.monotonic()
        with db.transaction() as session:
            extend(session, self.run_id, self.lease_token, done=done, total=self.total)


def extend(session: Session, run_id: int, lease_token: str, **columns: object) -> None:
    """Extend the lease of a run in this transaction, and write its columns. Raises LeaseLost."""
    own = update(Run).where(Run.id == run_id, Run.lease_token == lease_token)
    if session.execute(own.values(lease_until=clock.now() + LEASE, **columns)).rowcount == 0:  # type: ignore[attr-defined]
        raise LeaseLost(f"run {run_id} was taken over")


def run_of(session: Session, person_id: int, run_id: int) -> Run | None:
    """One run of this person, or None."""
    return session.scalar(select(Run).where(Run.id == run_id, Run.person == person_id))


def latest(session: Session, person_id: int, limit: int = 5) -> Sequence[Run]:
    """The newest runs of this person."""
    return session.scalars(select(Run).where(Run.person == person_id).order_by(Run.id.desc()).limit(limit)).all()


def rejects(session: Session, person_id: int, run_id: int, limit: int = 50) -> Sequence[Rejected]:
    """What a run of this person set aside and could not read since, by line."""
    own = (VendorAccount.person == person_id, Rejected.run == run_id)
    rows = (
        select(Rejected)
        .join(Connection, Connection.id == Rejected.connection)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
    )
    return session.scalars(rows.where(*own).order_by(Rejected.stream, Rejected.line, Rejected.id).limit(limit)).all()
