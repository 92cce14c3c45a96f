"""The state both lives begin with: everybody connected and their past in, fetched by the engine in this process.

The servers are stopped afterwards, so that their folder can be copied; the vendors are kept as they are.
"""

import os
import pickle
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import and_, delete, func, or_, select, update

from ingest import broker, clock, db, migrate, people, vault
from ingest.grants import budget, connections, oauth
from ingest.models import BackfillWindow, StreamState, VendorApp
from providers.simulator.oura import Oura
from providers.simulator.oura.limits import Limits as OuraLimits
from providers.simulator.whoop import Whoop
from providers.simulator.whoop.limits import Limits as WhoopLimits
from tests.ground import clear_caches
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated
from tests.soak.plan import BOTH, CONNECTED, PAST, PHONE, Plan, Someone
from tests.workers.sync_stage import do_one
from workers import backfill
from workers.simulate import Served
from workers.supervision import embedded

PUBLIC = "http://127.0.0.1:8730"
BROWSER = "a browser's nonce"
VARIABLES = ("DATABASE_URL", "REDIS_URL", "VAGUS_BASE_URL", "VAGUS_SECRETS_FILE", "VAGUS_DEMO", "VAGUS_PUSH_SINK")

Say = Callable[[str, int, int], None]  # what is done, and how much of how much


def prepare(home: Path, plan: Plan, say: Say) -> None:
    """Make `home`: PostgreSQL with everybody's past in it, and the vendors beside it."""
    at_home(home)
    clock.set_clock(home / "clock.json", CONNECTED)
    try:
        with servers_at(home), vendors_of([Oura(plan.seed), Whoop(plan.seed)]) as sim, _without_limits(sim):
            _register(sim)
            for number, someone in enumerate(plan.everyone()):
                say("connecting", number, plan.people)
                _join(sim, someone)
            _leave_out()
            _fill(say)
            kept = {name: sim.vendor(name) for name in BOTH}
        (home / "vendors.pickle").write_bytes(pickle.dumps(kept))
    finally:
        embedded.stop_servers(home)


def at_home(home: Path) -> None:
    """Let this process, and all it starts, work in `home`, by its clock."""
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ |= {"VAGUS_HOME": str(home), "VAGUS_LOG_LEVEL": "warning", clock.VARIABLE: str(home / "clock.json")}
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    clear_caches()


@contextmanager
def servers_at(home: Path, *, new: bool = True) -> Iterator[None]:
    """Let this process work with the servers of `home`; they go on afterwards, for a supervisor to adopt."""
    urls = embedded.start_servers(home)
    os.environ |= {"DATABASE_URL": urls.database, "REDIS_URL": urls.redis}
    clear_caches()
    try:
        if new:
            vault.create_secrets(home / "secrets.json")
            migrate.upgrade()
        yield
    finally:
        clear_caches()
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        clear_caches()


@contextmanager
def vendors_of(vendors: Sequence[Oura | Whoop]) -> Iterator[Simulated]:
    """Serve these vendors; notices go out when they are told to."""
    served = Served(vendors, hooks=False)
    served.start()
    try:
        yield Simulated(served)
    finally:
        served.stop()


@contextmanager
def _without_limits(sim: Simulated) -> Iterator[None]:
    """Let nobody be refused a call in this block."""
    kept = sim.oura.limits, sim.whoop.limits
    most = 10**9
    sim.oura.limits, sim.whoop.limits = OuraLimits(most, most), WhoopLimits(most, most)
    yield
    sim.oura.limits, sim.whoop.limits = kept


def copy(home: Path, other: Path) -> None:
    """The same state again, owners and all."""
    subprocess.run(["cp", "-a", str(home), str(other)], check=True)


def connect(sim: Simulated, vendor: str, person: int, handle: str) -> int:
    """Send somebody to a vendor and back; the connection's id."""
    with db.transaction() as session:
        url = connections.leave(session, person, vendor, BROWSER, PUBLIC)
    query = dict(parse_qsl(urlsplit(sim.consent(url, person=handle)).query))
    return connections.arrive(person, vendor, BROWSER, query, PUBLIC).connection


def _register(sim: Simulated) -> None:
    for vendor in BOTH:
        sim.add_app(connections.redirect_uri(PUBLIC, vendor), vendor=vendor)
        secret = oauth.seal_secret(vendor, CLIENT_ID, CLIENT_SECRET)
        ours = {"vendor": vendor, "client_id": CLIENT_ID, "client_secret": secret, "origin": sim.origin_of(vendor)}
        with db.transaction() as session:
            session.add(VendorApp(created_at=clock.now(), **ours))


def _join(sim: Simulated, someone: Someone) -> None:
    with db.transaction() as session:
        person = people.ensure(session, someone.address)
        person.sensitivity = someone.sensitivity
        if not someone.sleeps_undisturbed:
            person.quiet_from = person.quiet_until = None
        people.confirm(session, person.id)
        key = person.id
    life = {"nights": someone.nights, "seed": someone.seed, "last_day": someone.last_day, "phone": PHONE}
    for vendor in someone.worn:
        sim.add_person(someone.handle, someone.story, vendor=vendor, **life)
        connect(sim, vendor, key, someone.handle)


def _leave_out() -> None:
    """Ask for no past that is empty, nor for old heart rates: alerts need nights alone.

    Each stream counts as followed: a grant that comes back asks for its gap, and not for what was left out here.
    """
    before_any = CONNECTED - timedelta(days=PAST[1] + 1)
    dense = (BackfillWindow.stream == "oura.heartrate", BackfillWindow.start_at < CONNECTED - timedelta(days=40))
    with db.transaction() as session:
        session.execute(delete(BackfillWindow).where(or_(BackfillWindow.end_at < before_any, and_(*dense))))
        session.execute(update(StreamState).values(last_ok_at=CONNECTED))


def _fill(say: Say) -> None:
    """Fetch the past, window by window."""
    total = _left()
    while do_one(backfill.WINDOWS, _fill_at_once):
        say("fetching the past", total - _left(), total)
    assert not _left(), f"{_left()} of {total} windows of the past did not come in"


def _fill_at_once(window: int, token: str) -> None:
    """Fetch one window as if nobody had called before: a past of many people takes days of their vendor's budget."""
    broker.client(budget.SOCKET_SECONDS).flushall()
    backfill.fill_window(window, token)


def _left() -> int:
    with db.transaction() as session:
        waiting = select(func.count()).select_from(BackfillWindow).where(BackfillWindow.state == "waiting")
        return session.scalar(waiting) or 0
