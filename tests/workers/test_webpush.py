"""From a delivery to a phone: encrypted for one browser, signed by this server, taken or refused by a push service."""

import json
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from threading import Thread
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import delete, select, update

import providers
from ingest import clock as the_clock
from ingest import public_address, push, settings, words
from ingest.db import transaction
from ingest.models import Alert, Channel, Connection, Delivery, Person, VendorAccount
from providers.errors import ContractBroken, DeliveryFailed, RateLimited, Unavailable
from tests.workers.peers import make_person, make_told, open_relay
from tests.workers.sync_stage import send_due
from workers import deliveries
from workers.channels import CHANNELS, Message, webpush
from workers.pushbox import open_pushbox

DISCREET = "Your recovery trend changed. Tap to see which nights."


@pytest.fixture
def box(home, clock, monkeypatch):
    """A push service of the test's own, as the one exception to https and public."""
    clock("2026-03-01T09:00")
    with open_pushbox() as made, open_relay() as (relay, url):
        for name, value in {
            "VAGUS_DEMO": "true",
            "VAGUS_PUSH_SINK": made.origin,
            "VAGUS_SMTP_URL": url,
            "VAGUS_MAIL_FROM": "Vagus <alerts@example.net>",
            "VAGUS_BASE_URL": "https://vagus.example.net",
        }.items():
            monkeypatch.setenv(name, value)
        settings.settings.cache_clear()
        made.relay = relay
        yield made


def message_to(browser, **changed):
    given = browser.subscription()
    told = {
        "address": given["endpoint"],
        "key": "strained.42.7",
        "thread": "alert-42",
        "subject": "Vagus",
        "text": DISCREET,
        "url": "https://vagus.example.net/alerts/42",
        "keys": given["keys"],
        "receipt": "9.signed",
    }
    return Message(**(told | changed))


def subscribed(person, browser):
    given = browser.subscription()
    with transaction() as session:
        subscription = push.Subscription(given["endpoint"], **given["keys"], label="Chrome on Android")
        push.subscribe(session, person, subscription)


def every(table):
    with transaction() as session:
        return session.scalars(select(table).order_by(table.id)).all()


def change(table, **values):
    with transaction() as session:
        session.execute(update(table).values(**values))


def alerted_with_phone(box):
    """Somebody who is to be told now, by mail and on one browser; the two deliveries wait."""
    with transaction() as session:
        make_told(session, "mira@example.org")
        person = session.scalars(select(Person.id)).one()
    subscribed(person, box.browser(push.server_key()))
    with transaction() as session:
        session.execute(delete(Delivery))
        alert = session.scalars(select(Alert)).one()
        about = deliveries.about_alert("strained", alert.id, "strained")
        assert deliveries.create(session, session.get_one(Person, person), about)


def test_a_message_reaches_the_browser_it_was_encrypted_for_and_proves_who_sent_it(box):
    browser = box.browser(push.server_key())
    webpush.send(message_to(browser))
    (taken,) = box.taken
    assert json.loads(taken.plain) == {
        "web_push": 8030,
        "notification": {
            "title": "Vagus",
            "body": DISCREET,
            "navigate": "https://vagus.example.net/alerts/42",
            "tag": "alert-42",
            "lang": "en",
            "data": {"receipt": "9.signed"},
        },
        "app_badge": 1,
    }
    assert len(taken.plain) < 2048
    assert (taken.ttl, taken.urgency, box.refused) == (86_400, "normal", [])


def test_the_same_thread_has_the_same_topic_and_tells_a_push_service_nothing(box):
    browser = box.browser(push.server_key())
    for key, thread in (("strained.42.7", "alert-42"), ("eased.42.7", "alert-42"), ("strained.43.7", "alert-43")):
        webpush.send(message_to(browser, key=key, thread=thread))
    first, again, other = [taken.topic for taken in box.taken]
    assert first == again != other
    assert len(first) <= 32
    assert "alert" not in first
    assert "42" in message_to(browser).thread
    assert set(box.shown()) == {"alert-42", "alert-43"}


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_gone_for_good(box, status):
    browser = box.browser(push.server_key())
    box.answer = status
    with pytest.raises(DeliveryFailed, match="turn it on again there") as failed:
        webpush.send(message_to(browser))
    assert failed.value.permanent


@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry-After": "120"}, 120), ({}, 60), ({"Retry-After": "999999"}, 3600)]
)
def test_a_push_service_that_asks_us_to_wait_says_for_how_long(box, header, seconds):
    browser = box.browser(push.server_key())
    box.answer, box.headers = 429, header
    with pytest.raises(RateLimited) as told:
        webpush.send(message_to(browser))
    assert told.value.retry_after == seconds


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_push_service_that_fails_is_unavailable(box, status):
    browser = box.browser(push.server_key())
    box.answer = status
    with pytest.raises(Unavailable):
        webpush.send(message_to(browser))


@pytest.mark.parametrize("status", [307, 400, 401, 403, 413])
def test_a_refusal_of_what_we_sent_says_nothing_of_the_browser_and_is_followed_nowhere(box, status):
    browser = box.browser(push.server_key())
    box.answer, box.headers = status, {"Location": browser.endpoint}
    with pytest.raises(ContractBroken, match=str(status)):
        webpush.send(message_to(browser))
    assert box.taken == []


