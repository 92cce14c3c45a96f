"""Oura's whole side of the conversation: a request and an instant in, an answer out. No I/O, no clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from providers.simulator.conversation import Asking, Received, Reply, Response, as_json
from providers.simulator.faults import BEFORE, Faults, Rule
from providers.simulator.oura import collections, consent
from providers.simulator.oura.cloud import Account
from providers.simulator.oura.grants import TOKEN_PATHS, App, Grants
from providers.simulator.oura.hooks import PATH as HOOKS_PATH
from providers.simulator.oura.hooks import Hooks
from providers.simulator.oura.limits import Limits
from providers.simulator.people import Story, SyntheticNight, nights
from providers.simulator.phone import Phone

COLLECTIONS = "/v2/usercollection/"
PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Counted:
    """What calls are counted by; `token` is empty where none was shown."""

    method: str
    path: str
    token: str
    status: int


@dataclass(frozen=True, slots=True)
class Life:
    """A person's nights: `count` of a story, the last one waking on `last_day`, which may lie ahead."""

    story: Story
    last_day: date
    count: int
    seed: int
    utc_offset_minutes: int = 0

    def nights(self) -> list[SyntheticNight]:
        """Night by night."""
        zone = self.utc_offset_minutes
        return nights(self.story, self.last_day, self.count, self.seed, utc_offset_minutes=zone)


@dataclass
class Oura:
    """A simulated Oura with all its state. Equal seeds, requests and instants give equal answers."""

    seed: int = 0
    page_size: int = PAGE_SIZE
    limits: Limits = field(default_factory=Limits)
    accounts: dict[str, Account] = field(default_factory=dict)
    calls: Counter[Counted] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.faults = Faults(self.seed)
        self.grants = Grants(self.seed)
        self.hooks = Hooks(self.grants)

    def add_app(self, app: App) -> App:
        """Register an app at the vendor."""
        self.grants.apps[app.client_id] = app
        return app

    def add_person(self, handle: str, life: Life, phone: Phone | None = None) -> Account:
        """Register a person; a phone that is not named syncs all the time."""
        self.accounts[handle] = Account(handle, life.seed, life.nights(), phone or Phone())
        return self.accounts[handle]

    def answer(self, request: Received, now: datetime) -> Response:
        """Answer a request, or fail as ordered."""
        rule = self.faults.strike(request)
        if rule and rule.kind in BEFORE:
            return self._counted(request, self.faults.instead(rule))
        response = self._answer(request, now)
        if isinstance(response, Asking):
            then = response.then
            return Asking(response.call, lambda heard: self._sent(request, then(heard), rule))
        return self._sent(request, response, rule)

    def _sent(self, request: Received, reply: Reply, rule: Rule | None) -> Reply:
        spoilt = self.faults.spoil(rule, request, reply) if rule else reply
        self.faults.remember(request, reply)
        return self._counted(request, spoilt)

    def _counted(self, request: Received, reply: Reply) -> Reply:
        self.calls[Counted(request.method, _kind_of_path(request.path), _bearer(request), reply.status)] += 1
        return reply

    def _answer(self, request: Received, now: datetime) -> Response:
        people = list(self.accounts)
        response: Response = as_json(404, {"detail": "Not Found"})
        match request.method, request.path:
            case "GET", "/oauth/authorize":
                response = consent.show(request, self.grants, people)
            case "POST", "/oauth/authorize":
                response = consent.decide(request, self.grants, people, now)
            case "POST", path if path in TOKEN_PATHS:
                response = self.grants.token(request, now)
            case "POST", "/oauth/revoke":
                response = self.grants.revoke(request.query.get("access_token", ""))
            case _, path if f"{path}/".startswith(f"{HOOKS_PATH}/"):
                response = self.hooks.answer(request, now)
            case "GET", path if path.startswith(COLLECTIONS):
                response = self._data(request, path.removeprefix(COLLECTIONS).split("/"), now)
        return response

    def _data(self, request: Received, parts: Sequence[str], now: datetime) -> Reply:
        """Data of the person whose token it is."""
        access = _bearer(request)
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


def today(now: datetime, utc_offset_minutes: int) -> date:
    """The civil day at an offset."""
    return (now.astimezone(UTC) + timedelta(minutes=utc_offset_minutes)).date()


def _bearer(request: Received) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


def _kind_of_path(path: str) -> str:
    """The path without the ids in it."""
    parts = path.split("/")
    if path.startswith(COLLECTIONS):
        return "/".join(parts[:4]) + ("/{id}" if len(parts) > 4 else "")  # noqa: PLR2004
    if path.startswith(HOOKS_PATH) and len(parts) > 4:  # noqa: PLR2004
        return f"{HOOKS_PATH}/{'renew/' if parts[4] == 'renew' else ''}{{id}}"
    return path
