"""A running service's rows, some of them broken, for tests of what operators see and do. No vendor is asked."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest import clock, people, store
from ingest.grants import following
from ingest.models import (
    BackfillWindow,
    Channel,
    Connection,
    Delivery,
    Fence,
    OperatorAction,
    ScoreRequest,
    StreamState,
    VendorAccount,
    VendorApp,
)
from ingest.ops import operators
from ingest.ops.act import Act, By, Done, perform
from providers.oura import OURA

BOSS = "dana@ops.example.org"
WHY = By(BOSS, "fixed upstream")
PERSON = "mira.secret@example.org"


@dataclass(frozen=True, slots=True)
class Rows:
    """Where to find them."""

    app: int
    person: int
    connection: int
    channel: int


def seed(session: Session, address: str = PERSON) -> Rows:
    """A person with a ring that is followed, whose past waits, and a mail channel."""
    now = clock.now()
    person = people.ensure(session, address)
    app = session.scalar(select(VendorApp)) or VendorApp(vendor="oura", client_id="ours", created_at=now)
    account = VendorAccount(person=person.id, vendor="oura", external_id=f"there {address}", created_at=now)
    session.add_all([app, account])
    session.flush()
    connection = Connection(
        vendor_account=account.id, vendor_app=app.id, kind="grant", state_since=now, next_sync_at=now, created_at=now
    )
    session.add(connection)
    session.flush()
    session.add(Fence(connection=connection.id))
    following.begin(session, connection.id, OURA, None)
    channel = session.scalars(select(Channel.id).where(Channel.person == person.id)).one()
    return Rows(app.id, person.id, connection.id, channel)


def bury(session: Session, rows: Rows) -> None:
    """One of each kind given up."""
    now = clock.now()
    stream = session.get_one(StreamState, (rows.connection, "oura.sleep"))
    stream.state, stream.last_error, stream.failing_since = "buried", "no list under 'data'", now
    stream.next_at = now + timedelta(days=1)
    planned = select(BackfillWindow).where(BackfillWindow.connection == rows.connection)
    windows = session.scalars(planned.order_by(BackfillWindow.id)).all()
    for window in windows[:3]:
        window.state, window.error = "buried", f"answered 418 to call {window.id}"
    store.request_score(session, rows.person, "test")
    session.flush()
    request = session.get_one(ScoreRequest, rows.person)
    session.refresh(request)
    request.buried_at, request.error = now, "KeyError at score.py:1 [ab12]"
    session.add(failed_delivery(rows))


def failed_delivery(rows: Rows) -> Delivery:
    """A message that no server took; the server names whom it refused."""
    now = clock.now()
    return Delivery(
        person=rows.person,
        channel=rows.channel,
        kind="reconnect",
        subject=rows.connection,
        key="reconnect:1",
        thread="reconnect-1",
        not_before=now,
        status="failed",
        error=f"the mail server refuses: 550 5.7.1 <{PERSON}> not wanted",
        created_at=now,
    )


def operator(session: Session, role: str = "operate", address: str = BOSS) -> str:
    """An operator signed in; the cookie."""
    made = operators.add(session, address, operators.role_of(role))
    return operators.start_session(session, made.id, None)


def did(session: Session, act: Act, **options: object) -> Done:
    """Do an act as an operator would who looked first."""
    return perform(session, act, WHY, **options)  # type: ignore[arg-type]


def kept(session: Session) -> list[tuple[str, str, int]]:
    """What was written down: action, about, count."""
    rows = session.scalars(select(OperatorAction).order_by(OperatorAction.id))
    return [(row.action, row.about, row.count) for row in rows]


def count(session: Session, table: type, *conditions: object) -> int:
    """Rows of a table."""
    return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0  # type: ignore[arg-type]
