"""Web push as rows: the server's key, whom a browser belongs to, where an endpoint may lead, and receipts."""

import base64
import hashlib
import hmac
import json
import socket
from ipaddress import ip_address

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, update

from ingest import people, privacy, public_address, push, settings, trials, vault
from ingest.db import transaction
from ingest.models import Channel, Delivery
from ingest.saving import Erased
from providers.errors import DeliveryFailed, Misconfigured, Unavailable, VagusError


def text(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def browser(name="1", **changed):
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    p256dh = text(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    given = {"endpoint": f"https://push.example/{name}", "p256dh": p256dh, "auth": text(bytes(16)), "label": "Firefox"}
    return push.Subscription(**(given | changed))


@pytest.fixture
def mira(database, clock):
    clock("2026-03-01T09:00")
    return make("mira@example.org")


def make(address):
    with transaction() as session:
        return people.ensure(session, address).id


def subscribe(person, given, **how):
    with transaction() as session:
        push.subscribe(session, person, given, **how)


def browsers(person):
    with transaction() as session:
        own = select(Channel).where(Channel.person == person, Channel.kind == "push").order_by(Channel.id)
        return session.scalars(own).all()


def test_the_key_of_a_server_is_made_from_its_secret_and_stays_the_same(home):
    first = push.server_key()
    assert len(first) == 87
    assert base64.urlsafe_b64decode(first + "=")[0] == 4
    vault.vault.cache_clear()
    push._derived.cache_clear()
    assert push.server_key() == first
    content = json.loads((home / "secrets.json").read_text())
    content["purposes"]["push"] = base64.b64encode(bytes(32)).decode()
    (home / "secrets.json").write_text(json.dumps(content))
    vault.vault.cache_clear()
    assert push.server_key() != first
    # computed apart from this code: HKDF-SHA256 of 32 zero bytes, info "vapid", 48 bytes, mod n - 1, plus 1
    assert push.vapid_key().private_numbers().private_value == scalar_by_hand(bytes(32))


def scalar_by_hand(secret):
    stretched = hmac.digest(bytes(32), secret, hashlib.sha256)
    block, out = b"", b""
    for number in (1, 2):
        block = hmac.digest(stretched, block + b"vapid" + bytes([number]), hashlib.sha256)
        out += block
    order = 2**256 - 2**224 + 2**192 - 89188191075325690597107910205041859247
    return int.from_bytes(out[:48]) % (order - 1) + 1


def test_a_browsers_keys_are_sealed_for_its_row_and_open_only_there(mira):
    given = browser()
    subscribe(mira, given)
    (row,) = browsers(mira)
    assert given.auth not in json.dumps(row.settings)
    assert given.p256dh not in json.dumps(row.settings)
    assert push.opened_keys(row) == {"p256dh": given.p256dh, "auth": given.auth}
    row.address = "https://push.example/other"
    with pytest.raises(Misconfigured, match="does not belong"):
        push.opened_keys(row)


def test_the_same_browser_again_is_the_same_channel_and_comes_back_on(mira):
    subscribe(mira, browser())
    with transaction() as session:
        session.execute(update(Channel).where(Channel.kind == "push").values(state="off", reason="gone"))
    fresh = browser()
    subscribe(mira, fresh)
    (row,) = browsers(mira)
    assert (row.state, row.reason, row.wants) == ("on", None, ["strained"])
    assert push.opened_keys(row)["p256dh"] == fresh.p256dh


def test_a_browser_that_got_a_new_endpoint_stays_the_same_channel(mira):
    former = browser("old")
    subscribe(mira, former)
    (before,) = browsers(mira)
    subscribe(mira, browser("new"), replaces=push.endpoint_hash(former.endpoint), quiet=True)
    (after,) = browsers(mira)
    assert (after.id, after.address) == (before.id, "https://push.example/new")
    assert push.opened_keys(after)


def test_a_browser_that_was_removed_or_is_gone_is_not_added_again_unasked(mira):
    former = push.endpoint_hash(browser("old").endpoint)
    with pytest.raises(push.NotHeld):
        subscribe(mira, browser("new"), replaces=former, quiet=True)
    subscribe(mira, browser("old"))
    with transaction() as session:
        session.execute(update(Channel).where(Channel.kind == "push").values(state="off", reason="gone"))
    with pytest.raises(push.NotHeld):
        subscribe(mira, browser("new"), replaces=former, quiet=True)
    subscribe(mira, browser("new"), replaces=former)
    assert [row.state for row in browsers(mira)] == ["on"]


def test_a_browser_belongs_to_who_is_signed_in_on_it_now(mira):
    other = make("other@example.org")
    subscribe(mira, browser("shared"))
    subscribe(mira, browser("own"))
    subscribe(other, browser("shared"))
    assert [row.address for row in browsers(mira)] == ["https://push.example/own"]
    assert [row.address for row in browsers(other)] == ["https://push.example/shared"]


def test_nobody_replaces_or_forgets_a_browser_of_somebody_else(mira):
    other = make("other@example.org")
    subscribe(mira, browser("mine"))
    mark = push.endpoint_hash("https://push.example/mine")
    subscribe(other, browser("theirs"), replaces=mark)
    with transaction() as session:
        push.unsubscribe(session, other, "https://push.example/mine")
        assert push.held(session, mira) == {mark: "on"}
        push.unsubscribe(session, mira, "https://push.example/mine")
        assert push.held(session, mira) == {}


def test_ten_browsers_are_held_and_no_eleventh(mira):
    for number in range(10):
        subscribe(mira, browser(str(number)))
    with pytest.raises(VagusError, match="Ten browsers"):
        subscribe(mira, browser("10"))
    subscribe(mira, browser("3"))
    assert len(browsers(mira)) == 10


def test_somebody_who_is_being_erased_gets_no_new_browser_and_keeps_none(mira):
    subscribe(mira, browser())
    privacy.erase(mira)
    with pytest.raises(Erased):
        subscribe(mira, browser("2"))
    assert browsers(mira) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"p256dh": text(bytes(65))},
        {"p256dh": text(b"\x04" + bytes(64))},
        {"p256dh": ""},
        {"p256dh": "é" * 87},
        {"auth": text(bytes(15))},
        {"auth": "***"},
    ],
)
def test_keys_that_nothing_can_be_encrypted_with_are_refused(home, changed):
    with pytest.raises(VagusError, match="keys that nothing can be encrypted with"):
        push.check(browser(**changed))


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/1",
        "https://",
        "https://user@push.example/1",
        "https://[::1]/1",
        "https://push.example:port/1",
        "ftp://push.example/1",
        "https://push.example/" + "x" * 2048,
        "https://push.exämple/1",
        "//push.example/1",
        "",
    ],
)
def test_an_endpoint_has_an_https_address_of_a_name(home, endpoint):
    with pytest.raises(DeliveryFailed, match="https"):
        push.check(browser(endpoint=endpoint))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fd00:ec2::254",
    ],
)
def test_an_address_that_is_not_everybodys_is_refused(home, monkeypatch, address):
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("93.184.215.14", address))
    with pytest.raises(DeliveryFailed, match="not a public address"):
        push.check(browser())


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_a_public_address_is_what_is_connected_to(home, monkeypatch, address):
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to(address))
    assert public_address.public_address("https://push.example/1") == str(ip_address(address))