def test_no_error_names_the_endpoint_which_is_a_secret(box):
    browser = box.browser(push.server_key())
    message = message_to(browser)
    for status in (404, 429, 503, 400):
        box.answer = status
        with pytest.raises(Exception) as told:  # noqa: PT011 any of ours
            webpush.send(message)
        assert browser.endpoint.rpartition("/")[2] not in str(told.value)
    assert browser.endpoint not in repr(message)


def test_a_push_service_that_is_away_is_unavailable(home, monkeypatch):
    with open_pushbox() as box:
        monkeypatch.setenv("VAGUS_DEMO", "true")
        monkeypatch.setenv("VAGUS_PUSH_SINK", box.origin)
        settings.settings.cache_clear()
        message = message_to(box.browser(push.server_key()))
    with pytest.raises(Unavailable, match="cannot be reached: ConnectionError") as told:
        webpush.send(message)
    assert message.address not in str(told.value)


def test_a_message_signed_by_another_server_or_for_another_browser_is_refused(box):
    stranger = box.browser("another server's key")
    with pytest.raises(ContractBroken, match="403"):
        webpush.send(message_to(stranger))
    own, other = box.browser(push.server_key()), box.browser(push.server_key())
    with pytest.raises(ContractBroken, match="400"):
        webpush.send(message_to(own, keys=other.subscription()["keys"]))
    assert box.taken == []


def test_a_claim_that_is_old_or_for_too_long_is_refused(box, monkeypatch):
    browser = box.browser(push.server_key())
    for life in (timedelta(seconds=-1), timedelta(hours=25)):
        monkeypatch.setattr(webpush, "CLAIM_LIFE", life)
        with pytest.raises(ContractBroken, match="403"):
            webpush.send(message_to(browser))


@pytest.mark.parametrize("endpoint", ["https://127.0.0.1/push/1", "https://localhost/push/1", "http://127.0.0.1:1/x"])
def test_nothing_is_sent_to_a_private_address_also_when_it_became_one_later(box, endpoint):
    message = message_to(box.browser(push.server_key()), address=endpoint)
    with pytest.raises(DeliveryFailed) as told:
        webpush.send(message)
    assert not told.value.permanent


def test_strain_reaches_mail_and_phone_and_the_phone_shows_no_number_and_no_state(database, box):
    alerted_with_phone(box)
    assert send_due() == 2
    mail, phone = every(Delivery)
    assert (mail.status, phone.status, len(box.relay.mails)) == ("sent", "sent", 1)
    (taken,) = box.taken
    shown = json.loads(taken.plain)["notification"]
    assert (shown["title"], shown["body"]) == ("Vagus", DISCREET)
    assert shown["navigate"] == f"https://vagus.example.net/alerts/{phone.subject}"
    assert shown["tag"] == phone.thread == mail.thread
    assert shown["data"] == {"receipt": push.receipt_token(phone.id)}
    assert every(Alert)[0].told
    assert send_due() == 0


def test_a_message_that_is_sent_twice_stands_on_the_phone_once(database, box, clock):
    alerted_with_phone(box)
    send_due()
    change(Delivery, status="waiting")  # as after a kill between the answer and our commit
    send_due()
    first, again = box.taken
    assert (first.topic, first.plain) == (again.topic, again.plain)
    assert len(box.shown()) == 1


def test_a_browser_that_is_gone_is_turned_off_with_its_reason_and_mail_goes_on(database, box):
    alerted_with_phone(box)
    box.answer = 410
    send_due()
    mail, phone = every(Delivery)
    by_mail, by_push = every(Channel)
    assert (mail.status, phone.status) == ("sent", "failed")
    assert (by_mail.state, by_push.state) == ("on", "off")
    assert by_push.reason == "this browser takes no more messages: turn it on again there"


def test_a_browser_that_renewed_itself_while_its_former_address_was_tried_stays_on(database, box, monkeypatch):
    alerted_with_phone(box)
    box.answer = 410
    renewed = box.browser(push.server_key()).subscription()["endpoint"]

    def tried(message):
        with transaction() as session:
            session.execute(update(Channel).where(Channel.address == message.address).values(address=renewed))
        webpush.send(message)

    monkeypatch.setitem(CHANNELS, push.KIND, tried)
    send_due()
    assert [each.state for each in every(Channel)] == ["on", "on"]


def test_a_refused_message_fails_and_leaves_its_browser_on(database, box):
    alerted_with_phone(box)
    box.answer = 403
    send_due()
    assert [each.status for each in every(Delivery)] == ["sent", "failed"]
    assert [each.state for each in every(Channel)] == ["on", "on"]


def test_a_busy_push_service_costs_no_try_and_gets_the_message_when_it_said(database, box, clock):
    alerted_with_phone(box)
    box.answer, box.headers = 429, {"Retry-After": "300"}
    send_due()
    phone = every(Delivery)[1]
    assert (phone.status, phone.attempts) == ("waiting", 0)
    assert round((phone.not_before - the_clock.now()).total_seconds(), -1) == 300
    box.answer = 0
    clock("2026-03-01T09:04")
    assert send_due() == 0
    clock("2026-03-01T09:06")
    assert (send_due(), len(box.taken)) == (1, 1)


