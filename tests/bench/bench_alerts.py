"""How long it takes from a vendor's notice to the mail, at twenty notices a second, with every process on this machine.

    PYTHONPATH=. .venv/bin/python tests/bench/bench_alerts.py 10      # at ten a second: what a machine keeps up with

Some are strained from last night on, which their phones have just handed over: their notices are POSTed to the web
process, which answers; the night is fetched from the simulated vendor, judged, decided on and mailed. Measured from the
POST to the mail's acceptance by the relay. Then the others, who are as usual and are told nothing: to the night judged.
The past is fetched and judged before, and polls are not due meanwhile. The processor's time is that of all that runs
beside this process, PostgreSQL and Valkey included: the simulated vendor and the relay are in it, and do not count.
"""

import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import delete, func, select, update

from ingest import client, clock, connections, db, hooks, people, sync
from ingest.models import BackfillWindow, Connection, Heartbeat, Person, Readiness, StreamState, VendorApp
from ingest.oauth import seal_secret
from providers.base import Asked
from providers.oura import OURA
from providers.simulator.conversation import Call
from providers.simulator.documents import Happened
from providers.simulator.oura import Oura
from providers.simulator.people import Story
from providers.simulator.whoop import Whoop
from tests.faults.test_stack_killed import Stack
from tests.ground import clear_caches, wait_for
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated
from tests.soak.beginning import PUBLIC, at_home, connect, servers_at, vendors_of
from tests.soak.life import free_port
from tests.soak.post import open_relay
from tests.workers.sync_stage import judge, waits_to_be_judged
from workers.simulate import call
from workers.supervision import control
from workers.supervision.running import running

A_SECOND, WARM_UP, PEOPLE, QUIET = 20, 20, 320, 160
NIGHTS, UNFOLDS, SEED = 120, 5, 9  # a story whose strain begins to count five nights before its last
SETTLED, LATER, EVENING = timedelta(hours=9), timedelta(hours=6), wall_time(20)
SLEEP = OURA.streams[0]
WITHIN = 120.0
BAR = 3.0
CORES = 2
QUEUES = {"sync", "backfill", "score", "notify", "upkeep", "follow", "beat"}

Sent = list[tuple[str, float]]  # each address, and when its notice was posted


def rows(a_second: float = A_SECOND) -> dict[str, dict[str, Any]]:
    """From notice to mail, and to a judgement that is told nobody; the processor's time that each of the two takes."""
    strained, quiet = ([f"{kind}{number}" for number in range(many)] for kind, many in (("p", PEOPLE), ("q", QUIET)))
    with _home() as home, vendors_of([Oura(1), Whoop(1)]) as sim, open_relay() as (relay, url):
        os.environ |= {"VAGUS_SMTP_URL": url, "VAGUS_PORT": str(free_port())}
        with servers_at(home):
            _bring_all(sim, {Story.OVERREACHING: strained, Story.STEADY: quiet})
        _start(home)
        before = _processor(home)
        told = _post(sim, strained, a_second)
        wait_for(lambda: len(relay.mails) >= PEOPLE, WITHIN)
        between = _processor(home)
        mailed = {mail.address: mail.at for mail in relay.mails}
        begun = clock.now()
        untold = _post(sim, quiet, a_second)
        wait_for(lambda: len(_judged_since(begun)) >= QUIET, WITHIN)
        after = _processor(home)
        judged = _judged_since(begun)
    return {
        **_figures("hook_to_alert", told, mailed, (between - before) / PEOPLE, a_second),
        **_figures("hook_to_judged", untold, judged, (after - between) / QUIET, a_second),
    }


def _start(home: Path) -> None:
    """Start every process and wait until each has done something: what one takes to begin is no notice's time."""
    begun = clock.now()
    Stack(home)

    def alive() -> bool:
        with db.transaction() as session:
            return set(session.scalars(select(Heartbeat.name).where(Heartbeat.at > begun))) >= QUEUES

    wait_for(alive, WITHIN)


def _figures(
    name: str, posted: Sent, came: dict[str, float], processor: float, a_second: float
) -> dict[str, dict[str, Any]]:
    """95 of 100 and the middle, over all after the first second of warming up; and whether the cores suffice."""
    seconds = [came[address] - at for address, at in posted[WARM_UP:]]
    p95, middle = statistics.quantiles(seconds, n=20)[-1], statistics.median(seconds)
    most = 1000 * CORES / a_second
    return {
        f"{name}_p95_s": {"value": p95, "unit": "s", "bar": BAR, "ok": p95 <= BAR},
        f"{name}_p50_s": {"value": middle, "unit": "s", "bar": BAR, "ok": middle <= BAR},
        f"{name}_processor_ms": {"value": processor * 1000, "unit": "ms", "bar": most, "ok": processor * 1000 <= most},
    }


