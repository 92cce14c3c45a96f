"""Those who run the service: who they are, what they did, and which queue they hold."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from ingest.models.base import Table, identity, one_of, owned_by


class Operator(Table):
    """Somebody who runs the service. `view` sees the board, `operate` acts on it; neither sees a health value."""

    __tablename__ = "operator"
    id: Mapped[int] = identity()
    address: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (one_of("role", "view", "operate"),)


class OperatorSession(Table):
    """An operator's signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "operator_session"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    operator: Mapped[int] = owned_by("operator.id", index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class OperatorAction(Table):
    """What an operator did, on what, how many rows it touched, and why; written with the act, never changed.

    `by` is their address, or `terminal` with the account of the machine. `about` names rows, never a person's address.
    """

    __tablename__ = "operator_action"
    id: Mapped[int] = identity()
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[str]
    action: Mapped[str]
    about: Mapped[str]
    count: Mapped[int]
    reason: Mapped[str]


class QueueHold(Table):
    """A queue that an operator holds: nothing of it is claimed until the row goes."""

    __tablename__ = "queue_hold"
    queue: Mapped[str] = mapped_column(primary_key=True)
    by: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
