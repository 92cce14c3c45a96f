"""Notices of vendors: what one may cause, what a forged one may not, and the orders that bring them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

import providers
from ingest import clock as the_clock
from ingest import people
from ingest.db import transaction
from ingest.grants import hooks, oauth
from ingest.models import Connection, HintReceived, HookSubscription, StreamState, VendorAccount, VendorApp
from ingest.vault import vault
from providers.errors import ContractBroken, Unavailable
from providers.oura import hooks as oura_hooks
from tests.ingest.web import web_stage
from tests.ingest.web.web_stage import Stage, reread_settings
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated, simulated

stage = web_stage.stage
NOW = datetime(2026, 11, 22, 5, 48, tzinfo=UTC)
NOTICE = json.dumps(
    {"event_type": "update", "data_type": "sleep", "object_id": "o1", "event_time": "2026", "user_id": "ring-owner"}
).encode()


def signed(body: bytes = NOTICE, secret: str = CLIENT_SECRET) -> dict[str, str]:
    stamp = b"1764000000"
    return {
        "x-oura-timestamp": stamp.decode(),
        "x-oura-signature": oura_hooks.sign(stamp + body, secret).decode().upper(),
    }


@pytest.fixture
def app_id(database, clock) -> int:
    """Our registration, and one person's grant there, with a stream that is not due for an hour."""
    clock(NOW)
    with transaction() as session:
        secret = oauth.seal_secret("oura", CLIENT_ID, CLIENT_SECRET)
        app = VendorApp(vendor="oura", client_id=CLIENT_ID, client_secret=secret, created_at=NOW)
        person = people.ensure(session, "mira@example.org")
        account = VendorAccount(person=person.id, vendor="oura", external_id="ring-owner", created_at=NOW)
        session.add_all([app, account])
        session.flush()
        later = NOW + timedelta(hours=1)
        made = Connection(
            vendor_account=account.id,
            vendor_app=app.id,
            kind="grant",
            state_since=NOW,
            created_at=NOW,
            next_sync_at=later,
        )
        session.add(made)
        session.flush()
        for stream in ("oura.sleep", "oura.workout"):
            session.add(StreamState(connection=made.id, stream=stream, cursor=NOW, next_at=later))
        return app.id


def due() -> list[str]:
    with transaction() as session:
        return list(session.scalars(select(StreamState.stream).where(StreamState.next_at <= the_clock.now())))


def kept() -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(HintReceived))


def test_a_signed_notice_marks_its_streams_and_its_connection_as_due(app_id):
    assert hooks.receive("oura", app_id, signed(), NOTICE) == 200
    assert due() == ["oura.sleep"]
    with transaction() as session:
        assert session.scalars(select(Connection.next_sync_at)).one() <= the_clock.now()


def test_a_notice_is_kept_sealed_for_its_connection_alone(app_id):
    hooks.receive("oura", app_id, signed(), NOTICE)
    with transaction() as session:
        row = session.scalars(select(HintReceived)).one()
        assert b"ring-owner" not in row.body
        assert vault().open(row.body, f"hint|{row.connection}|{hashlib.sha256(NOTICE).hexdigest()}") == NOTICE


def test_the_same_notice_again_does_nothing(app_id):
    hooks.receive("oura", app_id, signed(), NOTICE)
    later = the_clock.now() + timedelta(hours=1)
    with transaction() as session:
        session.execute(StreamState.__table__.update().values(next_at=later))
    assert hooks.receive("oura", app_id, signed(), NOTICE) == 200
    assert due() == []
    assert kept() == 1


@pytest.mark.parametrize("headers", [{}, signed(secret="another"), signed(NOTICE + b" "), {"x-oura-signature": "AB"}])
def test_a_forged_notice_is_refused_and_nothing_is_stored(app_id, headers):
    assert hooks.receive("oura", app_id, headers, NOTICE) == 401
    assert (due(), kept()) == ([], 0)


def test_a_notice_of_somebody_we_do_not_know_is_acknowledged_and_not_kept(app_id):
    body = NOTICE.replace(b"ring-owner", b"a stranger")
    assert hooks.receive("oura", app_id, signed(body), body) == 200
    assert (due(), kept()) == ([], 0)


def test_a_notice_about_a_connection_that_has_ended_is_not_kept(app_id):
    with transaction() as session:
        session.scalars(select(VendorAccount)).one().disconnected_at = NOW
    assert hooks.receive("oura", app_id, signed(), NOTICE) == 200
    assert kept() == 0


