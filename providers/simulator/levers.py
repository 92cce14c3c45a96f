"""The levers that every simulated vendor has, by name and plain values: pulled in the process or over HTTP."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, TypeAlias, TypeVar

from providers.simulator.cloud import Account
from providers.simulator.documents import Happened
from providers.simulator.life import Life, today
from providers.simulator.people import Story
from providers.simulator.phone import Phone
from providers.simulator.vendor import Vendor

Given: TypeAlias = Mapping[str, Any]
AnyVendor: TypeAlias = Vendor[Any, Any]
AVendor = TypeVar("AVendor", bound=AnyVendor)
AnyAccount = TypeVar("AnyAccount", bound=Account)
Lever: TypeAlias = Callable[[AVendor, Given, datetime], Any]


def life_of(given: Given, now: datetime) -> Life:
    """The life of a person who is described; without a last day, the newest night is today's."""
    offset = int(given.get("utc_offset_minutes", 0))
    last_day = date.fromisoformat(given["last_day"]) if given.get("last_day") else today(now, offset)
    return Life(Story(given["story"]), last_day, int(given.get("nights", 120)), int(given.get("seed", 0)), offset)


def phone_of(given: Given) -> Phone:
    """The phone of a person who is described."""
    return Phone(times_of(given.get("phone", ())))


def described(account: Account) -> dict[str, str | None]:
    """A person who was registered."""
    last_day = account.nights[-1].day.isoformat() if account.nights else None
    return {"id": account.id, "handle": account.handle, "last_day": last_day}


def account_of(vendor: Vendor[Any, AnyAccount], given: Given) -> AnyAccount:
    """The person who is named. Raises LookupError."""
    handle = str(given["handle"])
    if handle not in vendor.accounts:
        raise LookupError(f"there is no person {handle}")
    return vendor.accounts[handle]


def times_of(given: Any) -> tuple[time, ...]:
    """Times of day."""
    return tuple(time.fromisoformat(one) for one in given)


def instant_of(given: str | datetime) -> datetime:
    """An aware instant. Raises ValueError for one without an offset."""
    at = datetime.fromisoformat(given) if isinstance(given, str) else given
    if at.tzinfo is None:
        raise ValueError(f"{given} has no offset")
    return at


def _phone(vendor: AnyVendor, given: Given, now: datetime) -> dict[str, str]:
    account = account_of(vendor, given)
    if "times" in given:
        account.phone.times = times_of(given["times"])
    if "away" in given:
        account.phone.away = [(instant_of(since), instant_of(until)) for since, until in given["away"]]
    if given.get("open"):
        account.phone.opened.append(now)
    return {"synced": account.synced(now).isoformat()}


def _fault(vendor: AnyVendor, given: Given, _: datetime) -> dict[str, int]:
    args, path = given.get("args", {}), str(given.get("path", ""))
    if "share" in given:
        vendor.faults.some(given["kind"], float(given["share"]), path, **args)
    else:
        vendor.faults.next(given["kind"], int(given.get("n", 1)), path, **args)
    return {"rules": len(vendor.faults.rules)}


def _clear(vendor: AnyVendor, _: Given, __: datetime) -> dict[str, int]:
    vendor.faults.clear()
    return {"rules": 0}


def _lapse(vendor: AnyVendor, given: Given, _: datetime) -> dict[str, bool]:
    account = account_of(vendor, given)
    account.lapsed = bool(given.get("lapsed", True))
    return {"lapsed": account.lapsed}


def _expire(vendor: AnyVendor, given: Given, now: datetime) -> dict[str, int]:
    return {"ended": vendor.grants.expire(account_of(vendor, given).handle, now)}


def _deauthorise(vendor: AnyVendor, given: Given, _: datetime) -> dict[str, int]:
    return {"ended": vendor.grants.deauthorise(account_of(vendor, given).handle)}


def _remove(vendor: AnyVendor, given: Given, now: datetime) -> dict[str, str]:
    account, known = account_of(vendor, given), str(given["document"])
    if not account.find("sleep", known, now):
        raise LookupError(f"{account.handle} has no sleep {known}")
    account.removed[known] = now
    return {"removed": known}


def _notify(vendor: AnyVendor, given: Given, now: datetime) -> dict[str, int]:
    happened = Happened(str(given["event_type"]), str(given["data_type"]), str(given["object_id"]))
    return {"waiting": vendor.hooks.notify(account_of(vendor, given), happened, now)}


def _again(vendor: AnyVendor, _: Given, now: datetime) -> dict[str, int]:
    return {"waiting": vendor.hooks.again(now)}


def _calls(vendor: AnyVendor, _: Given, __: datetime) -> list[dict[str, Any]]:
    return [
        {"method": one.method, "path": one.path, "token": one.token, "status": one.status, "count": count}
        for one, count in vendor.calls.items()
    ]


def _grants(vendor: AnyVendor, _: Given, __: datetime) -> list[dict[str, Any]]:
    return [
        {
            "client_id": grant.client_id,
            "person": grant.person,
            "scopes": sorted(grant.scopes),
            "rotations": grant.rotations,
        }
        for grant in vendor.grants.grants
    ]


COMMON: Mapping[str, Lever[Any]] = {
    "phone": _phone,
    "fault": _fault,
    "clear": _clear,
    "lapse": _lapse,
    "expire": _expire,
    "deauthorise": _deauthorise,
    "remove": _remove,
    "notify": _notify,
    "again": _again,
    "calls": _calls,
    "grants": _grants,
}
