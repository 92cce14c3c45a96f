"""Progress for people: a step's line appears when it starts and freezes with its seconds; plain off a terminal."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

TITLE_WIDTH = 34
Seen = Callable[[int, int], None]  # how many are done, and of how many


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
        status = self.console.status(f"{escape(title)} …", spinner="dots" if self.done == "✓" else "line")
        with self._frozen(Step(title), status.stop) as step:
            if self.lively:
                status.start()
            yield step

    @contextmanager
    def progress(self, title: str) -> Iterator[tuple[Step, Seen]]:
        """Show a bar while the block runs, and freeze its line at the end: the step, and what hears how far it is."""
        columns = (TextColumn(" {task.description}"), BarColumn(), MofNCompleteColumn())
        bar = Progress(*columns, console=self.console, transient=True, disable=not self.lively)
        task = bar.add_task(escape(title), total=None)
        with self._frozen(Step(title), bar.stop) as step:
            bar.start()
            yield step, lambda done, total: bar.update(task, completed=done, total=total)

    @contextmanager
    def _frozen(self, step: Step, clear: Callable[[], None]) -> Iterator[Step]:
        started, mark, colour = time.monotonic(), self.failed, "red"
        try:
            yield step
            mark, colour = self.done, "green"
        finally:
            clear()
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