def test_a_notice_of_data_we_do_not_follow_is_not_kept(app_id):
    body = NOTICE.replace(b'"sleep"', b'"meal"')
    assert hooks.receive("oura", app_id, signed(body), body) == 200
    assert kept() == 0


def test_a_signed_notice_nobody_can_read_is_acknowledged_so_that_it_is_not_sent_for_an_hour(app_id):
    assert hooks.receive("oura", app_id, signed(b"[]"), b"[]") == 200
    assert kept() == 0


@pytest.mark.parametrize(("vendor", "key"), [("oura", 0), ("oura", 99), ("oura", 2**70), ("polar", 1), ("whoop", 1)])
def test_an_address_that_names_no_app_of_ours_takes_nothing(app_id, vendor, key):
    assert hooks.receive(vendor, key, signed(), NOTICE) == 404


def test_notices_anybody_could_send_are_worth_one_marking_in_ten_minutes(app_id, clock, monkeypatch):
    hooks.receive("oura", app_id, signed(), NOTICE)  # a signed one is not counted with them
    unsigned = replace(providers.get("oura").webhook, signed=False, verify=lambda *_: True)
    monkeypatch.setattr(providers, "PROVIDERS", (replace(providers.get("oura"), webhook=unsigned),))
    for number in range(5):
        hooks.receive("oura", app_id, {}, NOTICE + b" " * (number + 1))
    assert kept() == 2
    clock(NOW + timedelta(minutes=11))
    hooks.receive("oura", app_id, {}, NOTICE + b" " * 9)
    assert kept() == 3


def test_signed_notices_are_not_counted_with_the_others(app_id):
    for number in range(5):
        body = NOTICE + b" " * number
        hooks.receive("oura", app_id, signed(body), body)
    assert kept() == 5


def test_the_page_takes_a_notice_from_no_browser_verifies_its_bytes_and_answers_empty(app_id, stage: Stage):
    spaced = NOTICE.replace(b", ", b" ,  ")
    answer = stage.client().post(f"/hooks/oura/{app_id}", content=spaced, headers=signed(spaced))
    assert (answer.status_code, answer.content) == (200, b"")
    assert due() == ["oura.sleep"]


def test_a_notice_without_end_is_refused_before_it_is_read(app_id, stage: Stage):
    body = NOTICE + b" " * 70_000
    answer = stage.client().post(f"/hooks/oura/{app_id}", content=body, headers=signed(body))
    assert answer.status_code == 413
    assert kept() == 0


def test_no_answer_to_a_vendor_is_ever_410(app_id, stage: Stage, monkeypatch):
    client = stage.client()
    paths = (f"/hooks/oura/{app_id}", "/hooks/oura/999", "/hooks/oura/x", "/hooks/nobody/1", "/hooks/oura", "/hooks/")
    answers = [client.request(method, path) for path in paths for method in ("GET", "POST", "PUT", "DELETE", "HEAD")]
    monkeypatch.setattr(hooks, "receive", lambda *_: 1 / 0)
    answers.append(client.post(f"/hooks/oura/{app_id}", content=NOTICE))
    assert 410 not in {answer.status_code for answer in answers}
    assert answers[-1].status_code == 500


def test_only_our_own_token_is_answered_with_the_challenge(app_id, stage: Stage):
    ours = {"verification_token": hooks.verification_token("oura", app_id), "challenge": "c1"}
    client, address = stage.client(), f"/hooks/oura/{app_id}"
    assert client.get(address, params=ours).json() == {"challenge": "c1"}
    for wrong in ({}, {"challenge": "c1"}, ours | {"verification_token": hooks.verification_token("oura", 99)}):
        assert client.get(address, params=wrong).status_code == 401
    assert client.get("/hooks/oura/99", params=ours).status_code == 404


@pytest.fixture
def sim(app_id, stage: Stage) -> Iterator[Simulated]:
    """The simulator in place of the vendor; it calls the pages back."""
    with simulated(hooks=False) as running:
        running.add_app(f"{stage.url}/connect/oura/return")
        with transaction() as session:
            session.get_one(VendorApp, app_id).origin = running.origin
        yield running


def ordered() -> dict[str, HookSubscription]:
    with transaction() as session:
        return {row.topic: row for row in session.scalars(select(HookSubscription))}


def at_the_vendor(sim: Simulated) -> list:
    return list(sim.oura.hooks.subscriptions.values())


