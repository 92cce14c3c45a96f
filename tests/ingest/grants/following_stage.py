"""A made-up vendor with two streams, and a person connected to it, for tests that need rows and no network."""

from dataclasses import dataclass
from datetime import timedelta

from typing_extensions import TypedDict

from ingest import accounts, clock, db, people
from ingest.grants import following
from ingest.models import Connection, Fence, VendorAccount, VendorApp
from providers import measures
from providers.base import Asked, InToken, OAuth, Provider, Stream, TokenPaging, Window, as_date, as_instant

HEART = measures.Definition(measures.HEART_RATE, "tempo", "day")


class NightRecord(TypedDict):
    id: str


def read_nothing(records: list[NightRecord], asked: Asked) -> list:
    return []


NIGHTS = Stream(
    name="tempo.nights",
    title="sleep",
    path="/nights",
    record=NightRecord,
    read=read_nothing,
    window=Window(start="from", end="to", write=as_date, longest=timedelta(days=32), before=timedelta(days=1)),
    paging=TokenPaging(),
    scope="nights",
    nightly=True,
)
PULSE = Stream(
    name="tempo.pulse",
    title="heart rate",
    path="/pulse",
    record=NightRecord,
    read=read_nothing,
    window=Window(start="from", end="to", write=as_instant, longest=timedelta(days=30), by="instant"),
    scope="pulse",
    series=(HEART,),
)
TEMPO = Provider(
    name="tempo",
    title="Tempo",
    base_url="https://api.tempo.example",
    auth=OAuth(
        authorize_url="https://tempo.example/authorize",
        token_url="https://tempo.example/token",
        scopes=("nights", "pulse"),
        vendor_user=InToken("user"),
    ),
    streams=(NIGHTS, PULSE),
    budgets=(),
    poll_every=timedelta(hours=1),
    backfill=timedelta(days=90),
)


@dataclass(frozen=True, slots=True)
class Staged:
    person: int
    account: int
    connection: int
    app: int


def connected(address: str = "ada@example.org", scopes: frozenset[str] | None = None) -> Staged:
    with db.transaction() as session:
        person = people.ensure(session, address)
        accounts.lock_active(session, person.id)
        now = clock.now()
        app = VendorApp(vendor="tempo", client_id=f"app of {address}", created_at=now)
        account = VendorAccount(person=person.id, vendor="tempo", external_id=f"{address} there", created_at=now)
        session.add_all([app, account])
        session.flush()
        connection = Connection(
            vendor_account=account.id,
            vendor_app=app.id,
            kind="grant",
            state_since=now,
            next_sync_at=now,
            created_at=now,
        )
        session.add(connection)
        session.flush()
        session.add(Fence(connection=connection.id))
        following.begin(session, connection.id, TEMPO, scopes)
        return Staged(person.id, account.id, connection.id, app.id)
