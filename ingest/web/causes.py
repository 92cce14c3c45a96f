"""What a person can say about their nights: buttons that become tags in their own name, and can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest import store
from ingest.models import Tag
from scoring import Assessment

LONGEST = 60  # nights one button may speak of
RUN_STATES = ("watch", "strained", "possible_illness")


@dataclass(frozen=True, slots=True)
class Cause:
    """One button. `nights` says which of the run's nights it is noted on, `effect` what that does."""

    name: str
    label: str
    nights: Literal["all", "first", "last"] = "all"
    effect: str = ""


CAUSES = (
    Cause("ill", "I was ill", effect="We hold back judgement around these nights."),
    Cause("alcohol", "Drinks", effect="These nights won't count towards strain."),
    Cause("travel", "Travelled", effect="We hold back judgement for a week after them."),
    Cause("hot_night", "Hot nights", effect="These nights won't count towards strain."),
    Cause("new_device", "New device", "first", "Your usual range starts again from there."),
)
FORMER = (Cause("not_useful", "Not useful", "last", "Thank you; we keep it beside that night."),)  # a verdict now
BY_NAME = {cause.name: cause for cause in (*CAUSES, *FORMER)}


@dataclass(frozen=True, slots=True)
class Noted:
    """A stretch of nights with one tag of the person's own."""

    cause: Cause
    first: date
    last: date


def note(session: Session, person_id: int, cause: Cause, first: date, last: date) -> None:
    """Tag the nights from `first` to `last`, as this cause does."""
    store.tag_days(session, person_id, _days(cause, first, last), cause.name)


def take_back(session: Session, person_id: int, cause: Cause, first: date, last: date) -> None:
    """Remove the person's own tag from these nights; a vendor's counts again."""
    store.untag_days(session, person_id, _between(first, last), cause.name)


def noted(session: Session, person_id: int, first: date, last: date) -> list[Noted]:
    """What the person said about these nights, as stretches."""
    rows = session.execute(
        select(Tag.name, Tag.day)
        .where(Tag.person == person_id, Tag.source == store.OWN_WORD, Tag.present, Tag.day.between(first, last))
        .where(Tag.name.in_(BY_NAME))
        .order_by(Tag.name, Tag.day)
    )
    days: dict[str, list[date]] = {}
    for name, day in rows:
        days.setdefault(name, []).append(day)
    return [Noted(BY_NAME[name], *stretch) for name, listed in days.items() for stretch in _stretches(listed)]


def run(assessments: Sequence[Assessment]) -> tuple[date, date] | None:
    """The nights that the buttons speak of: the unbroken run up to now that leans towards strain; None without one."""
    first = None
    for each in reversed(assessments[-LONGEST:]):
        if each.state not in RUN_STATES:
            break
        first = each.day
    return (first, assessments[-1].day) if first else None


def _days(cause: Cause, first: date, last: date) -> list[date]:
    return {"all": _between(first, last), "first": [first], "last": [last]}[cause.nights]


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


def _stretches(days: Sequence[date]) -> list[tuple[date, date]]:
    breaks = [later for earlier, later in pairwise(days) if (later - earlier).days > 1]
    starts = [days[0], *breaks]
    ends = [*(max(day for day in days if day < start) for start in breaks), days[-1]]
    return list(zip(starts, ends, strict=True))
