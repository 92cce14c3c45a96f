"""Connecting a person to a vendor: on the way there, back again, and the end of it.

The way there is bound to the browser that left and is used once. What a grant brings in hangs on the vendor's account:
the same account again fills its gap, another account is another connection, never a mixture.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import providers
from ingest import accounts, clock, db, store
from ingest.grants import client, following, oauth, tokens
from ingest.models import Connection, Credential, Fence, OAuthState, VendorAccount, VendorApp
from ingest.saving import close_fences
from ingest.signin import hashed
from ingest.vault import vault
from providers.base import InToken, Provider, Request
from providers.errors import ContractBroken, VagusError

ON_THE_WAY = timedelta(minutes=15)
ONE_PERSON = "uq_vendor_account_connected"
TAKEN = "this {title} account is connected by somebody else here: sign in as them, or disconnect it there"
NONE_SUCH = "this page has expired, was used before, or was opened in another browser: start again from Connections"


class Refused(VagusError):
    """Raised when a connection does not come about; the text says to the person what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Connected:
    """What came of it: a new connection, also of an account that was a file's until now, or the same one again."""

    connection: int
    vendor: str
    kind: Literal["new", "again"]


def apps(session: Session) -> dict[str, VendorApp]:
    """Our registrations, by vendor; of several at one vendor the newest takes new connections."""
    return {app.vendor: app for app in session.scalars(select(VendorApp).order_by(VendorApp.id))}


def redirect_uri(public_url: str, vendor: str) -> str:
    """Where the vendor sends people back to; registered there, to the letter."""
    return f"{public_url}/connect/{vendor}/return"


def leave(session: Session, person: int, vendor: str, browser: str, public_url: str) -> str:
    """Note that this browser is on its way; returns the vendor's page to go to. Raises Refused, Misconfigured."""
    provider, app = providers.get(vendor), apps(session).get(vendor)
    if app is None:
        raise Refused(f"{provider.title} is not set up here yet: whoever runs this service adds it")
    accounts.lock_active(session, person)
    state = secrets.token_urlsafe(32)
    verifier = secrets.token_urlsafe(64) if provider.auth.pkce else None
    now, mark = clock.now(), hashed(state)
    session.execute(delete(OAuthState).where(OAuthState.expires_at < now))
    on_the_way = OAuthState(
        state_hash=mark,
        browser_hash=hashed(browser),
        person=person,
        vendor_app=app.id,
        verifier=vault().seal(verifier.encode(), f"oauth_state|{mark}") if verifier else None,
        created_at=now,
        expires_at=now + ON_THE_WAY,
    )
    session.add(on_the_way)
    return oauth.authorize_url(provider, app, state, redirect_uri(public_url, vendor), verifier)


def arrive(person: int, vendor: str, browser: str, query: Mapping[str, str], public_url: str) -> Connected:
    """Take up the grant a person comes back with. Raises Refused, and what the vendor's answers raise."""
    app, verifier = _take_state(person, vendor, browser, query.get("state", ""))
    provider = providers.get(vendor)
    if "code" not in query:
        raise Refused(f"{provider.title} says that access was not granted: nothing was connected")
    granted = oauth.exchange(provider, app, query["code"], redirect_uri(public_url, vendor), verifier)
    external_id = _vendor_user(provider, app, granted)
    try:
        with db.transaction() as session:
            return _connect(session, person, app, external_id, granted)
    except IntegrityError as error:
        if ONE_PERSON not in str(error.orig):
            raise
        raise Refused(TAKEN.format(title=provider.title)) from None  # somebody else was first by a moment


def disconnect(person: int, connection_id: int, *, keep: bool) -> str:
    """End a connection: the grant is revoked at the vendor, its tokens go; nights stay where `keep` says so.

    Returns what a person is told. Raises Refused where it is none of theirs.
    """
    with db.transaction() as session:
        connection = _own(session, person, connection_id)
        account = session.get_one(VendorAccount, connection.vendor_account)
        app = session.get(VendorApp, connection.vendor_app) if connection.vendor_app else None
        pair = tokens.pair(session, connection_id)
        _end(session, connection, account)
        store.request_score(session, person, "disconnected")  # these may have been the last nights waited for
    revoked = bool(app and pair) and revoke(app, pair)  # type: ignore[arg-type]
    if not keep:
        with db.transaction() as session:
            _forget(session, person, account.id)
    title = providers.get(account.vendor).title
    ended = "" if revoked else f" Remove Vagus in {title}'s own settings too: it did not confirm the end."
    return f"{title} is disconnected." + ended


def _take_state(person: int, vendor: str, browser: str, state: str) -> tuple[VendorApp, str | None]:
    """Use up the state. Raises Refused where it is unknown, used, too old, another browser's or another person's."""
    with db.transaction() as session:
        used = delete(OAuthState).where(OAuthState.state_hash == hashed(state)).returning(OAuthState)
        found = session.scalar(used)
        app = session.get(VendorApp, found.vendor_app) if found else None
        if found is None or app is None or found.expires_at < clock.now():
            raise Refused(NONE_SUCH)
        if found.browser_hash != hashed(browser) or found.person != person or app.vendor != vendor:
            raise Refused(NONE_SUCH)
        verifier = vault().open(found.verifier, f"oauth_state|{found.state_hash}") if found.verifier else None
        session.expunge(app)
        return app, verifier.decode() if verifier else None


