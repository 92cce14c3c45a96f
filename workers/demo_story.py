"""What happens in the demo: a made-up person connects a simulated ring, is backfilled, and is told by mail and push.

She goes the whole way as a browser does, over HTTP; the vendor, the relay and the push service are simulated, and
nothing else is.
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as wall_time
from email import message_from_bytes
from email.policy import default as mail_policy
from html.parser import HTMLParser
from typing import Any

import requests
from sqlalchemy import func, select

from ingest import clock, db, people, push, words
from ingest.grants import connections, hooks
from ingest.models import (
    Alert,
    BackfillWindow,
    Block,
    Channel,
    Connection,
    DayValue,
    Delivery,
    Episode,
    HintReceived,
    Readiness,
    Rejected,
    VendorAccount,
)
from ingest.push import Subscription
from ingest.settings import settings
from ingest.store import ASSESSMENT
from providers.errors import Unavailable, VagusError
from providers.simulator.people import Story
from workers import vendor_commands
from workers.terminal import Seen, Steps

ADDRESS, HANDLE = "mira@example.org", "mira"
NIGHTS, SEED = 120, 9
UNFOLDS = 5  # nights that her story goes on after this one: strain begins to count with last night
CLIENT_ID, CLIENT_SECRET = "demo-app", "demo-secret"
WITHIN = 45.0
PATIENCE = 15.0
LOOK_EVERY = 0.1
MORNING, EVENING = 10, wall_time(20)  # hours of her clock
HALF_A_DAY, DAY = 12, 24


@dataclass(frozen=True, slots=True)
class Told:
    """What the demo came to: the alert as decided, and the deliveries as they stand."""

    alert: dict[str, Any]
    deliveries: list[dict[str, str]]
    nights: int


def play(steps: Steps, address: str) -> dict[str, Any]:
    """Tell the whole story at the pages of `address`; what `--json` prints, without `seconds`."""
    with steps.step("Mira, her ring, her phone") as step:
        person, token = prepare(address)
        step.detail = "made up; a simulated Oura"
    with steps.step("She connects Oura") as step:
        connection = _connect(address, token)
        step.detail = "two clicks; tokens sealed"
    with steps.progress("Four months of nights") as (step, seen):
        until(lambda: _filled(connection, seen), "the past is not in")
        counts = _counts(connection)
        step.detail = f"{counts['episodes']} sleeps and workouts, {counts['points']:,} samples"
    with steps.step("Last night, by the vendor's notice") as step:
        open_phone()
        told = wait_until_told(person)
        step.detail = f"{told.nights} nights judged"
    with steps.step("One alert, one mail, one push") as step:
        step.detail = f"decided with the night of {words.short(date.fromisoformat(told.alert['since']))}"
    return {
        **_counts(connection),
        "nights": told.nights,
        "alert": told.alert,
        "deliveries": told.deliveries,
        "duplicates_sent": _duplicates(),
        "connections": _connections(person),
    }


def prepare(address: str) -> tuple[int, str]:
    """Make her here and at the vendor, set the vendor up, and let her phone be off since last evening."""
    with db.transaction() as session:
        person = people.ensure(session, ADDRESS)
        person.quiet_from = person.quiet_until = None
        person.asks = False  # her story is one message; the question before it would be another
        people.confirm(session, person.id)
        push.subscribe(session, person.id, _phone())
        key, token = person.id, secrets.token_urlsafe(8)
    (settings().home / "demo.json").write_text(json.dumps({"token": token, "person": key}))
    home = where_it_is_morning(clock.now())
    last = clock.now().astimezone(home).date()
    asleep = datetime.combine(last - timedelta(days=1), EVENING, home)
    back = connections.redirect_uri(address, "oura")
    _pull("app", client_id=CLIENT_ID, client_secret=CLIENT_SECRET, redirect_uris=[back])
    offset = home.utcoffset(None) // timedelta(minutes=1)
    life = {"story": Story.OVERREACHING, "nights": NIGHTS + UNFOLDS, "seed": SEED, "utc_offset_minutes": offset}
    _pull("person", handle=HANDLE, last_day=(last + timedelta(days=UNFOLDS)).isoformat(), **life)
    _pull("phone", handle=HANDLE, away=[[asleep.isoformat(), (asleep + timedelta(days=30)).isoformat()]])
    vendor_commands.add("oura", CLIENT_ID, CLIENT_SECRET, _origin())
    with db.transaction() as session:
        app = connections.apps(session)["oura"].id
    hooks.ensure_subscriptions(app)
    return key, token


def _phone() -> Subscription:
    """What her made-up browser gave when she said yes to messages."""
    file = settings().home / "pushbox" / "browser.json"
    until(file.exists, "the demo's push service did not start")
    given = json.loads(file.read_text())
    return Subscription(given["endpoint"], given["keys"]["p256dh"], given["keys"]["auth"], label="Mira's phone")


def where_it_is_morning(now: datetime) -> timezone:
    """A zone in which it is ten o'clock and some minutes: last night is over there, whenever the demo is played."""
    ahead = (MORNING - now.astimezone(UTC).hour + HALF_A_DAY) % DAY - HALF_A_DAY
    return timezone(timedelta(hours=ahead))