def resolving_to(*addresses):
    return lambda *_, **__: [(None, None, None, "", (address, 443)) for address in addresses]


def test_a_name_that_cannot_be_looked_up_now_is_no_verdict(home):
    with pytest.raises(Unavailable, match="cannot be looked up"):
        push.check(browser(endpoint="https://push.invalid/1"))


def test_the_push_sink_is_the_demos_alone_and_only_its_exact_origin(home, monkeypatch):
    monkeypatch.setenv("VAGUS_PUSH_SINK", "http://127.0.0.1:8731")
    settings.settings.cache_clear()
    with pytest.raises(Misconfigured, match=r"VAGUS_PUSH_SINK is wrong.*belongs to the demo"):
        settings.settings()
    monkeypatch.setenv("VAGUS_DEMO", "true")
    settings.settings.cache_clear()
    push.check(browser(endpoint="http://127.0.0.1:8731/push/1"))
    for near in ("http://127.0.0.1:8732/push/1", "https://127.0.0.1:8731/1", "http://x@127.0.0.1:8731/1"):
        with pytest.raises(DeliveryFailed):
            push.check(browser(endpoint=near))
    for sink in ("http://192.168.1.1:80", "https://127.0.0.1:1", "http://127.0.0.1:1/path", "http://localhost:1"):
        monkeypatch.setenv("VAGUS_PUSH_SINK", sink)
        settings.settings.cache_clear()
        with pytest.raises(Misconfigured, match="VAGUS_PUSH_SINK"):
            settings.settings()


@pytest.fixture
def tested(mira):
    """A test message for Mira's mail: its channel and its delivery."""
    with transaction() as session:
        channel = session.scalars(select(Channel).where(Channel.person == mira)).one()
        trials.ask(session, channel)
    with transaction() as session:
        return channel.id, session.scalars(select(Delivery.id)).one()


def delivery(number):
    with transaction() as session:
        return session.get_one(Delivery, number)


def test_a_receipt_is_noted_the_first_time_and_opening_implies_showing(tested, clock):
    _, number = tested
    token = push.receipt_token(number)
    with transaction() as session:
        assert push.note_receipt(session, token, opened=True)
    first = delivery(number)
    assert first.shown_at == first.opened_at is not None
    clock("2026-03-01T10:00")
    with transaction() as session:
        assert push.note_receipt(session, token, opened=True)
        assert push.note_receipt(session, token, opened=False)
    assert (delivery(number).shown_at, delivery(number).opened_at) == (first.shown_at, first.opened_at)


def test_a_receipt_that_is_not_ours_changes_nothing(tested):
    _, number = tested
    token = push.receipt_token(number)
    signature = token.partition(".")[2]
    with transaction() as session:
        for forged in (f"{number + 1}.{signature}", f"{number}.", str(number), "", f"²{token}", "9" * 40 + token):
            assert not push.note_receipt(session, forged, opened=True), forged
    assert delivery(number).shown_at is None


def test_one_test_a_minute_and_ten_a_day_are_sent_to_a_channel(tested, clock):
    channel, _ = tested

    def ask():
        with transaction() as session:
            trials.ask(session, session.get_one(Channel, channel))

    with pytest.raises(VagusError, match="One test a minute"):
        ask()
    for minute in range(1, 10):
        clock(f"2026-03-01T09:{2 * minute:02d}")
        ask()
    clock("2026-03-01T10:00")
    with pytest.raises(VagusError, match="enough tests for a day"):
        ask()
    clock("2026-03-02T10:00")
    ask()
    with transaction() as session:
        keys = session.scalars(select(Delivery.key).order_by(Delivery.id)).all()
    assert keys == [f"test:{number}" for number in range(1, 12)]


def test_a_channel_that_is_off_is_not_tested(tested):
    channel, _ = tested
    with transaction() as session:
        row = session.get_one(Channel, channel)
        row.state = "off"
        with pytest.raises(VagusError, match="is off"):
            trials.ask(session, row)
