"""Oura's notices: one subscription a data type and event, proved by a question, signed with the client secret.

https://cloud.ouraring.com/v2/docs#tag/Webhook-Subscription-Routes. An answer of 410 cancels a subscription: nothing
here makes one. What a notice names is not fetched by its id, which may answer 404: its stream is asked for by date.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC
from typing import NotRequired
from urllib.parse import quote

import pydantic_core
from pydantic import AwareDatetime, NaiveDatetime, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from providers.base import Answer, Hint, Id, Request, Subscribing, Subscription, Webhook, Word
from providers.errors import ContractBroken

# Oura's data types, and the streams that bring them. Heart rate has no notice.
STREAMS: Mapping[str, tuple[str, ...]] = {
    "sleep": ("oura.sleep",),
    "daily_sleep": ("oura.sleep",),
    "daily_readiness": ("oura.daily_readiness",),
    "daily_spo2": ("oura.daily_spo2",),
    "daily_activity": ("oura.daily_activity",),
    "workout": ("oura.workout",),
    "ring_configuration": ("oura.ring_configuration",),
    "rest_mode_period": ("oura.rest_mode_period",),
}
ORDERED = tuple(name for name in STREAMS if name != "daily_sleep")  # it says nothing that sleep does not
EVENTS = ("create", "update", "delete")
PATH = "/v2/webhook/subscription"


class Notice(TypedDict):
    """Whose data changed, and of which type. It also has `event_type`, `object_id` and `event_time`, not used here."""

    user_id: Id
    data_type: Word


class Ordered(TypedDict):
    """One subscription, as Oura lists it."""

    id: Id
    callback_url: str
    event_type: Word
    data_type: Word
    expiration_time: NotRequired[AwareDatetime | NaiveDatetime | None]


_NOTICE: TypeAdapter[Notice] = TypeAdapter(Notice)
_ORDERED: TypeAdapter[list[Ordered] | Ordered] = TypeAdapter(list[Ordered] | Ordered)


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether Oura signed this: hex of HMAC-SHA256 over timestamp and body, keyed with the client secret.

    Oura's own sample signs the JSON written anew without spaces, integrations find the raw body signed: both pass.
    Whether the timestamp is old is not asked here, and a notice sent twice only asks for what is there.
    """
    given = headers.get("x-oura-signature", "").strip().lower().encode(errors="replace")
    timestamp = headers.get("x-oura-timestamp", "").strip().encode(errors="replace")
    if not (given and timestamp and secret):
        return False
    return any(hmac.compare_digest(sign(timestamp + message, secret), given) for message in (body, _compact(body)))


def sign(message: bytes, secret: str) -> bytes:
    """The signature, in lower case; Oura sends it in upper case."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest().encode()


def _compact(body: bytes) -> bytes:
    try:
        document = pydantic_core.from_json(body)
    except ValueError:
        return body
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def hints(body: bytes) -> list[Hint]:
    """What a notice hints at: no stream for a data type that is not followed. Raises ContractBroken."""
    try:
        notice = _NOTICE.validate_json(body)
    except ValidationError:
        raise ContractBroken("Oura's notice is not as documented: no user_id and data_type") from None
    return [Hint(notice["user_id"], STREAMS.get(notice["data_type"], ()))]


def handshake(query: Mapping[str, str], token: str) -> Answer | None:
    """Oura's question while a subscription is made: our verification token against its challenge."""
    given, challenge = query.get("verification_token", ""), query.get("challenge")
    if challenge is None or not token or not hmac.compare_digest(given.encode(), token.encode()):
        return None
    return Answer(200, {"content-type": "application/json"}, json.dumps({"challenge": challenge}).encode())


def credentials(client_id: str, client_secret: str) -> Mapping[str, str]:
    """What proves the app where subscriptions are ordered."""
    return {"x-client-id": client_id, "x-client-secret": client_secret}


def read_subscriptions(body: bytes) -> list[Subscription]:
    """The subscriptions in an answer: a list, or one. Raises ContractBroken."""
    try:
        answered = _ORDERED.validate_json(body)
    except ValidationError:
        raise ContractBroken("Oura's list of subscriptions is not as documented") from None
    return [_subscription(one) for one in (answered if isinstance(answered, list) else [answered])]


def _subscription(ordered: Ordered) -> Subscription:
    expires = ordered.get("expiration_time")
    if expires and not expires.tzinfo:
        expires = expires.replace(tzinfo=UTC)
    topic = f"{ordered['data_type']}.{ordered['event_type']}"
    return Subscription(topic, ordered["id"], ordered["callback_url"], expires)


def create(topic: str, callback_url: str, token: str) -> Request:
    """Order one topic, such as `sleep.update`; Oura asks its question before it answers."""
    data_type, event = topic.rsplit(".", 1)
    body = {"callback_url": callback_url, "verification_token": token, "event_type": event, "data_type": data_type}
    return Request("POST", PATH, json=body)


def renew(external_id: str) -> Request:
    """Order a subscription for another span; about 90 days were seen, `expires_at` tells."""
    return Request("PUT", f"{PATH}/renew/{quote(external_id, safe='')}")


def cancel(external_id: str) -> Request:
    """End a subscription."""
    return Request("DELETE", f"{PATH}/{quote(external_id, safe='')}")


WEBHOOK = Webhook(
    verify=verify,
    hints=hints,
    handshake=handshake,
    subscribing=Subscribing(
        topics=tuple(f"{name}.{event}" for name in ORDERED for event in EVENTS),
        credentials=credentials,
        listed=Request("GET", PATH),
        read=read_subscriptions,
        create=create,
        renew=renew,
        cancel=cancel,
    ),
)