def _origin() -> str:
    return f"{settings().simulator}/oura"


def _pull(lever: str, **given: Any) -> Any:
    """Pull a lever of the simulated vendor. Raises Unavailable."""
    answer = requests.post(f"{settings().simulator}/_control/{lever}", json=given, timeout=PATIENCE)
    if answer.status_code != requests.codes.ok:
        raise Unavailable(f"the simulated vendor refuses {lever}: {answer.text}")
    return answer.json()


def _connect(address: str, token: str) -> int:
    """Sign in, choose Oura, allow it at the vendor's page, and come back; the connection's id. Raises VagusError."""
    with requests.Session() as browser:
        browser.get(f"{address}/demo/{token}", timeout=PATIENCE).raise_for_status()
        asked = browser.post(f"{address}/connect/oura", timeout=PATIENCE)
        fields = [*_Consent(asked.text).fields, ("person", HANDLE), ("decision", "allow")]
        back = browser.post(asked.url, data=fields, timeout=PATIENCE)
    if back.status_code != requests.codes.ok or "/connections/" not in back.url:
        raise VagusError(f"connecting ended at {back.url} with {back.status_code}; see {settings().home / 'log'}")
    return int(back.url.rpartition("/connections/")[2].split("?")[0])


class _Consent(HTMLParser):
    """What a browser would send from the vendor's page with nothing changed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the fields that are filled in or ticked."""
        given = dict(attrs)
        if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.fields.append((given.get("name") or "", given.get("value") or ""))


def _filled(connection: int, seen: Seen) -> bool:
    with db.transaction() as session:
        rows = session.execute(
            select(BackfillWindow.state, func.count())
            .where(BackfillWindow.connection == connection)
            .group_by(BackfillWindow.state)
        ).all()
    windows: dict[str, int] = {row[0]: row[1] for row in rows}
    seen(windows.get("done", 0), sum(windows.values()))
    return bool(windows) and not windows.get("waiting")


def open_phone() -> None:
    """She opens the app in the morning: the ring's night reaches the vendor, which tells us."""
    _pull("phone", handle=HANDLE, open=True)
    _pull("fire")


def wait_until_told(person: int) -> Told:
    """Wait until the alert is decided and no message of it waits. Raises VagusError after a while."""
    found: list[Told] = []

    def told() -> bool:
        now = _told(person)
        found[:] = [now] if now else []
        return now is not None and all(one["status"] not in {"waiting", "held"} for one in now.deliveries)

    until(told, "the alert is not out")
    return found[0]


def _told(person: int) -> Told | None:
    judged = select(Readiness.assessment).where(Readiness.person == person).order_by(Readiness.day)
    with db.transaction() as session:
        alert = session.scalar(select(Alert).where(Alert.person == person).order_by(Alert.id.desc()))
        latest = session.scalars(judged).all()
        if alert is None or not latest:
            return None
        of_person = select(Channel.kind, Delivery.status).join(Channel, Channel.id == Delivery.channel)
        about = (Delivery.person == person, Delivery.kind == alert.kind)
        sent = session.execute(of_person.where(*about).order_by(Channel.kind)).all()
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


def _counts(connection: int) -> dict[str, int]:
    """How much of each kind is stored; the demo's database is hers alone."""
    with db.transaction() as session:
        return {
            "points": session.scalar(select(func.coalesce(func.sum(Block.count), 0))) or 0,
            "day_values": session.scalar(select(func.count()).select_from(DayValue)) or 0,
            "episodes": session.scalar(select(func.count()).select_from(Episode)) or 0,
            "rejected": session.scalar(select(func.count()).where(Rejected.connection == connection)) or 0,
        }


def _connections(person: int) -> list[dict[str, Any]]:
    with db.transaction() as session:
        rows = session.execute(
            select(VendorAccount.vendor, Connection.state, Connection.id)
            .join(Connection, Connection.vendor_account == VendorAccount.id)
            .where(VendorAccount.person == person)
            .order_by(Connection.id)
        ).all()
        notices = session.scalar(select(func.count()).select_from(HintReceived)) or 0
    return [{"vendor": vendor, "state": state, "notices": notices} for vendor, state, _ in rows]


def _duplicates() -> int:
    """How many mails say the same as another, by Message-ID, and how many pushes, by what a phone groups them by."""
    mails = (settings().home / "mailbox").glob("*.eml")
    ids = Counter(message_from_bytes(file.read_bytes(), policy=mail_policy)["Message-ID"] for file in mails)
    pushes = [json.loads(file.read_text()) for file in (settings().home / "pushbox").glob("0*.json")]
    tags = Counter(each["notification"]["tag"] for each in pushes)
    return sum(count - 1 for count in (ids + tags).values())


def until(true: Callable[[], bool], otherwise: str) -> None:
    """Wait until something holds. Raises VagusError after a while."""
    deadline = time.monotonic() + WITHIN
    while not true():
        if time.monotonic() > deadline:
            raise VagusError(f"{otherwise}; see {settings().home / 'log'}")
        time.sleep(LOOK_EVERY)
