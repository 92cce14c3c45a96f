"""WHOOP's webhooks, model v2: to the one address that the dashboard has, signed over a timestamp in milliseconds.

Nothing but a notice is sent, without a handshake; for a recovery its id is the sleep's. Cycles have no events, and the
end of a grant has none. What is not answered with 2xx within a second is sent again, five times in about an hour.
"""

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from providers.simulator.conversation import Call
from providers.simulator.documents import NAMESPACE, Happened
from providers.simulator.notices import Notice, Notices
from providers.simulator.whoop.cloud import Account
from providers.simulator.whoop.grants import App

DATA_TYPES = ("sleep", "recovery", "workout")
ACKNOWLEDGED_WITHIN = 1.0  # seconds; sources say one or ten, and the stricter holds here
RETRIES = tuple(timedelta(minutes=after) for after in (1, 4, 10, 15, 30))


@dataclass
class Hooks(Notices[App, Account]):
    """The notices of every app that has an address."""

    sent_after: ClassVar = timedelta(seconds=5)
    retries: ClassVar = RETRIES

    made: int = 0

    def notify(self, account: Account, happened: Happened, now: datetime) -> int:
        """Put one event on its way to every app that has an address and that the person allowed; how many."""
        if happened.data_type not in DATA_TYPES:
            return 0
        told = [one.client_id for one in self.grants.of(account.handle) if self.grants.apps[one.client_id].webhook_url]
        for client_id in told:
            self.made += 1
            event = {
                "user_id": int(account.id),
                "id": happened.object_id,
                "type": f"{happened.data_type}.{happened.event_type}",
                "trace_id": str(uuid.uuid5(NAMESPACE, f"{self.grants.seed}/trace/{self.made}")),
            }
            self.waiting.append(Notice(client_id, account.handle, event, now + self.sent_after))
        return len(told)

    def call(self, notice: Notice, now: datetime) -> Call | None:
        """The signed request of a notice; None, and it is dropped, where the address or the grant is gone."""
        app = self.grants.apps.get(notice.to)
        allowed = any(grant.client_id == notice.to for grant in self.grants.of(notice.person))
        if not app or not app.webhook_url or not allowed:
            self.drop(notice)
            return None
        body = json.dumps(notice.event, separators=(",", ":")).encode()
        timestamp = str(round(now.timestamp() * 1000))
        headers = {
            "content-type": "application/json",
            "x-whoop-signature": sign(app.client_secret, timestamp, body),
            "x-whoop-signature-timestamp": timestamp,
        }
        return Call("POST", app.webhook_url, headers, body, ACKNOWLEDGED_WITHIN)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """WHOOP's signature: HMAC-SHA256 over timestamp and body, keyed by the client secret, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()).decode()
