"""One life of everybody: the whole of Vagus as real processes, moment by moment, until nothing is left to do.

The clock does not run fast, it steps: from one moment to the next, and within a moment to the next instant at which
something is due or a lease runs out. Between the steps it runs as clocks do, so that leases and budgets mean what they
mean; whoever was killed with work in hand loses it to the next step.
"""

import os
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from ingest import clock, db, store
from ingest.grants import budget, hooks
from ingest.models import Connection, Delivery, Person, VendorAccount, VendorApp
from ingest.settings import settings
from providers import get
from providers.errors import VagusError
from tests.faults.test_stack_killed import Stack
from tests.ground import clear_caches
from tests.simulated import CLIENT_ID, CLIENT_SECRET
from tests.soak import found
from tests.soak.beginning import PUBLIC, at_home, connect, servers_at, vendors_of
from tests.soak.found import Found
from tests.soak.plan import BOTH, CONNECTED, REGRETS, Plan
from tests.soak.post import open_relay
from tests.soak.storm import Storm
from workers import upkeep
from workers.supervision import control
from workers.supervision.processes import free_port

MOMENT = timedelta(minutes=50)  # what is due later belongs to the next moment: Oura's polls come every hour
STEP = timedelta(seconds=61)  # where a budget is used up, and nobody knows until when
LOOK = 1.0  # seconds; each look costs the database what a worker could have had
PATIENCE, MOST_LOOKS = 8, 10_000  # looks: how long leased work may show no change, and how long a moment may last
FREE = timedelta(seconds=1)

STANDING = """
SELECT 'sync', id, vendor_app, next_sync_at, lease_token, lease_until FROM connection
WHERE next_sync_at <= :until OR lease_token IS NOT NULL
UNION ALL
SELECT 'window', w.id, c.vendor_app, w.due_at, w.lease_token, w.lease_until
FROM backfill_window w JOIN connection c ON c.id = w.connection
WHERE w.state = 'waiting' AND c.state = 'active' AND (w.due_at <= :until OR w.lease_token IS NOT NULL)
UNION ALL
SELECT 'score', person, NULL, due_at, lease_token, lease_until FROM score_request WHERE buried_at IS NULL
UNION ALL
SELECT 'delivery', id, NULL, not_before, lease_token, lease_until FROM delivery
WHERE status IN ('waiting', 'held') AND (not_before <= :until OR lease_token IS NOT NULL)
"""

Tell = Callable[[str], None]
GoesOn = Callable[[int], bool]  # given how many moments were lived


class Stuck(Exception):
    """Raised when a moment does not come to its end."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row that is due within the moment, or leased."""

    kind: str
    key: int
    app: int | None
    due: datetime
    token: str | None
    lease_until: datetime | None

    def working(self, now: datetime) -> bool:
        return self.lease_until is not None and self.lease_until > now