def test_a_browser_that_knows_another_key_of_ours_is_turned_off_before_anything_is_sent(database, box, monkeypatch):
    alerted_with_phone(box)
    monkeypatch.setattr(push, "key_mark", lambda: "another")
    send_due()
    by_push = every(Channel)[1]
    assert by_push.state == "off"
    assert "key of this server changed" in by_push.reason
    assert box.taken == []


def test_quiet_hours_hold_a_push_as_they_hold_a_mail(database, box, clock):
    alerted_with_phone(box)
    change(Person, quiet_from=22 * 60, quiet_until=7 * 60)
    clock("2026-03-01T23:00")
    send_due()
    assert {each.status for each in every(Delivery)} == {"held"}
    clock("2026-03-02T07:01")
    send_due()
    assert len(box.taken) == 1


@pytest.fixture
def lost(database, box, monkeypatch):
    """A person whose vendor ended our access, with mail and one browser that wants nothing."""
    monkeypatch.setattr(providers, "PROVIDERS", (SimpleNamespace(name="ring", title="Ring"),))
    with transaction() as session:
        person = make_person(session)
        account = VendorAccount(person=person, vendor="ring", created_at=the_clock.now())
        session.add(account)
        session.flush()
        connection = Connection(vendor_account=account.id, kind="grant", state="reconnect", created_at=the_clock.now())
        connection.state_since = the_clock.now()
        session.add(connection)
        session.flush()
    subscribed(person, box.browser(push.server_key()))
    change(Channel, wants=[])
    return person, connection.id


def tell_lost(lost, number=1):
    person, connection = lost
    with transaction() as session:
        owner = session.get_one(Person, person)
        key = f"reconnect:{connection}:{number}"
        return deliveries.create_service(session, owner, "reconnect", connection, key=key)


def test_a_lost_connection_is_told_on_every_channel_whatever_it_wants_and_names_nobody_on_the_phone(box, lost):
    assert tell_lost(lost)
    assert send_due() == 2
    (mail,) = box.relay.mails
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == "Ring needs you"
    assert f"Ring ended our access on {words.day(the_clock.now().date())}." in text
    assert "Your past nights are safe" in text
    assert text.count("https://") == 2
    shown = json.loads(box.taken[0].plain)["notification"]
    assert shown["body"] == "A connection needs you."
    assert "Ring" not in json.dumps(shown)


def test_a_lost_connection_is_told_once_however_often_it_is_found(box, lost):
    tell_lost(lost)
    send_due()
    assert not tell_lost(lost)
    assert send_due() == 0
    assert tell_lost(lost, number=2)


def test_the_cap_on_alerts_counts_no_message_about_the_service(box, lost):
    for number in range(4):
        assert tell_lost(lost, number)
    assert {each.status for each in every(Delivery)} == {"waiting"}


def test_a_connection_that_works_again_is_not_told_about(box, lost):
    tell_lost(lost)
    change(Connection, state="active")
    send_due()
    assert {each.status for each in every(Delivery)} == {"cancelled"}
    assert (box.taken, box.relay.mails) == ([], [])


def test_a_connection_that_waits_for_its_person_says_what_for(box, lost):
    change(Connection, state="needs_you", state_reason="the membership has lapsed")
    tell_lost(lost)
    send_due()
    text = " ".join(box.relay.mails[0].get_body(("plain",)).get_content().split())
    assert "Ring gives us nothing: the membership has lapsed." in text


def certificate_for(name):
    """A certificate for this name alone, with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.public_bytes(pem) + key.private_bytes(pem, *plain)


@contextmanager
def tls_server(certificate):
    """A push service on this machine that takes everything over TLS; yields its port, and the hosts asked for."""
    hosts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            hosts.append(self.headers["Host"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1], hosts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_address_that_was_checked_is_connected_to_under_the_name_that_was_asked_for(box, tmp_path, monkeypatch):
    file = tmp_path / "push.example.pem"
    file.write_bytes(certificate_for("push.example"))
    monkeypatch.setattr(public_address, "_resolved", lambda *_: [ip_address("127.0.0.1")])
    monkeypatch.setattr(public_address, "is_public", lambda _: True)
    session_to = webpush._session

    def trusting(endpoint):
        session = session_to(endpoint)
        session.verify = str(file)
        return session

    monkeypatch.setattr(webpush, "_session", trusting)
    browser = box.browser(push.server_key())
    with tls_server(file) as (port, hosts):
        webpush.send(message_to(browser, address=f"https://push.example:{port}/1"))
        with pytest.raises(Unavailable, match="SSLError"):
            webpush.send(message_to(browser, address=f"https://other.example:{port}/1"))
    assert hosts == [f"push.example:{port}"]


def test_no_proxy_is_used_for_an_endpoint_that_somebody_gave_us(box, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    webpush.send(message_to(box.browser(push.server_key())))
    assert len(box.taken) == 1
