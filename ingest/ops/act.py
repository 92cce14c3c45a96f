"""One thing that an operator does: counted before it is done, with a reason, and written down with the act itself.

Page and command line share it. Done a second time it finds nothing to do, and writes nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ingest import clock
from ingest.grants.replay import MAIL_ADDRESS
from ingest.models import OperatorAction
from providers.errors import VagusError

MANY = 100  # rows, beyond which a word must be typed
DRIFT = 0.1  # of the count that was seen
LONGEST_REASON = 500


class Refused(VagusError):
    """Raised when an act is not done as it was asked for: the text says what to give instead."""


class Changed(Refused):
    """Raised when other rows are meant by now than were shown: look again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done now: to how many rows, and what that means. Of no rows the sentence says why."""

    count: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, to how many rows; `kept` is the number under which it was written down, None if nothing was."""

    count: int
    sentence: str
    kept: int | None = None


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and why: an operator's address, or `terminal` with the account of the machine."""

    who: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act on certain rows. `about` names them in what is kept; `back` is the page to see what came of it.

    `spread` says whether it takes seconds to spread its rows over.
    """

    action: str
    title: str
    about: str
    plan: Callable[[Session], Plan]
    do: Callable[[Session, By], int]
    done: Callable[[int], str]
    back: str = "/ops"
    spread: int | None = None

    @property
    def word(self) -> str:
        """What is typed to confirm that many rows are meant."""
        return self.action.split()[0]


def perform(session: Session, act: Act, by: By, *, seen: int | None = None, confirmed: str = "") -> Done:
    """Do it, in this transaction, and write down who, what, how many and why.

    `seen` is the count that was shown before. Raises Refused, Changed; nothing is done then.
    """
    reason = given_reason(by.reason)
    plan = act.plan(session)
    if not plan.count:
        return Done(0, plan.sentence)
    if seen is not None and abs(plan.count - seen) > DRIFT * seen:
        raise Changed(f"They were {seen:,} when you looked and are {plan.count:,} now. Look again.")
    if plan.count > MANY and confirmed.strip().lower() != act.word:
        raise Refused(f"These are {plan.count:,} rows: type {act.word} to confirm.")
    count = act.do(session, By(by.who, reason))
    kept = write_down(session, By(by.who, reason), act.action, act.about, count) if count else None
    return Done(count, act.done(count), kept)


def write_down(session: Session, by: By, action: str, about: str, count: int) -> int:
    """Keep what somebody did, in the transaction that does it; the number it is kept under."""
    kept = OperatorAction(at=clock.now(), by=by.who, action=action, about=about, count=count, reason=by.reason)
    session.add(kept)
    session.flush()
    return kept.id


def given_reason(text: str) -> str:
    """A reason as it is kept. Raises Refused where there is none, or where it names somebody."""
    reason = re.sub(r"\s+", " ", text).strip()
    if not reason:
        raise Refused("Say why: the reason is kept with what you do.")
    if MAIL_ADDRESS.search(reason):
        raise Refused("Leave mail addresses out of the reason: people go by their number here.")
    return reason[:LONGEST_REASON]
