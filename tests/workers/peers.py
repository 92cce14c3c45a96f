"""What the workers meet in tests: people with a story, a relay that speaks real SMTP, and real processes."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ingest import clock, settings
from ingest.models import Alert, Channel, DayValue, Delivery, Person, Series
from workers.mailbox import Server

USUAL, STRAINED = (60.0, 52.0), (44.0, 58.0)  # HRV in ms, heart rate in bpm
ROOT = Path(__file__).parents[2]


def story(usual: int = 70, strained: int = 8, seed: int = 1) -> list[tuple[float, float] | None]:
    """Quiet nights, then strained ones, with a person's own scatter."""
    dice = random.Random(seed)
    plan = [USUAL] * usual + [STRAINED] * strained
    return [(hrv * dice.uniform(0.92, 1.08), rate + dice.uniform(-1.2, 1.2)) for hrv, rate in plan]


def make_person(
    session: Session,
    address: str = "mira@example.org",
    *,
    confirmed: bool = True,
    channel: bool = True,
    quiet: tuple[int, int] | None = None,
    zone: str | None = "UTC",
) -> int:
    """A person with a mail channel and, unless told otherwise, without quiet hours."""
    start, end = quiet or (None, None)
    person = Person(address=address, zone=zone, created_at=clock.now())
    session.add(person)
    session.flush()
    person.quiet_from, person.quiet_until = start, end  # afterwards: None in a new row is the table's default
    if channel:
        confirmed_at = clock.now() if confirmed else None
        session.add(
            Channel(person=person.id, kind="mail", address=address, created_at=clock.now(), confirmed_at=confirmed_at)
        )
        session.flush()
    return person.id


def live_nights(session: Session, person: int, last: date, nights: Sequence[tuple[float, float] | None]) -> None:
    """Store these nights, the last one on `last`; None is a night without data."""
    for index, measure in enumerate(("heart_rate_variability_rmssd", "resting_heart_rate")):
        series = Series(person=person, measure=measure, definition="test", context="sleep", created_at=clock.now())
        session.add(series)
        session.flush()
        rows = []
        for back, night in enumerate(reversed(nights)):
            day = last - timedelta(days=back)
            if night:
                rows.append(night_row(series.id, day, night[index]))
        session.execute(insert(DayValue), rows)


def make_told(session: Session, address: str, **person: Any) -> int:
    """A person whose strain holds and who is to be told now; returns the delivery's id."""
    today = clock.now().date()
    owner = make_person(session, address, **person)
    live_nights(session, owner, today, story(seed=owner))
    alert = Alert(person=owner, kind="strained", state="open", told=False, threshold=0.9, opened_at=clock.now())
    alert.first_day = alert.last_day = today
    session.add(alert)
    session.flush()
    delivery = Delivery(person=owner, kind="strained", subject=alert.id, status="waiting", not_before=clock.now())
    delivery.channel = session.scalars(select(Channel.id).where(Channel.person == owner)).one()
    delivery.key, delivery.thread, delivery.created_at = f"strained:{alert.id}", f"alert-{alert.id}", clock.now()
    session.add(delivery)
    session.flush()
    return delivery.id


def night_row(series: int, day: date, value: float) -> dict[str, Any]:
    """One stored day value."""
    woke = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    return {
        "series": series,
        "record": day.isoformat(),
        "value": value,
        "starts_at": woke - timedelta(hours=8),
        "ends_at": woke,
        "day": day,
        "utc_offset_minutes": 0,
        "state": "final",
        "source_rank": 1,
        "as_of": woke,
        "content": str(value),
    }


@dataclass
class Relay:
    """A mail server that keeps what it takes, and refuses or dawdles as it is told."""

    mails: list[EmailMessage] = field(default_factory=list)
    wire: list[bytes] = field(default_factory=list)  # the same, as they came
    recipients: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)  # step (RCPT, DATA): what to say instead of 250
    dawdle: dict[str, float] = field(default_factory=dict)  # step: seconds before it is answered
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))  # one for each dawdled step

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        self.recipients.append(address)
        await self._take_time("RCPT")
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.wire.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        await self._take_time("DATA")
        return "250 2.0.0 taken"

    async def _take_time(self, step: str) -> None:
        if step in self.dawdle:
            self.arrived.release()
            await asyncio.sleep(self.dawdle[step])

    @property
    def ids(self) -> list[str]:
        """The message ids that were taken, in order."""
        return [str(mail["Message-ID"]) for mail in self.mails]


@contextmanager
def open_relay(**options: Any) -> Iterator[tuple[Relay, str]]:
    """A relay on loopback, and the URL it is reached at."""
    relay = Relay(**options)
    controller = Server(relay, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield relay, f"smtp+plain://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


@contextmanager
def mailed(monkeypatch: Any) -> Iterator[Relay]:
    """A relay that this installation sends its mail by."""
    with open_relay() as (relay, url):
        monkeypatch.setenv("VAGUS_SMTP_URL", url)
        monkeypatch.setenv("VAGUS_MAIL_FROM", "Vagus <alerts@example.net>")
        monkeypatch.setenv("VAGUS_BASE_URL", "https://vagus.example.net")
        settings.settings.cache_clear()
        yield relay


@dataclass
class Process:
    """One of our processes, started as the supervisor would."""

    popen: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """As the kernel would."""
        self.popen.kill()
        self.popen.wait()

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


@contextmanager
def processes(folder: Path) -> Iterator[Any]:
    """A function that starts `worker-score`, `worker-notify` or `beat`; what still runs at the end is stopped."""
    started: list[Process] = []

    def start(name: str) -> Process:
        log = folder / f"{name}-{len(started)}.log"
        call = "start_beat()" if name == "beat" else f"start_worker({name!r})"
        code = f"from workers import app; app.{call}"
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, "-c", code], cwd=ROOT, stdout=out, stderr=out, env=os.environ.copy()
            )
        started.append(Process(popen, log))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            if process.alive:
                process.popen.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        for process in started:
            try:
                process.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
