"""Vagus's own OAuth and client against the simulator: connected at either portal, every page read, tokens renewed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from ingest import clock, db
from ingest.accounts import lock_active
from ingest.grants import client, oauth, tokens
from ingest.grants.reading import read_page
from ingest.models import Connection, Fence, VendorAccount, VendorApp
from ingest.people import ensure
from providers.base import Asked
from providers.errors import Forbidden, NeedsPerson
from providers.oura import OURA
from providers.shapes import Points
from providers.simulator.people import Story
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated, simulated

BACK = "http://127.0.0.1:8730/connect/oura/return"
SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture(params=["legacy", "new"])
def sim(request, clock) -> Iterator[Simulated]:
    clock("2026-03-20T12:00")
    with simulated(page_size=500, hooks=False) as running:
        running.add_person("mira", Story.OVERREACHING, nights=30, seed=7, last_day=date(2026, 3, 20))
        running.add_app(BACK, portal=request.param)
        yield running


def connected(sim, *scopes) -> client.Grant:
    """The whole way: out to the consent page, back with a code, tokens kept."""
    with db.transaction() as session:
        person = ensure(session, "mira@example.org")
        lock_active(session, person.id)
        secret = oauth.seal_secret("oura", CLIENT_ID, CLIENT_SECRET)
        now = clock.now()
        app = VendorApp(vendor="oura", client_id=CLIENT_ID, client_secret=secret, origin=sim.origin, created_at=now)
        account = VendorAccount(person=person.id, vendor="oura", created_at=now)
        session.add_all([app, account])
        session.flush()
        connection = Connection(
            vendor_account=account.id, vendor_app=app.id, kind="grant", state_since=now, created_at=now
        )
        session.add(connection)
        session.flush()
        session.add(Fence(connection=connection.id))
        known = connection.id
    with db.transaction() as session:
        location = sim.consent(oauth.authorize_url(OURA, app, "a state", BACK, None), scopes=scopes or None)
        query = parse_qs(urlsplit(location).query)
        assert query["state"] == ["a state"]
        tokens.store(session, known, oauth.exchange(OURA, app, query["code"][0], BACK, None))
    with db.transaction() as session:
        return client.grant_of(session, known)


def samples(grant) -> dict[int, float]:
    stream, found = OURA.stream("oura.heartrate"), {}
    for since, until in client.spans(stream, SINCE, UNTIL):
        token = None
        while True:
            page = read_page(stream, client.fetch_page(grant, stream, since, until, token), Asked(since, until))
            for row in page.rows:
                assert isinstance(row, Points)
                found |= dict(zip(row.at.tolist(), row.value.tolist(), strict=True))
            if not (token := page.next_token):
                break
    return found


def test_every_heart_beat_arrives_through_tokens_that_expire_and_servers_that_fail(sim, database, valkey):
    grant = connected(sim)
    sim.expire_tokens("mira")
    failing = sim.faults.some("503", share=0.05, path="/v2/usercollection/heartrate")
    had = sim.truth("mira", SINCE, UNTIL + timedelta(seconds=1))
    assert samples(grant) == {at: bpm for at, bpm, _ in had["heart_rate"]}
    assert failing.struck > 0
    assert [one.rotations for one in sim.oura.grants.grants] == [1]


def test_every_stream_of_oura_is_answered_as_it_is_asked(sim, database, valkey):
    grant = connected(sim)
    for stream in OURA.streams:
        page = read_page(stream, client.fetch_page(grant, stream, SINCE, UNTIL), Asked(SINCE, UNTIL))
        assert page.records > 0 or stream.name == "oura.rest_mode_period"


def test_a_scope_that_was_not_ticked_and_a_lapsed_membership_are_told_apart(sim, database, valkey):
    grant = connected(sim, "daily")
    with pytest.raises(Forbidden):
        client.fetch_page(grant, OURA.stream("oura.heartrate"), SINCE, UNTIL)
    sim.lapse("mira")
    with pytest.raises(NeedsPerson):
        client.fetch_page(grant, OURA.stream("oura.sleep"), SINCE, UNTIL)
