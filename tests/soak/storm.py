"""What goes wrong, at random from a seed: vendors that fail in every way they do, and processes that are killed."""

import os
import random
import signal
import subprocess
import time
from collections import Counter

import psutil
import redis

from ingest.settings import settings
from providers.simulator.faults import Rule
from tests.faults.test_stack_killed import Stack
from tests.simulated import DATA, TOKEN, Simulated
from tests.soak.plan import BOTH

# Kind, and the largest share of calls it strikes; of a 429 less, as one closes the whole app for a while.
WEATHER = {
    "500": 0.04,
    "502": 0.04,
    "503": 0.08,
    "reset": 0.04,
    "half": 0.04,
    "truncated": 0.03,
    "html": 0.03,
    "duplicates": 0.2,
    "429": 0.004,
    "429 with Retry-After": 0.004,
}
OUTAGE, EMPTY, LOST = "outage", "empty", "lost"
OUTAGES, MOST_EMPTY, MOST_LOST = 0.1, 0.05, 0.03
CHILDREN = ("worker-sync", "worker-backfill", "worker-score", "worker-notify", "web", "beat")
VICTIMS = (*CHILDREN, "worker-sync", "Valkey", "PostgreSQL", "supervisor", "flush")
KILLS = (1, 1, 2, 3)
WORK = 2.0  # seconds that the work of a moment takes at first; then as long as the last one took


class Storm:
    """One life's bad luck. `kills` are instants of the machine's clock, `counts` is what happened."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.kills: list[float] = []
        self.counts: Counter[str] = Counter()
        self.rules: list[tuple[str, Rule]] = []
        self.due: list[tuple[float, str]] = []
        self.work = WORK
        self.begun = 0.0
        self.lied = False

    def begin(self, sim: Simulated) -> None:
        """Let a moment's weather begin, and choose who will be killed while the work is done."""
        self.begun = time.monotonic()
        victims = [self.dice.choice(VICTIMS) for _ in range(self.dice.choice(KILLS))]
        self.due = sorted((self.begun + self.dice.uniform(0, self.work), victim) for victim in victims)
        # A vendor that says twice, an hour apart, that a night is gone is believed: it lies in no two moments running.
        lies, self.lied = not self.lied and self.dice.random() < 0.3, False
        for vendor in BOTH:
            self._let_fail(sim, vendor, lies=lies)

    def _let_fail(self, sim: Simulated, vendor: str, *, lies: bool) -> None:
        faults, data = sim.vendor(vendor).faults, DATA[vendor]
        if self.dice.random() < OUTAGES:
            self.rules.append((OUTAGE, faults.some("503", 1.0)))
            return
        for kind in self.dice.sample(sorted(WEATHER), 4):
            after = {"retry_after": self.dice.randint(5, 90)} if "Retry-After" in kind else {}
            share = self.dice.uniform(0, WEATHER[kind])
            self.rules.append((kind, faults.some(kind.partition(" ")[0], share, data, **after)))
        self.rules.append((LOST, faults.some(LOST, self.dice.uniform(0, MOST_LOST), TOKEN[vendor])))
        if lies:
            self.rules.append((EMPTY, faults.some(EMPTY, self.dice.uniform(0, MOST_EMPTY), data)))
            self.lied = True

    def strike(self, stack: Stack) -> None:
        """Kill whoever's time has come."""
        while self.due and self.due[0][0] <= time.monotonic():
            self._kill(stack, self.due.pop(0)[1])

    def strike_all(self, stack: Stack) -> None:
        """Kill those whose time comes later than the work took."""
        while self.due:
            self._kill(stack, self.due.pop(0)[1])

    def end(self, sim: Simulated) -> None:
        """Let the weather of this moment be over."""
        if not self.rules:
            return
        self.work = time.monotonic() - self.begun
        for vendor in BOTH:
            sim.vendor(vendor).faults.clear()
        for kind, rule in self.rules:
            self.counts[kind] += rule.struck
        self.rules.clear()

    def _kill(self, stack: Stack, victim: str) -> None:
        done = _flushed() if victim == "flush" else _killed(stack, victim)
        if done:
            self.kills.append(time.monotonic())
            self.counts[f"killed {victim}" if victim != "flush" else "Valkey flushed"] += 1


def _flushed() -> bool:
    url = settings().redis_url
    assert url is not None
    try:
        redis.Redis(unix_socket_path=url.get_secret_value().partition("://")[2]).flushall()
    except redis.RedisError:
        return False
    return True


def _killed(stack: Stack, victim: str) -> bool:
    """Kill one process, where it runs; a supervisor is started again, as an operator or systemd would."""
    pids = {one.name: one.pid for one in (*stack.state.servers, *stack.state.children)}
    pid = stack.state.pid if victim == "supervisor" else pids.get(victim)
    if pid is None or not psutil.pid_exists(pid):
        return False
    os.kill(pid, signal.SIGKILL)
    if victim == "supervisor":
        _up_again(stack)
    return True


def _up_again(stack: Stack) -> None:
    """Start a supervisor; on a machine that is put to sleep meanwhile, once more."""
    try:
        stack.up()
    except subprocess.TimeoutExpired:
        stack.up()