def _vendor_user(provider: Provider, app: VendorApp, granted: oauth.Tokens) -> str:
    """The vendor's id of the person, from the token's answer or asked for with it."""
    where = provider.auth.vendor_user
    if isinstance(where, InToken):
        known = granted.body.get(where.key)
    else:
        request = Request("GET", where.path, headers={"authorization": f"Bearer {granted.access}"})
        known = client.document(client.ask(provider, app.origin, request), provider).get(where.key)
    if not known:
        raise ContractBroken(f"{provider.title} did not say whose account this is")
    return str(known)


def _connect(session: Session, person: int, app: VendorApp, external_id: str, granted: oauth.Tokens) -> Connected:
    provider = providers.get(app.vendor)
    accounts.lock_active(session, person)
    account = _account(session, person, provider, external_id)
    now = clock.now()
    fresh = {"state": "active", "state_reason": None, "state_since": now, "vendor_app": app.id, "next_sync_at": now}
    new = insert(Connection).values(vendor_account=account.id, kind="grant", created_at=now, **fresh)
    identity = [Connection.vendor_account, Connection.kind]
    known = session.scalar(
        select(Connection.id).where(Connection.vendor_account == account.id, Connection.kind == "grant")
    )
    connection = session.scalars(
        new.on_conflict_do_update(index_elements=identity, set_=fresh | {"attempts": 0}).returning(Connection.id)
    ).one()
    session.execute(insert(Fence).values(connection=connection).on_conflict_do_nothing())
    tokens.store(session, connection, granted)
    following.begin(session, connection, provider, granted.scopes)
    store.request_score(session, person, "connected")
    return Connected(connection, provider.name, "again" if known else "new")


def _account(session: Session, person: int, provider: Provider, external_id: str) -> VendorAccount:
    """The person's account with this id, or the one a file made, or a new one. Raises Refused for another person's."""
    of_vendor = select(VendorAccount).where(VendorAccount.vendor == provider.name).order_by(VendorAccount.id)
    named, connected = VendorAccount.external_id == external_id, VendorAccount.disconnected_at.is_(None)
    if session.scalars(of_vendor.where(named, connected, VendorAccount.person != person)).first():
        raise Refused(TAKEN.format(title=provider.title))
    own = of_vendor.where(VendorAccount.person == person)
    unnamed = own.where(VendorAccount.external_id.is_(None), connected)
    account = session.scalars(own.where(named)).first() or session.scalars(unnamed).first()
    if account is None:
        account = VendorAccount(person=person, vendor=provider.name, created_at=clock.now())
        session.add(account)
    account.external_id, account.disconnected_at = external_id, None
    session.flush()
    return account


def _own(session: Session, person: int, connection_id: int) -> Connection:
    rows = select(Connection).join(VendorAccount, VendorAccount.id == Connection.vendor_account)
    own = (Connection.id == connection_id, Connection.kind == "grant", VendorAccount.person == person)
    found = session.scalar(rows.where(*own))
    if found is None:
        raise Refused("there is no such connection")
    return found


def _end(session: Session, connection: Connection, account: VendorAccount) -> None:
    """No more calls and no more saves: the lease goes, so that a sync under way writes nothing further."""
    connection.state, connection.state_reason, connection.state_since = "disconnected", None, clock.now()
    connection.next_sync_at = connection.lease_token = connection.lease_until = None
    account.disconnected_at = clock.now()
    following.end(session, connection.id)
    session.execute(delete(Credential).where(Credential.connection == connection.id))


def grants(session: Session, person: int) -> list[tuple[VendorApp, tuple[str, str | None]]]:
    """The grants of a person that can still be revoked: our registration, and the pair of tokens."""
    rows = session.execute(
        select(VendorApp, Connection.id)
        .join(Connection, Connection.vendor_app == VendorApp.id)
        .join(VendorAccount, VendorAccount.id == Connection.vendor_account)
        .where(VendorAccount.person == person)
    )
    found = [(app, tokens.pair(session, connection)) for app, connection in rows]
    return [(app, pair) for app, pair in found if pair]


def revoke(app: VendorApp, pair: tuple[str, str | None]) -> bool:
    """Whether the vendor confirmed the end of the grant; one that is away did not."""
    try:
        return oauth.revoke(providers.get(app.vendor), app, *pair)
    except VagusError:
        return False


def _forget(session: Session, person: int, account_id: int) -> None:
    """Delete what the account brought in, fence first, so that nobody writes between."""
    of_account = select(Connection.id).where(Connection.vendor_account == account_id)
    close_fences(session, of_account)
    session.execute(of_account.order_by(Connection.id).with_for_update())
    session.execute(delete(VendorAccount).where(VendorAccount.id == account_id, VendorAccount.person == person))
    store.request_score(session, person, "disconnected")
