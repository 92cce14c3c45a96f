"""How a grant stands: lost or in need of its person, who is told once, with a link; and well again."""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from ingest import clock, store
from ingest.grants.client import Grant
from ingest.models import Connection, Person
from providers.errors import AuthorizationLost
from workers import deliveries, outcomes

log = structlog.get_logger(__name__)


def lose(session: Session, connection: Connection, grant: Grant, error: Exception) -> datetime | None:
    """Write that only the person can go on, and tell them where that is news; when to look again, if ever."""
    now = clock.now()
    state = "reconnect" if isinstance(error, AuthorizationLost) else "needs_you"
    if connection.state != state:
        connection.state, connection.state_since = state, now
        person = session.get_one(Person, grant.person)
        key = f"reconnect:{connection.id}:{int(now.timestamp())}"
        deliveries.create_service(session, person, "reconnect", connection.id, key=key)
        store.request_score(session, person.id, "past nights")  # those that were waited for do not come for now
        log.warning("needs_person", connection=connection.id, state=state)
    connection.state_reason = outcomes.said(error)
    return None if state == "reconnect" else now + outcomes.PROBE


def renewed(connection: Connection, since: datetime) -> bool:
    """Whether the person connected again since then: what was refused before says nothing about the new grant."""
    return connection.state == "active" and connection.state_since > since


def lost_since(connection: Connection, since: datetime) -> bool:
    """Whether the grant was found lost since then: what went well before says nothing against it."""
    return connection.state in {"reconnect", "needs_you"} and connection.state_since > since


def regain(connection: Connection) -> None:
    """Write that the grant works again, where it did not."""
    if connection.state == "needs_you":
        connection.state, connection.state_reason, connection.state_since = "active", None, clock.now()
