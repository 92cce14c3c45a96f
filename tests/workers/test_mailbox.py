"""The demo's mailbox: a real SMTP server, in the demo only, on this machine only."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from ingest import settings
from providers.errors import Misconfigured
from tests.workers.peers import ROOT
from workers import mailbox


def mail(subject):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", subject
    message.set_content("Hello")
    return message


def hand_over(port, *subjects):
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
        for subject in subjects:
            smtp.send_message(mail(subject))


def test_mails_are_kept_whole_in_the_order_they_came_also_after_a_restart(home):
    folder = home / "mailbox"
    for subjects in (("one", "two"), ("three",)):
        server = mailbox.open_mailbox(folder)
        hand_over(server.port, *subjects)
        server.stop()
    kept = sorted(folder.glob("*.eml"))
    assert [file.name for file in kept] == ["000001.eml", "000002.eml", "000003.eml"]
    read = [message_from_bytes(file.read_bytes(), policy=policy.default)["Subject"] for file in kept]
    assert read == ["one", "two", "three"]
    assert not list(folder.glob("*.part"))


def test_it_refuses_to_start_outside_the_demo(home):
    with pytest.raises(Misconfigured, match="demo"):
        mailbox.serve()


def test_it_refuses_to_listen_to_other_machines(home):
    with pytest.raises(Misconfigured, match="this machine only"):
        mailbox.open_mailbox(home, host="0.0.0.0")  # noqa: S104 - refused


def test_it_serves_until_it_is_told_to_stop_and_says_where(home, monkeypatch):
    monkeypatch.setenv("VAGUS_DEMO", "1")
    settings.settings.cache_clear()
    code = "from workers import mailbox; mailbox.serve(0)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ.copy())
    record = home / "mailbox" / "port"
    deadline = time.monotonic() + 20
    while not record.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    hand_over(int(record.read_text()), "hello")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert [file.name for file in (home / "mailbox").glob("*.eml")] == ["000001.eml"]
