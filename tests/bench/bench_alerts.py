"""How long it takes from a vendor's notice to the mail, at twenty notices a second, with every process on this machine.

    PYTHONPATH=. .venv/bin/python tests/bench/bench_alerts.py 40      # at forty a second: what a machine keeps up with

One phone after the other hands last night over, and its vendor sends what it sends of a night: a notice of the sleep,
of readiness, of oxygen and so on, one after the other. They are POSTed to the web process, which answers; the night is
fetched from the simulated vendor, judged, decided on and mailed. Of the first phones everybody is strained from last
night on and gets a mail: measured from a person's first POST to the mail's acceptance by the relay. Then the others,
who are as usual and are told nothing: to the night judged. The past is fetched and judged before, and polls are not due
meanwhile. The processor's time is that of all that runs beside this process, PostgreSQL and Valkey included: the
simulated vendor and the relay are in it, and do not count.
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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import delete, func, select, update

from ingest import clock, db, people
from ingest.grants import client, connections, hooks, sync
from ingest.grants.oauth import seal_secret
from ingest.models import BackfillWindow, Connection, Heartbeat, Person, Readiness, StreamState, VendorApp
from providers.base import Asked
from providers.oura import OURA
from providers.simulator.conversation import Call
from providers.simulator.oura import Oura
from providers.simulator.people import Story
from providers.simulator.whoop import Whoop
from tests.faults.test_stack_killed import Stack
from tests.ground import clear_caches, wait_for
from tests.simulated import CLIENT_ID, CLIENT_SECRET, Simulated
from tests.soak.beginning import PUBLIC, at_home, connect, servers_at, vendors_of
from tests.soak.post import open_relay
from tests.workers.sync_stage import judge, waits_to_be_judged
from workers.simulate import call
from workers.supervision import control
from workers.supervision.processes import free_port
from workers.supervision.running import running

A_SECOND, WARM_UP, PEOPLE, QUIET = 20, 10, 120, 60
NIGHTS, UNFOLDS, SEED = 120, 5, 9  # a story whose strain begins to count five nights before its last
SETTLED, LATER, EVENING = timedelta(hours=9), timedelta(hours=6), wall_time(20)
SLEEP = OURA.streams[0]
WITHIN = 120.0
BAR = 3.0
CORES = 2
QUEUES = {"sync", "backfill", "score", "notify", "upkeep", "follow", "beat"}


@dataclass(frozen=True, slots=True)
class Sent:
    """Each address and when its first notice was posted; how many notices there were of all."""

    posted: list[tuple[str, float]]
    notices: int


def rows(a_second: float = A_SECOND) -> dict[str, dict[str, Any]]:
    """From notice to mail, and to a judgement that is told nobody; the processor's time that each of the two takes."""
    strained, quiet = ([f"{kind}{number}" for number in range(many)] for kind, many in (("p", PEOPLE), ("q", QUIET)))
    with _home() as home, vendors_of([Oura(1), Whoop(1)]) as sim, open_relay() as (relay, url):
        os.environ |= {"VAGUS_SMTP_URL": url, "VAGUS_PORT": str(free_port())}
        with servers_at(home):
            _bring_all(sim, {Story.OVERREACHING: strained, Story.STEADY: quiet})
        _start(home)
        _order_notices(sim)
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
        **_figures("hook_to_alert", told, mailed, between - before, a_second),
        **_figures("hook_to_judged", untold, judged, after - between, a_second),
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
    name: str, sent: Sent, came: dict[str, float], processor: float, a_second: float
) -> dict[str, dict[str, Any]]:
    """95 of 100 and the middle, over all after a warming up; what a notice costs, and whether the cores suffice."""
    seconds = [came[address] - at for address, at in sent.posted[WARM_UP:]]
    p95, middle = statistics.quantiles(seconds, n=20)[-1], statistics.median(seconds)
    most, each = 1000 * CORES / a_second, 1000 * processor / sent.notices
    of_each = f"ms a notice, of which a person has {sent.notices / len(sent.posted):.1f}"
    return {
        f"{name}_p95_s": {"value": p95, "unit": "s", "bar": BAR, "ok": p95 <= BAR},
        f"{name}_p50_s": {"value": middle, "unit": "s", "bar": BAR, "ok": middle <= BAR},
        f"{name}_processor_ms": {"value": each, "unit": of_each, "bar": most, "ok": each <= most},
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


def _order_notices(sim: Simulated) -> None:
    """Be told from now on; nothing that was there before is news."""
    with db.transaction() as session:
        app = session.scalars(select(VendorApp.id)).one()
    hooks.ensure_subscriptions(app)
    with sim.served.lock:
        sim.oura.hooks.look(sim.oura.accounts.values(), clock.now())


def _post(sim: Simulated, everyone: Sequence[str], a_second: float) -> Sent:
    """Open one phone after the other and send what its vendor sends of it, so many notices a second."""
    begun, posted, senders = time.monotonic(), [], []
    for handle in everyone:
        for place, request in enumerate(_noticed(sim, handle)):
            time.sleep(max(0.0, begun + len(senders) / a_second - time.monotonic()))
            if place == 0:
                posted.append((f"{handle}@example.org", time.monotonic()))
            senders.append(threading.Thread(target=call, args=(request,)))
            senders[-1].start()
    for sender in senders:
        sender.join()
    return Sent(posted, len(senders))


def _noticed(sim: Simulated, handle: str) -> list[Call]:
    """The phone hands the night over; what the vendor sends of it."""
    sim.open_phone(handle)
    with sim.served.lock:
        now, there = clock.now(), sim.oura.hooks
        there.look([sim.oura.accounts[handle]], now)
        notices = [notice for notice in there.waiting if notice.person == handle]
        there.waiting[:] = [notice for notice in there.waiting if notice.person != handle]
        requests = [there.call(notice, now) for notice in notices]
    return [request for request in requests if request is not None]


if __name__ == "__main__":
    for name, row in rows(*map(float, sys.argv[1:])).items():
        print(name, row)  # noqa: T201
