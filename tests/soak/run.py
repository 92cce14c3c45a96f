"""`make soak`: everybody's days in a storm, beside the same days in calm; the two must come to the same.

Both lives begin with one state, run at the same time on servers of their own, and are compared row by row and mail by
mail. Returns 1 where they differ, or where the time did not suffice.
"""

import argparse
import logging
import multiprocessing
import os
import pickle
import queue
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.ground import clear_caches
from tests.soak import beginning, found, post
from tests.soak.found import SHOWN, Found
from tests.soak.life import live
from tests.soak.plan import Plan
from workers.supervision import control

NAMES = ("calm", "storm")
LOOK, LEAD = 0.2, 2  # seconds; days that one life may be ahead of the other


@dataclass
class Told:
    """How far the two lives are, and what they came to."""

    lived: int = 0
    came: dict[str, Found] = field(default_factory=dict)
    happened: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Pace:
    """Keeps the two lives together, so that both have lived the same days whenever they are told to end."""

    def __init__(self, context: Any, plan: Plan) -> None:
        self.begun = {name: context.Value("i", 0) for name in NAMES}
        self.last, self.broken = context.Value("i", plan.days), context.Event()

    def end(self) -> None:
        """Let no day begin that the other life has not begun."""
        with self.last.get_lock():
            self.last.value = min(self.last.value, max(one.value for one in self.begun.values()))

    def goes_on(self, name: str, lived: int) -> bool:
        """Whether this life begins another day; it waits for the other where it is ahead. Raises Broken."""
        while lived - min(one.value for one in self.begun.values()) >= LEAD and lived < self.last.value:
            if self.broken.wait(LOOK):
                raise Broken
        with self.last.get_lock():
            if lived >= self.last.value:
                return False
            self.begun[name].value = lived + 1
        return True


class Broken(Exception):
    """Raised in one life where the other broke off: there is nothing to compare with."""


def soak(plan: Plan, folder: Path, minutes: float, console: Console) -> Told:
    """Prepare, live both lives, and collect what they came to. Everything started is stopped."""
    deadline = time.monotonic() + minutes * 60
    with _as_before(), _progress(console) as progress:
        task = progress.add_task("connecting")
        beginning.prepare(
            folder / "begin", plan, lambda what, n, of: progress.update(task, description=what, completed=n, total=of)
        )
        progress.update(task, completed=plan.people, total=plan.people, description="everybody's past")
        return _both(plan, folder, deadline, progress)


def _both(plan: Plan, folder: Path, deadline: float, progress: Progress) -> Told:
    context = multiprocessing.get_context("spawn")
    said_by, pace, told = context.Queue(), Pace(context, plan), Told()
    tasks = {name: progress.add_task(name, total=plan.days + plan.quiet_days) for name in NAMES}
    for name in NAMES:
        beginning.copy(folder / "begin", folder / name)
    lives = [context.Process(target=_live, args=(name, folder, plan, said_by, pace)) for name in NAMES]
    for life in lives:
        life.start()
    try:
        while any(life.is_alive() for life in lives) or not said_by.empty():
            if time.monotonic() > deadline:
                pace.end()
            _hear(said_by, told, progress, tasks)
    finally:
        pace.broken.set()
        for name, life in zip(NAMES, lives, strict=True):
            life.join()
            control.stop(folder / name)
            if life.exitcode:
                told.failed.setdefault(name, f"its process ended with {life.exitcode}")
    told.lived = pace.last.value
    for name in NAMES:
        with suppress(FileNotFoundError):
            told.came[name] = pickle.loads((folder / f"{name}.found").read_bytes())  # noqa: S301  (written by us)
    return told


def _hear(said_by: Any, told: Told, progress: Progress, tasks: dict[str, Any]) -> None:
    try:
        name, kind, said = said_by.get(timeout=LOOK)
    except queue.Empty:
        return
    match kind:
        case "moment":
            progress.update(tasks[name], description=f"{name}, {said}", advance=1)
            if not progress.console.is_terminal:
                progress.console.print(f"{progress.tasks[tasks[name]].elapsed or 0:6.0f} s  {name}, {said}")
        case "came":
            told.happened |= said
            progress.update(tasks[name], description=name)
        case "failed":
            told.failed[name] = said


def _live(name: str, folder: Path, plan: Plan, said_by: Any, pace: Pace) -> None:
    """One life, in a process of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        came, happened = live(
            folder / name,
            plan,
            stormy=name == "storm",
            tell=lambda said: said_by.put((name, "moment", said)),
            goes_on=partial(pace.goes_on, name),
        )
    except Broken:
        return
    except Exception:  # noqa: BLE001  (told where somebody reads it)
        pace.broken.set()
        said_by.put((name, "failed", traceback.format_exc()))
        return
    (folder / f"{name}.found").write_bytes(pickle.dumps(came))
    said_by.put((name, "came", happened))


def report(told: Told, plan: Plan, seconds: float, console: Console) -> bool:
    """Print what was found; whether the two lives came to the same."""
    for name, said in told.failed.items():
        console.print(f"the {name} life broke off:\n{said}", markup=False)
    if len(told.came) < len(NAMES):
        return False
    calm, storm = told.came["calm"], told.came["storm"]
    differences = found.differences(calm, storm)
    wrong = [f"{name}: {line}" for name in NAMES for line in _wrong(told.came[name])]
    console.print(_table(calm, storm, differences, wrong))
    happened = ", ".join(f"{what} {count:,}" for what, count in sorted(told.happened.items()) if count)
    lived = f"{told.lived} of {plan.days} days" if told.lived < plan.days else f"{plan.days} days"
    console.print(f"{plan.people} people, {lived}, seed {plan.seed}, {seconds / 60:.1f} min. What went wrong:")
    console.print(happened)
    for lines in (*differences.values(), wrong):
        for line in lines[:SHOWN]:
            console.print(line, markup=False, soft_wrap=True)
    return told.lived >= plan.days and not wrong and not any(differences.values())


def _wrong(came: Found) -> Sequence[str]:
    return post.wrong(came.mails, came.due, came.kills)


def _table(calm: Found, storm: Found, differences: dict[str, list[str]], wrong: Sequence[str]) -> Table:
    table = Table(box=None)
    for title in ("", "calm", "storm", "differ"):
        table.add_column(title, justify="right" if title else "left")
    for name, lines in differences.items():
        table.add_row(name, f"{calm.rows[name].total():,}", f"{storm.rows[name].total():,}", f"{len(lines):,}")
    table.add_row("mails", f"{len(calm.mails):,}", f"{len(storm.mails):,}", f"{len(wrong):,}")
    return table


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


@contextmanager
def _as_before() -> Iterator[None]:
    """Leave the environment, and what was read of it, as it was."""
    kept = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        clear_caches()


def main() -> int:
    """Soak as asked on the command line; 1 where something differs or is not done."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=200)
    asked.add_argument("--days", type=int, default=30)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--minutes", type=float, default=60, help="begin no day after so long, and say how far it came")
    asked.add_argument("--keep", action="store_true", help="leave the folders of both lives, and say where")
    given = asked.parse_args()
    plan, console = Plan(given.people, given.days, given.seed), Console()
    folder = Path(tempfile.mkdtemp(prefix="vagus-soak-"))
    folder.chmod(0o755)
    begun = time.monotonic()
    try:
        same = report(soak(plan, folder, given.minutes, console), plan, time.monotonic() - begun, console)
    finally:
        if given.keep:
            console.print(f"kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
