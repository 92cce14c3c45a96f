"""Signals as something to wait for: a child has ended, or somebody asks to stop."""

import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Self

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Alarm:
    """While it is entered, signals end a wait early and not the process; `stops` counts how often somebody asked."""

    def __init__(self) -> None:
        self.stops = 0

    def __enter__(self) -> Self:
        self._ears, self._bell = socket.socketpair()
        self._ears.setblocking(False)  # noqa: FBT003
        self._bell.setblocking(False)  # noqa: FBT003
        self._wakeup = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._former: dict[signal.Signals, Any] = {
            one: signal.signal(one, self._ring) for one in (*STOPS, signal.SIGCHLD)
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._former.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._ears.close()
        self._bell.close()

    def wait(self, seconds: float) -> None:
        """Sleep for so long, or until the next signal."""
        if select.select([self._ears], [], [], max(0.0, seconds))[0]:
            self._ears.recv(4096)

    def _ring(self, number: int, _frame: FrameType | None) -> None:
        self.stops += number in STOPS
