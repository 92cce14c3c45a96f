"""One supervisor a home: it starts or adopts the servers, migrates, and keeps web, workers and beat running."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ingest.settings import settings
from ingest.vault import create_secrets, load
from providers.errors import Unavailable, VagusError
from workers.supervision.alarm import Alarm
from workers.supervision.binaries import POSTGRES_MAJOR, VALKEY_MAJOR
from workers.supervision.children import LEASH, LISTEN, Backoff, Child, Crew, own_children
from workers.supervision.embedded import start_postgres, start_valkey, stop_servers
from workers.supervision.home import (
    give,
    last_words,
    make_reachable,
    open_log,
    prepare_home,
    reachable,
    servers_home,
    trim_logs,
)
from workers.supervision.port import answers, listen
from workers.supervision.postgres import postgres
from workers.supervision.processes import Account, own_account, run, server_account
from workers.supervision.running import ChildState, Running, locked, record, supervisor_lock
from workers.supervision.servers import Server
from workers.supervision.valkey import valkey
from workers.terminal import Steps, short

MIGRATE = (sys.executable, "-P", "-c", "from ingest.migrate import upgrade; upgrade()")
TRIAL = (sys.executable, "-P", "-c", "import workers, ingest")
FORMER_SECONDS = 20.0  # children of a killed supervisor end within ten
TEND_SECONDS = 1.0
STARTING_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What to keep running, and how to bring the tables up to date first."""

    children: tuple[Child, ...] = field(default_factory=own_children)
    migrate: tuple[str, ...] = MIGRATE


@dataclass(slots=True)
class Kept:
    """A server of our own under watch; `due` is when to start it again, None while it is up."""

    server: Server
    start: Callable[[Path], str]
    since: float = field(default_factory=time.monotonic)
    due: float | None = None
    restarts: int = 0
    backoff: Backoff = field(default_factory=Backoff)

    @property
    def state(self) -> ChildState:
        """What the record and `vagus status` say of it."""
        return ChildState(self.server.name, self.server.pid, self.since, self.restarts)


def supervise(home: Path, steps: Steps, plan: Plan | None = None) -> None:
    """Run everything of this home until asked to stop. Raises Misconfigured, Unavailable."""
    prepare_home(home, server_account())
    with supervisor_lock(home), Alarm() as alarm, ExitStack() as held:
        supervisor = Supervisor(home, steps, plan or Plan(), alarm)
        try:
            supervisor.open(held)
            supervisor.watch()
        finally:
            supervisor.close()


