"""Simulated vendors without a server: requests as calls, and a clock that a test moves."""

import json
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from providers.simulator import whoop
from providers.simulator.conversation import Heard, Received, Reply
from providers.simulator.oura import App, Life, Oura
from providers.simulator.people import Story
from providers.simulator.phone import Phone
from providers.simulator.whoop import Strap, Whoop

BACK = "https://vagus.example/connect/oura/return"
HOOKS = "https://vagus.example/hooks/whoop/1"
APP = App("app", "secret", (BACK,))
WHOOP_APP = whoop.App("app", "secret", (BACK,), HOOKS)
LAST = date(2026, 3, 20)
STATE = "a state of ours"


class Stage:
    authorize, token_path, data = "/oauth/authorize", "/oauth/token", "/v2/usercollection/"
    records_at, next_page = "data", "next_token"

    def __init__(self, story=Story.STEADY, *, app=APP, nights=20, phone=None, utc_offset_minutes=0, **oura):
        self.oura = self.vendor = Oura(**oura)
        self.begin(app)
        self.account = self.oura.add_person("mira", Life(story, LAST, nights, 7, utc_offset_minutes), phone or Phone())

    def begin(self, app):
        self.now = datetime(2026, 3, 20, 12, tzinfo=UTC)
        self.app = self.vendor.add_app(app)
        self.access = ""

    def at(self, text):
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return self

    def pass_(self, **span):
        self.now += timedelta(**span)
        return self

    def ask(self, method, path, query=None, headers=None, body=b""):
        return self.vendor.answer(Received(method, path, query or {}, headers or {}, body), self.now)

    def code(self, *, scopes=None, decision="allow", app=None, **form):
        app = app or self.app
        granted = list(app.scopes) if scopes is None else scopes
        fields = [("client_id", app.client_id), ("redirect_uri", BACK), ("state", STATE), ("person", "mira")]
        fields = [(name, form.get(name, value)) for name, value in fields]
        fields += [("decision", decision), *(("scope", scope) for scope in granted)]
        return self.ask("POST", self.authorize, body=urlencode(fields).encode())

    def token(self, path=None, app=None, **form):
        app = app or self.app
        proven = {"client_id": app.client_id, "client_secret": app.client_secret, **form}
        return self.ask("POST", path or self.token_path, body=urlencode(proven).encode())

    def exchange(self, code, **form):
        return self.token(grant_type="authorization_code", code=code, redirect_uri=BACK, **form)

    def refresh(self, refresh, **form):
        return self.token(grant_type="refresh_token", refresh_token=refresh, **form)

    def connect(self, scopes=None):
        tokens = told(self.exchange(sent_back(self.code(scopes=scopes))["code"]))
        self.access = tokens["access_token"]
        return tokens

    def get(self, path, **query):
        return self.ask("GET", f"{self.data}{path}", query, {"authorization": f"Bearer {self.access}"})

    def all(self, path, **query):
        found, token = [], None
        while True:
            page = told(self.get(path, **query, **({self.next_page: token} if token else {})))
            found += page[self.records_at]
            if not (token := page.get("next_token")):
                return found

    def sent(self, answer=200):
        """What webhooks go out now, each answered."""
        hooks, calls = self.vendor.hooks, []
        hooks.look([self.account], self.now)
        for notice in hooks.due(self.now):
            if request := hooks.call(notice, self.now):
                calls.append(request)
                hooks.heard(notice, Heard(answer), self.now)
        return calls


class WhoopStage(Stage):
    authorize, token_path, data = "/oauth/oauth2/auth", "/oauth/oauth2/token", "/developer/v2/"
    records_at, next_page = "records", "nextToken"

    def __init__(
        self, story=Story.STEADY, *, app=WHOOP_APP, nights=20, phone=None, utc_offset_minutes=0, strap=None, **whoop
    ):
        self.whoop = self.vendor = Whoop(**whoop)
        self.begin(app)
        life = Life(story, LAST, nights, 7, utc_offset_minutes)
        self.account = self.whoop.add_person("mira", life, phone or Phone(), strap or Strap())

    def refresh(self, refresh, **form):
        return super().refresh(refresh, **{"scope": "offline", **form})


def told(reply: Reply):
    assert isinstance(reply, Reply)
    return json.loads(reply.body)


def sent_back(reply: Reply):
    assert reply.status == 302
    location = urlsplit(reply.headers["location"])
    assert location._replace(query="").geturl() == BACK
    return {name: values[0] for name, values in parse_qs(location.query).items()}