def test_every_topic_is_ordered_once_and_the_vendors_question_is_answered(app_id, sim):
    hooks.ensure_subscriptions(app_id)
    topics = providers.get("oura").webhook.subscribing.topics
    assert set(ordered()) == set(topics)
    asked = sim.calls("/v2/webhook/subscription")
    hooks.ensure_subscriptions(app_id)
    assert len(at_the_vendor(sim)) == len(topics)
    assert sim.calls("/v2/webhook/subscription") == asked + 1


def test_what_expires_within_ten_days_is_renewed(app_id, sim, clock):
    hooks.ensure_subscriptions(app_id)
    before = {topic: row.expires_at for topic, row in ordered().items()}
    clock(min(before.values()) - timedelta(days=9))
    hooks.ensure_subscriptions(app_id)
    assert all(row.expires_at > before[topic] for topic, row in ordered().items())


def test_what_the_vendor_dropped_is_ordered_again(app_id, sim):
    hooks.ensure_subscriptions(app_id)
    dropped = next(iter(sim.oura.hooks.subscriptions))
    with sim.served.lock:
        del sim.oura.hooks.subscriptions[dropped]
    hooks.ensure_subscriptions(app_id)
    topics = providers.get("oura").webhook.subscribing.topics
    assert len(at_the_vendor(sim)) == len(topics)
    assert dropped not in {row.external_id for row in ordered().values()}


def test_a_new_address_of_ours_takes_over_and_orders_of_others_are_left_alone(app_id, sim, stage, monkeypatch):
    hooks.ensure_subscriptions(app_id)
    theirs = replace_address(sim, "https://staging.example/hooks/oura/1")
    monkeypatch.setenv("VAGUS_BASE_URL", stage.url.replace("127.0.0.1", "localhost"))
    reread_settings()
    hooks.ensure_subscriptions(app_id)
    addresses = {each.callback_url.split("/hooks")[0] for each in at_the_vendor(sim)}
    assert addresses == {stage.url.replace("127.0.0.1", "localhost"), "https://staging.example"}
    assert theirs in sim.oura.hooks.subscriptions


def replace_address(sim: Simulated, address: str) -> str:
    """Somebody else's order for the same app: one of ours is made theirs."""
    with sim.served.lock, transaction() as session:
        key, one = next(iter(sim.oura.hooks.subscriptions.items()))
        one.callback_url, one.data_type = address, "meal"
        session.execute(HookSubscription.__table__.delete().where(HookSubscription.external_id == key))
        return key


def test_one_order_that_fails_does_not_keep_the_others_away(app_id, sim, monkeypatch):
    real, wrong = hooks.verification_token, iter(["the first order's token is not what the page expects"])
    monkeypatch.setattr(hooks, "verification_token", lambda *given: next(wrong, None) or real(*given))
    with pytest.raises(ContractBroken):
        hooks.ensure_subscriptions(app_id)
    topics = providers.get("oura").webhook.subscribing.topics
    assert len(ordered()) == len(topics) - 1
    hooks.ensure_subscriptions(app_id)
    assert len(ordered()) == len(topics)


def test_a_vendor_that_refuses_our_proof_is_named_and_nothing_is_noted(app_id, sim):
    with transaction() as session:
        session.get_one(VendorApp, app_id).client_secret = oauth.seal_secret("oura", CLIENT_ID, "wrong")
    with pytest.raises(ContractBroken, match="Oura answered 4"):
        hooks.ensure_subscriptions(app_id)
    assert ordered() == {}


def test_a_server_without_a_public_address_orders_nothing_from_a_real_vendor(app_id):
    hooks.ensure_subscriptions(app_id)  # a call would fail: nothing answers for the vendor here
    assert ordered() == {}


def test_an_order_that_nobody_makes_any_more_is_not_missed_for_ever(app_id, sim, monkeypatch):
    hooks.ensure_subscriptions(app_id)
    with transaction() as session:
        known = {"external_id": "x", "callback_url": "https://a.example", "checked_at": the_clock.now()}
        session.add(HookSubscription(vendor_app=app_id, topic="create.meal", **known))
    hooks.ensure_subscriptions(app_id)
    assert set(ordered()) == set(providers.get("oura").webhook.subscribing.topics)
    with transaction() as session:
        session.get_one(VendorApp, app_id).origin = None  # a real vendor, and this server has no public address
    hooks.ensure_subscriptions(app_id)
    assert ordered() == {}


def test_a_vendor_that_is_away_costs_nothing_that_was_noted(app_id, sim):
    hooks.ensure_subscriptions(app_id)
    sim.faults.some("503", share=1.0)
    with pytest.raises(Unavailable):
        hooks.ensure_subscriptions(app_id)
    assert len(ordered()) == len(providers.get("oura").webhook.subscribing.topics)
