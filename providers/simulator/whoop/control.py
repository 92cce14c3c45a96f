"""The levers of the simulated WHOOP, by name and plain values: its own beside those of every vendor."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from providers.simulator import levers
from providers.simulator.levers import COMMON, Given, Lever, account_of, instant_of
from providers.simulator.whoop.documents import Strap
from providers.simulator.whoop.grants import SCOPES, App
from providers.simulator.whoop.nights import Edit
from providers.simulator.whoop.truth import truth

if TYPE_CHECKING:
    from providers.simulator.whoop.service import Whoop


def _app(whoop: "Whoop", given: Given, _: datetime) -> dict[str, str]:
    app = App(
        client_id=str(given["client_id"]),
        client_secret=str(given["client_secret"]),
        redirect_uris=tuple(given["redirect_uris"]),
        webhook_url=str(given.get("webhook_url", "")),
        expires_in=int(given.get("expires_in", 3600)),
        scopes=tuple(given.get("scopes", SCOPES)),
    )
    return {"client_id": whoop.add_app(app).client_id, "webhook_url": app.webhook_url}


def _person(whoop: "Whoop", given: Given, now: datetime) -> dict[str, str | None]:
    strap = Strap(
        older=bool(given.get("older", False)),
        calibrating=int(given.get("calibrating", 4)),
        unscorable_share=float(given.get("unscorable_share", 0.02)),
    )
    life, phone = levers.life_of(given, now), levers.phone_of(given)
    return levers.described(whoop.add_person(str(given["handle"]), life, phone, strap))


def _set(whoop: "Whoop", given: Given, _: datetime) -> dict[str, int]:
    whoop.limits.per_minute = int(given.get("per_minute", whoop.limits.per_minute))
    whoop.limits.per_day = int(given.get("per_day", whoop.limits.per_day))
    return {"per_minute": whoop.limits.per_minute, "per_day": whoop.limits.per_day}


def _rescore(whoop: "Whoop", given: Given, now: datetime) -> dict[str, str]:
    account, known = account_of(whoop, given), str(given["document"])
    if not account.rescore(known, now, Edit()):
        raise LookupError(f"{account.handle} has no scored night {known}")
    return {"rescored": known}


def _truth(whoop: "Whoop", given: Given, _: datetime) -> Any:
    return truth(account_of(whoop, given), instant_of(given["since"]), instant_of(given["until"]))


def _webhooks(whoop: "Whoop", _: Given, __: datetime) -> dict[str, int]:
    hooks = whoop.hooks
    return {"waiting": len(hooks.waiting), "sent": len(hooks.sent), "lost": len(hooks.lost)}


LEVERS: Mapping[str, Lever["Whoop"]] = {
    **COMMON,
    "app": _app,
    "person": _person,
    "set": _set,
    "rescore": _rescore,
    "truth": _truth,
    "webhooks": _webhooks,
}
