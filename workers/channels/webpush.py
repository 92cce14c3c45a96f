"""Web push: a message encrypted for one browser, handed to its push service (RFC 8030, 8291, 8292).

The content is declarative: a browser that knows the format shows it without our worker, any other hands it to that.
"""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from py_vapid import Vapid02  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter

from ingest import clock, push
from ingest.public_address import public_address
from ingest.vault import vault
from providers.errors import ContractBroken, DeliveryFailed, RateLimited, Unavailable
from workers.channels.email import sender_address
from workers.channels.message import Message

TIMEOUT = (5, 15)  # seconds to connect, and to wait for each piece of the answer
TAKEN = {200, 201, 202}
GONE = {404, 410}  # RFC 8030 says 404 of an expired subscription, push services say 410
ENCODING = "aes128gcm"
MOST_SAID = 200  # bytes of a refusal that are worth keeping
DECLARATIVE = 8030  # the number that marks the format (Push API, "Declarative push message")
CLAIM_LIFE = timedelta(hours=12)  # RFC 8292 allows a day
TOO_MANY, SERVER_ERROR = 429, 500
FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0


def send(message: Message) -> None:
    """Hand one message to the push service. Raises DeliveryFailed, Unavailable, RateLimited, ContractBroken."""
    from pywebpush import WebPusher  # type: ignore[import-untyped]  # noqa: PLC0415  (brings aiohttp, for pushes alone)

    browser = WebPusher({"endpoint": message.address, "keys": dict(message.keys)})
    body = browser.encode(payload(message), ENCODING)["body"]
    host = urlsplit(message.address).netloc
    try:
        with _session(message.address) as session, _post(session, message, body) as answer:
            _judge(answer, host, message.address)
    except requests.RequestException as error:
        # its name alone: its text has the endpoint, which is a secret
        raise Unavailable(f"the push service {host} cannot be reached: {type(error).__name__}") from None


def payload(message: Message) -> bytes:
    """What the phone shows, as declarative Web Push; our own worker reads the same."""
    notification = {
        "title": message.subject,
        "body": message.text,
        "navigate": message.url,
        "tag": message.thread,
        "lang": message.language,
        "data": {"receipt": message.receipt},
    }
    content = {"web_push": DECLARATIVE, "notification": notification, "app_badge": 1}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def topic(message: Message) -> str:
    """The thread in 24 letters that say nothing to a push service; a later message on it replaces the waiting one."""
    return vault().sign(push.PURPOSE, f"topic|{message.address}|{message.thread}")


def _post(session: requests.Session, message: Message, body: bytes) -> requests.Response:
    headers = {
        **_claims(message.address),
        "Host": urlsplit(message.address).netloc,  # the socket knows the address alone
        "Content-Encoding": ENCODING,
        "TTL": str(message.lifetime),
        "Topic": topic(message),
        "Urgency": "normal",
    }
    return session.post(
        message.address, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
    )


def _claims(endpoint: str) -> dict[str, str]:
    """Who sends this, signed for one push service and half a day."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((clock.now() + CLAIM_LIFE).timestamp()),
        "sub": f"mailto:{sender_address()}",
    }
    return dict(Vapid02(push.vapid_key()).sign(claims))


def _judge(answer: requests.Response, host: str, endpoint: str) -> None:
    status = answer.status_code
    if status in TAKEN:
        return
    if status in GONE:
        gone = "this browser takes no more messages: turn it on again there"
        raise DeliveryFailed(gone, permanent=True, address=endpoint)
    if status == TOO_MANY:
        raise RateLimited(f"the push service {host} asks us to wait", _wait(answer.headers.get("Retry-After", "")))
    if status >= SERVER_ERROR:
        raise Unavailable(f"the push service {host} fails: {status}")
    # Refused for what we sent: a clock that is wrong, a key. It says nothing of the browser, so the channel stays on.
    raise ContractBroken(f"the push service {host} refuses our message: {status} {_said(answer)}")


def _wait(retry_after: str) -> float:
    """Seconds to wait; a date, or nothing, counts as a minute."""
    seconds = float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else FIRST_WAIT
    return min(max(seconds, 1.0), LONGEST_WAIT)


def _said(answer: requests.Response) -> str:
    """The beginning of what it says, in one printable line."""
    start = next(answer.iter_content(MOST_SAID), b"").decode(errors="replace")
    return " ".join("".join(each if each.isprintable() else " " for each in start).split())


class _Pinned(HTTPAdapter):
    """Connects to the one address that was checked, and holds it to the name that was asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(max_retries=0)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """The checked address for the socket, the name for TLS."""
        where, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        name = {"server_hostname": where["host"], "assert_hostname": where["host"]}
        return {**where, "host": self.address}, {**tls, **(name if where["scheme"] == "https" else {})}


def _session(endpoint: str) -> requests.Session:
    """A session that reaches this endpoint's checked address, by no proxy and with nobody's password."""
    session = requests.Session()
    session.trust_env = False
    pinned = _Pinned(public_address(endpoint))
    for scheme in ("https://", "http://"):
        session.mount(scheme, pinned)
    return session
