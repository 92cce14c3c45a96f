"""Logs: events with keys, one chain for our records and foreign ones, and nothing secret in either.

Ours are `log.info("delivery_sent", delivery=7)`; what a library writes through `logging` takes the same way out. What a
person said, and what opens a door, is redacted by the name of its key, by type, and inside foreign sentences.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from ingest import clock
from ingest.settings import settings

HIDDEN = "***"
SECRET_WORD = re.compile(
    r"address(es)?|authorization|body|codes?|cookies?|credentials?|email|keys?|param(eter)?s|password|passphrase"
    r"|recipients?|secrets?|signature|text|tokens?",
    re.IGNORECASE,
)
HARMLESS = frozenset({"lease_until", "status_code", "exit_code"})
CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE)
STATEMENT_PARAMETERS = re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL)
ADDRESS = re.compile(r"[^\s@<>\"'(),:;=\[\]{}]+@[\w-]+(?:\.[\w-]+)+")
QUERY = re.compile(r"(?P<name>[?&](?:state|key|signature)=)[^&\s\"']+", re.IGNORECASE)
PAIR = re.compile(  # in a form, an address, or a document as a library shows it
    r"(?P<name>(?:\w*(?:token|secret|password|verifier)|\bcode)(?:=|[\"']\s*:\s*[\"']))[^&\s\"',}\]]+", re.IGNORECASE
)
BEARER = re.compile(r"(?P<name>\b(?:[Bb]earer|[Bb]asic)\s+)[\w.~+/=-]{8,}")
WORDS = re.compile(r"[a-z]+|[A-Z][a-z]*")
QUIET_LIBRARIES = (
    *("mail.log", "kombu", "celery.beat", "celery.worker.strategy", "celery.app.trace", "uvicorn.access"),
    *("requests_oauthlib", "oauthlib", "urllib3"),  # at debug they show whole requests for tokens
)


def configure(service: str) -> None:
    """Set this process's logs up, once at its start; `service` names it in every line."""
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        stamp,
        _named(service),
    ]
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *chain, brief], processors=_way_out()
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings().log_level.upper())
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put the instant on it, from the one clock."""
    event["at"] = clock.now().isoformat(timespec="milliseconds")
    return event


def brief(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Leave out the traceback where the sentence says all: the beat writes one a second while the broker is away."""
    if event.get("logger") == "celery.beat":
        event.pop("exc_info", None)
    return event


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide what must not be read, at any depth."""
    return {key: _hide(key, value) for key, value in event.items()}


def plain(text: str) -> str:
    """A sentence without credentials, tokens, mail addresses, or the values a statement was run with."""
    text = STATEMENT_PARAMETERS.sub(f"[parameters: {HIDDEN}]", text)
    text = CREDENTIALS.sub(rf"\g<scheme>{HIDDEN}@", text)
    for pattern in (QUERY, PAIR, BEARER):
        text = pattern.sub(rf"\g<name>{HIDDEN}", text)
    return ADDRESS.sub(HIDDEN, text)


def _hide(key: str, value: Any) -> Any:
    if _secret(key):
        return HIDDEN
    match value:
        case None | bool() | int() | float():
            return value
        case SecretStr() | bytes() | bytearray() | memoryview():
            return HIDDEN
        case Mapping():
            return {str(inner): _hide(str(inner), each) for inner, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_hide("", each) for each in value]
        case _:
            return plain(str(value))


def _secret(key: str) -> bool:
    """Whether one of the words a key is made of names a secret: `client_secret`, `accessToken`, `code`."""
    if key in HARMLESS:
        return False
    return any(SECRET_WORD.fullmatch(word) for word in WORDS.findall(key))


def _named(service: str) -> Processor:
    def name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name


def _way_out() -> list[Processor]:
    """The last steps: tracebacks become text before anything is hidden, so that they are cleaned too."""
    chosen = settings().log
    columns = chosen == "columns" or (chosen == "auto" and sys.stderr.isatty())
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(timestamp_key="at", pad_event_to=24)
        if columns
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return [remove, structlog.processors.format_exc_info, redact, renderer]
