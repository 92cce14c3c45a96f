"""OAuth as Oura keeps it: apps of two portals, codes that work once within ten minutes, refresh tokens that work once.

A refresh token is dead the moment it was used, and there is no grace. An app that is registered at one portal is
refused by the other's token address, which spends nothing.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from providers.simulator.conversation import Received, Reply, as_json

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
CODE_LIVES = timedelta(minutes=10)


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


@dataclass(slots=True, eq=False)
class Grant:
    """What a person allowed an app: the one refresh token that works, and when each access token ends."""

    client_id: str
    person: str
    scopes: frozenset[str]
    refresh: str = ""
    access: dict[str, datetime] = field(default_factory=dict)
    rotations: int = 0


@dataclass(frozen=True, slots=True)
class Code:
    """A code on its way back through the browser."""

    client_id: str
    redirect_uri: str
    person: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass
class Grants:
    """Every app, code and grant. Tokens follow from the seed."""

    seed: int = 0
    apps: dict[str, App] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    by_token: dict[str, Grant] = field(default_factory=dict)
    made: int = 0

    def code(self, app: App, redirect_uri: str, person: str, scopes: frozenset[str], now: datetime) -> str:
        """A fresh code for what the person allowed."""
        made = self._secret("code")
        self.codes[made] = Code(app.client_id, redirect_uri, person, scopes, now + CODE_LIVES)
        return made

    def holder(self, access: str, now: datetime) -> Grant | None:
        """The grant that an access token stands for, while it is valid."""
        grant = self.by_token.get(access)
        return grant if grant and access in grant.access and now < grant.access[access] else None

    def token(self, request: Received, now: datetime) -> Reply:
        """The answer of a token address: code exchange or refresh. The client proves itself in the form, only."""
        form = request.form()
        refreshing = form.get("grant_type") == "refresh_token"
        app = self.apps.get(form.get("client_id", ""))
        if app and app.portal != TOKEN_PATHS[request.path]:
            return _refused(400, "invalid_request") if refreshing else _refused(401, "invalid_client")
        if not app or not hmac.compare_digest(app.client_secret.encode(), form.get("client_secret", "").encode()):
            return _refused(401, "invalid_client")
        if refreshing:
            return self._refresh(app, form.get("refresh_token", ""), now)
        if form.get("grant_type") == "authorization_code":
            return self._exchange(app, form, now)
        return _refused(400, "unsupported_grant_type")

    def revoke(self, access: str) -> Reply:
        """End the grant that an access token belongs to; an unknown token is as good as revoked."""
        grant = self.by_token.get(access)
        if grant and access in grant.access:
            self._end(grant)
        return as_json(200, {})

    def deauthorise(self, person: str) -> int:
        """The person takes every app's permission back at the vendor; how many lost it."""
        lost = [grant for grant in self.grants if grant.person == person]
        for grant in lost:
            self._end(grant)
        return len(lost)

    def expire(self, person: str, now: datetime) -> int:
        """End every access token of a person now; refresh tokens stay. How many were ended."""
        ended = 0
        for grant in self.grants:
            for access, until in grant.access.items():
                if grant.person == person and until > now:
                    grant.access[access] = now
                    ended += 1
        return ended

    def _exchange(self, app: App, form: Mapping[str, str], now: datetime) -> Reply:
        code = self.codes.pop(form.get("code", ""), None)
        if (
            not code
            or now >= code.expires_at
            or (code.client_id, code.redirect_uri) != (app.client_id, form.get("redirect_uri"))
        ):
            return _refused(400, "invalid_grant")
        grant = Grant(app.client_id, code.person, code.scopes)
        self.grants.append(grant)
        return self._issue(app, grant, now)

    def _refresh(self, app: App, refresh: str, now: datetime) -> Reply:
        grant = self.by_token.get(refresh)
        if not grant or (grant.client_id, grant.refresh) != (app.client_id, refresh):
            return _refused(400, "invalid_grant")
        grant.rotations += 1
        return self._issue(app, grant, now)

    def _issue(self, app: App, grant: Grant, now: datetime) -> Reply:
        self._forget(grant, [grant.refresh, *(known for known, until in grant.access.items() if until <= now)])
        access, grant.refresh = self._secret("access"), self._secret("refresh")
        grant.access[access] = now + timedelta(seconds=app.expires_in)
        self.by_token |= {access: grant, grant.refresh: grant}
        return as_json(
            200,
            {
                "access_token": access,
                "token_type": "bearer",
                "expires_in": app.expires_in,
                "refresh_token": grant.refresh,
                "scope": " ".join(f"{app.scope_prefix}{scope}" for scope in SCOPES if scope in grant.scopes),
            },
            {"cache-control": "no-store"},
        )

    def _end(self, grant: Grant) -> None:
        self._forget(grant, [grant.refresh, *grant.access])
        self.grants.remove(grant)

    def _forget(self, grant: Grant, tokens: Sequence[str]) -> None:
        for token in tokens:
            self.by_token.pop(token, None)
            grant.access.pop(token, None)

    def _secret(self, kind: str) -> str:
        self.made += 1
        return hashlib.sha256(f"{self.seed}/{kind}/{self.made}".encode()).hexdigest()[:32].upper()


def _refused(status: int, error: str) -> Reply:
    return as_json(status, {"error": error})
