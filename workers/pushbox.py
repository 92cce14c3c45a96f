"""The demo's push service and its one made-up browser: takes what RFC 8030 says, and keeps what a phone would show.

It checks what real services check (the signature and claims of RFC 8292, TTL, Topic, size), decrypts with the browser's
own P-256 keys (RFC 8291), and answers otherwise on demand. In the demo and in tests only, on this machine only.
"""

import base64
import json
import os
import re
import secrets
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import jwt  # type: ignore[import-untyped]
from requests.structures import CaseInsensitiveDict

from ingest import clock, push
from ingest.log import configure
from ingest.settings import settings
from providers.errors import Misconfigured

HOST = "127.0.0.1"
FOLDER = "pushbox"
LARGEST = 4096  # bytes that every push service takes (RFC 8030, 7.2)
LONGEST_CLAIM = 24 * 3600
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
CREATED, BAD, REFUSED, GONE, TOO_BIG = 201, 400, 403, 404, 413

log = structlog.get_logger(__name__)


class Browser:
    """A made-up browser: an endpoint at this service, and keys that are its own."""

    def __init__(self, origin: str, server_key: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = secrets.token_bytes(16)
        self.server_key = server_key
        self.endpoint = f"{origin}/push/{secrets.token_urlsafe(16)}"

    def subscription(self) -> dict[str, Any]:
        """What a page gets from `PushSubscription.toJSON()`."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "keys": {"p256dh": _unpadded(point), "auth": _unpadded(self.auth)}}

    def decrypt(self, body: bytes) -> bytes:
        """The content of a message. Raises http_ece.ECEException."""
        plain: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return plain


@dataclass(frozen=True, slots=True)
class Taken:
    """One message as it came in, opened."""

    topic: str
    ttl: int
    urgency: str
    plain: bytes


@dataclass
class Pushbox:
    """What was taken, in order, and what to answer instead of taking, while `answer` is set."""

    folder: Path | None = None
    browsers: dict[str, Browser] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    answer: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    keeping: threading.Lock = field(default_factory=threading.Lock)

    def browser(self, server_key: str) -> Browser:
        """A new browser, subscribed here for messages of this server key alone."""
        made = Browser(self.origin, server_key)
        self.browsers[urlsplit(made.endpoint).path] = made
        return made

    def shown(self) -> dict[str, dict[str, Any]]:
        """What stands on the lock screen: the latest notification of each tag."""
        notifications = [json.loads(each.plain)["notification"] for each in self.taken]
        return {each["tag"]: each for each in notifications}

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status that a push service answers; a message that it takes is opened and kept."""
        browser = self.browsers.get(path)
        if browser is None:
            return GONE
        if self.answer:
            return self.answer
        try:
            topic, ttl = _checked(headers, body, self.origin, browser.server_key)
            plain = browser.decrypt(body)
        except (_Refusal, http_ece.ECEException) as refusal:
            self.refused.append(str(refusal))
            return refusal.status if isinstance(refusal, _Refusal) else BAD
        with self.keeping:  # two messages at once would be kept under one number
            self.taken.append(Taken(topic, ttl, headers.get("Urgency", ""), plain))
            self._keep(plain)
        return CREATED

    def _keep(self, plain: bytes) -> None:
        """As a file a message: complete under its name, or not at all."""
        if self.folder is None:
            return
        part = self.folder / f".{os.getpid()}.part"
        part.write_text(json.dumps({"at": clock.now().isoformat(), **json.loads(plain)}))
        part.replace(self.folder / f"{len(self.taken):06d}.json")
        log.info("push_kept", number=len(self.taken))


@contextmanager
def open_pushbox(folder: Path | None = None, port: int = 0) -> Iterator[Pushbox]:
    """A push service on this machine, in a thread of its own, until the block ends; port 0 takes a free one."""
    box = Pushbox(folder)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    server = ThreadingHTTPServer((HOST, port), _handler(box))
    box.origin = f"http://{HOST}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="pushbox")
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serve() -> None:
    """Be the push sink of the demo until told to stop; its browser's subscription stands in `pushbox/browser.json`."""
    sink = settings().push_sink
    if sink is None:
        raise Misconfigured("the push sink is part of the demo: set VAGUS_DEMO=1 and VAGUS_PUSH_SINK")
    configure("pushbox")
    folder = settings().home / FOLDER
    stopping = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: stopping.set())
    with open_pushbox(folder, urlsplit(sink).port or 0) as box:
        part = folder / "browser.part"
        part.write_text(json.dumps(box.browser(push.server_key()).subscription()))
        part.replace(folder / "browser.json")
        log.info("pushbox_listens", port=urlsplit(sink).port)
        stopping.wait()


class _Refusal(Exception):
    """Raised where a real service would refuse, with the status it would answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def _checked(headers: Mapping[str, str], body: bytes, origin: str, server_key: str) -> tuple[str, int]:
    """Topic and TTL of a message whose sender proved to be the one subscribed to. Raises _Refusal."""
    if len(body) > LARGEST:
        raise _Refusal(TOO_BIG, "too big")
    if headers.get("Content-Encoding") != "aes128gcm":
        raise _Refusal(BAD, "not encrypted as RFC 8291 says")
    topic, ttl = headers.get("Topic", ""), headers.get("TTL", "")
    if not ttl.isdecimal() or (topic and not TOPIC.fullmatch(topic)):
        raise _Refusal(BAD, "TTL or Topic is not what RFC 8030 allows")
    claims = _claims(headers.get("Authorization", ""), server_key)
    left = claims.get("exp", 0) - clock.now().timestamp()
    if claims.get("aud") != origin or not 0 < left <= LONGEST_CLAIM or not claims.get("sub", "").startswith("mailto:"):
        raise _Refusal(REFUSED, "the claims are not for here and now")
    return topic, int(ttl)


def _claims(authorization: str, server_key: str) -> dict[str, Any]:
    """The signed claims, if the key is the one that the browser subscribed with. Raises _Refusal."""
    form = re.fullmatch(r"vapid t=([\w.-]+),\s*k=([\w-]+)", authorization)
    if form is None or form[2] != server_key:
        raise _Refusal(REFUSED, "another server's key, or none")
    try:
        claims: dict[str, Any] = jwt.decode(form[1], form[2])
    except InvalidSignature:
        raise _Refusal(REFUSED, "the signature is wrong") from None
    return claims


def _handler(box: Pushbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = box.take(self.path, CaseInsensitiveDict(self.headers.items()), body)
            self.send_response(status)
            for name, value in box.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing on the terminal."""

    return Handler


def _unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
