"""What `vagus import`, `readiness`, `erase` and `sign-in` do, once the servers run."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from ingest import db, imports, people, privacy, signin, store, words
from ingest.models import ScoreRequest
from providers.errors import FileRefused, Unavailable, VagusError
from scoring import Assessment, Input

SCORED_WITHIN = 120.0
LOOK_EVERY = 0.1
REJECTS_SHOWN = 20

screen = Console(stderr=True, highlight=False, soft_wrap=True)


def import_files(vendor: str, files: Sequence[Path], address: str) -> tuple[list[imports.Imported], list[str]]:
    """Import each file for the person at `address`; what was imported, and a line for each file that was refused."""
    people.normal_address(address)
    done, refused = [], []
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        for file in files:
            try:
                bar = progress.add_task(escape(file.name), total=_size(file))
                done.append(_import(vendor, file, address, lambda seen, bar=bar: progress.update(bar, completed=seen)))  # type: ignore[misc]
            except FileRefused as error:
                refused.append(f"{file}: {error}")
    return done, refused


def _size(file: Path) -> int:
    """The bytes of a file that is there. Raises FileRefused."""
    try:
        if file.is_dir():
            raise FileRefused("this is a folder: name the file in it")
        return file.stat().st_size
    except OSError as error:
        raise FileRefused(error.strerror or str(error)) from None


def _import(vendor: str, file: Path, address: str, seen: Callable[[int], None]) -> imports.Imported:
    try:
        with file.open("rb") as stream:
            name = os.fsencode(file.name).decode(errors="replace")
            return imports.import_file(address, vendor, name, stream, seen)
    except OSError as error:
        raise FileRefused(error.strerror or str(error)) from None


def show_imported(done: Sequence[imports.Imported]) -> None:
    """One line a file, and under it what was set aside."""
    for one in done:
        saved = one.saved
        span = f", {one.first_day} to {one.last_day}" if one.first_day else ""
        counts = f"{saved.new:,} new, {saved.revised:,} revised, {saved.unchanged:,} unchanged"
        screen.print(f"{one.file}: {one.nights:,} nights{span}; {counts}; {saved.rejected:,} set aside", markup=False)
        for reject in one.rejects[:REJECTS_SHOWN]:
            place = f"line {reject.line}" + (f", {reject.field}" if reject.field else "")
            screen.print(f"  {place}: {reject.reason}", markup=False)
        if len(one.rejects) > REJECTS_SHOWN:
            screen.print(f"  … and {len(one.rejects) - REJECTS_SHOWN} more, on the page of this import")


def wait_until_scored(person_id: int, seconds: float = SCORED_WITHIN) -> None:
    """Wait until nothing is left to score for this person. Raises VagusError where that failed, Unavailable in vain."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with db.transaction() as session:
            waiting = session.scalar(select(ScoreRequest).where(ScoreRequest.person == person_id))
            if waiting is None:
                return
            if waiting.buried_at is not None:
                raise VagusError(f"scoring failed and was given up: {waiting.error}")
        time.sleep(LOOK_EVERY)
    raise Unavailable("nothing has scored these nights yet: is a worker running? see `vagus status`")


def readiness(address: str) -> list[Assessment]:
    """Every assessed night of the person at `address`, oldest first, after what waits was scored."""
    with db.transaction() as session:
        person = people.get(session, address).id
    wait_until_scored(person)
    with db.transaction() as session:
        return store.readiness(session, person)


def readiness_plot(address: str, assessments: Sequence[Assessment], console: Console) -> Text:
    """The same nights as a picture, as wide as the console and in the characters that it knows."""
    from ingest import events  # noqa: PLC0415  what draws is not imported to import a file
    from ingest.web.today import told_days  # noqa: PLC0415
    from workers import plot  # noqa: PLC0415

    with db.transaction() as session:
        person = people.get(session, address)
        today = people.today_of(session, person.id)
        beside = events.beside(session, person.id, assessments, plot.since(today))
        told = told_days(session, person)
    utf8 = (console.encoding or "").lower().startswith("utf")
    marks = plot.FULL if utf8 else plot.ASCII
    return plot.plot(assessments, told=told, until=today, events=beside, width=console.width, marks=marks)


def readiness_json(assessments: Sequence[Assessment]) -> str:
    """One array, an object a night."""
    return json.dumps([store.ASSESSMENT.dump_python(one, mode="json") for one in assessments])


def readiness_table(assessments: Sequence[Assessment]) -> Table:
    """A table of nights: both signals with their usual range, the state, the score."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Night", "State", "Score", "HRV ms", "usual", "Heart rate", "usual", "Alert"):
        table.add_column(title, justify="left" if title in {"Night", "State", "Alert"} else "right")
    for one in assessments:
        inputs = {signal.signal: signal for signal in one.inputs}
        score = "" if one.score is None else f"{one.score:.0f}"
        signals = [cell for name in ("hrv", "resting_heart_rate") for cell in _cells(inputs.get(name))]
        state = words.HEROES[one.state].word + (" (early)" if one.provisional else "")
        table.add_row(one.day.isoformat(), state, score, *signals, one.alert or "")
    return table


def _cells(signal: Input | None) -> tuple[str, str]:
    if signal is None or signal.value is None:
        return "", ""
    if signal.usual_low is None or signal.usual_high is None:
        return f"{signal.value:.0f}", ""
    return f"{signal.value:.0f}", f"{signal.usual_low:.0f}–{signal.usual_high:.0f}"


def erase(address: str) -> dict[str, int]:
    """Erase the person at `address`; on a terminal only after the address was typed again."""
    with db.transaction() as session:
        person = people.get(session, address)
        counts = privacy.stored(session, person.id)
    if sys.stdin.isatty():
        total = sum(counts.values())
        typed = screen.input(f"Erase everything of {person.address}, {total:,} rows? Type the address to go on: ")
        if typed.strip().lower() != person.address:
            raise VagusError("nothing was erased")
    return privacy.erase(person.id)


def counted(counts: Mapping[str, int]) -> str:
    """What went, in words: `nights judged 182, nightly values 1,624`."""
    return ", ".join(f"{label.lower()} {counts[name]:,}" for name, label in privacy.LABELS.items() if counts.get(name))


def sign_in_link(address: str) -> str:
    """A link that signs one browser in as the person at `address`, made if new, once, within ten minutes."""
    with db.transaction() as session:
        return signin.one_time_link(session, people.ensure(session, address).id)
