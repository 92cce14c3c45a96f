"""Oura's webhooks: one subscription for a pair of data type and event, proven by a handshake, and signed events.

Nothing but a notice is sent, about half a minute after a phone's sync. What is not answered with 2xx within ten
seconds is sent again, ten times in about an hour, and then lost; an answer of 410 cancels the subscription.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from providers.simulator.conversation import Asking, Call, Heard, Received, Reply, Response, as_json
from providers.simulator.documents import Happened
from providers.simulator.notices import Notice, Notices
from providers.simulator.oura.cloud import Account
from providers.simulator.oura.documents import written
from providers.simulator.oura.grants import App

PATH = "/v2/webhook/subscription"
DATA_TYPES = (
    *("tag", "enhanced_tag", "workout", "session", "sleep", "daily_sleep", "daily_readiness", "daily_activity"),
    *("daily_spo2", "sleep_time", "rest_mode_period", "ring_configuration", "daily_stress", "meal"),
    *("daily_cardiovascular_age", "daily_resilience", "vo2_max"),
)
EVENT_TYPES = ("create", "update", "delete")
NAMES = ("callback_url", "verification_token", "event_type", "data_type")
LIVES = timedelta(days=90)
RETRIES = tuple(timedelta(seconds=after) for after in (10, 20, 40, 80, 160, 320, 480, 600, 840, 1080))
ACKNOWLEDGED_WITHIN = 10.0
GONE = 410


@dataclass(slots=True)
class Ordered:
    """A subscription of an app."""

    id: str
    client_id: str
    callback_url: str
    verification_token: str
    event_type: str
    data_type: str
    expires_at: datetime

    def document(self) -> dict[str, Any]:
        """As the vendor shows it; the verification token stays a secret."""
        return {
            "id": self.id,
            "callback_url": self.callback_url,
            "event_type": self.event_type,
            "data_type": self.data_type,
            "expiration_time": written(self.expires_at.astimezone(UTC)),
        }


@dataclass
class Hooks(Notices[App, Account]):
    """Subscriptions and the notices that wait for them."""

    sent_after: ClassVar = timedelta(seconds=30)
    retries: ClassVar = RETRIES

    subscriptions: dict[str, Ordered] = field(default_factory=dict)
    made: int = 0

    def answer(self, request: Received, now: datetime) -> Response:
        """The subscription addresses: create, list, get, change, delete, renew. The app proves itself in headers."""
        app = self.grants.apps.get(request.headers.get("x-client-id", ""))
        secret = request.headers.get("x-client-secret", "")
        if not app or not hmac.compare_digest(app.client_secret.encode(), secret.encode()):
            return as_json(401, {"detail": "Unknown client."})
        *_, known = rest = request.path.removeprefix(PATH).strip("/").split("/")
        if not known:
            return self._all(app, request, now)
        ordered = self.subscriptions.get(known)
        if ordered is None or ordered.client_id != app.client_id:
            return as_json(404, {"detail": "There is no such subscription."})
        return self._one(ordered, request, now, renew=rest[0] == "renew")

    def notify(self, account: Account, happened: Happened, now: datetime) -> int:
        """Put one event on its way to every app that follows it and that the person allowed; how many."""
        allowed = {grant.client_id for grant in self.grants.of(account.handle)}
        event = {
            "event_type": happened.event_type,
            "data_type": happened.data_type,
            "object_id": happened.object_id,
            "event_time": written(now.astimezone(UTC)),
            "user_id": account.id,
        }
        found = [
            one.id
            for one in self.subscriptions.values()
            if (one.event_type, one.data_type) == (happened.event_type, happened.data_type)
            and one.client_id in allowed
            and now < one.expires_at
        ]
        self.waiting.extend(Notice(known, account.handle, dict(event), now + self.sent_after) for known in found)
        return len(found)

    def call(self, notice: Notice, now: datetime) -> Call | None:
        """The signed request of a notice; None, and it is dropped, where nobody follows any more."""
        ordered = self.subscriptions.get(notice.to)
        if ordered is None:
            self.drop(notice)
            return None
        body = json.dumps(notice.event, separators=(",", ":")).encode()
        timestamp = str(int(now.timestamp()))
        secret = self.grants.apps[ordered.client_id].client_secret
        headers = {
            "content-type": "application/json",
            "x-oura-timestamp": timestamp,
            "x-oura-signature": sign(secret, timestamp, body),
        }
        return Call("POST", ordered.callback_url, headers, body, ACKNOWLEDGED_WITHIN)

    def heard(self, notice: Notice, heard: Heard, now: datetime) -> None:
        """What a notice was answered: done, cancelled for good, due again, or lost."""
        if heard.status == GONE and notice in self.waiting:
            self.subscriptions.pop(notice.to, None)
            self.waiting.remove(notice)
        super().heard(notice, heard, now)

    def _all(self, app: App, request: Received, now: datetime) -> Response:
        match request.method:
            case "GET":
                return as_json(200, [one.document() for one in self._of(app)])
            case "POST":
                return self._create(app, request, now)
        return as_json(405, {"detail": "Method not allowed."})

    def _one(self, ordered: Ordered, request: Received, now: datetime, *, renew: bool) -> Response:
        match request.method:
            case "GET":
                return as_json(200, ordered.document())
            case "PUT" if renew:
                ordered.expires_at = now + LIVES
                return as_json(200, ordered.document())
            case "PUT":
                return self._change(ordered, request, now)
            case "DELETE":
                del self.subscriptions[ordered.id]
                return Reply(204)
        return as_json(405, {"detail": "Method not allowed."})

    def _create(self, app: App, request: Received, now: datetime) -> Response:
        wanted = request.document()
        if any(not isinstance(wanted.get(name), str) for name in NAMES) or not (
            wanted["event_type"] in EVENT_TYPES and wanted["data_type"] in DATA_TYPES
        ):
            return as_json(422, {"detail": f"needed: {', '.join(NAMES)}"})
        pair = (wanted["event_type"], wanted["data_type"])
        if any((one.event_type, one.data_type) == pair for one in self._of(app)):
            return as_json(409, {"detail": "This subscription exists."})
        self.made += 1
        known = hashlib.sha256(f"subscription/{self.made}".encode()).hexdigest()[:32]
        values = {name: str(wanted[name]) for name in NAMES}
        return self._proven(Ordered(id=known, client_id=app.client_id, expires_at=now + LIVES, **values), 201)

    def _change(self, ordered: Ordered, request: Received, now: datetime) -> Response:
        wanted = request.document()
        values = {name: str(wanted[name]) for name in NAMES if wanted.get(name)}
        return self._proven(replace(ordered, expires_at=now + LIVES, **values), 200)

    def _proven(self, ordered: Ordered, status: int) -> Asking:
        """Ask the callback address to repeat a challenge; only then is anything kept."""
        challenge = hashlib.sha256(f"challenge/{ordered.id}/{self.made}".encode()).hexdigest()[:24]
        query = urlencode({"verification_token": ordered.verification_token, "challenge": challenge})
        joint = "&" if "?" in ordered.callback_url else "?"

        def then(heard: Heard) -> Reply:
            if heard.status != 200 or _challenge(heard.body) != challenge:  # noqa: PLR2004
                return as_json(400, {"detail": "The callback address did not repeat the challenge."})
            self.subscriptions[ordered.id] = ordered
            return as_json(status, ordered.document())

        return Asking(Call("GET", f"{ordered.callback_url}{joint}{query}", timeout=ACKNOWLEDGED_WITHIN), then)

    def _of(self, app: App) -> Iterator[Ordered]:
        return (one for one in self.subscriptions.values() if one.client_id == app.client_id)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Oura's signature: HMAC-SHA256 over timestamp and body, keyed by the client secret, in uppercase hex."""
    return hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest().upper()


def _challenge(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found.get("challenge") if isinstance(found, dict) else None
