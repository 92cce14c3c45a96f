"""The demo: a made-up person's WHOOP file, from the import to one mail, on servers and in a state folder of its own."""

import fcntl
import io
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default as mail_policy
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from sqlalchemy import select

from ingest import clock, db, imports, people
from ingest.models import Alert, Channel, Delivery, Readiness
from ingest.settings import settings
from ingest.store import ASSESSMENT
from providers.errors import Unavailable, VagusError
from providers.simulator.people import Story, nights
from providers.simulator.whoop_export import export_zip
from workers.people_commands import wait_until_scored
from workers.supervision import control
from workers.supervision.children import LEASH
from workers.supervision.home import empty, prepare_home
from workers.supervision.processes import server_account
from workers.supervision.running import Running, locked, running
from workers.terminal import Steps

ADDRESS = "mira@example.org"
NIGHTS, SEED = 182, 7
TOLD_WITHIN = 45.0
FORMER_SECONDS = 2.0
LOOK_EVERY = 0.1
WIDTH = 80
SETTLED_AFTER = timedelta(hours=9)  # by then last night is over, whatever the zone


@dataclass(frozen=True, slots=True)
class Told:
    """What the demo came to: the alert as decided, and the deliveries as they stand."""

    alert: dict[str, Any]
    deliveries: list[dict[str, str]]
    nights: int


def home() -> Path:
    """The demo's own state folder."""
    return settings().home / "demo"


@contextmanager
def servers(steps: Steps) -> Iterator[Running]:
    """The demo's servers on an empty state folder, used by this process; stopped at the end, come what may."""
    with _alone(home()):
        yield from _serving(home(), steps)


def _serving(folder: Path, steps: Steps) -> Iterator[Running]:
    control.stop(folder)
    empty(folder)
    os.environ |= {
        "VAGUS_HOME": str(folder),
        "VAGUS_DEMO": "true",
        "VAGUS_SMTP_URL": f"smtp+plain://127.0.0.1:{_free_port()}",
        "VAGUS_MAIL_FROM": "Vagus <vagus@example.org>",
    }
    for name in ("DATABASE_URL", "REDIS_URL", "VAGUS_BASE_URL", "VAGUS_SECRETS_FILE"):
        os.environ.pop(name, None)
    settings.cache_clear()
    with _leash():
        try:
            state = control.start_detached(folder, steps.say)
            control.use(state)
            yield state
        finally:
            control.stop(folder)


def run(*, once: bool, as_json: bool) -> None:
    """Show the demo: its story, its addresses, and then serve until Ctrl-C, or stop at once. Raises VagusError."""
    for asked_to_stop in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore the first
        signal.signal(asked_to_stop, signal.default_int_handler)
    started = time.monotonic()
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    steps = Steps(console)
    steps.say("Vagus demo: a made-up person, no internet." + ("" if once else "   Ctrl-C stops it"))
    with servers(steps) as state:
        story = play(steps)
        seconds = round(time.monotonic() - started, 1)
        if as_json:
            sys.stdout.write(json.dumps({"seconds": seconds, **story}) + "\n")
            sys.stdout.flush()
        _show_alert(console, story["alert"])
        if once:
            return
        page, mailbox = pages(state)
        steps.say(f"Her page   {page}   (signed in as Mira, who has no quiet hours)")
        steps.say(f"Her mail   {mailbox}   (caught here, not sent)")
        steps.say(f"Ready in {seconds:.0f} s. Your own nights: vagus import whoop FILE --person you@example.org")
        _serve()


def _show_alert(console: Console, alert: dict[str, Any]) -> None:
    panel = Panel(Text(alert["explanation"]), title=f"Strained since {alert['since']}", title_align="left", width=WIDTH)
    console.print(panel, soft_wrap=False)


