"""Why is this connection not syncing? One ordered list of causes; the first that holds is what is said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from ingest import words
from ingest.freshness import moment, on_day
from ingest.grants.tokens import SPACING
from ingest.ops.facts import Facts, Stream, facts
from ingest.ops.fresh import PROMISED
from ingest.ops.queues import HEARD
from ingest.ops.saying import lasting, many

Name = Literal[
    "erased",
    "disconnected",
    "file",
    "scheduler_down",
    "no_worker",
    "vendor_paused",
    "queue_paused",
    "connection_paused",
    "misconfigured",
    "key_missing",
    "reconnect",
    "needs_you",
    "refusing",
    "scope",
    "breaker",
    "rate_app",
    "rate_person",
    "leased",
    "lease_lost",
    "contract",
    "retrying",
    "partial",
    "queue_full",
    "backfill_only",
    "vendor_quiet",
    "rejected",
    "not_due",
]


@dataclass(frozen=True, slots=True)
class Why:
    """One cause, in one sentence, and what to do next, "" where that is nothing.

    `since` is when it began, `until` when it is expected to end, each None where nobody can say; `until` lies ahead.
    """

    cause: Name
    since: datetime | None
    until: datetime | None
    sentence: str
    next: str


def why(session: Session, connection_id: int, now: datetime) -> Why:
    """Why this connection stands as it does; times are told in the zone of `now`.

    Raises VagusError where there is no such connection.
    """
    return cause_of(facts(session, connection_id, now), now)


def cause_of(seen: Facts, now: datetime) -> Why:
    """The first cause that holds."""
    return next(found for cause in CAUSES if (found := cause(seen, now)) is not None)


def _erased(seen: Facts, _: datetime) -> Why | None:
    if not seen.erased:
        return None
    return Why("erased", None, None, "Erased by the person; nothing is fetched.", "")


def _disconnected(seen: Facts, now: datetime) -> Why | None:
    if seen.state != "disconnected":
        return None
    sentence = f"The person disconnected {seen.title} {on_day(seen.since, now)}."
    return Why("disconnected", seen.since, None, sentence, "")


def _file(seen: Facts, _: datetime) -> Why | None:
    if seen.kind == "grant":
        return None
    return Why("file", seen.since, None, f"{seen.title} comes as a {seen.kind}: nothing is asked for.", "")


def _scheduler_down(seen: Facts, now: datetime) -> Why | None:
    if seen.claimed_at is not None and now - seen.claimed_at < HEARD:
        return None
    ago = f"{lasting(now - seen.claimed_at)} ago" if seen.claimed_at else "never yet"
    sentence = f"Nothing is syncing: connections were last claimed {ago}."
    return Why("scheduler_down", seen.claimed_at, None, sentence, "Restart beat, then worker-score.")


def _no_worker(seen: Facts, now: datetime) -> Why | None:
    if seen.next_at is None or seen.next_at > now or (seen.heard_at and now - seen.heard_at < HEARD):
        return None
    ago = f"last seen {lasting(now - seen.heard_at)} ago" if seen.heard_at else "never seen"
    sentence = f'Due since {moment(seen.next_at, now)}, but no worker takes the queue "sync" ({ago}).'
    return Why("no_worker", seen.heard_at or seen.next_at, None, sentence, "Start worker-sync.")


def _vendor_paused(seen: Facts, now: datetime) -> Why | None:
    hold = seen.vendor_hold
    if hold is None:
        return None
    sentence = f'{seen.title} is paused by {hold.by} since {moment(hold.at, now)}: "{hold.reason}".'
    return Why("vendor_paused", hold.at, None, sentence, "Resume it.")


def _queue_paused(seen: Facts, now: datetime) -> Why | None:
    hold = seen.queue_hold
    if hold is None:
        return None
    sentence = f'The queue "sync" is paused by {hold.by} since {moment(hold.at, now)}: "{hold.reason}".'
    return Why("queue_paused", hold.at, None, sentence, "Resume it.")


def _connection_paused(seen: Facts, now: datetime) -> Why | None:
    if seen.state != "paused":
        return None
    reason = f': "{seen.reason}"' if seen.reason else ""
    return Why("connection_paused", seen.since, None, f"Paused since {moment(seen.since, now)}{reason}.", "Resume it.")


def _misconfigured(seen: Facts, _: datetime) -> Why | None:
    if not seen.missing:
        return None
    sentence = f"{seen.title} cannot be asked: {seen.missing} is missing on this server."
    return Why("misconfigured", None, None, sentence, "Set it with `vagus vendor add`.")


def _key_missing(seen: Facts, _: datetime) -> Why | None:
    if not seen.unknown_key:
        return None
    sentence = f"Its token is sealed with key {seen.unknown_key}, which this server does not have."
    return Why("key_missing", None, None, sentence, "Restore the key to the secrets file.")


def _reconnect(seen: Facts, now: datetime) -> Why | None:
    if seen.state != "reconnect":
        return None
    sentence = f"{seen.title} ended our access {on_day(seen.since, now)}{_quoted(seen.reason)}; {_told(seen, now)}."
    return Why("reconnect", seen.since, None, sentence, "The person has to connect again.")


def _needs_you(seen: Facts, now: datetime) -> Why | None:
    if seen.state != "needs_you":
        return None
    until = _ahead(seen.next_at, now)
    again = f" Looked at again {moment(until, now)}." if until else ""
    sentence = f"Only the person can go on, since {moment(seen.since, now)}{_quoted(seen.reason)}; {_told(seen, now)}."
    return Why("needs_you", seen.since, until, f"{sentence}{again}", "The person has to settle it at the vendor.")


def _refusing(seen: Facts, now: datetime) -> Why | None:
    if not seen.refusals or seen.refused_at is None:
        return None
    until = _ahead(max(seen.refused_at + SPACING, seen.next_at or seen.refused_at), now)
    again = f"trying again {moment(until, now)}" if until else "trying again at the next run"
    times = "once" if seen.refusals == 1 else f"{seen.refusals} times"
    sentence = f"{seen.title} refused the token {times}, last {moment(seen.refused_at, now)}; {again}"
    return Why("refusing", seen.refused_at, until, f"{sentence} before asking the person.", "Wait.")


def _scope(seen: Facts, _: datetime) -> Why | None:
    """What makes nights must be granted; what does not is skipped and said beside."""
    skipped = [each.title for each in seen.streams if each.state == "forbidden"]
    if not any(each.nightly and each.state == "forbidden" for each in seen.streams):
        return None
    others = [each.title for each in seen.streams if each.state != "forbidden"]
    rest = f"; {words.listed(others)} {_are(others)} not" if others else ""
    sentence = f"Connected, but {words.listed(skipped)} {_are(skipped)} skipped as not granted{rest}."
    return Why("scope", None, None, sentence, "Ask the person to connect again and allow it.")


def _breaker(seen: Facts, now: datetime) -> Why | None:
    if seen.paused_until is None or seen.paused_until <= now:
        return None
    sentence = f"{seen.title} is failing for everyone{_quoted(seen.pause_reason)}; next probe"
    return Why("breaker", None, seen.paused_until, f"{sentence} {moment(seen.paused_until, now)}.", "Wait.")


def _rate_app(seen: Facts, now: datetime) -> Why | None:
    if seen.left is None or seen.left > 0 or not seen.due(now):
        return None
    line = f"this connection is number {seen.ahead + 1} in line"
    sentence = f"The calls that {seen.title} allows our app are used up for now; {line}."
    return Why("rate_app", seen.next_at, None, sentence, "Wait, or ask the vendor for more.")


def _rate_person(seen: Facts, now: datetime) -> Why | None:
    until = _ahead(seen.next_at, now)
    if seen.run_state != "snoozed" or until is None:
        return None
    sentence = f"{seen.title} asked us to slow down; this connection goes on {moment(until, now)}."
    return Why("rate_person", seen.run_at, until, sentence, "Wait.")


def _leased(seen: Facts, now: datetime) -> Why | None:
    until = _ahead(seen.lease_until, now)
    if not seen.leased or until is None:
        return None
    sentence = f"Being synced now: a worker holds it until {moment(until, now)}, and longer with each page."
    return Why("leased", None, until, sentence, "")


def _lease_lost(seen: Facts, now: datetime) -> Why | None:
    if not seen.leased or seen.lease_until is None:
        return None
    ago = lasting(now - seen.lease_until)
    sentence = f"Its last worker vanished: the lease ran out {ago} ago, and it is claimed again at its turn."
    return Why("lease_lost", seen.lease_until, None, sentence, "See why the worker vanished: memory, most of the time.")


def _contract(seen: Facts, now: datetime) -> Why | None:
    worst = _first([each for each in seen.streams if each.state == "buried"])
    if worst is None:
        return None
    since = f" since {moment(worst.failing_since, now)}" if worst.failing_since else ""
    probe = _ahead(worst.next_at, now)
    again = f", asked again {moment(probe, now)}" if probe else ""
    said = f"{worst.title} of {seen.title} was given up{since}{_quoted(worst.error)}"
    sentence = f"{said}, {many(worst.people, 'connection', 'connections')} alike; its cursor waits"
    sentence = f"{sentence} {on_day(worst.cursor, now)}{again}."
    return Why("contract", worst.failing_since, probe, sentence, "Replay it after the fix.")


def _retrying(seen: Facts, now: datetime) -> Why | None:
    followed = [each for each in seen.streams if each.state == "following"]
    if not followed or any(each.failing_since is None for each in followed):
        return None
    return _failing(seen, followed, now, "retrying", "Every stream fails")


def _partial(seen: Facts, now: datetime) -> Why | None:
    followed = [each for each in seen.streams if each.state == "following"]
    failing = [each for each in followed if each.failing_since is not None]
    if not failing:
        return None
    fine = many(len(followed) - len(failing), "stream is", "streams are")
    names = [each.title for each in failing]
    fails = "fails" if len(names) == 1 else "fail"
    return _failing(seen, failing, now, "partial", f"{fine} fine; {words.listed(names)} {fails}")


def _failing(seen: Facts, failing: Sequence[Stream], now: datetime, cause: Name, begin: str) -> Why:
    worst = _first(failing)
    since = worst.failing_since if worst else None
    until = _ahead(min(each.next_at for each in failing), now)
    tries = max(each.fail_count for each in failing)
    again = f"next {moment(until, now)}" if until else "next at the next tick"
    error = worst.error if worst else ""
    when = f" since {moment(since, now)}" if since else ""
    sentence = f"{begin}{when}{_quoted(error)}; failed {many(tries, 'time', 'times')}, {again}."
    return Why(cause, since, until, sentence, "" if cause == "partial" else f"Wait for {seen.title}, or sync now.")


def _queue_full(seen: Facts, now: datetime) -> Why | None:
    if seen.next_at is None or seen.next_at > now:
        return None
    ago = f"Due since {moment(seen.next_at, now)} ({lasting(now - seen.next_at)})"
    until = _ahead(now + timedelta(minutes=seen.ahead / seen.pace), now) if seen.ahead and seen.pace else None
    line = f"{many(seen.ahead, 'connection is', 'connections are')} ahead"
    pace = f", at {seen.pace:.0f} a minute it runs around {moment(until, now)}" if until else ""
    turn = f"{line}{pace}" if seen.ahead else "nobody is ahead, it is claimed at the next tick"
    sentence = f"{ago}; {turn}."
    return Why("queue_full", seen.next_at, until, sentence, "Add workers." if seen.ahead else "")


def _backfill_only(seen: Facts, now: datetime) -> Why | None:
    if not seen.windows_waiting:
        return None
    left = timedelta(hours=seen.windows_waiting / seen.filled) if seen.filled else None
    until = now + left if left else _ahead(seen.windows_due_at, now)
    about = f", about {lasting(left)}" if left else ""
    sentence = f"Fresh data is current; {seen.windows_waiting} of {seen.windows} past windows are left{about}."
    return Why("backfill_only", seen.since, until, sentence, "")


def _vendor_quiet(seen: Facts, now: datetime) -> Why | None:
    newest, asked = seen.newest_at, seen.run_at
    if asked is None or now - (newest or seen.since) < PROMISED:
        return None
    last = f"the last night {seen.title} has ended {moment(newest, now)}" if newest else "there is no night yet"
    sentence = f"We ask and get nothing new: {last}, last asked {moment(asked, now)}."
    device = "Probably the device has not met the phone."
    return Why("vendor_quiet", newest or seen.since, _ahead(seen.next_at, now), f"{sentence} {device}", "")


def _rejected(seen: Facts, now: datetime) -> Why | None:
    if not seen.run_rejected:
        return None
    sentence = f"Data arrives, but {many(seen.run_rejected, 'record was', 'records were')} set aside in the last run."
    return Why("rejected", seen.run_at, _ahead(seen.next_at, now), sentence, "See what was set aside.")


def _not_due(seen: Facts, now: datetime) -> Why:
    until = _ahead(seen.next_at, now)
    if until is None:
        return Why("not_due", seen.run_at, None, "Nothing of it is followed: no stream has a next time.", "Resync it.")
    asked = f"synced {lasting(now - seen.run_at)} ago" if seen.run_at else "not synced yet"
    newest = f", newest night {moment(seen.newest_at, now)}" if seen.newest_at else ""
    skipped = [each.title for each in seen.streams if each.state == "forbidden"]
    beside = f" Skipped as not granted: {words.listed(skipped)}." if skipped else ""
    sentence = f"All well: {asked}{newest}; next {moment(until, now)}.{beside}"
    return Why("not_due", seen.run_at, until, sentence, "")


CAUSES: Sequence[Callable[[Facts, datetime], Why | None]] = (
    _erased,
    _disconnected,
    _file,
    _scheduler_down,
    _no_worker,
    _vendor_paused,
    _queue_paused,
    _connection_paused,
    _misconfigured,
    _key_missing,
    _reconnect,
    _needs_you,
    _refusing,
    _scope,
    _breaker,
    _rate_app,
    _rate_person,
    _leased,
    _lease_lost,
    _contract,
    _retrying,
    _partial,
    _queue_full,
    _backfill_only,
    _vendor_quiet,
    _rejected,
    _not_due,
)


def _ahead(at: datetime | None, now: datetime) -> datetime | None:
    """An instant, where it lies ahead."""
    return at if at is not None and at > now else None


def _first(streams: Sequence[Stream]) -> Stream | None:
    """The stream that failed first."""
    return min(streams, key=lambda each: each.failing_since or each.next_at, default=None)


def _quoted(reason: str) -> str:
    return f' ("{reason.rstrip(".")}")' if reason else ""


def _told(seen: Facts, now: datetime) -> str:
    if seen.told is None:
        return "the person is not told yet"
    at, channel = seen.told
    return f"the person was told {on_day(at, now)} by {channel} and has not come back"


def _are(things: Sequence[str]) -> str:
    return "is" if len(things) == 1 else "are"
