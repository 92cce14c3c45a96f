"""Calls that a vendor allows, counted by all workers together and reserved before a call is made.

The counters are the broker's: losing them costs at most a refusal by the vendor. One script looks at all counters of a
call (the app's, the person's, the share of backfill) and adds to all or to none. Times are the one clock's. A rolling
span is kept in 60 parts, each with its number of calls and the time of the last: a part counts until its last call has
left the span, so that never more calls are let through than the vendor allows.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, NoReturn, TypeAlias

import structlog
from redis.exceptions import RedisError

from ingest import broker, clock
from ingest.grants import pauses
from providers.base import Allowance, Budget, Provider
from providers.errors import RateLimited, Unavailable

Share = Literal["fresh", "backfill"]

BACKFILL_SHARE = 0.3
PARTS = 60
KEPT_LONGER = 60  # seconds beyond a span, after which a counter may be forgotten
SOCKET_SECONDS = 2.0
FOR_NOW = "for now"  # how the reason of work ends that only waits for a call
WATCHED, ENOUGH = 60, 20  # seconds of calls that are looked at, and how many say anything

Counter: TypeAlias = tuple[str, int, float, float]  # its key, calls allowed, span and length of a part in seconds

log = structlog.get_logger(__name__)


class Counted(NamedTuple):
    """What counters say together: seconds to wait for a call, the smallest part left (0 to 1), the fewest calls."""

    wait: float
    left: float
    calls: float


# KEYS: closed, then one a counter. ARGV: now, 1 to take or 0 to look, then calls, span, part length (0: clock-aligned).
# Returns the seconds to wait, the smallest part of any budget that is left, and the fewest calls.
RESERVE = """
local now, take, wait, left, free, plans = tonumber(ARGV[1]), ARGV[2] == '1', 0, 1, math.huge, {}
local closed = tonumber(redis.call('GET', KEYS[1]) or '0')
if closed > now then wait, left, free = closed - now, 0, 0 end
for i = 2, #KEYS do
  local calls, span, part = tonumber(ARGV[i * 3 - 3]), tonumber(ARGV[i * 3 - 2]), tonumber(ARGV[i * 3 - 1])
  local name, used, first = tostring(math.floor(now / (part > 0 and part or span))), 0, nil
  local fields = redis.call('HGETALL', KEYS[i])
  for j = 1, #fields, 2 do
    local count, last = string.match(fields[j + 1], '^(%d+) (.+)$')
    if part > 0 and tonumber(last) <= now - span or part == 0 and fields[j] ~= name then
      if take then redis.call('HDEL', KEYS[i], fields[j]) end
    else
      used = used + tonumber(count)
      if not first or tonumber(last) < first then first = tonumber(last) end
    end
  end
  local ends = part > 0 and (first or now) + span or (tonumber(name) + 1) * span
  if used >= calls then wait = math.max(wait, ends - now) end
  left = math.min(left, math.max(0, 1 - used / calls))
  free = math.min(free, math.max(0, calls - used))
  plans[i] = {name, span}
