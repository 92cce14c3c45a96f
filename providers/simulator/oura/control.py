"""The levers of the simulated Oura, by name and plain values: its own beside those of every vendor."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from providers.simulator import levers
from providers.simulator.levers import COMMON, Given, Lever, account_of, instant_of
from providers.simulator.oura.grants import SCOPES, App
from providers.simulator.oura.truth import truth

if TYPE_CHECKING:
    from providers.simulator.oura.service import Oura


def _app(oura: "Oura", given: Given, _: datetime) -> dict[str, str]:
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


def _person(oura: "Oura", given: Given, now: datetime) -> dict[str, str | None]:
    return levers.described(oura.add_person(str(given["handle"]), levers.life_of(given, now), levers.phone_of(given)))


def _set(oura: "Oura", given: Given, _: datetime) -> dict[str, int]:
    oura.page_size = int(given.get("page_size", oura.page_size))
    oura.limits.app = int(given.get("app_limit", oura.limits.app))
    oura.limits.token = int(given.get("token_limit", oura.limits.token))
    oura.limits.window = int(given.get("window", oura.limits.window))
    return {"page_size": oura.page_size, "app_limit": oura.limits.app, "token_limit": oura.limits.token}


def _truth(oura: "Oura", given: Given, _: datetime) -> Any:
    return truth(account_of(oura, given), instant_of(given["since"]), instant_of(given["until"]))


def _subscriptions(oura: "Oura", _: Given, __: datetime) -> dict[str, Any]:
    return {
        "subscriptions": [one.document() for one in oura.hooks.subscriptions.values()],
        "waiting": len(oura.hooks.waiting),
        "lost": len(oura.hooks.lost),
    }


LEVERS: Mapping[str, Lever["Oura"]] = {
    **COMMON,
    "app": _app,
    "person": _person,
    "set": _set,
    "truth": _truth,
    "subscriptions": _subscriptions,
}
