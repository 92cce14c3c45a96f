"""Erase a person: first nobody can write, then everything goes, then a receipt, and the address last of all."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from ingest import clock, db
from ingest.grants import connections
from ingest.models import (
    Alert,
    BackfillWindow,
    Block,
    Channel,
    CheckIn,
    Connection,
    DayValue,
    Delivery,
    DriveTest,
    Episode,
    Erasure,
    HintReceived,
    OAuthState,
    Person,
    Question,
    Raw,
    Readiness,
    Rejected,
    Run,
    ScoreRequest,
    Series,
    SignInCode,
    Tag,
    VendorAccount,
    WebSession,
)
from ingest.saving import close_fences

RECEIPT = "erased"
LABELS = {
    "nights_assessed": "Nights judged",
    "connections": "Connections and sources of files",
    "day_values": "Nightly values",
    "blocks": "Days of heart rate and HRV through the day",
    "episodes": "Sleeps and workouts",
    "tags": "Journal answers and notes",
    "check_ins": "Check-ins",
    "questions": "Questions we asked",
    "drive_tests": "Tests of a minute",
    "alerts": "Alerts",
    "messages": "Messages",
    "files_kept": "Parts of files and answers of vendors, kept sealed",
    "hints": "Notices from vendors",
    "set_aside": "Records set aside",
    "runs": "Imports and other runs",
}
ERASING = 8732  # the lock that keeps those who finish erasures away while one is being made
RECEIPT_WAITS = timedelta(days=1)


def erase(person_id: int, *, receipt: bool = True) -> dict[str, int]:
    """Erase everything of a person; how many rows of each kind went.

    With `receipt`, a person whose mail address is confirmed is told by one last mail, and the address goes with it.
    Grants are revoked at their vendors; one that is away keeps nobody's data here.
    """
    with db.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock_shared(ERASING)))
        _close(person_id)
        # Connections before their person, as a run that ends and writes about them takes the two.
        session.execute(select(Connection.id).where(_own(person_id)).order_by(Connection.id).with_for_update())
        session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
        grants = connections.grants(session, person_id)  # now that none can be added
        counts = stored(session, person_id)
        erasure = Erasure(at=clock.now(), counts=counts)
        session.add(erasure)
        session.flush()
        told = receipt and _leave_receipt(session, person_id, erasure.id)
        _delete_data(session, person_id)
        if not told:
            session.execute(delete(Person).where(Person.id == person_id))
    for app, pair in grants:
        connections.revoke(app, pair)
    return counts


def finish_erasures(session: Session) -> int:
    """Delete the addresses whose receipt went out, or could not go for a day; how many."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(ERASING))):
        return 0  # somebody is being erased: the next mail, or the next hour, does it
    waiting = select(Delivery.person).where(
        Delivery.kind == RECEIPT,
        Delivery.status.in_(("waiting", "held")),
        Delivery.created_at > clock.now() - RECEIPT_WAITS,
    )
    done = delete(Person).where(Person.state == "erasing", Person.id.not_in(waiting))
    result = session.execute(done)
    return result.rowcount if isinstance(result, CursorResult) else 0


def stored(session: Session, person_id: int) -> dict[str, int]:
    """How many rows of each kind are stored of a person."""
    account = select(VendorAccount.id).where(VendorAccount.person == person_id)
    connection = select(Connection.id).where(Connection.vendor_account.in_(account))
    series = select(Series.id).where(Series.person == person_id)
    conditions: dict[str, tuple[Any, Any]] = {
        "connections": (Connection, Connection.id.in_(connection)),
        "blocks": (Block, Block.series.in_(series)),
        "hints": (HintReceived, HintReceived.connection.in_(connection)),
        "day_values": (DayValue, DayValue.series.in_(series)),
        "episodes": (Episode, Episode.vendor_account.in_(account)),
        "tags": (Tag, Tag.person == person_id),
        "check_ins": (CheckIn, CheckIn.person == person_id),
        "questions": (Question, Question.person == person_id),
        "drive_tests": (DriveTest, DriveTest.person == person_id),
        "nights_assessed": (Readiness, Readiness.person == person_id),
        "alerts": (Alert, Alert.person == person_id),
        "messages": (Delivery, Delivery.person == person_id),
        "files_kept": (Raw, Raw.connection.in_(connection)),
        "set_aside": (Rejected, Rejected.connection.in_(connection)),
        "runs": (Run, Run.person == person_id),
    }
    return {
        name: session.scalar(select(func.count()).select_from(table).where(condition)) or 0
        for name, (table, condition) in conditions.items()
    }


def _close(person_id: int) -> None:
    """Turn every writer away, in a transaction of its own: those at work finish or roll back before the deletion."""
    own = select(Connection.id).where(_own(person_id))
    with db.transaction() as session:
        session.execute(update(Person).where(Person.id == person_id).values(state="erasing"))
        close_fences(session, own)
        free = {"lease_token": None, "lease_until": None}  # a run that settles now would wait for us, and we for it
        session.execute(update(Connection).where(Connection.id.in_(own)).values(next_sync_at=None, **free))
        windows = (BackfillWindow.connection.in_(own), BackfillWindow.state == "waiting")
        session.execute(update(BackfillWindow).where(*windows).values(state="cancelled", **free))


def _own(person_id: int) -> ColumnElement[bool]:
    return Connection.vendor_account.in_(select(VendorAccount.id).where(VendorAccount.person == person_id))


def _leave_receipt(session: Session, person_id: int, erasure: int) -> bool:
    """Keep one channel and one delivery: the address goes when that is sent."""
    channel = session.scalar(
        select(Channel).where(
            Channel.person == person_id,
            Channel.kind == "mail",
            Channel.state == "on",
            Channel.confirmed_at.is_not(None),
        )
    )
    if channel is None:
        return False
    session.execute(delete(Delivery).where(Delivery.person == person_id))
    session.execute(delete(Channel).where(Channel.person == person_id, Channel.id != channel.id))
    session.add(
        Delivery(
            person=person_id,
            channel=channel.id,
            kind=RECEIPT,
            subject=erasure,
            key=RECEIPT,
            thread=RECEIPT,
            not_before=clock.now(),
            status="waiting",
            created_at=clock.now(),
        )
    )
    return True


def _delete_data(session: Session, person_id: int) -> None:
    address = select(Person.address).where(Person.id == person_id).scalar_subquery()
    session.execute(delete(SignInCode).where(SignInCode.address == address))
    said = (CheckIn, Question, DriveTest, Tag)
    for table in (VendorAccount, *said, Readiness, Alert, ScoreRequest, Run, Series, WebSession, OAuthState):
        session.execute(delete(table).where(table.person == person_id))
