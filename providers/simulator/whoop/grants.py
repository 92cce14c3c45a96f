"""OAuth as WHOOP keeps it: no refresh token without `offline`, and a rotation kills the access token before it.

A refresh token works once, without grace, and only where the request names the scope `offline` again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from providers.simulator import consent
from providers.simulator.consent import Wording
from providers.simulator.conversation import Received, Reply
from providers.simulator.grants import Grant, asked_to_refresh, granted, refused
from providers.simulator.grants import Grants as AnyGrants

OFFLINE = "offline"
SCOPES = (
    OFFLINE,
    "read:recovery",
    "read:cycles",
    "read:sleep",
    "read:workout",
    "read:profile",
    "read:body_measurement",
)
SHORTEST_STATE = 8
WORDING = Wording(
    "WHOOP",
    {
        OFFLINE: "while you are away",
        "read:recovery": "recovery: HRV, resting heart rate, oxygen, skin temperature",
        "read:cycles": "strain of the day",
        "read:sleep": "sleep",
        "read:workout": "workouts",
        "read:profile": "name and mail address",
        "read:body_measurement": "height and weight",
    },
)


@dataclass(frozen=True, slots=True)
class App:
    """An app registered in the dashboard, where its one webhook address is set too; empty for none."""

    client_id: str
    client_secret: str
    redirect_uris: Sequence[str]
    webhook_url: str = ""
    expires_in: int = 3600
    scopes: Sequence[str] = SCOPES


Grants: TypeAlias = AnyGrants[App]


def authorize(grants: Grants, request: Received, people: Sequence[str], now: datetime) -> Reply:
    """The consent page, and what its button does; sent back at once where the state or a scope is refused."""
    fields = request.query if request.method == "GET" else request.form()
    app = consent.asking(grants, fields)
    if app and len(fields.get("state", "")) < SHORTEST_STATE:
        return consent.back(fields, {"error": "invalid_state"})
    if app and not set(request.query.get("scope", "").split()) <= set(app.scopes):
        return consent.back(fields, {"error": "request_forbidden"})
    if request.method == "GET":
        return consent.show(request, grants, people, WORDING)
    return consent.decide(request, grants, people, now)


def token(grants: Grants, request: Received, now: datetime) -> Reply:
    """The answer of the token address: code exchange or refresh. The client proves itself in the form, only."""
    form, refreshing = request.form(), asked_to_refresh(request)
    app = grants.proven(form)
    if app is None:
        return refused(401, "invalid_client")
    if not refreshing and form.get("grant_type") != "authorization_code":
        return refused(400, "unsupported_grant_type")
    if refreshing and OFFLINE not in form.get("scope", "").split():
        return refused(400, "invalid_scope")
    grant = grants.refreshed(app, form.get("refresh_token", "")) if refreshing else grants.redeemed(app, form, now)
    return _issued(grants, app, grant, now) if grant else refused(400, "invalid_grant")


def _issued(grants: Grants, app: App, grant: Grant, now: datetime) -> Reply:
    grants.end_access(grant)
    access = grants.issue(app, grant, now, refreshable=OFFLINE in grant.scopes)
    kept = {"refresh_token": grant.refresh} if grant.refresh else {}
    scope = " ".join(scope for scope in SCOPES if scope in grant.scopes)
    return granted(
        {"access_token": access, "expires_in": app.expires_in, **kept, "scope": scope, "token_type": "bearer"}
    )
