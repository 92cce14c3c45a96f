"""Mail, in a real SMTP conversation: what arrives, and what each refusal means."""

from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP

from ingest import settings
from providers.errors import DeliveryFailed, Misconfigured, Unavailable
from tests.workers.peers import Relay, open_relay
from workers.channels import email
from workers.channels.message import Message
from workers.mailbox import Server

MESSAGE = Message(
    address="mira@example.org",
    key="strained.42.7",
    thread="alert-42",
    subject="Strain has lasted several nights",
    text="Hello,\n\nHRV 48 ms, usual 54–68.\n",
    html="<p>Hello</p>",
    unsubscribe_url="https://vagus.a-rather-long-name-of-a-host.example.org/some/path/u/42." + "x" * 60,
    image=b"\x89PNG\r\n\x1a\n",
)


@pytest.fixture
def mail_to(home, monkeypatch):
    def point(url, **others):
        monkeypatch.setenv("VAGUS_SMTP_URL", url)
        for name, value in others.items():
            monkeypatch.setenv(f"VAGUS_{name.upper()}", value)
        settings.settings.cache_clear()

    point("smtp+plain://127.0.0.1:1", mail_from="Vagus <alerts@example.net>")
    return point


def test_a_mail_arrives_with_its_headers_its_text_its_page_and_its_chart(mail_to):
    with open_relay() as (relay, url):
        mail_to(url)
        email.send(MESSAGE)
    (mail,) = relay.mails
    assert mail["From"] == "Vagus <alerts@example.net>"
    assert mail["To"] == "mira@example.org"
    assert mail["Message-ID"] == "<strained.42.7@example.net>"
    assert mail["References"] == "<alert-42@example.net>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "Vagus <alerts.example.net>"
    assert mail["Date"]
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert page.get_content().strip() == "<p>Hello</p>"
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert (image["Content-ID"], image.get_content()) == ("<chart>", MESSAGE.image)


def test_a_long_unsubscribe_address_is_never_encoded_or_folded(mail_to):
    with open_relay() as (relay, url):
        mail_to(url)
        email.send(MESSAGE)
    (wire,) = relay.wire
    assert f"List-Unsubscribe: <{MESSAGE.unsubscribe_url}>\r\n".encode() in wire
    body = wire.partition(b"\r\n\r\n")[2]
    assert all(len(line) <= 76 for line in body.split(b"\r\n") if not line.startswith(b"Content-Type:"))


def test_a_mail_without_a_way_to_stop_is_no_list_mail(mail_to):
    mail = email.compose(replace(MESSAGE, unsubscribe_url=None, image=None))
    assert not [name for name in mail if name.startswith("List-")]


@pytest.mark.parametrize(
    "answer", ["550 no such user", "550 5.1.1 unknown", "553 no", "556 5.1.10 null MX", "550 5.2.1 closed"]
)
def test_an_address_the_server_does_not_know_is_refused_for_good(mail_to, answer):
    with open_relay(answers={"RCPT": answer}) as (relay, url):
        mail_to(url)
        with pytest.raises(DeliveryFailed, match="refuses") as failed:
            email.send(MESSAGE)
    assert failed.value.permanent
    assert relay.mails == []


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("RCPT", "450 4.2.0 greylisted"),
        ("RCPT", "452 4.2.2 mailbox full"),
        ("RCPT", "550 5.7.1 relaying denied"),
        ("DATA", "554 5.7.1 looks like spam"),
        ("DATA", "550 we do not like it"),
        ("DATA", "451 try later"),
    ],
)
def test_a_refusal_that_is_not_the_addresss_fault_is_not_for_good(mail_to, step, answer):
    with open_relay(answers={step: answer}) as (_, url):
        mail_to(url)
        with pytest.raises(DeliveryFailed) as failed:
            email.send(MESSAGE)
    assert not failed.value.permanent


def test_a_relay_that_is_away_is_unavailable(mail_to):
    with pytest.raises(Unavailable, match="cannot be used"):
        email.send(MESSAGE)


def test_a_relay_that_refuses_our_password_is_unavailable_for_all(mail_to):
    with open_relay() as (relay, url):
        mail_to(url.replace("://", "://me:wrong@"))
        with pytest.raises(Unavailable, match="the mail relay"):
            email.send(MESSAGE)
    assert relay.mails == []


def test_a_password_that_mail_servers_cannot_be_told_names_its_setting(mail_to):
    server = Server(Relay(), hostname="127.0.0.1", port=0, auth_require_tls=False)
    server.start()
    try:
        mail_to(f"smtp+plain://me:p%C3%A4ss@127.0.0.1:{server.port}")
        with pytest.raises(Misconfigured, match="beyond ASCII"):
            email.send(MESSAGE)
    finally:
        server.stop()


def test_without_a_mail_server_the_setting_is_named(mail_to, monkeypatch):
    monkeypatch.delenv("VAGUS_SMTP_URL")
    settings.settings.cache_clear()
    with pytest.raises(Misconfigured, match="VAGUS_SMTP_URL"):
        email.send(MESSAGE)


@pytest.mark.parametrize("url", ["nonsense", "http://mail.example.org", "smtp://", "smtp://host:99999"])
def test_an_address_that_is_no_mail_server_is_named(mail_to, url):
    mail_to(url)
    with pytest.raises(Misconfigured, match="VAGUS_SMTP_URL"):
        email.send(MESSAGE)


def test_mail_does_not_leave_this_machine_in_the_clear_unless_that_was_said(mail_to):
    mail_to("smtp+plain://mail.example.org:25")
    with pytest.raises(Misconfigured, match="without TLS"):
        email.send(MESSAGE)
    mail_to("smtp+plain://mail.invalid:25?plain=anywhere")
    with pytest.raises(Unavailable):
        email.send(MESSAGE)


def test_a_sender_without_a_domain_is_named(mail_to):
    mail_to("smtp+plain://127.0.0.1:1", mail_from="Vagus")
    with pytest.raises(Misconfigured, match="VAGUS_MAIL_FROM"):
        email.send(MESSAGE)


def test_a_relay_that_is_rude_at_the_end_has_taken_the_mail_all_the_same(mail_to, monkeypatch):
    with open_relay() as (relay, url):

        async def rude(self, arg):
            await self.push("421 go away")

        monkeypatch.setattr(SMTP, "smtp_QUIT", rude)
        mail_to(url)
        email.send(MESSAGE)
    assert len(relay.mails) == 1


def test_on_this_machine_a_relay_without_tls_is_used_and_elsewhere_it_is_not(mail_to, monkeypatch):
    with open_relay() as (relay, url):
        plain = url.replace("smtp+plain", "smtp")
        mail_to(plain)
        email.send(MESSAGE)
        assert len(relay.mails) == 1
        monkeypatch.setattr("workers.channels.relay._loopback", lambda _: False)
        with pytest.raises(Unavailable, match="STARTTLS"):
            email.send(MESSAGE)
        assert len(relay.mails) == 1