class Life:
    """Everybody's life from the first moment to the last, in calm or in a storm."""

    def __init__(self, home: Path, plan: Plan, storm: Storm | None) -> None:
        self.home, self.plan, self.storm = home, plan, storm
        self.everyone = {someone.handle: someone for someone in plan.everyone()}
        self.until = CONNECTED

    def live(self, tell: Tell, goes_on: GoesOn) -> Found:
        """Live the moments while it goes on, then the quiet ones; what it came to."""
        at_home(self.home)
        vendors = pickle.loads((self.home / "vendors.pickle").read_bytes())  # noqa: S301  (written by `beginning`)
        with vendors_of(list(vendors.values())) as self.sim, open_relay() as (self.relay, url):
            os.environ |= {"VAGUS_SMTP_URL": url, "VAGUS_PORT": str(free_port())}
            self._move(next(iter(self.plan.moments())))
            try:
                self._point_to_vendors()
                self.stack = Stack(self.home)
                self._order_notices()
                return self._live(tell, goes_on)
            finally:
                clear_caches()
                control.stop(self.home)

    def _live(self, tell: Tell, goes_on: GoesOn) -> Found:
        lived = 0
        for moment in self.plan.moments():
            if not goes_on(lived):
                break
            tell(f"{moment:%d %b %H:%M}")
            self._pass(moment, self.storm)
            lived += 1
        for moment in self.plan.quiet_moments(lived):
            tell(f"{moment:%d %b, quiet}")
            _insist(_judge_everybody)
            self._pass(moment, None)
        came = found.read()
        came.mails, came.kills = list(self.relay.mails), list(self.storm.kills) if self.storm else []
        return came

    def _pass(self, moment: datetime, storm: Storm | None) -> None:
        """Jump to a moment, let happen what happens, and go on until nothing is left to do."""
        self._move(moment)
        self.until = moment + MOMENT
        self._regret(moment)
        if storm:
            storm.begin(self.sim)
        _insist(upkeep.forget_expired)
        self._notify()
        self._settle(storm)
        _insist(upkeep.notice_silence)  # a minute's tick: a minute of the machine is days here
        self._settle(None)

    def _settle(self, storm: Storm | None) -> None:
        """Look until nothing is left to do. Looks are counted, not seconds: the machine may be put to sleep."""
        seen: tuple[Item, ...] = ()
        still = 0
        for _ in range(MOST_LOOKS):
            if storm:
                storm.strike(self.stack)
            now, items, closed = _insist(self._standing)
            busy = any(one.working(now) or (one.due <= now and one.app not in closed) for one in items)
            still = still + 1 if tuple(items) == seen else 0
            seen = tuple(items)
            if busy and still < PATIENCE:
                time.sleep(LOOK)
            elif storm and storm.due:
                storm.strike_all(self.stack)
            elif self._go_on(now, items, storm):
                still = 0
            else:
                return
        raise Stuck(f"{clock.now()}: {len(seen)} rows are still to be worked on, the first {seen[:3]}")

    def _go_on(self, now: datetime, items: Sequence[Item], storm: Storm | None) -> bool:
        """Step to the next instant that matters; whether there is one within the moment."""
        if storm:
            storm.end(self.sim)
        instants = [one.due for one in items if one.due > now]
        instants += [one.lease_until for one in items if one.lease_until and one.working(now)]
        instants += [now + STEP for one in items if one.due <= now]
        later = [instant for instant in instants if instant <= self.until]
        if later:
            self._move(min(later) + FREE)
        return bool(later) or self._reconnect()

    def _standing(self) -> tuple[datetime, list[Item], set[int]]:
        """Now, what is due within the moment, and whose vendors may not be asked at this instant."""
        now = clock.now()
        with db.transaction() as session:
            rows = session.execute(text(STANDING), {"until": self.until}).all()
            apps = [(app.id, app.vendor, app.paused_until) for app in session.scalars(select(VendorApp))]
        closed = {key for key, vendor, paused in apps if (paused and paused > now) or _used_up(key, vendor)}
        return now, [Item(*row) for row in rows], closed

    def _reconnect(self) -> bool:
        """Whoever was told by mail that their connection needs them connects again; whether anybody did."""
        lost = (
            select(VendorAccount.vendor, VendorAccount.person, Person.address)
            .join(Connection, Connection.vendor_account == VendorAccount.id)
            .join(Person, Person.id == VendorAccount.person)
            .join(Delivery, (Delivery.subject == Connection.id) & (Delivery.kind == "reconnect"))
            .where(Connection.state == "reconnect", Delivery.sent_at >= Connection.state_since)
        )
        try:
            with db.transaction() as session:
                rows = session.execute(lost.distinct()).all()
            for vendor, person, address in rows:
                connect(self.sim, vendor, person, address.partition("@")[0])
                if self.storm:
                    self.storm.counts["reconnected"] += 1
        except (VagusError, OperationalError):
            return True
        return bool(rows)

    def _regret(self, moment: datetime) -> None:
        """Some throw a sleep of the last days away."""
        for someone in self.everyone.values():
            dice = self.plan.dice("regret", someone.handle, moment)
            if dice.random() >= REGRETS:
                continue
            account = self.sim.vendor(someone.worn[0]).accounts[someone.handle]
            with self.sim.served.lock:
                shown = sorted(one.id for one in account.shown("sleep", moment))[-4:]
                fresh = [one for one in shown if one not in account.removed]
                if fresh:
                    account.removed[dice.choice(fresh)] = moment

    def _notify(self) -> None:
        """The vendors tell us of what is new; of some people only, as each notice is a call."""
        told = {someone.handle for someone in self.everyone.values() if someone.notified}
        for vendor in BOTH:
            waiting = self.sim.vendor(vendor).hooks
            with self.sim.served.lock:
                waiting.look(list(self.sim.vendor(vendor).accounts.values()), clock.now())
                waiting.waiting[:] = [notice for notice in waiting.waiting if notice.person in told]
        self.sim.fire()

    def _point_to_vendors(self) -> None:
        """Say where this life's vendors are, before any worker asks."""
        with servers_at(self.home, new=False), db.transaction() as session:
            for vendor in BOTH:
                here = update(VendorApp).where(VendorApp.vendor == vendor)
                session.execute(here.values(origin=self.sim.origin_of(vendor)))

    def _order_notices(self) -> None:
        with db.transaction() as session:
            apps = {app.vendor: app.id for app in session.scalars(select(VendorApp))}
        hooks.ensure_subscriptions(apps["oura"])
        address = hooks.callback_url(settings().public_url, "whoop", apps["whoop"])
        back = f"{PUBLIC}/connect/whoop/return"
        ours = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        self.sim.add_app(back, vendor="whoop", webhook_url=address, **ours)

    def _move(self, to: datetime) -> None:
        clock.set_clock(self.home / "clock.json", to)


def _judge_everybody() -> None:
    """Ask for everybody's score: who was silent for long is judged by chance alone, and has rows by chance."""
    with db.transaction() as session:
        for person in session.scalars(select(Person.id)):
            store.request_score(session, person, "the end")


def _insist(body: Callable[[], Any]) -> Any:
    """Do something with a database that may have been killed just now."""
    for _ in range(MOST_LOOKS):
        try:
            return body()
        except OperationalError:
            time.sleep(LOOK)
    return body()


def _used_up(app: int, vendor: str) -> bool:
    try:
        return budget.left(app, get(vendor)) <= 0
    except VagusError:
        return False  # the counters are away: those who call will say so


def live(home: Path, plan: Plan, *, stormy: bool, tell: Tell, goes_on: GoesOn) -> tuple[Found, dict[str, int]]:
    """One life in this process: what it came to, and what the storm did."""
    storm = Storm(plan.dice("storm")) if stormy else None
    life = Life(home, plan, storm)
    return life.live(tell, goes_on), dict(storm.counts) if storm else {}