def _serve() -> None:
    """Wait for Ctrl-C, or to be told to stop."""
    with suppress(KeyboardInterrupt):
        while True:
            signal.pause()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only demo of this folder. Raises Unavailable where another runs, and says where."""
    prepare_home(folder.parent, server_account())
    try:
        with locked(folder.with_name("demo.lock"), fcntl.LOCK_EX, FORMER_SECONDS, os.O_CREAT):
            yield
    except BlockingIOError:
        other = running(folder)
        where = f" at {other.address}" if other else ""
        raise Unavailable(f"the demo already runs{where}: end it with Ctrl-C where it was started") from None


@contextmanager
def _leash() -> Iterator[None]:
    """Let the supervisor started in this block end with this process, even one that is killed."""
    held, end = os.pipe()
    os.set_inheritable(held, True)  # noqa: FBT003
    os.environ[LEASH] = str(held)
    try:
        yield
    finally:
        os.environ.pop(LEASH, None)
        os.close(held)
        os.close(end)


def play(steps: Steps) -> dict[str, Any]:
    """Import the made-up person's file, wait for the alert and its mail; what `--json` prints, without `seconds`."""
    with steps.step("Mira's WHOOP file") as step:
        imported = _import_file()
        saved = imported.saved
        step.detail = f"{imported.nights} nights, {saved.day_values:,} values, {saved.rejected} set aside"
    with steps.step("Readiness of each night"):
        wait_until_scored(imported.person)
    with steps.step("One alert, one mail") as step:
        told = _wait_until_told(imported.person)
        step.detail = f"strained since {told.alert['since']}"
    return {
        "points": 0,
        "day_values": imported.saved.day_values,
        "episodes": imported.saved.episodes,
        "rejected": imported.saved.rejected,
        "nights": told.nights,
        "alert": told.alert,
        "deliveries": told.deliveries,
        "duplicates_sent": _duplicates(),
    }


def pages(state: Running) -> tuple[str, str]:
    """The address that signs a browser in as the made-up person, and that of her mailbox."""
    token = json.loads((settings().home / "demo.json").read_text())["token"]
    return f"{state.address}/demo/{token}", f"{state.address}/demo/mail"


def _import_file() -> imports.Imported:
    """Make the person, who has no quiet hours and reads her mail, and import her export of this morning."""
    with db.transaction() as session:
        person = people.ensure(session, ADDRESS)
        person.quiet_from = person.quiet_until = None
        people.confirm(session, person.id)
        card = {"token": secrets.token_urlsafe(8), "person": person.id}
    (settings().home / "demo.json").write_text(json.dumps(card))
    export = export_zip(nights(Story.OVERREACHING, _last_night(), NIGHTS, SEED))
    return imports.import_file(ADDRESS, "whoop", "my_whoop_data.zip", io.BytesIO(export))


def _last_night() -> date:
    return (clock.now() - SETTLED_AFTER).date()


def _wait_until_told(person: int) -> Told:
    deadline = time.monotonic() + TOLD_WITHIN
    told = _told(person)
    while told is None or any(one["status"] in {"waiting", "held"} for one in told.deliveries):
        if time.monotonic() > deadline:
            reason = "no alert was decided" if told is None else f"the mail is not out: {told.deliveries}"
            raise VagusError(f"{reason}; see {settings().home / 'log'}")
        time.sleep(LOOK_EVERY)
        told = _told(person)
    return told


def _told(person: int) -> Told | None:
    with db.transaction() as session:
        alert = session.scalar(select(Alert).where(Alert.person == person).order_by(Alert.id.desc()))
        latest = session.scalars(
            select(Readiness.assessment).where(Readiness.person == person).order_by(Readiness.day)
        ).all()
        if alert is None or not latest:
            return None
        of_person = select(Channel.kind, Delivery.status).join(Channel, Channel.id == Delivery.channel)
        sent = session.execute(of_person.where(Delivery.person == person).order_by(Delivery.id)).all()
        last = ASSESSMENT.validate_python(latest[-1])
        return Told(
            {
                "state": last.state,
                "since": alert.first_day.isoformat(),
                "nights": (alert.last_day - alert.first_day).days + 1,
                "explanation": last.explanation,
            },
            [{"channel": one.kind, "status": one.status} for one in sent],
            len(latest),
        )


def _duplicates() -> int:
    """How many mails of the mailbox say the same as another: by Message-ID, as a mail program would tell."""
    mails = (settings().home / "mailbox").glob("*.eml")
    ids = Counter(message_from_bytes(file.read_bytes(), policy=mail_policy)["Message-ID"] for file in mails)
    return sum(count - 1 for count in ids.values())


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
