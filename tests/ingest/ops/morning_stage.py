"""Rows as they stand on a good morning, for tests of what operators see: beats, a vendor, people and their grants."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import fakeredis
import pytest
from sqlalchemy.orm import Session

import providers
from ingest import people
from ingest.grants.pauses import QUEUES
from ingest.models import (
    Channel,
    Connection,
    Credential,
    Delivery,
    Fence,
    Heartbeat,
    Run,
    StreamState,
    VendorAccount,
    VendorApp,
)
from ingest.ops import counts
from ingest.vault import vault

NOW = datetime(2026, 11, 22, 6, 14, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def broker(home, monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeServer:
    """A broker in memory, which answers until `connected` is False; nothing is counted yet."""
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server, decode_responses=True)
    monkeypatch.setattr("ingest.broker.client", lambda _: client)
    monkeypatch.setattr(counts, "_pending", counts._Pending())
    return server


@pytest.fixture
def stage(session: Session, broker, clock) -> Session:
    """A transaction at a quarter past six on a known day."""
    clock(NOW)
    return session


def beats(session: Session, *but: str, at: datetime = NOW) -> None:
    """Everything gave a sign of life just now, but these."""
    names = {"beat", "follow", *QUEUES} - set(but)
    session.add_all(Heartbeat(name=name, at=at) for name in sorted(names))


def app(session: Session, vendor: str = "oura", **columns: Any) -> VendorApp:
    """Our registration at a vendor."""
    made = VendorApp(vendor=vendor, client_id="ours", client_secret=b"sealed", created_at=NOW - 90 * DAY, **columns)
    session.add(made)
    session.flush()
    return made


def grant(session: Session, at: VendorApp, name: str = "ada", **columns: Any) -> Connection:
    """A person's grant that was synced ten minutes ago, has last night, and is due in an hour."""
    person = people.ensure(session, f"{name}@example.org")
    account = VendorAccount(person=person.id, vendor=at.vendor, external_id=name, created_at=NOW - 60 * DAY)
    session.add(account)
    session.flush()
    stands: dict[str, Any] = {"state_since": NOW - 60 * DAY, "next_sync_at": NOW + HOUR} | columns
    made = Connection(vendor_account=account.id, vendor_app=at.id, kind="grant", created_at=NOW - 60 * DAY, **stands)
    session.add(made)
    session.flush()
    session.add(Fence(connection=made.id))
    session.add(
        Credential(connection=made.id, access=vault().seal(b"a", f"credential|{made.id}|access"), refreshed_at=NOW)
    )
    ran = {"state": "succeeded", "created_at": NOW - 10 * MINUTE, "ended_at": NOW - 10 * MINUTE}
    session.add(Run(person=person.id, connection=made.id, kind="sync", **ran))
    for stream in providers.get(at.vendor).streams:
        session.add(
            StreamState(
                connection=made.id,
                stream=stream.name,
                cursor=NOW - HOUR,
                next_at=NOW + HOUR,
                last_ok_at=NOW - 10 * MINUTE,
                newest_at=NOW - HOUR,
            )
        )
    session.flush()
    return made


def streams(session: Session, connection: Connection, names: Sequence[str] = (), **columns: Any) -> None:
    """Change how streams of a connection stand: these, else all."""
    for row in session.query(StreamState).filter_by(connection=connection.id):
        if not names or row.stream in names:
            for column, value in columns.items():
                setattr(row, column, value)
    session.flush()


def delivery(session: Session, connection: Connection, number: int, kind: str = "mail", **columns: Any) -> Delivery:
    """A delivery to the person of a connection, sent five seconds after it was decided."""
    person = session.get_one(VendorAccount, connection.vendor_account).person
    channel = session.query(Channel).filter_by(person=person, kind=kind).one_or_none()
    if channel is None:
        channel = Channel(person=person, kind=kind, address=f"{person}@example.org", created_at=NOW)
        session.add(channel)
        session.flush()
    stands = {"status": "sent", "created_at": NOW - HOUR, "sent_at": NOW - HOUR + timedelta(seconds=5)} | columns
    made = Delivery(
        person=person,
        channel=channel.id,
        key=f"strained:{number}",
        thread="t",
        **({"kind": "strained", "subject": number, "not_before": stands["created_at"]} | stands),
    )
    session.add(made)
    session.flush()
    return made