def _judged_since(begun: datetime) -> dict[str, float]:
    """Who was judged since then, by address, and when by this machine's clock."""
    shift = time.monotonic() - clock.now().timestamp()
    latest = func.max(Readiness.computed_at)
    whom = select(Person.address, latest).join(Readiness, Readiness.person == Person.id).group_by(Person.address)
    with db.transaction() as session:
        judged = session.execute(whom.where(Person.address.startswith("q")).having(latest > begun)).all()
    return {address: at.timestamp() + shift for address, at in judged}


def _processor(home: Path) -> float:
    """Seconds of processor that everything that was started has taken until now."""
    state = running(home)
    assert state is not None
    family = [psutil.Process(one.pid) for one in (*state.servers, *state.children)]
    times = [each.cpu_times() for each in family]
    of_children = [child.cpu_times() for each in family for child in each.children(recursive=True)]
    gone = sum(each.children_user + each.children_system for each in times)
    return gone + sum(each.user + each.system for each in (*times, *of_children))


@contextmanager
def _home() -> Iterator[Path]:
    """A state folder; what runs there is stopped, and the environment is as it was."""
    kept, home = dict(os.environ), Path(tempfile.mkdtemp(prefix="vagus-bench-")) / "home"
    home.parent.chmod(0o755)
    at_home(home)
    os.environ.pop(clock.VARIABLE)
    try:
        yield home
    finally:
        clear_caches()
        control.stop(home)
        shutil.rmtree(home.parent, ignore_errors=True)
        os.environ.clear()
        os.environ.update(kept)
        clear_caches()


def _bring_all(sim: Simulated, stories: Mapping[Story, Sequence[str]]) -> None:
    """Everybody connected, with nights up to the one before last, judged; the last is in a phone that is off."""
    sim.oura.limits.app = sim.oura.limits.token = 10**9
    sim.add_app(connections.redirect_uri(PUBLIC, "oura"))
    with db.transaction() as session:
        secret = seal_secret("oura", CLIENT_ID, CLIENT_SECRET)
        given = {"vendor": "oura", "client_id": CLIENT_ID, "client_secret": secret, "origin": sim.origin}
        session.add(VendorApp(created_at=clock.now(), **given))
    for story, handles in stories.items():
        for handle in handles:
            _join(sim, story, handle)
    with db.transaction() as session:
        session.execute(delete(BackfillWindow))
        settled = {"next_at": clock.now() + LATER, "looked_back_at": clock.now(), "last_ok_at": clock.now()}
        session.execute(update(StreamState).values(settled))
        session.execute(update(Connection).values(next_sync_at=clock.now() + LATER))
    while waits_to_be_judged():
        judge()


def _join(sim: Simulated, story: Story, handle: str) -> None:
    last = (clock.now() - SETTLED).date()
    asleep = datetime.combine(last - timedelta(days=1), EVENING, UTC)
    life = {"nights": NIGHTS + UNFOLDS, "seed": SEED, "last_day": last + timedelta(days=UNFOLDS)}
    account = sim.add_person(handle, story, **life)
    account.phone.away = [(asleep, asleep + timedelta(days=30))]
    _bring(connect(sim, "oura", _person(handle), handle))


def _person(handle: str) -> int:
    with db.transaction() as session:
        person = people.ensure(session, f"{handle}@example.org")
        person.quiet_from = person.quiet_until = None
        people.confirm(session, person.id)
        return person.id


def _bring(connection: int) -> None:
    """Fetch the nights that there are."""
    with db.transaction() as session:
        grant = client.grant_of(session, connection)
    now = clock.now()
    for since, until in client.spans(SLEEP, now - timedelta(days=NIGHTS), now):
        sync.fetch_window(grant, SLEEP, Asked(since, min(until, now)), lambda _: None, lambda *_: None)


def _post(sim: Simulated, everyone: Sequence[str], a_second: float) -> Sent:
    """Open one phone after the other and send its notice, so many a second; each address, and when that was."""
    with db.transaction() as session:
        app = session.scalars(select(VendorApp.id)).one()
    hooks.ensure_subscriptions(app)
    begun, posted, senders = time.monotonic(), [], []
    for number, handle in enumerate(everyone):
        time.sleep(max(0.0, begun + number / a_second - time.monotonic()))
        request = _noticed(sim, handle)
        posted.append((f"{handle}@example.org", time.monotonic()))
        senders.append(threading.Thread(target=call, args=(request,)))
        senders[-1].start()
    for sender in senders:
        sender.join()
    return posted


def _noticed(sim: Simulated, handle: str) -> Call:
    """The phone hands the night over; what the vendor sends of it."""
    sim.open_phone(handle)
    with sim.served.lock:
        now, vendor = clock.now(), sim.oura
        night = list(vendor.accounts[handle].shown("sleep", now))[-1]
        vendor.hooks.notify(vendor.accounts[handle], Happened("create", "sleep", night.id), now)
        notice = vendor.hooks.waiting[-1]
        request = vendor.hooks.call(notice, now)
        vendor.hooks.waiting.remove(notice)
    assert request is not None
    return request


if __name__ == "__main__":
    for name, row in rows(*map(float, sys.argv[1:])).items():
        print(name, row)  # noqa: T201
