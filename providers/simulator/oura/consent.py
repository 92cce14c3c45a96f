"""The page on which a person allows an app what it asks for, scope by scope, with one click."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from urllib.parse import urlencode

from providers.simulator.conversation import Received, Reply, as_html
from providers.simulator.oura.grants import App, Grants

WORDS = {
    "daily": "sleep, readiness and activity",
    "heartrate": "heart rate",
    "workout": "workouts",
    "spo2": "oxygen",
    "spo2Daily": "oxygen",
    "ring_configuration": "which ring it is",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Oura</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:1rem/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem}}
label{{display:block;padding:.25rem 0}}button{{font:inherit;padding:.5rem 1.5rem;margin:1rem 1rem 0 0}}</style></head>
<body><main><h1>Simulated Oura</h1><p>No real account, no real data. The app <b>{app}</b> asks for:</p>
<form method="post">{hidden}{scopes}
<p><label>Signed in as <select name="person">{people}</select></label></p>
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button>
</form></main></body></html>"""
CARRIED = ("client_id", "redirect_uri", "state")


def show(request: Received, grants: Grants, people: Sequence[str]) -> Reply:
    """The consent page; refused in place where the app or its address is not registered, letter by letter."""
    app = _app(grants, request.query.get("client_id", ""), request.query.get("redirect_uri", ""))
    if app is None:
        return as_html(400, "<!doctype html><title>Refused</title><p>Unknown client_id or redirect_uri.")
    if request.query.get("response_type") != "code":
        return as_html(400, "<!doctype html><title>Refused</title><p>response_type must be code.")
    hint = request.query.get("login_hint", "")
    fields = [(name, request.query[name]) for name in CARRIED if name in request.query]
    return as_html(
        200,
        PAGE.format(
            app=escape(app.client_id),
            hidden="".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields),
            scopes="".join(_box(scope) for scope in _asked(app, request.query.get("scope"))),
            people="".join(_choice(person, chosen=person == hint) for person in people),
        ),
    )


def decide(request: Received, grants: Grants, people: Sequence[str], now: datetime) -> Reply:
    """Send the browser back with a code, or with the refusal."""
    forms, form = request.forms(), request.form()
    redirect_uri = form.get("redirect_uri", "")
    app = _app(grants, form.get("client_id", ""), redirect_uri)
    person = form.get("person", "")
    if app is None or person not in people:
        return as_html(400, "<!doctype html><title>Refused</title><p>Unknown client_id, redirect_uri or person.")
    if form.get("decision") == "allow":
        scopes = frozenset(forms.get("scope", [])) & frozenset(app.scopes)
        answer = {"code": grants.code(app, redirect_uri, person, scopes, now)}
    else:
        answer = {"error": "access_denied"}
    answer |= {"state": form["state"]} if "state" in form else {}
    joint = "&" if "?" in redirect_uri else "?"
    return Reply(302, headers={"location": f"{redirect_uri}{joint}{urlencode(answer)}"})


def _app(grants: Grants, client_id: str, redirect_uri: str) -> App | None:
    app = grants.apps.get(client_id)
    return app if app and redirect_uri in app.redirect_uris else None


def _asked(app: App, scope: str | None) -> list[str]:
    """What is asked for and exists; everything the app may have where nothing is named."""
    return [one for one in app.scopes if scope is None or one in scope.split()]


def _box(scope: str) -> str:
    words = f" ({WORDS[scope]})" if scope in WORDS else ""
    return f'<label><input type="checkbox" name="scope" value="{scope}" checked> {scope}{words}</label>'


def _choice(person: str, *, chosen: bool) -> str:
    return f"<option{' selected' if chosen else ''}>{escape(person)}</option>"
