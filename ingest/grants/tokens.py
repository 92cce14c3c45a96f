"""A usable token of a connection: refreshed once, under the lock of its row alone, and committed before it is used.

A refusal never condemns. Refusals are counted at most once in ten minutes; three in a row, without one answered call
between them, mean that the person must connect again. A time-out is never counted.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import providers
from ingest import clock, db
from ingest.grants import oauth
from ingest.grants.oauth import TokenRefused, Tokens
from ingest.models import Connection, Credential, VendorApp
from ingest.vault import vault
from providers.base import Provider
from providers.errors import AuthorizationLost, Misconfigured, Unavailable

MARGIN = timedelta(minutes=2)  # a token that ends within it is refreshed before it is used
SPACING = timedelta(minutes=10)
MOST_REFUSALS = 3
LONGEST = 10 * 365 * 86_400.0  # seconds: what some vendors say instead of "for ever" and more overflows

# Two addresses asked in vain take at most 2 × (5 + 20 + 45) s: the lock holds out, and a stuck worker lets go.
LIMITS = ("SET LOCAL lock_timeout = '30s'", "SET LOCAL idle_in_transaction_session_timeout = '180s'")


@dataclass(frozen=True, slots=True)
class Usable:
    """An access token, which version of the credential it is, and how many refusals stand against that."""

    access: str = field(repr=False)
    version: int
    refusals: int = 0


def usable_token(connection_id: int, *, beyond_version: int | None = None) -> Usable:
    """A token that can be used now; a newer one than `beyond_version`, where that was refused.

    Raises AuthorizationLost after spaced refusals, or where nothing is left to refresh with; Unavailable, RateLimited,
    ContractBroken, Misconfigured.
    """
    with db.transaction() as session:
        row = session.get(Credential, connection_id)
        if row is None:
            raise AuthorizationLost("there are no tokens for this connection: connect again")
        if (beyond_version is None or row.version > beyond_version) and _lasts(row, MARGIN):
            return _opened(row)
        provider, app = _app_of(session, connection_id)
    return _refreshed(connection_id, provider, app, row.version)


def refused(connection_id: int, version: int, reason: str) -> None:
    """Count a refusal of this version; nothing where another came in its place meanwhile.

    Raises Unavailable, or AuthorizationLost where it was one too many.
    """
    now = clock.now()
    with db.transaction() as session:
        row = _locked(session, connection_id)
        if row.version != version:
            return
        if row.refused_at is None or now - row.refused_at >= SPACING:
            row.refusals, row.refused_at = row.refusals + 1, now
        count = row.refusals
    if count >= MOST_REFUSALS:
        raise AuthorizationLost(f"{reason}, {count} times in a row: connect again")
    raise Unavailable(f"{reason}; trying again, as one refusal proves nothing")


def accepted(connection_id: int, version: int) -> None:
    """Forget earlier refusals, as a call with this version was answered."""
    same = select(Credential).where(Credential.connection == connection_id, Credential.version == version)
    with db.transaction() as session:
        row = session.scalar(same.with_for_update(skip_locked=True))
        if row is not None:
            row.refusals, row.refused_at = 0, None


def store(session: Session, connection_id: int, tokens: Tokens) -> None:
    """Write what a person just granted, in place of what was there; earlier refusals are forgotten."""
    columns = {**_columns(connection_id, tokens), "refresh": _sealed_refresh(connection_id, tokens), "refusals": 0}
    columns |= {"refused_at": None, "scopes": sorted(tokens.scopes) if tokens.scopes is not None else None}
    new = insert(Credential).values(connection=connection_id, **columns)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[Credential.connection], set_={**columns, "version": Credential.version + 1}
        )
    )


def pair(session: Session, connection_id: int) -> tuple[str, str | None] | None:
    """The access and refresh token as they are, for giving them back to the vendor; None where they are lost to us."""
    row = session.get(Credential, connection_id)
    try:
        return None if row is None else (_opened(row).access, _opened_refresh(row))
    except Misconfigured:
        return None  # what cannot be opened must not keep anybody from leaving


def _refreshed(connection_id: int, provider: Provider, app: VendorApp, seen: int) -> Usable:
    """Refresh under the lock, unless somebody did since `seen` was read; commit, and only then give it out."""
    new = None
    try:
        with db.transaction() as session:
            row = _locked(session, connection_id)
            if row.version > seen and _lasts(row, timedelta(0)):
                return _opened(row)
            seen = row.version
            _let_rest(row)
            new = oauth.refresh(provider, app, _spendable(provider, row))
            _renew(row, new)
            return _opened(row)
    except TokenRefused as refusal:
        reason = str(refusal)
    except OperationalError as error:
        if new is None:
            raise _while_locked(error) from None
        return _kept(connection_id, new, seen)
    refused(connection_id, seen, reason)
    return usable_token(connection_id)


def _let_rest(row: Credential) -> None:
    """Ask nothing within minutes of a refusal: it would count for none. Raises Unavailable."""
    if row.refused_at is not None and clock.now() - row.refused_at < SPACING:
        raise Unavailable("the vendor refused these tokens just now; asking again in a few minutes")


def _kept(connection_id: int, new: Tokens, seen: int) -> Usable:
    """Save a pair again that the database lost on the way: the vendor will not give it twice."""
    with db.transaction() as session:
        row = _locked(session, connection_id)
        if row.version == seen:
            _renew(row, new)
        return _opened(row)


def _while_locked(error: OperationalError) -> Exception:
    if isinstance(error.orig, psycopg.errors.LockNotAvailable):
        return Unavailable("another worker has been refreshing this connection's tokens for long; trying again")
    return error


def _locked(session: Session, connection_id: int) -> Credential:
    """The credential, locked alone. Raises AuthorizationLost where it went with its connection."""
    for limit in LIMITS:
        session.execute(text(limit))
    row = session.get(Credential, connection_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise AuthorizationLost("the tokens of this connection are gone: connect again")
    return row


def _spendable(provider: Provider, row: Credential) -> str:
    """The refresh token. Raises TokenRefused or AuthorizationLost where the vendor never gave one."""
    spendable = _opened_refresh(row)
    if spendable is not None:
        return spendable
    if _lasts(row, timedelta(0)):
        raise TokenRefused(f"{provider.title} refused a token that cannot be refreshed", "")
    raise AuthorizationLost(f"{provider.title}'s token has ended and cannot be refreshed: connect again")


def _renew(row: Credential, tokens: Tokens) -> None:
    """Put the new pair in the row; what the vendor did not say again still holds. Earlier refusals stay counted."""
    for name, value in _columns(row.connection, tokens).items():
        setattr(row, name, value)
    if tokens.refresh is not None:
        row.refresh = _sealed_refresh(row.connection, tokens)
    if tokens.scopes is not None:
        row.scopes = sorted(tokens.scopes)
    row.version += 1


def _columns(connection_id: int, tokens: Tokens) -> dict[str, Any]:
    now = clock.now()
    lasts = None if tokens.expires_in is None else timedelta(seconds=min(tokens.expires_in, LONGEST))
    return {
        "access": vault().seal(tokens.access.encode(), f"credential|{connection_id}|access"),
        "expires_at": None if lasts is None else now + lasts,
        "refreshed_at": now,
    }


def _sealed_refresh(connection_id: int, tokens: Tokens) -> bytes | None:
    if tokens.refresh is None:
        return None
    return vault().seal(tokens.refresh.encode(), f"credential|{connection_id}|refresh")


def _opened(row: Credential) -> Usable:
    access = vault().open(row.access, f"credential|{row.connection}|access").decode()
    return Usable(access, row.version, row.refusals)


def _opened_refresh(row: Credential) -> str | None:
    if row.refresh is None:
        return None
    return vault().open(row.refresh, f"credential|{row.connection}|refresh").decode()


def _lasts(row: Credential, margin: timedelta) -> bool:
    return row.expires_at is None or row.expires_at - clock.now() > margin


def _app_of(session: Session, connection_id: int) -> tuple[Provider, VendorApp]:
    of_connection = select(VendorApp).join(Connection, Connection.vendor_app == VendorApp.id)
    app = session.scalars(of_connection.where(Connection.id == connection_id)).one()
    return providers.get(app.vendor), app
