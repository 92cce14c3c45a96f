"""Webhooks on their way: notices of what happened, sent after a phone's sync, again while not acknowledged, then lost.

To whom a notice goes, what it says and how it is signed is each vendor's own.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from providers.simulator.cloud import Account
from providers.simulator.conversation import Call, Heard
from providers.simulator.documents import Happened
from providers.simulator.grants import AnApp, Grants

REMEMBERED = 1000


@dataclass(slots=True, eq=False)
class Notice:
    """An event on its way: of whom, to which subscription or app, when it is sent next, and how often it was tried."""

    to: str
    person: str
    event: Mapping[str, Any]
    due_at: datetime
    tries: int = 0


AnAccount = TypeVar("AnAccount", bound=Account)


@dataclass
class Notices(ABC, Generic[AnApp, AnAccount]):
    """The notices that wait, those that were acknowledged lately, and those that were given up."""

    sent_after: ClassVar[timedelta]
    retries: ClassVar[Sequence[timedelta]]

    grants: Grants[AnApp]
    waiting: list[Notice] = field(default_factory=list)
    sent: deque[Notice] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    lost: list[Notice] = field(default_factory=list)
    noticed: dict[str, datetime] = field(default_factory=dict)  # person → up to when changes were looked for

    @abstractmethod
    def notify(self, account: AnAccount, happened: Happened, now: datetime) -> int:
        """Put one event on its way to every app that is told and that the person allowed; how many."""

    @abstractmethod
    def call(self, notice: Notice, now: datetime) -> Call | None:
        """The signed request of a notice; None, and it is dropped, where nobody is told any more."""

    def look(self, accounts: Iterable[AnAccount], now: datetime) -> None:
        """Put a notice on its way for whatever reached the cloud, changed or went since the last look."""
        for account in accounts:
            before = self.noticed.get(account.handle)
            self.noticed[account.handle] = now
            if before is None or not self.grants.of(account.handle):
                continue
            for happened in account.happened(before, now):
                self.notify(account, happened, now)

    def due(self, now: datetime, *, at_once: bool = False) -> list[Notice]:
        """The notices to send now, oldest first; all that wait with `at_once`."""
        ready = [notice for notice in self.waiting if at_once or notice.due_at <= now]
        return sorted(ready, key=lambda notice: notice.due_at)

    def drop(self, notice: Notice) -> None:
        """Send a notice no more; another sender that found it due may have been faster."""
        if notice in self.waiting:
            self.waiting.remove(notice)

    def heard(self, notice: Notice, heard: Heard, now: datetime) -> None:
        """What a notice was answered: done, due again, or lost."""
        if notice not in self.waiting:
            return
        if heard.status // 100 == 2:  # noqa: PLR2004
            self.waiting.remove(notice)
            self.sent.append(notice)
        elif notice.tries < len(self.retries):
            notice.due_at = now + self.retries[notice.tries]
            notice.tries += 1
        else:
            self.waiting.remove(notice)
            self.lost.append(notice)

    def again(self, now: datetime) -> int:
        """Put what was acknowledged on its way once more, word for word, as vendors do at times; how many."""
        twice = [replace(notice, due_at=now, tries=0) for notice in self.sent]
        self.sent.clear()
        self.waiting.extend(twice)
        return len(twice)
