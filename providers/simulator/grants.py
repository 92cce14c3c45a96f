"""What every vendor keeps of OAuth: apps, codes that work once within ten minutes, grants and the tokens of each.

How a token address is asked, and what rotating kills, is each vendor's own.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from providers.simulator.conversation import Received, Reply, as_json

CODE_LIVES = timedelta(minutes=10)


class App(Protocol):
    """An app registered at a vendor: only its own redirect addresses are served, letter by letter."""

    @property
    def client_id(self) -> str:
        """The name it goes by."""

    @property
    def client_secret(self) -> str:
        """What it proves itself with."""

    @property
    def redirect_uris(self) -> Sequence[str]:
        """Where people may be sent back to."""

    @property
    def expires_in(self) -> int:
        """Seconds that an access token lasts."""

    @property
    def scopes(self) -> Sequence[str]:
        """What it may ask for."""


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


AnApp = TypeVar("AnApp", bound=App)


@dataclass
class Grants(Generic[AnApp]):
    """Every app, code and grant. Tokens follow from the seed."""

    seed: int = 0
    apps: dict[str, AnApp] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    by_token: dict[str, Grant] = field(default_factory=dict)
    made: int = 0

    def code(self, app: AnApp, redirect_uri: str, person: str, scopes: frozenset[str], now: datetime) -> str:
        """A code for what a person just allowed."""
        made = self._secret("code")
        self.codes[made] = Code(app.client_id, redirect_uri, person, scopes, now + CODE_LIVES)
        return made

    def proven(self, form: Mapping[str, str]) -> AnApp | None:
        """The app that proves itself in a form's body; None where none does."""
        app = self.apps.get(form.get("client_id", ""))
        secret = form.get("client_secret", "").encode()
        return app if app and hmac.compare_digest(app.client_secret.encode(), secret) else None

    def redeemed(self, app: AnApp, form: Mapping[str, str], now: datetime) -> Grant | None:
        """A new grant for a code, which is spent by the attempt; None where it is not this app's, or too old."""
        code = self.codes.pop(form.get("code", ""), None)
        asked = (app.client_id, form.get("redirect_uri"))
        if not code or now >= code.expires_at or (code.client_id, code.redirect_uri) != asked:
            return None
        grant = Grant(app.client_id, code.person, code.scopes)
        self.grants.append(grant)
        return grant

    def refreshed(self, app: AnApp, refresh: str) -> Grant | None:
        """The grant that a refresh token stands for, counted as rotated; None where it is used up or another app's."""
        grant = self.by_token.get(refresh)
        if not grant or (grant.client_id, grant.refresh) != (app.client_id, refresh):
            return None
        grant.rotations += 1
        return grant

    def issue(self, app: AnApp, grant: Grant, now: datetime, *, refreshable: bool = True) -> str:
        """New tokens in place of the refresh token and of the access tokens that have ended; the access token."""
        self._forget(grant, [grant.refresh, *(known for known, until in grant.access.items() if until <= now)])
        access = self._secret("access")
        grant.refresh = self._secret("refresh") if refreshable else ""
        grant.access[access] = now + timedelta(seconds=app.expires_in)
        self.by_token |= {token: grant for token in (access, grant.refresh) if token}
        return access

    def holder(self, access: str, now: datetime) -> Grant | None:
        """The grant that an access token stands for, while it is valid."""
        grant = self.by_token.get(access)
        return grant if grant and access in grant.access and now < grant.access[access] else None

    def of(self, person: str) -> list[Grant]:
        """What a person allowed."""
        return [grant for grant in self.grants if grant.person == person]

    def end(self, grant: Grant) -> None:
        """End a grant with all its tokens."""
        self._forget(grant, [grant.refresh, *grant.access])
        self.grants.remove(grant)

    def end_access(self, grant: Grant) -> None:
        """End a grant's access tokens at once, as if there had been none."""
        self._forget(grant, list(grant.access))

    def deauthorise(self, person: str) -> int:
        """The person takes every app's permission back at the vendor; how many lost it."""
        lost = self.of(person)
        for grant in lost:
            self.end(grant)
        return len(lost)

    def expire(self, person: str, now: datetime) -> int:
        """End every access token of a person now; refresh tokens stay. How many were ended."""
        ended = 0
        for grant in self.of(person):
            for access, until in grant.access.items():
                if until > now:
                    grant.access[access] = now
                    ended += 1
        return ended

    def _forget(self, grant: Grant, tokens: Sequence[str]) -> None:
        for token in tokens:
            self.by_token.pop(token, None)
            grant.access.pop(token, None)

    def _secret(self, kind: str) -> str:
        self.made += 1
        return hashlib.sha256(f"{self.seed}/{kind}/{self.made}".encode()).hexdigest()[:32].upper()


def granted(answer: Mapping[str, object]) -> Reply:
    """New tokens, which nobody on the way may keep."""
    return as_json(200, answer, {"cache-control": "no-store"})


def refused(status: int, error: str) -> Reply:
    """A refusal in OAuth's words."""
    return as_json(status, {"error": error})


def asked_to_refresh(request: Received) -> bool:
    """Whether a token address is asked for new tokens in place of old ones."""
    return request.form().get("grant_type") == "refresh_token"