class Supervisor:
    """What one supervisor holds between its start and its stop."""

    def __init__(self, home: Path, steps: Steps, plan: Plan, alarm: Alarm) -> None:
        self.home = home
        self.steps = steps
        self.plan = plan
        self.alarm = alarm
        self.since = time.monotonic()
        self.account = own_account()
        self.environment = {"VAGUS_HOME": str(home)}
        self.kept: list[Kept] = []
        self.crew = Crew((), self._start_child, self._say_ended)
        self.ready = False
        self.port = settings().port
        self._recorded: Running | None = None
        self._unwritten = False

    def open(self, held: ExitStack) -> None:
        """Start everything, in order; a stop asked for meanwhile takes effect between the steps."""
        self._record()
        for step in (
            self._outlive_former,
            self._start_servers,
            self._prepare_account,
            self._migrate,
            self._start_children,
        ):
            if not self.alarm.stops:
                step(held)

    def watch(self) -> None:
        """Keep everything running until asked to stop."""
        while not self.alarm.stops:
            self._tend()
            self.alarm.wait(min(TEND_SECONDS, self.crew.tend()))

    def close(self) -> None:
        """Stop the children, then the servers."""
        with self.steps.step("Stopped"):
            self.crew.stop(lambda: self.alarm.stops > 1)
            if self.kept:
                stop_servers(self.home)

    @property
    def address(self) -> str:
        """Where people reach the pages."""
        return settings().model_copy(update={"port": self.port}).public_url

    def _outlive_former(self, held: ExitStack) -> None:
        """Wait until the children of a killed supervisor are gone: each holds this lock, as ours will."""
        try:
            self.lock = held.enter_context(
                locked(self.home / "children.lock", fcntl.LOCK_EX, FORMER_SECONDS, os.O_CREAT)
            )
        except BlockingIOError:
            raise Unavailable(f"processes of a killed supervisor of {self.home} do not end: end them first") from None

    def _start_servers(self, _held: ExitStack) -> None:
        given = settings()
        if not given.embedded:
            return
        with self.steps.step(f"PostgreSQL {POSTGRES_MAJOR} and Valkey {VALKEY_MAJOR}") as step:
            make_reachable(self.home, server_account())
            if given.redis_url is None:
                self.kept.append(Kept(valkey(self.home), start_valkey))
                self.environment["REDIS_URL"] = start_valkey(self.home)
            if given.database_url is None:
                self.kept.append(Kept(postgres(self.home), start_postgres))
                self.environment["DATABASE_URL"] = start_postgres(self.home)
            step.detail = f"own copies in {short(servers_home(self.home))}"

    def _prepare_account(self, _held: ExitStack) -> None:
        """Make the secrets, and let our processes drop root where the other account can run them."""
        secrets = settings().secrets_file or self.home / "secrets.json"
        create_secrets(secrets)
        load(secrets)  # what cannot be used is said now, and not at the first import
        self.account = self._children_account(server_account())
        for owned in (secrets, self.home / "beat"):
            give(owned, self.account)
        if self.account != own_account():
            self.environment |= {"HOME": str(self.home), "USER": self.account.name}

    def _children_account(self, servers: Account) -> Account:
        own = own_account()
        if servers == own:
            return own
        try:
            run(TRIAL, servers)
            if reachable(self.home, servers):
                return servers
            why = f"cannot reach {self.home}"
        except Unavailable:
            why = f"cannot run {sys.executable}"
        self.steps.say(f"web and workers go on as root: {servers.name} {why}")
        return own

    def _migrate(self, _held: ExitStack) -> None:
        with self.steps.step("Tables"):
            try:
                run(self.plan.migrate, self.account, env=os.environ | self.environment, keep=(self.lock,))
            except Unavailable as error:
                raise Unavailable(f"the tables could not be brought up to date: {error}") from None

    def _start_children(self, held: ExitStack) -> None:
        self.listener = held.enter_context(listen(settings().host, settings().port))
        self.leash, leash_end = os.pipe()  # nobody else may hold its other end: it is not inheritable
        held.callback(os.close, self.leash)
        held.callback(os.close, leash_end)
        self.port = self.listener.getsockname()[1]
        self.environment["VAGUS_PORT"] = str(self.port)
        self.crew = Crew(self.plan.children, self._start_child, self._say_ended)
        with self.steps.step("Web, workers, scheduler") as step:
            taken = "" if settings().port in {0, self.port} else f" (port {settings().port} is in use)"
            step.detail = self.address + taken
            while not self.ready and not self.alarm.stops:
                self.alarm.wait(min(STARTING_SECONDS, self.crew.tend()))
                self.ready = self._all_answer()
                self._tend()
        if self.ready:
            self.steps.say(f"Vagus is ready: {self.address}{'   Ctrl-C stops it' if self.steps.lively else ''}")

    def _start_child(self, child: Child) -> subprocess.Popen[bytes] | None:
        try:
            return self._spawned(child)
        except OSError as error:  # no memory, no process to be had: the others go on
            self.steps.say(f"{child.name} cannot be started now ({error.strerror}): it is tried again")
            return None

    def _spawned(self, child: Child) -> subprocess.Popen[bytes]:
        environment = os.environ | self.environment | {LEASH: str(self.leash)}
        passed = [self.leash, self.lock]
        if child.answers:
            environment[LISTEN] = str(self.listener.fileno())
            passed.append(self.listener.fileno())
        with open_log(self.home, child.name).open("ab") as output:
            return subprocess.Popen(  # noqa: S603 the command is ours
                child.command,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=passed,
                start_new_session=True,  # so that Ctrl-C reaches the supervisor alone
                **self.account.popen,
            )

    def _all_answer(self) -> bool:
        asked = [child.answers for child in self.plan.children if child.answers]
        return self.crew.all_up and all(answers(settings().host, self.port, path) for path in asked)

    def _tend(self) -> None:
        for kept in self.kept:
            if not kept.server.up:
                self._bring_back(kept)
        with suppress(OSError):  # a full disk: what is written goes on where it can
            trim_logs(self.home)
        self._record()

    def _bring_back(self, kept: Kept) -> None:
        now = time.monotonic()
        if kept.due is None:
            pause = kept.backoff.after(now - kept.since)
            kept.due = now + pause
            self.steps.say(f"{kept.server.name} is gone: it starts again in {pause:g} s")
        if kept.due > now:
            return
        try:
            kept.start(self.home)
        except (VagusError, OSError, psycopg.Error) as error:  # a full disk, a server that went at once
            self.steps.say(str(error))
            kept.since = now
        else:
            kept.since = time.monotonic()
            kept.restarts += 1
        kept.due = None

    def _say_ended(self, child: Child, code: int, pause: float) -> None:
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        log = self.home / "log" / f"{child.name}.log"
        self.steps.say(f"{child.name} ended ({how}), starts again in {pause:g} s: {last_words(log)} (log: {log})")

    def _record(self) -> None:
        """Write the record where it changed."""
        state = Running(
            pid=os.getpid(),
            since=self.since,
            ready=self.ready,
            port=self.port,
            address=self.address,
            database_url=self.environment.get("DATABASE_URL"),
            redis_url=self.environment.get("REDIS_URL"),
            servers=tuple(kept.state for kept in self.kept),
            children=tuple(member.state for member in self.crew.members),
        )
        if state == self._recorded:
            return
        try:
            record(self.home, state)
        except OSError as error:  # a full disk: say it once, keep everything running, and try again
            if not self._unwritten:
                self.steps.say(f"cannot write in {self.home} ({error.strerror}): free some space")
            self._unwritten = True
        else:
            self._recorded, self._unwritten = state, False
