"""A vendor's whole side of the conversation: a request and an instant in, an answer out. No I/O, no clock."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Generic

from providers.simulator.conversation import Asking, Received, Reply, Response
from providers.simulator.faults import BEFORE, Faults, Rule
from providers.simulator.grants import AnApp, Grants
from providers.simulator.life import Life
from providers.simulator.notices import AnAccount, Notices
from providers.simulator.phone import Phone


@dataclass(frozen=True, slots=True)
class Counted:
    """What calls are counted by; `token` is empty where none was shown."""

    method: str
    path: str
    token: str
    status: int


@dataclass
class Vendor(ABC, Generic[AnApp, AnAccount]):
    """A simulated vendor with all its state. Equal seeds, requests and instants give equal answers."""

    name: ClassVar[str]
    records_at: ClassVar[str]

    seed: int = 0
    accounts: dict[str, AnAccount] = field(default_factory=dict, kw_only=True)
    calls: Counter[Counted] = field(default_factory=Counter, kw_only=True)

    @property
    @abstractmethod
    def hooks(self) -> Notices[AnApp, AnAccount]:
        """Its webhooks."""

    @abstractmethod
    def add_person(self, handle: str, life: Life, phone: Phone | None = None) -> AnAccount:
        """Register a person; a phone that is not named syncs all the time."""

    @property
    @abstractmethod
    def levers(self) -> Mapping[str, Callable[[Any, Mapping[str, Any], datetime], Any]]:
        """What can be pulled, by name: a function of the vendor, what was given, and an instant."""

    @abstractmethod
    def respond(self, request: Received, now: datetime) -> Response:
        """The answer where nothing goes wrong on demand."""

    @abstractmethod
    def kind_of_path(self, path: str) -> str:
        """The path without the ids in it."""

    @cached_property
    def faults(self) -> Faults:
        """What goes wrong on demand."""
        return Faults(self.seed, self.records_at)

    @cached_property
    def grants(self) -> Grants[AnApp]:
        """Its apps, and what people allowed them."""
        return Grants(self.seed)

    def add_app(self, app: AnApp) -> AnApp:
        """Register an app at the vendor, or change one."""
        self.grants.apps[app.client_id] = app
        return app

    def pull(self, name: str, given: Mapping[str, Any], now: datetime) -> Any:
        """Pull a lever. Raises LookupError for one, a person or a field there is not, ValueError for a wrong value."""
        if name not in self.levers:
            raise LookupError(f"there is no {name}: {', '.join(self.levers)}")
        return self.levers[name](self, given, now)

    def answer(self, request: Received, now: datetime) -> Response:
        """Answer a request, or fail as ordered."""
        rule = self.faults.strike(request)
        if rule and rule.kind in BEFORE:
            return self._counted(request, self.faults.instead(rule))
        response = self.respond(request, now)
        if isinstance(response, Asking):
            then = response.then
            return Asking(response.call, lambda heard: self._sent(request, then(heard), rule))
        return self._sent(request, response, rule)

    def _sent(self, request: Received, reply: Reply, rule: Rule | None) -> Reply:
        spoilt = self.faults.spoil(rule, request, reply) if rule else reply
        self.faults.remember(request, reply)
        return self._counted(request, spoilt)

    def _counted(self, request: Received, reply: Reply) -> Reply:
        self.calls[Counted(request.method, self.kind_of_path(request.path), request.bearer(), reply.status)] += 1
        return reply
