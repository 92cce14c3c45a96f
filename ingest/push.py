"""Web push, as rows: the key that names this server, the browsers that subscribed, and their receipts.

A subscription is a channel of kind `push`: its address is the endpoint at the browser's push service, a secret of its
own. The browser's keys rest sealed in the channel's settings, beside the mark of the server key it subscribed with.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from ingest import clock
from ingest.models import Channel, Delivery, Person
from ingest.public_address import public_address
from ingest.saving import Erased
from ingest.vault import vault
from providers.errors import VagusError

PURPOSE = "push"
KIND = "push"
MOST_BROWSERS = 10
AUTH_BYTES = 16  # RFC 8291, 3.2
SCALAR_BYTES = 48  # so much more than the order of P-256 that no scalar is likelier than another (FIPS 186-5, A.2.1)
ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BIGINT_DIGITS = 18  # always fit


class NotHeld(VagusError):
    """Raised when a browser wants to go on quietly with a subscription that nobody here holds any more."""


@dataclass(frozen=True, slots=True, repr=False)
class Subscription:
    """What a browser gives us: where its push service takes messages, and the two keys they are encrypted with.

    `label` is what its person knows it by.
    """

    endpoint: str
    p256dh: str
    auth: str
    label: str = "Browser"


def vapid_key() -> ec.EllipticCurvePrivateKey:
    """The key that names this server to push services (RFC 8292), the same for as long as the secrets file lives.

    It is the secret of purpose `push`, stretched by HKDF-SHA256 (info `vapid`) to 48 bytes, modulo the curve's order
    less one, plus one. A new secret ends every subscription, as each is bound to the public key it was made with.
    """
    return _derived(vault().purposes[PURPOSE])


def server_key() -> str:
    """The public half as browsers take it: the uncompressed point in unpadded base64url."""
    point = vapid_key().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _unpadded(point)


def key_mark() -> str:
    """A short name of the public key, kept beside each subscription."""
    return endpoint_hash(server_key())[:12]


def endpoint_hash(endpoint: str) -> str:
    """What page and browser compare, as the endpoint itself is a secret."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def check(subscription: Subscription) -> None:
    """Look up where it leads, and try its keys. Raises VagusError: why nothing can be sent there."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(subscription.p256dh))
        usable = len(_bytes(subscription.auth)) == AUTH_BYTES
    except ValueError:
        usable = False
    if not usable:
        raise VagusError("This browser sent keys that nothing can be encrypted with. Reload the page and try again.")
    public_address(subscription.endpoint)


def subscribe(
    session: Session, person_id: int, subscription: Subscription, *, replaces: str = "", quiet: bool = False
) -> None:
    """Hold a browser for this person, in place of the one whose endpoint hash is `replaces`, and for nobody else.

    `quiet` is a browser that renews itself unasked: it only goes on where its former self is still on.
    Raises VagusError beyond ten browsers, NotHeld, Erased.
    """
    active = select(Person.id).where(Person.id == person_id, Person.state == "active").with_for_update()
    if session.scalar(active) is None:
        raise Erased("this person was erased: nothing was stored")
    rows = {endpoint_hash(row.address): row for row in _browsers(session, person_id)}
    former = rows.get(replaces)
    if quiet and (former is None or former.state != "on"):
        raise NotHeld("This browser was removed here. Turn it on again to hear from us on it.")
    row = rows.get(endpoint_hash(subscription.endpoint))
    if row is None and former is None and len(rows) >= MOST_BROWSERS:
        raise VagusError("Ten browsers hear from us already. Remove one of them first.")
    # the browser belongs to who is signed in on it now
    session.execute(delete(Channel).where(Channel.person != person_id, *_browser(subscription.endpoint)))
    if row is None:
        row = former or Channel(person=person_id, kind=KIND, created_at=clock.now())
    row.address, row.state, row.reason = subscription.endpoint, "on", None
    row.settings = _sealed(person_id, subscription) | {"label": subscription.label, "key": key_mark()}
    session.add(row)


def unsubscribe(session: Session, person_id: int, endpoint: str) -> None:
    """Forget a browser of this person; one that nobody holds is no error."""
    session.execute(delete(Channel).where(Channel.person == person_id, *_browser(endpoint)))


def held(session: Session, person_id: int) -> dict[str, str]:
    """The person's browsers by endpoint hash: `on`, or `off` where the push service said that it is gone."""
    return {endpoint_hash(row.address): row.state for row in _browsers(session, person_id)}


def opened_keys(channel: Channel) -> Mapping[str, str]:
    """The browser's keys, `p256dh` and `auth`, in base64url. Raises Misconfigured where they cannot be opened."""
    place = _place(channel.person, channel.address)
    sealed = {name: base64.b64decode(channel.settings[name]) for name in ("p256dh", "auth")}
    return {name: vault().open(value, place).decode() for name, value in sealed.items()}


def receipt_token(delivery_id: int) -> str:
    """What a message carries so that the browser can say it was shown, and opened."""
    return f"{delivery_id}.{vault().sign(PURPOSE, f'receipt|{delivery_id}')}"


def delivery_of(token: str) -> int | None:
    """The delivery that a receipt's token stands for, or None where it is not ours."""
    number, _, signature = token.partition(".")
    if not (number.isascii() and number.isdecimal() and len(number) <= BIGINT_DIGITS):
        return None
    return int(number) if vault().signed_by(PURPOSE, f"receipt|{number}", signature) else None


def note_receipt(session: Session, token: str, *, opened: bool) -> bool:
    """Note that a message was shown, or opened, the first time it is said; returns whether the token is ours."""
    delivery = delivery_of(token)
    if delivery is None:
        return False
    now = clock.now()
    seen = {"shown_at": func.coalesce(Delivery.shown_at, now)}
    if opened:
        seen["opened_at"] = func.coalesce(Delivery.opened_at, now)
    session.execute(update(Delivery).where(Delivery.id == delivery).values(seen))
    return True


def _browsers(session: Session, person_id: int) -> list[Channel]:
    return list(session.scalars(select(Channel).where(Channel.person == person_id, Channel.kind == KIND)))


def _browser(endpoint: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Channel.kind == KIND, Channel.address == endpoint


def _sealed(person_id: int, subscription: Subscription) -> dict[str, str]:
    place = _place(person_id, subscription.endpoint)
    plain = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    return {name: base64.b64encode(vault().seal(key.encode(), place)).decode() for name, key in plain.items()}


def _place(person_id: int, endpoint: str) -> str:
    return f"channel|{person_id}|{endpoint_hash(endpoint)}"


@lru_cache(maxsize=1)
def _derived(secret: bytes) -> ec.EllipticCurvePrivateKey:
    stretched = HKDF(algorithm=hashes.SHA256(), length=SCALAR_BYTES, salt=None, info=b"vapid").derive(secret)
    return ec.derive_private_key(int.from_bytes(stretched) % (ORDER_P256 - 1) + 1, ec.SECP256R1())


def _unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Unpadded base64url, read strictly."""
    padded = text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4)
    return base64.b64decode(padded, validate=True)
