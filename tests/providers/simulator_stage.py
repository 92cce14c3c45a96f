"""A simulated Oura without a server: requests as calls, and a clock that a test moves."""

import json
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from providers.simulator.conversation import Received, Reply
from providers.simulator.oura import App, Life, Oura
from providers.simulator.people import Story
from providers.simulator.phone import Phone

BACK = "https://vagus.example/connect/oura/return"
APP = App("app", "secret", (BACK,))
LAST = date(2026, 3, 20)


class Stage:
    def __init__(self, story=Story.STEADY, *, app=APP, nights=20, phone=None, utc_offset_minutes=0, **oura):
        self.now = datetime(2026, 3, 20, 12, tzinfo=UTC)
        self.oura = Oura(**oura)
        self.app = self.oura.add_app(app)
        self.account = self.oura.add_person("mira", Life(story, LAST, nights, 7, utc_offset_minutes), phone or Phone())
        self.access = ""

    def at(self, text):
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return self

    def pass_(self, **span):
        self.now += timedelta(**span)
        return self

    def ask(self, method, path, query=None, headers=None, body=b""):
        return self.oura.answer(Received(method, path, query or {}, headers or {}, body), self.now)

    def code(self, *, scopes=None, decision="allow", app=None, **form):
        app = app or self.app
        granted = list(app.scopes) if scopes is None else scopes
        fields = [("client_id", app.client_id), ("redirect_uri", BACK), ("state", "s"), ("person", "mira")]
        fields = [(name, form.get(name, value)) for name, value in fields]
        fields += [("decision", decision), *(("scope", scope) for scope in granted)]
        return self.ask("POST", "/oauth/authorize", body=urlencode(fields).encode())

    def token(self, path="/oauth/token", app=None, **form):
        app = app or self.app
        proven = {"client_id": app.client_id, "client_secret": app.client_secret, **form}
        return self.ask("POST", path, body=urlencode(proven).encode())

    def exchange(self, code, **form):
        return self.token(grant_type="authorization_code", code=code, redirect_uri=BACK, **form)

    def refresh(self, refresh, **form):
        return self.token(grant_type="refresh_token", refresh_token=refresh, **form)

    def connect(self, scopes=None):
        tokens = told(self.exchange(sent_back(self.code(scopes=scopes))["code"]))
        self.access = tokens["access_token"]
        return tokens

    def get(self, path, **query):
        return self.ask("GET", f"/v2/usercollection/{path}", query, {"authorization": f"Bearer {self.access}"})

    def all(self, path, **query):
        found, token = [], None
        while True:
            page = told(self.get(path, **query, **({"next_token": token} if token else {})))
            found += page["data"]
            if not (token := page["next_token"]):
                return found


def told(reply: Reply):
    assert isinstance(reply, Reply)
    return json.loads(reply.body)


def sent_back(reply: Reply):
    assert reply.status == 302
    location = urlsplit(reply.headers["location"])
    assert location._replace(query="").geturl() == BACK
    return {name: values[0] for name, values in parse_qs(location.query).items()}
