"""The demo's push sink as a process of its own: on this machine, in the demo, keeping what the phone showed."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ingest import settings
from providers.errors import Misconfigured
from tests.ground import wait_for
from tests.workers.peers import ROOT
from workers import pushbox
from workers.channels import Message, webpush
from workers.supervision.processes import free_port


def test_the_sink_keeps_what_its_phone_showed_and_ends_when_told(home, monkeypatch):
    monkeypatch.setenv("VAGUS_DEMO", "true")
    monkeypatch.setenv("VAGUS_PUSH_SINK", f"http://127.0.0.1:{free_port()}")
    settings.settings.cache_clear()
    code = "from workers import pushbox; pushbox.serve()"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ.copy())
    try:
        wait_for((home / "pushbox" / "browser.json").exists)
        phone = json.loads((home / "pushbox" / "browser.json").read_text())
        webpush.send(Message(phone["endpoint"], "test.1.1", "test-1", "Vagus", "knock", keys=phone["keys"]))
        (kept,) = (home / "pushbox").glob("[0-9]*.json")
        assert json.loads(kept.read_text())["notification"]["body"] == "knock"
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_outside_the_demo_there_is_no_sink(home):
    with pytest.raises(Misconfigured, match="part of the demo"):
        pushbox.serve()
