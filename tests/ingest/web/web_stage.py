"""The stage of page tests: the real application behind a real server, people with known nights, and browsers."""

import asyncio
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from ingest import clock, people, signin, store
from ingest.db import transaction
from ingest.models import Alert, Channel, Delivery, SignInCode
from ingest.vault import vault
from ingest.web.app import create_app
from scoring import Assessment, Night, assess
from workers.supervision.serve import ONLY_OUR_LOGS

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 5, 48, tzinfo=UTC)
TRUSTED = ssl.create_default_context()  # read once: a browser a test would read all roots anew


class Prompt(uvicorn.Server):
    """A server that ends when told to, and does not look ten times a second whether it was."""

    async def main_loop(self) -> None:
        await self.on_tick(0)
        while not self.should_exit:  # noqa: ASYNC110  (uvicorn is told by a flag)
            await asyncio.sleep(0.01)


def nights(
    last: date = TODAY,
    count: int = 120,
    *,
    strained: int = 0,
    eased: int = 0,
    ill: bool = False,
    missing: Sequence[int] = (),
    seed: int = 4,
) -> list[Night]:
    """A person's nights up to `last`: the last `strained` before `eased` ones lean hard towards strain."""
    chance, made = random.Random(seed), []
    for back in reversed(range(count)):
        hrv, resting, breath, warm = (chance.gauss(0, 1) for _ in range(4))
        strain = 1.5 if eased <= back < eased + strained else 0.0
        sick = 1.0 if ill and back < 4 else 0.0
        known = back not in missing
        made.append(
            Night(
                last - timedelta(days=back),
                hrv_ms=61 * (1 + 0.1 * hrv) - 9 * strain if known else None,
                resting_heart_rate=51.5 + 1.6 * resting + 2.9 * strain if known else None,
                respiratory_rate=14.6 + 0.25 * breath + 1.8 * sick if known else None,
                skin_temperature=34.2 + 0.15 * warm + 0.8 * sick if known else None,
                sleep_minutes=430 if known else None,
                utc_offset_minutes=0,
                hrv_series="1",
                resting_series="2",
                respiratory_series="3",
                temperature_series="4",
            )
        )
    return made


@dataclass
class Sitter:
    """A signed-in person: their id, and a browser that holds their cookie."""

    id: int
    address: str
    cookie: str
    client: httpx.Client
    alert: int = 0
    assessments: list[Assessment] = field(default_factory=list)


@dataclass
class Stage:
    """The served application."""

    url: str
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, **options: object) -> httpx.Client:
        """A browser with cookies of its own, signed out."""
        made = httpx.Client(base_url=self.url, timeout=20, verify=TRUSTED, **options)
        self.clients.append(made)
        return made

    def sitter(self, address: str = "mira@example.org", given: Sequence[Night] = (), *, told: bool = False) -> Sitter:
        """A person with these nights judged, signed in; with an open alert, and told of it, where they end strained."""
        with transaction() as session:
            person = people.ensure(session, address)
            people.confirm(session, person.id)
            person.zone = "UTC"
            cookie = signin.start_session(session, person.id, None)
            made = Sitter(person.id, address, cookie, self.client())
        made.client.cookies.set("vagus_session", cookie, domain="127.0.0.1")
        if given:
            self.judge(made, given)
        if told:
            made.alert = self.tell(made)
        return made

    def judge(self, sitter: Sitter, given: Sequence[Night]) -> None:
        """Store the assessments of these nights."""
        sitter.assessments = assess(given)
        with transaction() as session:
            store.save_readiness(session, sitter.id, sitter.assessments, "test")

    def tell(self, sitter: Sitter) -> int:
        """An open alert over the strained nights, and a sent message."""
        strained = [each.day for each in sitter.assessments if each.state == "strained"] or [TODAY]
        with transaction() as session:
            alert = Alert(
                person=sitter.id,
                kind="strained",
                first_day=strained[0],
                last_day=strained[-1],
                state="open",
                told=True,
                threshold=0.9,
                opened_at=clock.now(),
            )
            session.add(alert)
            session.flush()
            channel = session.scalars(select(Channel).where(Channel.person == sitter.id)).one()
            session.add(
                Delivery(
                    person=sitter.id,
                    channel=channel.id,
                    kind="strained",
                    subject=alert.id,
                    key=f"strained:{alert.id}",
                    thread=f"alert-{alert.id}",
                    not_before=clock.now(),
                    status="sent",
                    created_at=clock.now(),
                    sent_at=clock.now() - timedelta(days=1),
                )
            )
            return alert.id


def mailed_digits(address: str) -> str:
    """The digits of the newest code for an address, as the mailer would open them."""
    with transaction() as session:
        newest = select(SignInCode).where(SignInCode.address == address).order_by(SignInCode.id.desc()).limit(1)
        row = session.scalars(newest).one()
        return vault().open(row.code, signin.place(row.id)).decode()


@pytest.fixture
def stage(database: str, clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The application on a free port of this machine, at six in the morning of a known day."""
    clock(NOON)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        monkeypatch.setenv("VAGUS_PORT", str(port))
        monkeypatch.setenv("VAGUS_SMTP_URL", "smtp+plain://127.0.0.1:1")
        monkeypatch.setenv("VAGUS_BASE_URL", f"http://127.0.0.1:{port}")
        reread_settings()
        server = Prompt(uvicorn.Config(create_app(), lifespan="off", **ONLY_OUR_LOGS))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        made = Stage(f"http://127.0.0.1:{port}")
        yield made
        for client in made.clients:
            client.close()
        server.should_exit = True
        thread.join(10)


def reread_settings() -> None:
    """Take notice of changed environment variables."""
    from ingest import settings  # noqa: PLC0415

    settings.settings.cache_clear()
