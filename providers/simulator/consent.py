"""The page on which a person allows an app what it asks for, scope by scope, with one click."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlencode

from providers.simulator.conversation import Received, Reply, as_html
from providers.simulator.grants import AnApp, App, Grants

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated {title}</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:1rem/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem}}
label{{display:block;padding:.25rem 0}}button{{font:inherit;padding:.5rem 1.5rem;margin:1rem 1rem 0 0}}</style></head>
<body><main><h1>Simulated {title}</h1><p>No real account, no real data. The app <b>{app}</b> asks for:</p>
<form method="post">{hidden}{scopes}
<p><label>Signed in as <select name="person">{people}</select></label></p>
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button>
</form></main></body></html>"""
CARRIED = ("client_id", "redirect_uri", "state")


@dataclass(frozen=True, slots=True)
class Wording:
    """Whose page it is, and what its scopes mean to people."""

    title: str
    scopes: Mapping[str, str]


def show(request: Received, grants: Grants[AnApp], people: Sequence[str], wording: Wording) -> Reply:
    """The consent page; refused in place where the app or its address is not registered, letter by letter."""
    app = asking(grants, request.query)
    if app is None:
        return as_html(400, "<!doctype html><title>Refused</title><p>Unknown client_id or redirect_uri.")
    if request.query.get("response_type") != "code":
        return as_html(400, "<!doctype html><title>Refused</title><p>response_type must be code.")
    hint = request.query.get("login_hint", "")
    fields = [(name, request.query[name]) for name in CARRIED if name in request.query]
    return as_html(
        200,
        PAGE.format(
            title=wording.title,
            app=escape(app.client_id),
            hidden="".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields),
            scopes="".join(_box(scope, wording.scopes) for scope in _asked(app, request.query.get("scope"))),
            people="".join(_choice(person, chosen=person == hint) for person in people),
        ),
    )


def decide(request: Received, grants: Grants[AnApp], people: Sequence[str], now: datetime) -> Reply:
    """Send the browser back with a code, or with the refusal."""
    forms, form = request.forms(), request.form()
    app, person = asking(grants, form), form.get("person", "")
    if app is None or person not in people:
        return as_html(400, "<!doctype html><title>Refused</title><p>Unknown client_id, redirect_uri or person.")
    if form.get("decision") != "allow":
        return back(form, {"error": "access_denied"})
    scopes = frozenset(forms.get("scope", [])) & frozenset(app.scopes)
    return back(form, {"code": grants.code(app, form["redirect_uri"], person, scopes, now)})


def asking(grants: Grants[AnApp], fields: Mapping[str, str]) -> AnApp | None:
    """The app that asks, where it is registered with this redirect address."""
    app = grants.apps.get(fields.get("client_id", ""))
    return app if app and fields.get("redirect_uri", "") in app.redirect_uris else None


def back(fields: Mapping[str, str], answer: Mapping[str, str]) -> Reply:
    """Send the browser to where it came from, with an answer and its state."""
    redirect_uri = fields["redirect_uri"]
    carried = {"state": fields["state"]} if "state" in fields else {}
    joint = "&" if "?" in redirect_uri else "?"
    return Reply(302, headers={"location": f"{redirect_uri}{joint}{urlencode({**answer, **carried})}"})


def _asked(app: App, scope: str | None) -> list[str]:
    """What is asked for and exists; everything the app may have where nothing is named."""
    return [one for one in app.scopes if scope is None or one in scope.split()]


def _box(scope: str, words: Mapping[str, str]) -> str:
    said = f" ({words[scope]})" if scope in words else ""
    return f'<label><input type="checkbox" name="scope" value="{scope}" checked> {scope}{said}</label>'


def _choice(person: str, *, chosen: bool) -> str:
    return f"<option{' selected' if chosen else ''}>{escape(person)}</option>"
