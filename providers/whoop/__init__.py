"""WHOOP, the strap: API v2, https://developer.whoop.com/api, as of August 2026.

A cycle runs from falling asleep to falling asleep, and so begins the evening before its day. The recovery after a sleep
has neither id nor time of its own: it hangs on that sleep, whichever of the two comes first. No series is dense.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from providers import base
from providers.base import Allowance, Answer, Asked, Budget, Hint, Provider, Record, Request, wrong_times
from providers.errors import ContractBroken, NeedsPerson, VagusError
from providers.exports import whoop_series as series
from providers.exports.local_time import offset_minutes
from providers.measures import Definition
from providers.shapes import DayValue, Episode, Gone, Row, State
from providers.whoop.records import Cycle, CycleScore, Notice, Recovery, Sleep, SleepScore, Workout

SLEEP, RECOVERY, CYCLE, WORKOUT = series.SLEEP_STREAM, "whoop.recovery", "whoop.cycle", "whoop.workout"
LONGEST_WORKOUT, LONGEST_CYCLE = timedelta(days=2), timedelta(days=60)  # a strap left in a drawer ends no cycle
KILOJOULES = 4.184  # of a kilocalorie

# Names of ours, and those of WHOOP's totals of a sleep: total_…_time_milli.
TOTALS: Mapping[str, str] = {
    "in_bed": "in_bed",
    "awake": "awake",
    "no_data": "no_data",
    "light": "light_sleep",
    "deep": "slow_wave_sleep",
    "rem": "rem_sleep",
}
ASLEEP = ("light", "deep", "rem")
SHARES = ("performance", "consistency", "efficiency")
OF_RECOVERY: Mapping[Definition, str] = {
    series.HRV: "hrv_rmssd_milli",  # milliseconds, though the same ending means a duration elsewhere
    series.RESTING: "resting_heart_rate",
    series.OXYGEN: "spo2_percentage",
    series.SKIN: "skin_temp_celsius",
    series.READINESS: "recovery_score",
}
OF_WORKOUT: Mapping[str, str] = {
    "strain": "strain",
    "average_heart_rate": "average_heart_rate",
    "max_heart_rate": "max_heart_rate",
    "recorded_percent": "percent_recorded",
    "distance_meters": "distance_meter",
}
# What each kind of notice brings: a recovery's its sleep too, and the cycle, of which there is no notice.
BROUGHT_BY: Mapping[str, tuple[str, ...]] = {
    "recovery": (SLEEP, RECOVERY, CYCLE),
    "sleep": (SLEEP,),
    "workout": (WORKOUT,),
}
_NOTICE: TypeAdapter[Notice] = TypeAdapter(Notice)


def read_sleeps(records: Sequence[Sleep], _asked: Asked) -> Iterator[Row]:
    """A night, or a nap without numbers, on the local date of its end."""
    for record in records:
        starts, ends, main = record["start"], record["end"], not record["nap"]
        if wrong := wrong_times(record, starts, ends, series.LONGEST_SLEEP):
            yield wrong
            continue
        score, offset, state = record.get("score") or SleepScore(), _offset(record), _state(record)
        stages: Mapping[str, Any] = score.get("stage_summary") or {}
        minutes = {f"{name}_minutes": _minutes(stages.get(f"total_{of}_time_milli")) for name, of in TOTALS.items()}
        asleep = [minutes[f"{name}_minutes"] for name in ASLEEP]
        minutes["asleep_minutes"] = None if None in asleep else sum(filter(None, asleep))
        shares = {f"{name}_percent": score.get(f"sleep_{name}_percentage") for name in SHARES}
        detail, day = _told({**minutes, **shares}), _local(ends, offset).date()
        yield Episode(SLEEP, record["id"], "sleep", starts, ends, day, offset, main=main, state=state, detail=detail)
        told = {series.BREATHING: score.get("respiratory_rate"), series.ASLEEP: minutes["asleep_minutes"]}
        value = partial(_value, record["id"], SLEEP, starts_at=starts, ends_at=ends, day=day, utc_offset_minutes=offset)
        yield from (value(of, number if main else None, state) for of, number in told.items())


def read_recoveries(records: Sequence[Recovery], _asked: Asked) -> Iterator[Row]:
    """What hangs on a sleep. Until that has come there is no day, and no time but when this was first told.

    While WHOOP calibrates it does not know the person yet: its numbers are kept, marked, and are no night's.
    """
    for record in records:
        score: Mapping[str, Any] = record.get("score") or {}
        calibrating = bool(score.get("user_calibrating"))
        flags: frozenset[str] = frozenset({"calibrating"} if calibrating else ())
        value = partial(_value, record["sleep_id"], SLEEP, starts_at=record["created_at"], flags=flags)
        state = "unscorable" if calibrating else _state(record)
        yield from (value(of, score.get(name), state) for of, name in OF_RECOVERY.items())


def read_cycles(records: Sequence[Cycle], _asked: Asked) -> Iterator[Row]:
    """Strain and energy of the day that follows the evening on which the cycle began; pending while it runs."""
    for record in records:
        starts, ends, offset = record["start"], record.get("end"), _offset(record)
        if wrong := wrong_times(record, starts, ends, LONGEST_CYCLE):
            yield wrong
            continue
        score, day = record.get("score") or CycleScore(), series.day_of_cycle(starts.astimezone(UTC), offset)
        times: dict[str, Any] = {"starts_at": starts, "ends_at": ends, "day": day, "utc_offset_minutes": offset}
        state = _state(record) if ends else "pending"
        told = {series.STRAIN: score.get("strain"), series.ENERGY: _kilocalories(score.get("kilojoule"))}
        yield from (_value(str(record["id"]), CYCLE, of, number, state, **times) for of, number in told.items())


def read_workouts(records: Sequence[Workout], _asked: Asked) -> Iterator[Row]:
    """Workouts, on the local date of their start."""
    for record in records:
        starts, ends, offset = record["start"], record["end"], _offset(record)
        if wrong := wrong_times(record, starts, ends, LONGEST_WORKOUT):
            yield wrong
            continue
        score: Mapping[str, Any] = record.get("score") or {}
        numbers = {name: score.get(of) for name, of in OF_WORKOUT.items()}
        numbers["energy_kilocalories"] = _kilocalories(score.get("kilojoule"))
        zones = score.get("zone_durations") or {}
        numbers |= {f"{zone.removesuffix('_milli')}_minutes": _minutes(zones[zone]) for zone in sorted(zones)}
        detail = _told(
            {"activity": record.get("sport_name"), "minutes": (ends - starts).total_seconds() / 60} | numbers
        )
        day, state = _local(starts, offset).date(), _state(record)
        yield Episode(WORKOUT, record["id"], "workout", starts, ends, day, offset, state=state, detail=detail)


def _value(
    record: str, stream: str, definition: Definition, value: float | None, state: State, **more: Any
) -> DayValue:
    """A value that hangs on its record, also where there is none: what WHOOP empties takes its numbers back."""
    state = "unscorable" if value is None and state == "final" else state
    more = {"ends_at": None, "day": None, **more}
    return DayValue(definition, record, value, state=state, link=(stream, record), **more)


def _state(record: Record) -> State:
    """A score that is not there, or a state that nobody documents, is one to wait for."""
    if record["score_state"] == "UNSCORABLE":
        return "unscorable"
    return "final" if record["score_state"] == "SCORED" and record.get("score") else "pending"


def _offset(record: Record) -> int:
    return offset_minutes(record["timezone_offset"]) or 0


def _local(at: datetime, offset: int) -> datetime:
    return at.astimezone(UTC) + timedelta(minutes=offset)


def _told(given: Mapping[str, Any]) -> dict[str, float | str]:
    return {name: value for name, value in given.items() if value is not None}


def _minutes(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 60_000


def _kilocalories(kilojoules: float | None) -> float | None:
    return None if kilojoules is None else kilojoules / KILOJOULES


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether WHOOP signed this: base64 of HMAC-SHA256 over timestamp and raw body, keyed with the client secret.

    How old the timestamp is, is not asked: WHOOP tries for an hour, and a notice that comes again does nothing.
    """
    given = headers.get("x-whoop-signature", "").strip().encode(errors="replace")
    timestamp = headers.get("x-whoop-signature-timestamp", "").strip().encode(errors="replace")
    good = base64.b64encode(hmac.digest(secret.encode(), timestamp + body, hashlib.sha256))
    return bool(given and timestamp and secret) and hmac.compare_digest(good, given)


