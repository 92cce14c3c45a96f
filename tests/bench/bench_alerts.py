"""How long it takes from a vendor's notice to the mail, at twenty notices a second, with every process on this machine.

Everybody is strained from last night on, which their phones have just handed over: their notices are POSTed to the web
process, which answers; the night is fetched from the simulated vendor, judged, decided on and mailed. Measured from the
POST to the mail's acceptance by the relay. The past is fetched and judged before, and polls are not due meanwhile.
"""

import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update

from ingest import client, clock, connections, db, hooks, people, sync
from ingest.models import BackfillWindow, Connection, StreamState, VendorApp
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

A_SECOND, WARM_UP, PEOPLE = 20, 20, 320
NIGHTS, UNFOLDS, SEED = 120, 5, 9  # a story whose strain begins to count five nights before its last
SETTLED, LATER, EVENING = timedelta(hours=9), timedelta(hours=6), wall_time(20)
SLEEP = OURA.streams[0]
WITHIN = 120.0
BAR = 3.0


def rows() -> dict[str, dict[str, Any]]:
    """`hook_to_alert_p95_s` and the median beside it, over all who were told after the first second of warming up."""
    everyone = [f"p{number}" for number in range(PEOPLE)]
    with _home() as home, vendors_of([Oura(1), Whoop(1)]) as sim, open_relay() as (relay, url):
        os.environ |= {"VAGUS_SMTP_URL": url, "VAGUS_PORT": str(free_port())}
        with servers_at(home):
            _strain(sim, everyone)
        Stack(home)
        posted = _post(sim, everyone)
        wait_for(lambda: len(relay.mails) >= PEOPLE, WITHIN)
    came = {mail.address: mail.at for mail in relay.mails}
    seconds = [came[address] - at for address, at in posted[WARM_UP:]]
    p95, middle = statistics.quantiles(seconds, n=20)[-1], statistics.median(seconds)
    return {
        "hook_to_alert_p95_s": {"value": p95, "unit": "s", "bar": BAR, "ok": p95 <= BAR},
        "hook_to_alert_p50_s": {"value": middle, "unit": "s", "bar": BAR, "ok": middle <= BAR},
    }


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


def _strain(sim: Simulated, everyone: Sequence[str]) -> None:
    """Everybody connected, with nights up to the one before last, judged; the last is in a phone that is off."""
    sim.oura.limits.app = sim.oura.limits.token = 10**9
    sim.add_app(connections.redirect_uri(PUBLIC, "oura"))
    with db.transaction() as session:
        secret = seal_secret("oura", CLIENT_ID, CLIENT_SECRET)
        given = {"vendor": "oura", "client_id": CLIENT_ID, "client_secret": secret, "origin": sim.origin}
        session.add(VendorApp(created_at=clock.now(), **given))
    last = (clock.now() - SETTLED).date()
    asleep = datetime.combine(last - timedelta(days=1), EVENING, UTC)
    story = {"nights": NIGHTS + UNFOLDS, "seed": SEED, "last_day": last + timedelta(days=UNFOLDS)}
    for handle in everyone:
        account = sim.add_person(handle, Story.OVERREACHING, **story)
        account.phone.away = [(asleep, asleep + timedelta(days=30))]
        _bring(connect(sim, "oura", _person(handle), handle))
    with db.transaction() as session:
        session.execute(delete(BackfillWindow))
        settled = {"next_at": clock.now() + LATER, "looked_back_at": clock.now(), "last_ok_at": clock.now()}
        session.execute(update(StreamState).values(settled))
        session.execute(update(Connection).values(next_sync_at=clock.now() + LATER))
    while waits_to_be_judged():
        judge()


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


def _post(sim: Simulated, everyone: Sequence[str]) -> list[tuple[str, float]]:
    """Open one phone after the other and send its notice, so many a second; each address, and when that was."""
    with db.transaction() as session:
        app = session.scalars(select(VendorApp.id)).one()
    hooks.ensure_subscriptions(app)
    begun, posted, senders = time.monotonic(), [], []
    for number, handle in enumerate(everyone):
        time.sleep(max(0.0, begun + number / A_SECOND - time.monotonic()))
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
    for name, row in rows().items():
        print(name, row)  # noqa: T201
