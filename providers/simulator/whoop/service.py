"""WHOOP: which address of it answers what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from providers.simulator.conversation import Received, Reply, as_json
from providers.simulator.grants import Grant, refused
from providers.simulator.levers import Lever
from providers.simulator.life import Life
from providers.simulator.phone import Phone
from providers.simulator.vendor import Vendor
from providers.simulator.whoop import collections, control
from providers.simulator.whoop.cloud import Account
from providers.simulator.whoop.documents import Strap
from providers.simulator.whoop.grants import App, authorize, token
from providers.simulator.whoop.hooks import Hooks
from providers.simulator.whoop.limits import Limits

AUTHORIZE, TOKEN = "/oauth/oauth2/auth", "/oauth/oauth2/token"
DATA, ACCESS = "/developer/v2/", "/developer/v2/user/access"
IDS = re.compile(r"(?<=/)(\d+|[0-9a-f-]{36})(?=/|$)")


@dataclass
class Whoop(Vendor[App, Account]):
    """A simulated WHOOP with all its state."""

    name = "whoop"
    records_at = "records"

    limits: Limits = field(default_factory=Limits)

    @cached_property
    def hooks(self) -> Hooks:
        """What the apps' addresses are sent."""
        return Hooks(self.grants)

    def add_person(self, handle: str, life: Life, phone: Phone | None = None, strap: Strap | None = None) -> Account:
        """Register a person; a phone that is not named syncs all the time, a strap is a newer one."""
        account = Account(handle, life.seed, life.nights(), phone or Phone(), strap=strap or Strap())
        self.accounts[handle] = account
        return account

    @property
    def levers(self) -> Mapping[str, Lever["Whoop"]]:
        """What can be pulled, by name."""
        return control.LEVERS

    def respond(self, request: Received, now: datetime) -> Reply:
        """The answer where nothing goes wrong on demand."""
        match request.method, request.path:
            case "GET" | "POST", path if path == AUTHORIZE:
                return authorize(self.grants, request, list(self.accounts), now)
            case "POST", path if path == TOKEN:
                return token(self.grants, request, now)
            case "GET" | "DELETE", path if path.startswith(DATA):
                return self._granted(request, now)
        return collections.not_found()

    def kind_of_path(self, path: str) -> str:
        """The path without the ids in it."""
        return IDS.sub("{id}", path)

    def _granted(self, request: Received, now: datetime) -> Reply:
        """What an access token opens, counted against the app's limits, which every answer tells."""
        grant = self.grants.holder(request.bearer(), now)
        if grant is None:
            return refused(401, "invalid_token")
        standing = self.limits.count(grant.client_id, now)
        reply = as_json(429, {"error": "rate_limited"}) if standing.exceeded else self._opened(request, grant, now)
        return replace(reply, headers={**reply.headers, **standing.headers})

    def _opened(self, request: Received, grant: Grant, now: datetime) -> Reply:
        if request.method == "DELETE":
            if request.path != ACCESS:
                return collections.not_found()
            self.grants.end(grant)
            return Reply(204)
        account = self.accounts[grant.person]
        if account.lapsed:
            return refused(403, "deactivated_user")
        return self._data(account, grant, request, now)

    def _data(self, account: Account, grant: Grant, request: Received, now: datetime) -> Reply:
        found = collections.routed(request.path.removeprefix(DATA))
        if found is None:
            return collections.not_found()
        route, ids = found
        if route.scope not in grant.scopes:
            return refused(403, "insufficient_scope")
        return route.answer(account, request, now, *ids)
