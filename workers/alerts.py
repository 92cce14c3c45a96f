"""When to tell: strained runs are matched with what was decided before, so that a person is told once.

`decide` is pure: assessments and the alerts that stand go in, what to write comes out. States follow from the data and
may be recomputed; alerts are history: one may be moved, reopened or withdrawn, but what was told is not told again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import Literal, TypeAlias

from scoring import Assessment

State: TypeAlias = Literal["open", "closed", "withdrawn", "lapsed"]

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
MOST_A_WEEK, MOST_A_MONTH = 1, 3
LATEST = timedelta(days=1)  # the newest night is today's or yesterday's
DECIDING = frozenset({"hrv", "resting_heart_rate"})


@dataclass(frozen=True, slots=True)
class Run:
    """Strain that lasted from one night to another; `state` is open while it goes on.

    `joined` is true where its first night is none of this run's here: another device, which leads since, began it.
    """

    first_day: date
    last_day: date
    state: State
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """An alert as it stands, or as it shall; one without an id is new."""

    id: int | None
    first_day: date
    last_day: date
    state: State
    told: bool
    has_deliveries: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a stored assessment said before this recomputation, under which rules, and of which accounts."""

    state: str
    rules: tuple[str, str]  # algorithm version, policy
    accounts: Mapping[str, str] = field(default_factory=dict)  # by signal that decides


@dataclass(frozen=True, slots=True)
class Change:
    """An alert to write; `tell` asks for its deliveries."""

    alert: Decided
    tell: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """What the decision needs beside the assessments: today, the newest night with data, and the rules in force."""

    today: date
    newest: date | None
    rules: tuple[str, str]
    cooldown: int


def decide(
    assessments: Sequence[Assessment], stands: Sequence[Decided], before: Mapping[date, Seen], moment: Moment
) -> list[Change]:
    """What changes among the alerts of one person and kind; those that stop being open come first."""
    after: dict[int | None, Decided] = {alert.id: alert for alert in stands}
    kept: set[int | None] = set()
    read_from = {night.day: night for night in assessments}
    for run in runs(assessments):
        matched = [after[alert.id] for alert in stands if _overlap(run, alert, moment.cooldown)]
        if not matched and not _holds(run, moment):
            continue
        alert = _matched(run, matched) if matched else _new(run, before, read_from[run.first_day], moment)
        after[alert.id] = alert
        kept.add(alert.id)
    for alert in after.values():
        if alert.state == "open" and alert.id not in kept:
            after[alert.id] = replace(alert, state="withdrawn")
    known = {alert.id: alert for alert in stands}
    changes = [Change(alert, _tells(alert, known.get(alert.id), moment)) for alert in after.values()]
    changed = [change for change in changes if change.tell or change.alert != known.get(change.alert.id)]
    return sorted(changed, key=lambda change: change.alert.state == "open")


def runs(assessments: Iterable[Assessment]) -> list[Run]:
    """The strained runs, oldest first; only the last can be open."""
    found: list[Run] = []
    for night in assessments:
        goes_on = bool(found) and found[-1].state == "open"
        if night.alert == "start" or (night.alert == "continue" and not goes_on):
            found.append(Run(night.day, night.day, "open", joined=night.alert == "continue"))
        elif night.alert == "continue":
            found[-1] = replace(found[-1], last_day=night.day)
        elif goes_on:
            found[-1] = replace(found[-1], state="lapsed" if night.ended_by == "insufficient" else "closed")
    return [replace(run, state="closed") if run.state == "open" else run for run, _ in pairwise(found)] + found[-1:]


def accounts(inputs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The account that each deciding signal is read from, as its series names it; without those that say none."""
    told = {signal: "/".join(series.split("/")[:2]) for signal, series in inputs if signal in DECIDING and series}
    return {signal: account for signal, account in told.items() if "/" in account}


def allowed(told_at: Iterable[datetime], when: datetime) -> bool:
    """Whether one more message at `when` keeps to one a week and three a month."""
    past = list(told_at)
    in_week = sum(abs(when - at) < WEEK for at in past)
    in_month = sum(abs(when - at) < MONTH for at in past)
    return in_week < MOST_A_WEEK and in_month < MOST_A_MONTH


def after_quiet(wall: datetime, quiet_from: int | None, quiet_until: int | None) -> timedelta:
    """How long until the quiet hours (minutes of the person's day) end, at this wall clock; zero outside."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return timedelta(0)
    minute = wall.hour * 60 + wall.minute
    length = (quiet_until - quiet_from) % 1440
    if (minute - quiet_from) % 1440 >= length:
        return timedelta(0)
    end = wall.replace(hour=quiet_until // 60, minute=quiet_until % 60, second=0, microsecond=0)
    if end <= wall:
        end += timedelta(days=1)
    return timedelta(seconds=ceil(end.timestamp() - wall.timestamp()))  # a clock change in between counts


def _overlap(run: Run, alert: Decided, cooldown: int) -> bool:
    slack = timedelta(days=cooldown)
    return run.first_day - slack <= alert.last_day and alert.first_day <= run.last_day + slack


def _holds(run: Run, moment: Moment) -> bool:
    """Whether the run is a state that holds now, not history."""
    return run.state == "open" and moment.newest is not None and moment.newest >= moment.today - LATEST


def _matched(run: Run, matched: Sequence[Decided]) -> Decided:
    """The latest of these alerts, moved to the run; told if any of them was."""
    latest = max(matched, key=lambda alert: (alert.last_day, alert.id or 0))
    told = any(alert.told for alert in matched)
    return replace(latest, first_day=run.first_day, last_day=run.last_day, state=run.state, told=told)


def _new(run: Run, before: Mapping[date, Seen], night: Assessment, moment: Moment) -> Decided:
    """An alert for a run that nobody decided on; as told where only other rules or another device made it appear.

    The night on which it truly began decides: what another device told of that night, or the rules before, was said.
    """
    seen = before.get(night.state_since if run.joined else run.first_day)
    by_rules = seen is not None and seen.state != "strained" and seen.rules != moment.rules
    switched = seen is not None and _elsewhere(seen.accounts, night)
    return Decided(None, run.first_day, run.last_day, run.state, told=by_rules or switched)


def _elsewhere(before: Mapping[str, str], night: Assessment) -> bool:
    """Whether a signal that decides is read from another account than before; one not named yet is the same."""
    now = accounts((given.signal, given.series) for given in night.inputs)
    both = ((before[signal].split("/"), now[signal].split("/")) for signal in before.keys() & now.keys())
    return any(old != new and (old[0] != new[0] or "" not in (old[1], new[1])) for old, new in both)


def _tells(alert: Decided, before: Decided | None, moment: Moment) -> bool:
    """Whether to ask for deliveries: it holds now, nobody was told, and it is new, reopened or never was on its way."""
    if alert.told or not _holds(Run(alert.first_day, alert.last_day, alert.state), moment):
        return False
    return before is None or before.state != "open" or not alert.has_deliveries