def hints(body: bytes) -> list[Hint]:
    """What a notice hints at, and what it says is gone; nothing of a type nobody follows. Raises ContractBroken."""
    try:
        notice = _NOTICE.validate_json(body)
    except ValidationError:
        raise ContractBroken("WHOOP's notice is not of its model v2: choose that in its dashboard") from None
    kind, _, event = notice["type"].partition(".")
    goes = event == "deleted" and kind in {"sleep", "workout"}  # a recovery goes with its sleep
    gone = (Gone(f"whoop.{kind}", notice["id"]),) if goes else ()
    return [Hint(str(notice["user_id"]), BROUGHT_BY.get(kind, ()), gone)]


def allowance(headers: Mapping[str, str]) -> Allowance | None:
    """What is left: the limit, `100, 100;window=60, 10000;window=86400`, begins with the budget that is spoken of."""
    try:
        limit, *every = headers["x-ratelimit-limit"].replace(" ", "").split(",")
        window = dict(one.split(";window=") for one in every)[limit]
        left, resets_in = int(headers["x-ratelimit-remaining"]), int(headers["x-ratelimit-reset"])
        return Allowance(max(left, 0), timedelta(seconds=int(window)), resets_in)
    except (KeyError, ValueError, OverflowError):
        return None


def verdict(answer: Answer) -> VagusError | None:
    """What WHOOP means by a refusal: 403 `deactivated_user` is a membership that lapsed."""
    if answer.status == 403 and b"deactivated_user" in answer.body[:2000]:  # noqa: PLR2004
        return NeedsPerson("WHOOP shares no data of this account: its membership has lapsed")
    return None


