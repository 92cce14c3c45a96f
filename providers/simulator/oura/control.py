"""The simulator's levers, by name and plain values: what tests and the demo pull, in the process or over HTTP."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from providers.simulator.oura.cloud import Account, Happened
from providers.simulator.oura.grants import SCOPES, App
from providers.simulator.oura.service import Life, Oura, today
from providers.simulator.oura.truth import truth
from providers.simulator.people import Story
from providers.simulator.phone import Phone

Given = Mapping[str, Any]


def pull(oura: Oura, name: str, given: Given, now: datetime) -> Any:
    """Pull one lever. Raises LookupError for one, a person or a field there is not, ValueError for a wrong value."""
    if name not in LEVERS:
        raise LookupError(f"there is no {name}: {', '.join(LEVERS)}")
    return LEVERS[name](oura, given, now)


def _app(oura: Oura, given: Given, _: datetime) -> dict[str, str]:
    app = App(
        client_id=str(given["client_id"]),
        client_secret=str(given["client_secret"]),
        redirect_uris=tuple(given["redirect_uris"]),
        portal="new" if given.get("portal") == "new" else "legacy",
        expires_in=int(given.get("expires_in", 86_400)),
        scopes=tuple(given.get("scopes", SCOPES)),
        scope_prefix=str(given.get("scope_prefix", "")),
    )
    return {"client_id": oura.add_app(app).client_id}


def _person(oura: Oura, given: Given, now: datetime) -> dict[str, str]:
    offset = int(given.get("utc_offset_minutes", 0))
    last_day = date.fromisoformat(given["last_day"]) if given.get("last_day") else today(now, offset)
    life = Life(Story(given["story"]), last_day, int(given.get("nights", 120)), int(given.get("seed", 0)), offset)
    account = oura.add_person(str(given["handle"]), life, Phone(_times(given.get("phone", ()))))
    return {"id": account.id, "handle": account.handle, "last_day": last_day.isoformat()}


def _phone(oura: Oura, given: Given, now: datetime) -> dict[str, str]:
    phone = _account(oura, given).phone
    if "times" in given:
        phone.times = _times(given["times"])
    if "away" in given:
        phone.away = [(_instant(since), _instant(until)) for since, until in given["away"]]
    if given.get("open"):
        phone.opened.append(now)
    return {"synced": _account(oura, given).synced(now).isoformat()}


def _fault(oura: Oura, given: Given, _: datetime) -> dict[str, int]:
    args, path = given.get("args", {}), str(given.get("path", ""))
    if "share" in given:
        oura.faults.some(given["kind"], float(given["share"]), path, **args)
    else:
        oura.faults.next(given["kind"], int(given.get("n", 1)), path, **args)
    return {"rules": len(oura.faults.rules)}


def _clear(oura: Oura, _: Given, __: datetime) -> dict[str, int]:
    oura.faults.clear()
    return {"rules": 0}


def _set(oura: Oura, given: Given, _: datetime) -> dict[str, int]:
    oura.page_size = int(given.get("page_size", oura.page_size))
    oura.limits.app = int(given.get("app_limit", oura.limits.app))
    oura.limits.token = int(given.get("token_limit", oura.limits.token))
    oura.limits.window = int(given.get("window", oura.limits.window))
    return {"page_size": oura.page_size, "app_limit": oura.limits.app, "token_limit": oura.limits.token}


def _lapse(oura: Oura, given: Given, _: datetime) -> dict[str, bool]:
    account = _account(oura, given)
    account.lapsed = bool(given.get("lapsed", True))
    return {"lapsed": account.lapsed}


def _expire(oura: Oura, given: Given, now: datetime) -> dict[str, int]:
    return {"ended": oura.grants.expire(_account(oura, given).handle, now)}


def _deauthorise(oura: Oura, given: Given, _: datetime) -> dict[str, int]:
    return {"ended": oura.grants.deauthorise(_account(oura, given).handle)}


def _remove(oura: Oura, given: Given, now: datetime) -> dict[str, str]:
    account, known = _account(oura, given), str(given["document"])
    if not account.find("sleep", known, now):
        raise LookupError(f"{account.handle} has no sleep {known}")
    account.removed[known] = now
    return {"removed": known}


def _notify(oura: Oura, given: Given, now: datetime) -> dict[str, int]:
    happened = Happened(str(given["event_type"]), str(given["data_type"]), str(given["object_id"]))
    return {"waiting": oura.hooks.notify(_account(oura, given), happened, now)}


def _truth(oura: Oura, given: Given, _: datetime) -> Any:
    return truth(_account(oura, given), _instant(given["since"]), _instant(given["until"]))


def _calls(oura: Oura, _: Given, __: datetime) -> list[dict[str, Any]]:
    return [
        {"method": one.method, "path": one.path, "token": one.token, "status": one.status, "count": count}
        for one, count in oura.calls.items()
    ]


def _grants(oura: Oura, _: Given, __: datetime) -> list[dict[str, Any]]:
    return [
        {
            "client_id": grant.client_id,
            "person": grant.person,
            "scopes": sorted(grant.scopes),
            "rotations": grant.rotations,
        }
        for grant in oura.grants.grants
    ]


def _subscriptions(oura: Oura, _: Given, __: datetime) -> dict[str, Any]:
    return {
        "subscriptions": [one.document() for one in oura.hooks.subscriptions.values()],
        "waiting": len(oura.hooks.waiting),
        "lost": len(oura.hooks.lost),
    }


LEVERS: Mapping[str, Callable[[Oura, Given, datetime], Any]] = {
    "app": _app,
    "person": _person,
    "phone": _phone,
    "fault": _fault,
    "clear": _clear,
    "set": _set,
    "lapse": _lapse,
    "expire": _expire,
    "deauthorise": _deauthorise,
    "remove": _remove,
    "notify": _notify,
    "truth": _truth,
    "calls": _calls,
    "grants": _grants,
    "subscriptions": _subscriptions,
}


def _account(oura: Oura, given: Given) -> Account:
    handle = str(given["handle"])
    if handle not in oura.accounts:
        raise LookupError(f"there is no person {handle}")
    return oura.accounts[handle]


def _times(given: Any) -> tuple[time, ...]:
    return tuple(time.fromisoformat(one) for one in given)


def _instant(given: str | datetime) -> datetime:
    """An aware instant. Raises ValueError for one without an offset."""
    at = datetime.fromisoformat(given) if isinstance(given, str) else given
    if at.tzinfo is None:
        raise ValueError(f"{given} has no offset")
    return at
