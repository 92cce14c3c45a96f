"""Logs: one line a record, ours or foreign, and nothing secret in any."""

import io
import json
import logging
import sys
import warnings

import pytest
import structlog
from pydantic import SecretStr

from ingest import log, settings


@pytest.fixture
def logs(home, monkeypatch):
    """What this process says, as text; set up anew in the way that is asked for."""
    said = io.StringIO()

    def configured(way):
        monkeypatch.setattr(sys, "stderr", said)
        monkeypatch.setenv("VAGUS_LOG", way)
        settings.settings.cache_clear()
        log.configure("test")
        return said

    configured("json")
    return configured


@pytest.fixture
def lines(logs):
    return lambda: [json.loads(each) for each in logs("json").getvalue().splitlines()]


def test_ours_and_foreign_records_take_the_same_way(lines, clock):
    clock("2026-03-01T09:00")
    structlog.contextvars.bind_contextvars(task_id="abc")
    structlog.get_logger("ours").info("scored", person=7)
    logging.getLogger("foreign").warning("lost %s", "it")
    ours, foreign = lines()
    assert (ours["event"], ours["person"], foreign["event"]) == ("scored", 7, "lost it")
    for line in (ours, foreign):
        assert line["at"].startswith("2026-03-01T09:00:00")
        assert (line["service"], line["task_id"]) == ("test", "abc")


@pytest.mark.parametrize(
    "key", ["token", "access_token", "clientSecret", "password", "Authorization", "cookie", "code", "body", "address"]
)
def test_what_a_key_calls_a_secret_is_hidden_at_any_depth(lines, key):
    structlog.get_logger().info("x", outer=[{"inner": ({key: "hush"},)}], **{key: {"deep": "hush"}})
    (line,) = lines()
    assert "hush" not in json.dumps(line)


@pytest.mark.parametrize("value", [b"hush", bytearray(b"hush"), SecretStr("hush"), [b"hush"], {"a": SecretStr("hush")}])
def test_bytes_and_secrets_are_hidden_by_their_type(lines, value):
    structlog.get_logger().info("x", harmless=value)
    assert "hush" not in json.dumps(lines())


@pytest.mark.parametrize(
    "sentence",
    [
        "cannot reach redis://me:hush@10.0.0.1:6379/0",
        "POST https://api.example.org/x?token=hush&day=1",
        "[SQL: INSERT INTO x] [parameters: {'a': 'hush'}]",
        "mail to hush@example.org bounced",
    ],
)
def test_foreign_sentences_lose_credentials_addresses_and_values(lines, sentence):
    logging.getLogger("foreign").error(sentence)
    structlog.get_logger().info("x", reason=sentence)
    assert "hush" not in json.dumps(lines())


def test_a_traceback_is_cleaned_as_well(lines):
    try:
        int("postgresql://vagus:hush@db/vagus")
    except ValueError:
        structlog.get_logger().exception("bad")
        logging.getLogger("foreign").exception("worse")
    ours, foreign = lines()
    assert "ValueError" in ours["exception"]
    assert "hush" not in json.dumps([ours, foreign])


def test_harmless_keys_are_shown(lines):
    structlog.get_logger().info("x", delivery=7, status_code=200, nights=[1, 2], none=None)
    (line,) = lines()
    assert (line["delivery"], line["status_code"], line["nights"], line["none"]) == (7, 200, [1, 2], None)


def test_a_terminal_gets_columns(logs):
    said = logs("columns")
    structlog.get_logger("ours").info("scored", person=7, token="hush")
    assert "scored" in said.getvalue()
    assert "hush" not in said.getvalue()
    assert not said.getvalue().startswith("{")


def test_warnings_of_libraries_are_records_too(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "old" in lines()[0]["event"]


def test_the_beat_says_once_a_second_in_one_line_that_the_broker_is_away(caplog):
    for logger, kept in (("celery.beat", False), ("celery.worker", True)):
        event = log.brief(None, "error", {"logger": logger, "event": "refused", "exc_info": (None, None, None)})
        assert ("exc_info" in event) is kept