end
if take and wait <= 0 then
  for i = 2, #KEYS do
    local count = string.match(redis.call('HGET', KEYS[i], plans[i][1]) or '0 0', '^(%d+)')
    redis.call('HSET', KEYS[i], plans[i][1], (count + 1) .. ' ' .. ARGV[1])
    redis.call('EXPIRE', KEYS[i], math.ceil(plans[i][2]) + tonumber(ARGV[#ARGV]))
  end
end
return {string.format('%.6f', wait), string.format('%.6f', left), string.format('%.0f', free)}
"""

# KEYS: closed. ARGV: until when, and the seconds after which that may be forgotten. What lasts longer stands.
CLOSE = """
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""

# KEYS: one counter. ARGV: now, calls, span, part length (0: clock-aligned), calls left, seconds till they are whole.
# Counts as many calls more as the vendor has seen and we have not; they leave when the vendor says. Returns how many.
CORRECT = """
local now, calls, span, part = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local used, fields = 0, redis.call('HGETALL', KEYS[1])
for j = 1, #fields, 2 do
  local count, last = string.match(fields[j + 1], '^(%d+) (.+)$')
  if part > 0 and tonumber(last) > now - span or part == 0 and fields[j] == tostring(math.floor(now / span)) then
    used = used + tonumber(count)
  end
end
local unseen = calls - used - tonumber(ARGV[5])
if unseen <= 0 then return 0 end
local at = part > 0 and now + tonumber(ARGV[6]) - span or now
local name = tostring(math.floor(at / (part > 0 and part or span)))
local count, last = string.match(redis.call('HGET', KEYS[1], name) or '0 0', '^(%d+) (.+)$')
if part > 0 and tonumber(last) <= now - span then count = 0 end
redis.call('HSET', KEYS[1], name, (count + unseen) .. ' ' .. string.format('%.6f', math.max(at, tonumber(last))))
redis.call('EXPIRE', KEYS[1], math.ceil(span) + tonumber(ARGV[7]))
return unseen
"""

# KEYS: what became of calls, and the mark that nothing is to be cleared. ARGV: now, ok or bad, part, span.
# Returns the calls in the span, those that failed, and whether the mark stands.
OUTCOME = """
local part, span = tonumber(ARGV[3]), tonumber(ARGV[4])
local name = math.floor(tonumber(ARGV[1]) / part)
redis.call('HINCRBY', KEYS[1], name .. ':' .. ARGV[2], 1)
redis.call('EXPIRE', KEYS[1], 2 * span)
local counts, fields = {ok = 0, bad = 0}, redis.call('HGETALL', KEYS[1])
for j = 1, #fields, 2 do
  local at, what = string.match(fields[j], '^(%d+):(%a+)$')
  if tonumber(at) <= name - span / part then
    redis.call('HDEL', KEYS[1], fields[j])
  else
    counts[what] = counts[what] + tonumber(fields[j + 1])
  end
end
return {counts.ok + counts.bad, counts.bad, redis.call('EXISTS', KEYS[2])}
"""


def reserve(app_id: int, provider: Provider, person_id: int, share: Share) -> None:
    """Take one call out of every budget it counts in. Raises RateLimited, with nothing taken; Unavailable."""
    counted = _counted(app_id, list(_counters(app_id, provider.budgets, person_id, share)), take=True)
    if counted.wait > 0:
        raise RateLimited(f"the calls that {provider.title} allows are used up {FOR_NOW}", counted.wait)


def close(app_id: int, seconds: float) -> None:
    """Let no call of this app through for so long: the vendor said so. Raises Unavailable."""
    until = clock.now().timestamp() + seconds
    given: list[str | float] = [f"{until:.6f}", int(seconds) + KEPT_LONGER]
    try:
        broker.client(SOCKET_SECONDS).register_script(CLOSE)(keys=[_key(app_id, "closed")], args=given)
    except RedisError:
        _away()


def correct(app_id: int, provider: Provider, allowance: Allowance) -> None:
    """Count the calls that the vendor has seen and we have not: another server's, or those of lost counters.

    What it says never frees a call: ours on their way it has not seen. A broker that is away costs no answered call.
    """
    spoken_of = [one for one in provider.budgets if one.scope == "app" and one.per == allowance.per]
    for key, calls, span, part in _counters(app_id, spoken_of, 0, "fresh"):
        resets_in = min(max(allowance.resets_in, 0.0), span)
        now = f"{clock.now().timestamp():.6f}"
        given: list[str | float] = [now, calls, span, part, allowance.calls, resets_in, KEPT_LONGER]
        try:
            unseen = broker.client(SOCKET_SECONDS).register_script(CORRECT)(keys=[key], args=given)
        except RedisError:
            return
        if unseen:
            log.info("budget_corrected", vendor_app=app_id, calls=int(unseen), span=span)


def left(app_id: int, provider: Provider) -> float:
    """How much of the app's scarcest budget is left, 0 to 1. Raises Unavailable."""
    return _counted(app_id, _of_app(app_id, provider, "fresh"), take=False).left


def calls_left(app_id: int, provider: Provider, share: Share) -> float:
    """How many calls the app may make now, of its whole budget or of the part for the past. Raises Unavailable."""
    return _counted(app_id, _of_app(app_id, provider, share), take=False).calls


def outcome(app_id: int, *, ok: bool) -> None:
    """Note what became of a call; pause the app where most fail, end its back-off where it answers again.

    Writes a row only where something changes. A broker that is away is no reason to fail a call that was answered.
    """
    calls, clean = _key(app_id, "outcomes"), _key(app_id, "clean")
    try:
        script = broker.client(SOCKET_SECONDS).register_script(OUTCOME)
        given = [f"{clock.now().timestamp():.6f}", "ok" if ok else "bad", WATCHED // 12, WATCHED]
        total, failed, is_clean = script(keys=[calls, clean], args=given)
        if total >= ENOUGH and failed * 2 > total:
            broker.client(SOCKET_SECONDS).delete(calls, clean)
            pauses.begin(app_id, f"{failed} of {total} calls failed within a minute")
        elif ok and not is_clean and pauses.end(app_id):
            broker.client(SOCKET_SECONDS).set(clean, 1, ex=3600)
    except RedisError:
        return


def _counters(app_id: int, budgets: Sequence[Budget], person_id: int, share: Share) -> Iterator[Counter]:
    for budget in budgets:
        span = budget.per.total_seconds()
        part = span / PARTS if budget.clock == "rolling" else 0.0
        whose = "app" if budget.scope == "app" else f"person:{person_id}"
        name = f"{whose}:{span:.0f}:{budget.clock}"
        yield _key(app_id, name), budget.calls, span, part
        if share == "backfill" and budget.scope == "app":
            yield _key(app_id, f"{name}:backfill"), max(1, int(budget.calls * BACKFILL_SHARE)), span, part


def _of_app(app_id: int, provider: Provider, share: Share) -> list[Counter]:
    budgets = [budget for budget in provider.budgets if budget.scope == "app"]
    return list(_counters(app_id, budgets, 0, share))


def _counted(app_id: int, counters: Sequence[Counter], *, take: bool) -> Counted:
    """What stands in these counters; with `take` one call is taken out of each, or out of none."""
    keys = [_key(app_id, "closed"), *(key for key, *_ in counters)]
    now = f"{clock.now().timestamp():.6f}"
    args: list[str | float] = [now, int(take), *(number for _, *numbers in counters for number in numbers)]
    try:
        told = broker.client(SOCKET_SECONDS).register_script(RESERVE)(keys=keys, args=[*args, KEPT_LONGER])
    except RedisError:
        _away()
    return Counted(*map(float, told))


def _key(app_id: int, name: str) -> str:
    """All keys of an app in one slot, as a script may not reach beyond one."""
    return f"vagus:calls:{{{app_id}}}:{name}"


def _away() -> NoReturn:
    raise Unavailable("the counters of calls cannot be reached: is Valkey running? see `vagus status`") from None
