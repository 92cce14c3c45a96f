"""Oura: which address of it answers what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from providers.simulator import consent
from providers.simulator.consent import Wording
from providers.simulator.conversation import Received, Reply, Response, as_json
from providers.simulator.levers import Lever
from providers.simulator.life import Life
from providers.simulator.oura import collections, control
from providers.simulator.oura.cloud import Account
from providers.simulator.oura.grants import TOKEN_PATHS, App, revoke, token
from providers.simulator.oura.hooks import PATH as HOOKS_PATH
from providers.simulator.oura.hooks import Hooks
from providers.simulator.oura.limits import Limits
from providers.simulator.phone import Phone
from providers.simulator.vendor import Vendor

COLLECTIONS = "/v2/usercollection/"
PAGE_SIZE = 1000
WORDING = Wording(
    "Oura",
    {
        "daily": "sleep, readiness and activity",
        "heartrate": "heart rate",
        "workout": "workouts",
        "spo2": "oxygen",
        "spo2Daily": "oxygen",
        "ring_configuration": "which ring it is",
    },
)


@dataclass
class Oura(Vendor[App, Account]):
    """A simulated Oura with all its state."""

    name = "oura"
    records_at = "data"

    page_size: int = PAGE_SIZE
    limits: Limits = field(default_factory=Limits)

    @cached_property
    def hooks(self) -> Hooks:
        """Subscriptions and what they are sent."""
        return Hooks(self.grants)

    def add_person(self, handle: str, life: Life, phone: Phone | None = None) -> Account:
        """Register a person; a phone that is not named syncs all the time."""
        self.accounts[handle] = Account(handle, life.seed, life.nights(), phone or Phone())
        return self.accounts[handle]

    @property
    def levers(self) -> Mapping[str, Lever["Oura"]]:
        """What can be pulled, by name."""
        return control.LEVERS

    def respond(self, request: Received, now: datetime) -> Response:
        """The answer where nothing goes wrong on demand."""
        people = list(self.accounts)
        response: Response = as_json(404, {"detail": "Not Found"})
        match request.method, request.path:
            case "GET", "/oauth/authorize":
                response = consent.show(request, self.grants, people, WORDING)
            case "POST", "/oauth/authorize":
                response = consent.decide(request, self.grants, people, now)
            case "POST", path if path in TOKEN_PATHS:
                response = token(self.grants, request, now)
            case "POST", "/oauth/revoke":
                response = revoke(self.grants, request.query.get("access_token", ""))
            case _, path if f"{path}/".startswith(f"{HOOKS_PATH}/"):
                response = self.hooks.answer(request, now)
            case "GET", path if path.startswith(COLLECTIONS):
                response = self._data(request, path.removeprefix(COLLECTIONS).split("/"), now)
        return response

    def kind_of_path(self, path: str) -> str:
        """The path without the ids in it."""
        parts = path.split("/")
        if path.startswith(COLLECTIONS):
            return "/".join(parts[:4]) + ("/{id}" if len(parts) > 4 else "")  # noqa: PLR2004
        if path.startswith(HOOKS_PATH) and len(parts) > 4:  # noqa: PLR2004
            return f"{HOOKS_PATH}/{'renew/' if parts[4] == 'renew' else ''}{{id}}"
        return path

    def _data(self, request: Received, parts: Sequence[str], now: datetime) -> Reply:
        """Data of the person whose token it is."""
        access = request.bearer()
        grant = self.grants.holder(access, now)
        if grant is None:
            return as_json(401, {"detail": "The access token is expired, revoked or unknown."})
        kind, *known = parts
        account = self.accounts[grant.person]
        if refusal := self.limits.reached(grant.client_id, access, now) or collections.refusal(account, grant, kind):
            return refusal
        if kind == collections.PERSONAL_INFO:
            return collections.personal_info(account, grant.scopes)
        if known:
            return collections.single(account, kind, "/".join(known), now)
        return collections.answer(account, kind, request, now, self.page_size)
