"""What the rows say of one connection that explains why it syncs or does not; `ingest.ops.why` says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest.grants import budget
from ingest.grants.replay import without_addresses
from ingest.models import (
    BackfillWindow,
    Channel,
    Connection,
    Credential,
    Delivery,
    Fence,
    Heartbeat,
    Person,
    QueueHold,
    Run,
    StreamState,
    VendorAccount,
    VendorApp,
)
from ingest.ops import counts
from ingest.ops.calls import Hold
from ingest.standings import declared, title_of
from ingest.vault import key_id, vault
from providers.errors import Misconfigured, VagusError

HOUR = timedelta(hours=1)
PACE = 5  # minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Where one stream stands; `people` is how many connections were given up on it."""

    title: str
    nightly: bool
    state: str
    cursor: datetime
    next_at: datetime
    failing_since: datetime | None = None
    fail_count: int = 0
    error: str = ""
    newest_at: datetime | None = None
    people: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One connection and what it depends on. Instants are aware; None stands for never, or for nobody can say.

    `missing` is what this server lacks to ask the vendor, `unknown_key` the id of a key that it lacks. `told` is when
    and how the person was told. `claimed_at` is when connections were last claimed, `heard_at` when a worker last took
    the queue. `ahead` connections of the same vendor are due longer, `pace` end well a minute; `filled` windows of all
    connections were done in the last hour.
    """

    title: str
    kind: str
    state: str
    since: datetime
    reason: str = ""
    erased: bool = False
    next_at: datetime | None = None
    leased: bool = False
    lease_until: datetime | None = None
    claimed_at: datetime | None = None
    heard_at: datetime | None = None
    vendor_hold: Hold | None = None
    queue_hold: Hold | None = None
    paused_until: datetime | None = None
    pause_reason: str = ""
    missing: str = ""
    unknown_key: str = ""
    refusals: int = 0
    refused_at: datetime | None = None
    told: tuple[datetime, str] | None = None
    left: float | None = None
    streams: Sequence[Stream] = ()
    run_state: str = ""
    run_at: datetime | None = None
    run_rejected: int = 0
    windows: int = 0
    windows_waiting: int = 0
    windows_due_at: datetime | None = None
    filled: int = 0
    ahead: int = 0
    pace: float = 0.0

    def due(self, now: datetime) -> bool:
        """Whether the connection could be claimed now, as far as its own row says."""
        return self.next_at is not None and self.next_at <= now

    @property
    def newest_at(self) -> datetime | None:
        """The newest night that is here."""
        return max((each.newest_at for each in self.streams if each.nightly and each.newest_at), default=None)


def facts(session: Session, connection_id: int, now: datetime) -> Facts:
    """What the rows say of this connection. Raises VagusError where there is none."""
    found = session.execute(
        select(Connection, VendorAccount, VendorApp, Fence.state, Person.state)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .join(Person, Person.id == VendorAccount.person)
        .outerjoin(VendorApp, VendorApp.id == Connection.vendor_app)
        .outerjoin(Fence, Fence.connection == Connection.id)
        .where(Connection.id == connection_id)
    ).one_or_none()
    if found is None:
        raise VagusError(f"there is no connection {connection_id}")
    connection, account, app, fence, person = found
    return Facts(
        title=title_of(account.vendor),
        kind=connection.kind,
        state=connection.state,
        since=connection.state_since,
        reason=without_addresses(connection.state_reason or ""),
        erased=fence == "erased" or person == "erasing",
        next_at=connection.next_sync_at,
        leased=connection.lease_token is not None,
        lease_until=connection.lease_until,
        told=_told(session, connection),
        ahead=_ahead(session, connection, now),
        pace=_pace(),
        streams=_streams(session, connection_id, account.vendor),
        **_beats(session),
        **_of_app(app, account.vendor, now),
        **_credential(session, connection),
        **_run(session, connection_id),
        **_windows(session, connection_id, now),
    )


def _beats(session: Session) -> dict[str, Any]:
    seen = dict(session.execute(select(Heartbeat.name, Heartbeat.at)).all())
    hold = session.get(QueueHold, "sync")
    return {
        "claimed_at": seen.get("follow"),
        "heard_at": seen.get("sync"),
        "queue_hold": Hold(hold.by, hold.reason, hold.at) if hold else None,
    }


def _of_app(app: VendorApp | None, vendor: str, now: datetime) -> dict[str, Any]:
    provider = declared(vendor)
    if app is None:
        return {"missing": "our app there"}
    if provider is None:
        return {"missing": f"the declaration of {vendor}"}
    try:
        left = budget.left(app.id, provider)
    except VagusError:
        left = None
    paused = app.paused_until is not None and app.paused_until > now
    return {
        "missing": "" if app.client_secret else "the client secret of our app there",
        "vendor_hold": Hold(app.held_by or "", app.held_reason or "", app.held_at) if app.held_at else None,
        "paused_until": app.paused_until if paused else None,
        "pause_reason": app.pause_reason or "",
        "left": left,
    }


def _credential(session: Session, connection: Connection) -> dict[str, Any]:
    row = session.get(Credential, connection.id)
    if row is None:
        return {}
    try:
        key = key_id(row.access)
        unknown = "" if key in vault().keys else key
    except Misconfigured:
        unknown = "?"
    return {"unknown_key": unknown, "refusals": row.refusals, "refused_at": row.refused_at}


def _told(session: Session, connection: Connection) -> tuple[datetime, str] | None:
    """When and on which kind of channel the person was told that the connection needs them."""
    own = (Delivery.kind == "reconnect", Delivery.subject == connection.id, Delivery.sent_at >= connection.state_since)
    person = select(VendorAccount.person).where(VendorAccount.id == connection.vendor_account).scalar_subquery()
    sent = select(Delivery.sent_at, Channel.kind).join(Channel, Channel.id == Delivery.channel)
    row = session.execute(sent.where(Delivery.person == person, *own).order_by(Delivery.sent_at).limit(1)).one_or_none()
    return (row[0], row[1]) if row and row[0] else None


def _ahead(session: Session, connection: Connection, now: datetime) -> int:
    if connection.next_sync_at is None or connection.vendor_app is None:
        return 0
    longer = (Connection.vendor_app == connection.vendor_app, Connection.next_sync_at < connection.next_sync_at)
    count = select(func.count()).select_from(Connection).where(*longer, Connection.next_sync_at <= now)
    return session.scalar(count) or 0


def _pace() -> float:
    try:
        lately = counts.lately(PACE)
    except RedisError:
        return 0.0
    return lately.get(("vagus_work", "sync", "succeeded"), 0) / PACE


def _streams(session: Session, connection_id: int, vendor: str) -> Sequence[Stream]:
    """The streams in the vendor's order; those that it has no more are left out."""
    provider = declared(vendor)
    rows = {row.stream: row for row in session.scalars(select(StreamState).filter_by(connection=connection_id))}
    return [
        Stream(
            title=stream.title,
            nightly=stream.nightly,
            state=row.state,
            cursor=row.cursor,
            next_at=row.next_at,
            failing_since=row.failing_since,
            fail_count=row.fail_count,
            error=without_addresses(row.last_error or ""),
            newest_at=row.newest_at,
            people=_given_up(session, stream.name) if row.state == "buried" else 1,
        )
        for stream in (provider.streams if provider else ())
        if (row := rows.get(stream.name))
    ]


def _given_up(session: Session, stream: str) -> int:
    buried = (StreamState.state == "buried", StreamState.stream == stream)
    return session.scalar(select(func.count()).where(*buried)) or 1


def _run(session: Session, connection_id: int) -> dict[str, Any]:
    latest = select(Run).where(Run.connection == connection_id, Run.kind == "sync").order_by(Run.id.desc()).limit(1)
    run = session.scalar(latest)
    return {} if run is None else {"run_state": run.state, "run_at": run.ended_at, "run_rejected": run.rejected}


def _windows(session: Session, connection_id: int, now: datetime) -> dict[str, Any]:
    waiting = BackfillWindow.state == "waiting"
    whole, left, due_at = session.execute(
        select(func.count(), func.count().filter(waiting), func.min(BackfillWindow.due_at).filter(waiting)).where(
            BackfillWindow.connection == connection_id, BackfillWindow.state != "cancelled"
        )
    ).one()
    filled = select(func.count()).where(BackfillWindow.connection == connection_id, BackfillWindow.done_at > now - HOUR)
    return {
        "windows": whole,
        "windows_waiting": left,
        "windows_due_at": due_at,
        "filled": session.scalar(filled) if left else 0,
    }
