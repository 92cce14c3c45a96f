"""What vendors tell us without being asked: notices taken in as hints, and the subscriptions that bring them.

A notice marks streams as due, and a sync then asks for the data; what a signed one says is gone goes at once, and comes
back where the sync still finds it. It is answered before any vendor is called, and its body is kept, sealed, for known
people only. A notice that anybody could have sent is worth little.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

import providers
from ingest import clock, db, store
from ingest.grants import client, following, oauth
from ingest.grants.sync import source_of
from ingest.models import Connection, HintReceived, HookSubscription, VendorAccount, VendorApp
from ingest.saving import Erased, Saved, save
from ingest.settings import settings
from ingest.vault import vault
from providers.base import Answer, Hint, Provider, Request, Subscribing, Subscription, Webhook
from providers.errors import ContractBroken, Misconfigured, VagusError
from providers.shapes import Gone

FORGED, UNKNOWN = 401, 404
FIRST_REFUSAL = 400
UNSIGNED_EVERY = timedelta(minutes=10)
RENEWED_BEFORE = timedelta(days=10)

log = structlog.get_logger(__name__)


def receive(vendor: str, app_id: int, headers: Mapping[str, str], body: bytes) -> int:
    """Take a notice in; the status to answer with. `headers` has names in lower case, `body` is as it came."""
    found = _listening(vendor, app_id)
    if found is None:
        return UNKNOWN
    app, webhook = found
    if not webhook.verify(headers, body, oauth.app_secret(app)):
        log.warning("hook_forged", vendor=vendor, app=app_id)
        return FORGED
    try:
        hinted = _by_person(webhook, body)
    except ContractBroken as error:
        log.error("hook_unreadable", vendor=vendor, app=app_id, reason=str(error))  # noqa: TRY400  (no bug of ours)
        return webhook.ack_status
    for hint in hinted:
        with suppress(Erased), db.transaction() as session:  # whoever is leaving is told nothing new
            connection = _connection(session, app, hint.vendor_user)
            if connection is not None and _note(session, connection, hint.streams, body, signed=webhook.signed):
                _take_up(session, app, connection, hint, signed=webhook.signed)
    return webhook.ack_status


def answer_handshake(vendor: str, app_id: int, query: Mapping[str, str]) -> Answer:
    """Prove to the vendor that its notices may come here; 401 for whatever is no such question, or not ours."""
    found = _listening(vendor, app_id)
    if found is None:
        return Answer(UNKNOWN, {}, b"")
    webhook = found[1]
    answer = webhook.handshake(query, verification_token(vendor, app_id)) if webhook.handshake else None
    return answer or Answer(FORGED, {}, b"")


def verification_token(vendor: str, app_id: int) -> str:
    """What the vendor is given with an order, and asks for again before it sends anything."""
    return vault().sign("webhook", f"{vendor}|{app_id}")


def callback_url(public_url: str, vendor: str, app_id: int) -> str:
    """Where a vendor's notices for one of our registrations come in."""
    return f"{public_url}/hooks/{vendor}/{app_id}"


def ensure_subscriptions(app_id: int) -> None:
    """Order what is missing at the vendor, renew what soon expires, cancel what went to an address of ours before.

    Each order stands for itself: one that fails does not keep the others away. Raises what the first failure raised.
    """
    with db.transaction() as session:
        app = session.get(VendorApp, app_id)
    provider = providers.get(app.vendor) if app else None
    webhook = provider.webhook if provider else None
    if app is None or provider is None or webhook is None or webhook.subscribing is None:
        return
    here = callback_url(settings().public_url, app.vendor, app.id)
    if app.origin is None and not here.startswith("https://"):
        log.info("hooks_not_ordered", vendor=app.vendor, reason="VAGUS_BASE_URL is not https: vendors are polled only")
        _forget_orders(app.id)
        return
    _Orders(provider, app, webhook.subscribing, here).settle()


