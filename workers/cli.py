"""The command `vagus`: a command is a few lines that call a module; an expected error is one line and an exit code."""

import json
import os
import sys
from dataclasses import asdict
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from ingest.settings import settings
from providers.errors import FileRefused, Misconfigured, VagusError
from workers import control, supervisor
from workers.children import hold_leash
from workers.running import running
from workers.status import status_json, status_table
from workers.terminal import Steps

NOT_RUNNING = 3
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}

app = typer.Typer(
    name="vagus",
    help="Connect a wearable once; be told when your nervous system, not your muscles, is the limiter.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]


@app.command()
def up(
    *, detach: Annotated[bool, typer.Option(help="Return once everything is ready, and leave it running.")] = False
) -> None:
    """Start everything: servers, web, workers, scheduler."""
    home, steps = settings().home, Steps()
    if not detach:
        supervisor.supervise(home, steps)
    elif state := running(home):
        steps.say(f"already running at {state.address} (process {state.pid})")
    else:
        control.start_detached(home, steps.say)


@app.command()
def down() -> None:
    """Stop everything."""
    steps = Steps()
    with steps.step("Stopped") as step:
        if not control.stop(settings().home):
            step.title = "Nothing was running"


@app.command()
def status(*, as_json: Json = False) -> None:
    """Show what runs, since when, and where."""
    state = running(settings().home)
    if as_json:
        typer.echo(status_json(state))
    elif state:
        Console(highlight=False).print(status_table(state))
    else:
        typer.echo("not running: start with `vagus up`")
    if state is None:
        raise typer.Exit(NOT_RUNNING)


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check this machine and this installation, and say what to do."""
    from workers.doctor import examine  # noqa: PLC0415  the other commands start faster without it

    findings = examine()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for one in findings:
            table.add_row(f"[{COLOURS[one.grade]}]{one.grade}[/]", one.check, one.found, one.remedy)
        Console(highlight=False).print(table)
    if any(finding.grade == "fail" for finding in findings):
        raise typer.Exit(1)


@app.command(hidden=True)
def run(name: str) -> None:
    """Run one process in the foreground, as the supervisor does."""
    hold_leash()
    match name:
        case "supervisor":
            os.setsid()
            supervisor.supervise(settings().home, Steps())
        case "web":
            from workers.serve import serve  # noqa: PLC0415  each process imports what it needs

            serve()
        case "worker-score" | "worker-notify":
            from workers.app import start_worker  # noqa: PLC0415

            start_worker(name)
        case "beat":
            from workers.app import start_beat  # noqa: PLC0415

            start_beat()
        case _:
            raise Misconfigured(f"there is no process {name}: web, worker-score, worker-notify or beat")


def main() -> None:
    """Run a command; an error of ours is one line, and 2 where a file was refused, else 1."""
    try:
        app()
    except FileRefused as error:
        _end(error, 2)
    except VagusError as error:
        _end(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _end(error: VagusError, code: int) -> NoReturn:
    sys.stderr.write(f"vagus: {error}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
