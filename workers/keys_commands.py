"""`vagus keys`: the keys that tokens, answers and other secrets are sealed with."""

import time
from collections.abc import Iterator
from functools import partial
from itertools import count

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from providers.errors import Unavailable
from workers.supervision import control

LOOK_EVERY = 0.2
OLDER_END_WITHIN = 300.0

app = typer.Typer(name="keys", help="The keys that secrets are sealed with.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """The keys that secrets are sealed with."""


@app.command()
def rotate() -> None:
    """Seal everything with a new key while all goes on, then forget the old one; a broken-off turn is ended."""
    from ingest import keys  # noqa: PLC0415  the other commands start faster without it

    control.ensure_running(lambda line: typer.echo(line, err=True))
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        bar = progress.add_task("Sealing anew", total=None)
        kid = keys.rotate(lambda done: progress.advance(bar, done), partial(_wait_for_older, count()))
    typer.echo(f"Everything is sealed with key {kid}; the older one is gone.")
    screen.print("Backups of the database from before now open only with the secrets file they were made with.")


def _wait_for_older(waits: Iterator[int]) -> None:
    """Wait a moment. Raises Unavailable after five minutes of moments."""
    if next(waits) > OLDER_END_WITHIN / LOOK_EVERY:
        raise Unavailable("a transaction older than the new key does not end: see pg_stat_activity, and run this again")
    time.sleep(LOOK_EVERY)