class _Orders:
    """Our subscriptions at one vendor, for one registration."""

    def __init__(self, provider: Provider, app: VendorApp, ordering: Subscribing, here: str) -> None:
        self.provider, self.app, self.ordering, self.here = provider, app, ordering, here
        self.proof = dict(ordering.credentials(app.client_id, oauth.app_secret(app)))
        self.failed: list[VagusError] = []

    def settle(self) -> None:
        """Make the vendor's list what it should be. Raises the first failure, after all was tried."""
        listed = self.ordering.read(self._ask(self.ordering.listed).body)
        self._cancel(self._left_behind(listed))  # first, while the rows still say which those are
        stand = {each.topic: each for each in listed if each.callback_url == self.here}
        soon = clock.now() + RENEWED_BEFORE
        for topic in self.ordering.topics:
            known = stand.get(topic)
            if known is None:
                token = verification_token(self.app.vendor, self.app.id)
                self._order(topic, self.ordering.create(topic, self.here, token), None)
            elif known.expires_at is not None and known.expires_at < soon:
                self._order(topic, self.ordering.renew(known.external_id), known)
            else:
                self._write(topic, known)
        _forget_orders(self.app.id, but=self.ordering.topics)
        if self.failed:
            raise self.failed[0]

    def _order(self, topic: str, request: Request, known: Subscription | None) -> None:
        """Create or renew one; a vendor that answers a renewal with nothing to read is listed again next time."""
        try:
            answered = self._ask(request).body
        except VagusError as error:
            log.warning("hook_not_ordered", vendor=self.app.vendor, topic=topic, reason=str(error))
            self.failed.append(error)
            return
        with suppress(ContractBroken):
            known = next(iter(self.ordering.read(answered)), known)
        if known is not None:
            self._write(topic, known)

    def _left_behind(self, listed: Sequence[Subscription]) -> list[Subscription]:
        """What we ordered for another address than today's; what others ordered for this app is theirs."""
        with db.transaction() as session:
            own = select(HookSubscription.external_id).where(HookSubscription.vendor_app == self.app.id)
            ours = set(session.scalars(own))
        end = f"/hooks/{self.app.vendor}/{self.app.id}"
        return [
            each
            for each in listed
            if each.callback_url != self.here and each.callback_url.endswith(end) and each.external_id in ours
        ]

    def _cancel(self, subscriptions: Collection[Subscription]) -> None:
        for each in subscriptions:
            try:
                self._ask(self.ordering.cancel(each.external_id), gone=True)
            except VagusError as error:
                self.failed.append(error)

    def _ask(self, request: Request, *, gone: bool = False) -> Answer:
        """A good answer; also that there is no such thing, where it shall be `gone`. Raises ContractBroken."""
        proven = replace(request, headers={**request.headers, **self.proof})
        answer = client.ask(self.provider, self.app.origin, proven)
        if answer.status >= FIRST_REFUSAL and not (gone and answer.status == UNKNOWN):
            raise ContractBroken(f"{self.provider.title} answered {answer.status} to an order of notices")
        return answer

    def _write(self, topic: str, subscription: Subscription) -> None:
        row = {
            "external_id": subscription.external_id,
            "callback_url": self.here,
            "expires_at": subscription.expires_at,
            "checked_at": clock.now(),
        }
        new = insert(HookSubscription).values(vendor_app=self.app.id, topic=topic, **row)
        identity = [HookSubscription.vendor_app, HookSubscription.topic]
        with db.transaction() as session:
            session.execute(new.on_conflict_do_update(index_elements=identity, set_=row))


def _forget_orders(app_id: int, but: Collection[str] = ()) -> None:
    """Hold no order of a topic that nobody asks for any more: it runs out, and would be missed for ever."""
    dropped = (HookSubscription.vendor_app == app_id, HookSubscription.topic.not_in(but))
    with db.transaction() as session:
        session.execute(delete(HookSubscription).where(*dropped))


def _listening(vendor: str, app_id: int) -> tuple[VendorApp, Webhook] | None:
    """Our registration that an address names, and how its vendor notifies; None where there is no such thing."""
    with db.transaction() as session:
        app = session.get(VendorApp, app_id) if 0 < app_id < 2**63 else None
    if app is None or app.vendor != vendor:
        return None
    try:
        webhook = providers.get(vendor).webhook
    except Misconfigured:
        return None
    return (app, webhook) if webhook else None


def _by_person(webhook: Webhook, body: bytes) -> list[Hint]:
    """What a notice hints at, once for each person. Raises ContractBroken."""
    hinted: dict[str, Hint] = {}
    for hint in webhook.hints(body):
        known = hinted.get(hint.vendor_user, Hint(hint.vendor_user, ()))
        streams = tuple(sorted({*known.streams, *hint.streams}))
        hinted[hint.vendor_user] = Hint(hint.vendor_user, streams, known.gone + hint.gone)
    return list(hinted.values())


def _connection(session: Session, app: VendorApp, vendor_user: str) -> int | None:
    known = (
        select(Connection.id)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .where(
            VendorAccount.vendor == app.vendor,
            VendorAccount.external_id == vendor_user,
            VendorAccount.disconnected_at.is_(None),
            Connection.vendor_app == app.id,
            Connection.kind == "grant",
            Connection.state != "disconnected",
        )
    )
    return session.scalar(known)


def _note(session: Session, connection: int, streams: Sequence[str], body: bytes, *, signed: bool) -> bool:
    """Keep the notice; whether it is to be taken up: not the same one again, nor an unsigned one too soon."""
    if not streams or not (signed or _rested(session, connection)):
        return False
    key = hashlib.sha256(body).hexdigest()
    new = insert(HintReceived).values(
        connection=connection,
        key=key,
        streams=list(streams),
        signed=signed,
        body=vault().seal(body, f"hint|{connection}|{key}"),
        received_at=clock.now(),
    )
    return session.scalar(new.on_conflict_do_nothing().returning(HintReceived.id)) is not None


def _take_up(session: Session, app: VendorApp, connection: int, hint: Hint, *, signed: bool) -> None:
    """Let go what is gone, under the fence that every save takes first; then mark the streams."""
    if signed and hint.gone:
        _let_go(session, app, connection, hint.gone)
    following.hint(session, connection, hint.streams)


def _let_go(session: Session, app: VendorApp, connection: int, records: Iterable[Gone]) -> None:
    person = session.scalars(
        select(VendorAccount.person)
        .join(Connection, Connection.vendor_account == VendorAccount.id)
        .where(Connection.id == connection)
    ).one()
    saved = Saved()
    for gone in records:
        source = source_of(session, connection, person, providers.get(app.vendor).stream(gone.stream), clock.now())
        saved.add(save(session, source, [gone]))
    if saved.judged:
        store.request_score(session, person, "gone")


def _rested(session: Session, connection: int) -> bool:
    """Whether no unsigned notice marked this connection lately; counted one at a time, as anybody may send many."""
    session.execute(select(Connection.id).where(Connection.id == connection).with_for_update())
    lately = (HintReceived.received_at > clock.now() - UNSIGNED_EVERY, ~HintReceived.signed)
    return not session.scalar(select(func.count()).where(HintReceived.connection == connection, *lately))
