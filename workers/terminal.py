"""Progress for people: a step's line appears when it starts and freezes with its seconds; plain off a terminal."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

TITLE_WIDTH = 30


@dataclass(slots=True)
class Step:
    """One step as it runs; `detail` is what stands behind its seconds."""

    title: str
    detail: str = ""


class Steps:
    """The lines of one command, on standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.lively = self.console.is_terminal and "NO_COLOR" not in os.environ
        utf8 = (self.console.encoding or "").lower().startswith("utf")
        self.done, self.failed = ("✓", "✗") if utf8 else ("ok", "failed")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while the block runs, and freeze its line at the end, good or bad."""
        step, started, mark, colour = Step(title), time.monotonic(), self.failed, "red"
        status = self.console.status(f"{escape(title)} …", spinner="dots" if self.done == "✓" else "line")
        try:
            if self.lively:
                status.start()
            yield step
            mark, colour = self.done, "green"
        finally:
            status.stop()
            seconds = f"{time.monotonic() - started:5.1f} s"
            line = f" [{colour}]{mark}[/] {escape(step.title):{TITLE_WIDTH}} {seconds}   [dim]{escape(step.detail)}[/]"
            self.console.print(line.rstrip())

    def say(self, line: str) -> None:
        """Show one line; above the spinner where a step is running."""
        self.console.print(f" {escape(line)}")


def short(path: Path) -> str:
    """A path as people write it."""
    home = str(Path.home())
    return f"~{str(path)[len(home) :]}" if str(path).startswith(f"{home}/") else str(path)
