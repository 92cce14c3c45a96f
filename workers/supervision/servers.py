"""A server of our own, PostgreSQL or Valkey: found, adopted, started, stopped. What differs between the two is data."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from providers.errors import Unavailable
from workers.supervision.home import last_words
from workers.supervision.processes import Account, alive, end, launch, server_in, wait_until

STALE_SOCKET_SECONDS = 3.0
HELD_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Server:
    """One server of one home; `answers` asks it, on its socket, whether it is ready and ours."""

    name: str
    folder: Path
    pid_file: Path
    socket: Path
    log: Path
    answers: Callable[[], bool]
    stop_signal: signal.Signals
    stop_seconds: float
    passing: tuple[str, ...] = ()  # refusals that pass by themselves in a moment
    remedy: str = ""

    @property
    def pid(self) -> int | None:
        """Its process, while it lives."""
        return server_in(self.folder, self.pid_file)

    @property
    def up(self) -> bool:
        """Whether it lives and can be reached: cleaners of temporary folders take sockets from under living servers."""
        return self.pid is not None and self.socket.exists()

    def adopted(self, deadline: float) -> bool:
        """Whether it runs already and answers; without its socket it is stopped instead. Raises Unavailable."""
        pid = self.pid
        if pid is None:
            return False
        if not wait_until(lambda: self.socket.exists() or not alive(pid), STALE_SOCKET_SECONDS):
            self.stop()
            return False
        if not self._answers_before(pid, deadline) and alive(pid):
            raise Unavailable(self._refusal("does not answer"))
        return alive(pid)

    def start(self, command: Sequence[str], account: Account, deadline: float) -> None:
        """Start it and wait until it answers. Raises Unavailable with the telling line of its log."""
        pid = launch(command, account, self.log)
        while not self._answers_before(pid, deadline):
            said = last_words(self.log)
            if alive(pid) or time.monotonic() > deadline or not any(reason in said for reason in self.passing):
                raise Unavailable(self._refusal("did not start"))
            time.sleep(HELD_SECONDS)
            pid = launch(command, account, self.log)

    def stop(self) -> bool:
        """Stop it cleanly; returns whether it ran. Raises Unavailable where it does not end in time."""
        pid = self.pid
        if pid is None:
            return False
        if not end(pid, self.stop_signal, self.stop_seconds):
            raise Unavailable(self._refusal(f"(process {pid}) does not stop"))
        return True

    def _answers_before(self, pid: int, deadline: float) -> bool:
        wait_until(lambda: self.answers() or not alive(pid), deadline - time.monotonic())
        return alive(pid) and self.answers()

    def _refusal(self, what: str) -> str:
        return f"{self.name} {what}: {last_words(self.log)} (log: {self.log}){self.remedy}"
