"""OAuth as Oura keeps it: apps of two portals, codes that work once within ten minutes, refresh tokens that work once.

A refresh token is dead the moment it was used, and there is no grace. An app that is registered at one portal is
refused by the other's token address, which spends nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from providers.simulator.conversation import Received, Reply, as_json
from providers.simulator.grants import Grant, asked_to_refresh, granted, refused
from providers.simulator.grants import Grants as AnyGrants

Portal = Literal["legacy", "new"]
TOKEN_PATHS: Mapping[str, Portal] = {"/oauth/token": "legacy", "/oauth/v2/ext/oauth-token": "new"}
SCOPES = (
    "email",
    "personal",
    "daily",
    "heartrate",
    "workout",
    "tag",
    "session",
    "spo2",
    "spo2Daily",  # the documentation's name; the interface itself says spo2
    "stress",
    "heart_health",
    "ring_configuration",
)


@dataclass(frozen=True, slots=True)
class App:
    """An app registered at the vendor: only its own redirect addresses are served, letter by letter."""

    client_id: str
    client_secret: str
    redirect_uris: Sequence[str]
    portal: Portal = "legacy"
    expires_in: int = 86_400
    scopes: Sequence[str] = SCOPES
    scope_prefix: str = ""  # before each scope of a token's answer: some are told `extapi:daily`


Grants: TypeAlias = AnyGrants[App]


def token(grants: Grants, request: Received, now: datetime) -> Reply:
    """The answer of a token address: code exchange or refresh. The client proves itself in the form, only."""
    form, refreshing = request.form(), asked_to_refresh(request)
    known = grants.apps.get(form.get("client_id", ""))
    if known and known.portal != TOKEN_PATHS[request.path]:
        return refused(400, "invalid_request") if refreshing else refused(401, "invalid_client")
    app = grants.proven(form)
    if app is None:
        return refused(401, "invalid_client")
    if not refreshing and form.get("grant_type") != "authorization_code":
        return refused(400, "unsupported_grant_type")
    grant = grants.refreshed(app, form.get("refresh_token", "")) if refreshing else grants.redeemed(app, form, now)
    return _issued(grants, app, grant, now) if grant else refused(400, "invalid_grant")


def revoke(grants: Grants, access: str) -> Reply:
    """End the grant that an access token belongs to; an unknown token is as good as revoked."""
    grant = grants.by_token.get(access)
    if grant and access in grant.access:
        grants.end(grant)
    return as_json(200, {})


def _issued(grants: Grants, app: App, grant: Grant, now: datetime) -> Reply:
    access = grants.issue(app, grant, now)
    scope = " ".join(f"{app.scope_prefix}{scope}" for scope in SCOPES if scope in grant.scopes)
    told = {"access_token": access, "token_type": "bearer", "expires_in": app.expires_in}
    return granted({**told, "refresh_token": grant.refresh, "scope": scope})
