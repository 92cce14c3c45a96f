"""Our own processes under the supervisor: started, restarted with back-off, held on a leash that ends with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.settings import settings
from workers.supervision.processes import wait_until
from workers.supervision.running import ChildState

LEASH = "VAGUS_LEASH"
LISTEN = "VAGUS_LISTEN"
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
HEALTHY_SECONDS = 30.0
STOP_SECONDS = 15.0
LEASH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep running; one that `answers` a path by HTTP is handed the listening socket."""

    name: str
    command: tuple[str, ...]
    answers: str = ""


def own_command(name: str) -> tuple[str, ...]:
    """How `vagus run NAME` is started; `-P`, as folders of the working directory must not pass for packages."""
    return (sys.executable, "-P", "-m", "workers.cli", "run", name)


CHILDREN = (
    Child("web", own_command("web"), answers="/healthz"),
    Child("worker-sync", own_command("worker-sync")),
    Child("worker-backfill", own_command("worker-backfill")),
    Child("worker-score", own_command("worker-score")),
    Child("worker-notify", own_command("worker-notify")),
    Child("beat", own_command("beat")),
)
OF_THE_DEMO = tuple(Child(name, own_command(name)) for name in ("simulator", "mailbox", "pushbox"))


def own_children() -> tuple[Child, ...]:
    """The processes of this installation; only the demo's has a vendor, a mailbox and a phone of its own."""
    return CHILDREN + OF_THE_DEMO if settings().demo else CHILDREN


@dataclass(slots=True)
class Backoff:
    """Ever longer pauses between restarts, forgotten after a while of health."""

    delay: float = 0.0

    def after(self, lived: float) -> float:
        """The pause before the next start of something that lived so many seconds."""
        longer = min(LONGEST_DELAY, self.delay * 2)
        self.delay = FIRST_DELAY if lived >= HEALTHY_SECONDS or not self.delay else longer
        return self.delay


@dataclass(slots=True)
class Member:
    """A child as it lives."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    due: float = 0.0
    restarts: int = -1
    backoff: Backoff = field(default_factory=Backoff)

    @property
    def state(self) -> ChildState:
        """What the record and `vagus status` say of it."""
        return ChildState(
            self.child.name, self.process.pid if self.process else None, self.since, max(0, self.restarts)
        )


class Crew:
    """All children of one supervisor; `start` gives None where a child cannot be started now."""

    def __init__(
        self,
        children: tuple[Child, ...],
        start: Callable[[Child], subprocess.Popen[bytes] | None],
        ended: Callable[[Child, int, float], None],
    ) -> None:
        self.members = [Member(child) for child in children]
        self._start = start
        self._ended = ended

    @property
    def all_up(self) -> bool:
        """Whether every child runs."""
        return all(member.process for member in self.members)

    def tend(self) -> float:
        """Note who ended, start who is due; returns the seconds until the next is due."""
        now = time.monotonic()
        for member in self.members:
            code = member.process.poll() if member.process else None
            if code is not None:
                pause = member.backoff.after(now - member.since)
                member.process, member.due = None, now + pause
                self._ended(member.child, code, pause)
            if member.process is None and member.due <= now:
                self._begin(member, now)
        return min((member.due - now for member in self.members if member.process is None), default=LONGEST_DELAY)

    def _begin(self, member: Member, now: float) -> None:
        """Start a child; one that could not be started is due again after its pause."""
        member.process, member.since = self._start(member.child), now
        if member.process is None:
            member.due = now + member.backoff.after(0.0)
        else:
            member.restarts += 1

    def stop(self, hurried: Callable[[], bool]) -> None:
        """Ask all to end, and kill who has not after a while, or at once when the person is in a hurry."""
        living = [member.process for member in self.members if member.process and member.process.poll() is None]
        for process in living:
            process.send_signal(signal.SIGTERM)
        wait_until(lambda: hurried() or all(process.poll() is not None for process in living), STOP_SECONDS)
        for process in living:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def hold_leash() -> None:
    """In a child: end when the supervisor is gone, which the end of its pipe tells even after kill -9."""
    descriptor = os.environ.pop(LEASH, None)
    if descriptor is not None:
        leash = int(descriptor)
        os.set_inheritable(leash, False)  # noqa: FBT003
        threading.Thread(target=_end_with, args=(leash,), name="leash", daemon=True).start()


def _end_with(leash: int) -> None:
    os.read(leash, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LEASH_SECONDS)
    os._exit(1)
