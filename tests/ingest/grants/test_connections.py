"""A grant and what it hangs on: the account's own, never a mixture, and an end after which nothing more comes."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import func, select, update

from ingest import accounts, people
from ingest.db import transaction
from ingest.grants import connections, following, oauth
from ingest.models import (
    BackfillWindow,
    Connection,
    Credential,
    Fence,
    OAuthState,
    StreamState,
    VendorAccount,
    VendorApp,
)
from ingest.saving import Erased, lock_fence
from tests.ingest.web.web_stage import NOON, TODAY
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated, simulated

HERE = "http://127.0.0.1:8730"
BROWSER = "this browser"


@pytest.fixture
def sim(database, clock) -> Iterator[Simulated]:
    clock(NOON)
    with simulated(hooks=False) as running:
        for handle in ("mira", "mira's second ring"):
            running.add_person(handle, nights=5, last_day=TODAY)
        running.add_app(f"{HERE}/connect/oura/return")
        with transaction() as session:
            secret = oauth.seal_secret("oura", CLIENT_ID, CLIENT_SECRET)
            app = VendorApp(vendor="oura", client_id=CLIENT_ID, client_secret=secret, created_at=NOON)
            app.origin = running.origin
            session.add(app)
        yield running


@pytest.fixture
def mira(database, clock) -> int:
    clock(NOON)
    with transaction() as session:
        return people.ensure(session, "mira@example.org").id


def connect(sim: Simulated, person: int, handle: str = "mira") -> connections.Connected:
    with transaction() as session:
        url = connections.leave(session, person, "oura", BROWSER, HERE)
    query = dict(parse_qsl(urlsplit(sim.consent(url, person=handle)).query))
    return connections.arrive(person, "oura", BROWSER, query, HERE)


def rows(table) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_a_grant_follows_every_stream_and_plans_its_past(sim, mira):
    made = connect(sim, mira)
    assert made.kind == "new"
    with transaction() as session:
        assert session.scalar(select(Fence.state).where(Fence.connection == made.connection)) == "open"
        assert following.filling(session, mira)
    assert rows(StreamState) > 3


def test_the_same_account_again_is_the_same_connection_with_new_tokens(sim, mira):
    first = connect(sim, mira)
    with transaction() as session:
        before = session.scalars(select(Credential.access)).one()
    again = connect(sim, mira)
    assert (again.connection, again.kind) == (first.connection, "again")
    with transaction() as session:
        assert session.scalars(select(Credential.access)).one() != before


def test_another_account_of_the_same_person_is_another_connection(sim, mira):
    first, second = connect(sim, mira), connect(sim, mira, "mira's second ring")
    assert first.connection != second.connection
    assert rows(VendorAccount) == 2


def test_a_grant_gives_the_account_of_an_earlier_file_its_name(sim, mira):
    with transaction() as session:
        account = accounts.file_account(session, mira, "oura").id
    connect(sim, mira)
    with transaction() as session:
        named = session.scalars(select(VendorAccount)).one()
        assert named.id == account
        assert named.external_id


def test_a_grant_that_comes_back_plans_the_gap_alone(sim, mira, clock):
    made = connect(sim, mira)
    with transaction() as session:
        session.execute(update(BackfillWindow).values(state="done"))
        session.execute(update(StreamState).values(cursor=NOON, last_ok_at=NOON))
        session.get_one(Connection, made.connection).state = "reconnect"
    clock(NOON + timedelta(days=10))
    connect(sim, mira)
    with transaction() as session:
        waiting = select(func.min(BackfillWindow.start_at)).where(BackfillWindow.state == "waiting")
        assert session.scalar(waiting.where(BackfillWindow.stream == "oura.sleep")) >= NOON - timedelta(days=4)


def test_who_was_erased_on_the_way_connects_nothing(sim, mira):
    with transaction() as session:
        url = connections.leave(session, mira, "oura", BROWSER, HERE)
    query = dict(parse_qsl(urlsplit(sim.consent(url, person="mira")).query))
    with transaction() as session:
        session.execute(update(people.Person).values(state="erasing"))
    with pytest.raises(Erased):
        connections.arrive(mira, "oura", BROWSER, query, HERE)
    assert rows(Connection) == 0


def test_a_proof_that_was_never_used_is_forgotten_in_time(sim, mira, clock):
    for minutes in (0, 5, 20, 40):
        clock(NOON + timedelta(minutes=minutes))
        with transaction() as session:
            connections.leave(session, mira, "oura", BROWSER, HERE)
    assert rows(OAuthState) == 1


def test_after_the_end_nothing_is_asked_and_what_is_kept_can_be_connected_again(sim, mira):
    made = connect(sim, mira)
    assert connections.disconnect(mira, made.connection, keep=True) == "Oura is disconnected."
    with transaction() as session:
        ended = session.get_one(Connection, made.connection)
        assert (ended.state, ended.next_sync_at) == ("disconnected", None)
        left = select(func.count()).where(BackfillWindow.state == "waiting")
        assert session.scalar(left) == 0
    assert connect(sim, mira).connection == made.connection
    with transaction() as session:
        assert following.filling(session, mira)


def test_what_is_deleted_with_a_connection_cannot_be_written_to_any_more(sim, mira):
    made = connect(sim, mira)
    connections.disconnect(mira, made.connection, keep=False)
    assert rows(VendorAccount) == 0
    with transaction() as session, pytest.raises(Erased):
        lock_fence(session, made.connection)


def test_a_vendor_that_is_away_at_the_end_is_told_of_and_the_end_holds(sim, mira):
    made = connect(sim, mira)
    sim.faults.some("503", share=1.0)
    told = connections.disconnect(mira, made.connection, keep=True)
    assert "Remove Vagus in Oura's own settings too" in told
    assert rows(Credential) == 0


def test_nobody_ends_the_connection_of_another(sim, mira):
    made = connect(sim, mira)
    with transaction() as session:
        rolf = people.ensure(session, "rolf@example.org").id
    with pytest.raises(connections.Refused):
        connections.disconnect(rolf, made.connection, keep=False)
    assert rows(Credential) == 1


def test_of_two_people_who_connect_one_account_at_once_one_is_told_so(sim: Simulated, mira: int) -> None:
    with transaction() as session:
        ada = people.ensure(session, "ada@example.org").id
    both = threading.Barrier(2)
    was_free = connections._account

    def looked_at_once(session, person, provider, external_id):
        found = session.scalars(select(VendorAccount).where(VendorAccount.external_id == external_id)).all()
        assert found == []
        both.wait(10)
        return was_free(session, person, provider, external_id)

    told: list[object] = []

    def go(person: int) -> None:
        try:
            told.append(connect(sim, person))
        except connections.Refused as refused:
            told.append(refused)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "_account", looked_at_once)
        threads = [threading.Thread(target=go, args=(person,)) for person in (mira, ada)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(type(each).__name__ for each in told) == ["Connected", "Refused"]
    assert rows(Connection) == 1


def test_the_source_of_a_file_is_no_grant_that_could_be_ended(sim: Simulated, mira: int) -> None:
    with transaction() as session:
        source = accounts.file_connection(session, accounts.file_account(session, mira, "whoop"))
    with pytest.raises(connections.Refused, match="no such connection"):
        connections.disconnect(mira, source, keep=True)


def test_a_file_goes_on_with_the_account_whose_grant_has_ended(sim: Simulated, mira: int) -> None:
    connected = connect(sim, mira)
    connections.disconnect(mira, connected.connection, keep=True)
    with transaction() as session:
        accounts.file_account(session, mira, "oura")
    assert rows(VendorAccount) == 1
