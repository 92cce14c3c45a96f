"""A vendor on loopback, as a real server: what it answers is set by the test, what it was asked is kept."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fakeredis import FakeRedis
from typing_extensions import TypedDict

import providers
from ingest import broker, clock, db
from ingest.grants import oauth, tokens
from ingest.models import Connection, Fence, VendorAccount, VendorApp
from ingest.people import ensure
from providers.base import Budget, InToken, OAuth, Provider, Request, Stream, TokenPaging, Window, as_date

SECRET = "client-hush"


class Record(TypedDict):
    id: str


NIGHTS = Stream(
    name="local.nights",
    title="nights",
    path="/v1/nights",
    record=Record,
    read=lambda _, __: [],
    window=Window(
        start="from",
        end="to",
        write=as_date,
        longest=timedelta(days=30),
        before=timedelta(days=1),
        after=timedelta(days=1),
    ),
    paging=TokenPaging(),
    scope="nights",
)
LOCAL = Provider(
    name="local",
    title="Local",
    base_url="https://api.local.example",
    auth=OAuth(
        authorize_url="https://login.local.example/authorize",
        token_url="https://login.local.example/token",
        other_token_urls=("https://other.local.example/token",),
        scopes=("nights", "days"),
        vendor_user=InToken("user"),
        revoke=lambda access, _: [Request("POST", "https://login.local.example/revoke", {"access_token": access})],
    ),
    streams=(NIGHTS,),
    budgets=(Budget(calls=1000, per=timedelta(minutes=5)),),
    poll_every=timedelta(hours=1),
    backfill=timedelta(days=30),
)


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Said:
    """What goes back; `cut` ends the body after so many bytes though its length was announced."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


class LocalVendor:
    """Gives tokens that work until they are refreshed, each refresh token once; `answer` is what data calls get."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Said] = lambda _: Said()
        self.token_answer: Callable[[Asked], Said] = self.rotate
        self.given = 0
        self.lock = threading.Lock()
        self.origin = ""

    @property
    def access(self) -> str:
        return f"access-hush-{self.given}"

    @property
    def refresh(self) -> str:
        return f"refresh-hush-{self.given}"

    def rotate(self, asked: Asked) -> Said:
        with self.lock:
            if asked.form.get("refresh_token") not in {self.refresh, None}:
                return said({"error": "invalid_grant"}, 400)
            self.given += 1
            document = {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600}
            return said(document | {"token_type": "Bearer", "scope": "nights days", "user": "u-1"})

    def calls(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.endswith(path)]

    def hear(self, asked: Asked) -> Said:
        self.asked.append(asked)
        if asked.path.endswith("/token"):
            return self.token_answer(asked)
        return self.answer(asked)


def said(document: Any, status: int = 200, **headers: str) -> Said:
    return Said(status, json.dumps(document).encode(), headers)


def only_latest(vendor: LocalVendor) -> Callable[[Asked], Said]:
    """Data for the newest access token, 401 for any other."""

    def answer(asked: Asked) -> Said:
        good = asked.headers.get("authorization") == f"Bearer {vendor.access}"
        return said({"data": []}) if good else said({}, 401)

    return answer


@contextmanager
def local_vendor() -> Iterator[LocalVendor]:
    vendor = LocalVendor()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.speak(vendor.hear(Asked(self.command, parts.path, query, headers, form)))

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def speak(self, what: Said) -> None:
            if what.status == 0:  # hang up without a word
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(what.status)
            for name, value in what.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(what.body)))
            self.end_headers()
            self.wfile.write(what.body[: what.cut])
            self.close_connection = self.close_connection or what.cut is not None

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    vendor.origin = f"http://127.0.0.1:{server.server_port}/local"
    yield vendor
    server.shutdown()
    thread.join()
    server.server_close()


def connect(vendor: LocalVendor, *, expires_in: float | None = 3600, refresh: bool = True) -> int:
    """A person's grant at this vendor, with the tokens it would accept now; the connection's id."""
    with db.transaction() as session:
        person = ensure(session, "sam@example.org")
        app = VendorApp(
            vendor="local",
            client_id="app-1",
            client_secret=oauth.seal_secret("local", "app-1", SECRET),
            origin=vendor.origin,
            created_at=clock.now(),
        )
        account = VendorAccount(person=person.id, vendor="local", external_id="u-1", created_at=clock.now())
        session.add_all([app, account])
        session.flush()
        connection = Connection(
            vendor_account=account.id, vendor_app=app.id, kind="grant", state_since=clock.now(), created_at=clock.now()
        )
        session.add(connection)
        session.flush()
        session.add(Fence(connection=connection.id))
        spendable = vendor.refresh if refresh else None
        scopes = frozenset({"nights", "days"})
        tokens.store(session, connection.id, oauth.Tokens(vendor.access, spendable, expires_in, scopes, {}))
        return connection.id


def forward(clock_file_now: Callable[[Any], None], by: timedelta) -> None:
    """Let time pass."""
    clock_file_now(clock.now() + by)


@pytest.fixture
def vendor(database: str, clock: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendor]:
    """The vendor, known to the registry; it is five in the morning."""
    clock("2026-11-22T05:00")
    monkeypatch.setattr(providers, "PROVIDERS", (LOCAL,))
    with local_vendor() as running:
        yield running


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRedis]:
    """Counters of calls without a server."""
    client = FakeRedis(decode_responses=True)
    monkeypatch.setattr(broker, "client", lambda _: client)
    yield client
    client.close()