def revoke(access: str, _refresh: str | None) -> Sequence[Request]:
    """The call that ends a grant, and its notices with it."""
    return (Request("DELETE", "/v2/user/access", headers={"authorization": f"Bearer {access}"}),)


_stream = partial(
    base.Stream,
    window=base.Window(start="start", end="end", write=base.as_instant, longest=timedelta(days=31), by="instant"),
    records_at="records",
    paging=base.TokenPaging(key="next_token", param="nextToken"),
    params={"limit": "25"},  # more is refused, less is the default
)

WHOOP = Provider(
    name="whoop",
    title="WHOOP",
    base_url="https://api.prod.whoop.com/developer",
    auth=base.OAuth(
        authorize_url="https://api.prod.whoop.com/oauth/oauth2/auth",
        token_url="https://api.prod.whoop.com/oauth/oauth2/token",  # noqa: S106
        scopes=("offline", "read:recovery", "read:cycles", "read:sleep", "read:workout", "read:profile"),
        vendor_user=base.Lookup("/v2/user/profile/basic", "user_id"),
        refresh_params={"scope": "offline"},  # without that scope there is no refresh token, now or then
        scopes_from="code",
        rotation="single_use",  # the access token before it ends at once, too
        revoke=revoke,
    ),
    streams=(
        _stream(
            name=SLEEP,
            title="sleep",
            path="/v2/activity/sleep",
            record=Sleep,
            read=read_sleeps,
            scope="read:sleep",
            nightly=True,
        ),
        _stream(
            name=RECOVERY,
            title="recovery",
            path="/v2/recovery",
            record=Recovery,
            read=read_recoveries,
            scope="read:recovery",
            nightly=True,
            key="sleep_id",
        ),
        _stream(name=CYCLE, title="strain", path="/v2/cycle", record=Cycle, read=read_cycles, scope="read:cycles"),
        _stream(
            name=WORKOUT,
            title="workouts",
            path="/v2/activity/workout",
            record=Workout,
            read=read_workouts,
            scope="read:workout",
        ),
    ),
    budgets=(Budget(calls=100, per=timedelta(minutes=1)), Budget(calls=10_000, per=timedelta(days=1))),
    # Four calls a time: hourly, 10,000 a day are used up by a hundred people. Notices bring nights within minutes, and
    # polls make sure; without notices a night is three hours late at most.
    poll_every=timedelta(hours=3),
    backfill=timedelta(days=180),  # as far as a usual range and its slow change need: some fifty calls
    webhook=base.Webhook(verify=verify, hints=hints),
    verdict=verdict,
    allowance=allowance,
    gives="HRV, resting heart rate, breathing, temperature, blood oxygen, sleep, strain, energy, workouts",
    arrives="within minutes of waking, once the WHOOP app has handed the night over and WHOOP has scored it",
    docs="https://developer.whoop.com/api",
    terms="https://developer.whoop.com/api-terms-of-use",
    level="silver",
)
