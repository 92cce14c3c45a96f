"""The command `vagus`: a command is a few lines that call a module; an expected error is one line and an exit code."""

import gc
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ingest.settings import settings
from providers.errors import FileRefused, Misconfigured, Unavailable, VagusError
from workers import keys_commands, operator_commands, ops_commands, scoring_commands
from workers.simulate_command import simulate
from workers.supervision import control, supervisor
from workers.supervision.children import hold_leash
from workers.supervision.running import running
from workers.supervision.status import status_json, status_table
from workers.terminal import Steps

NOT_RUNNING = 3
REFUSED = 2
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}

app = typer.Typer(
    name="vagus",
    help="Connect a wearable once; be told when your nervous system, not your muscles, is the limiter.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
vendors = typer.Typer(help="Vendors of wearables, and our apps at them.", no_args_is_help=True)
app.add_typer(vendors, name="vendor")
app.add_typer(keys_commands.app)
app.add_typer(scoring_commands.app)
Person = Annotated[str, typer.Option(help="The person's mail address.", metavar="ADDRESS")]
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
    from workers.supervision.doctor import examine  # noqa: PLC0415  the other commands start faster without it

    findings = examine()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for _ in ("grade", "check", "found", "remedy"):
            table.add_column(overflow="fold")
        for one in findings:
            table.add_row(f"[{COLOURS[one.grade]}]{one.grade}[/]", one.check, escape(one.found), escape(one.remedy))
        Console(highlight=False).print(table)
    if any(finding.grade == "fail" for finding in findings):
        raise typer.Exit(1)


@app.command(name="import")
def import_(
    vendor: Annotated[str, typer.Argument(help="Whose export it is: whoop.")],
    files: Annotated[list[Path], typer.Argument(help="CSVs or ZIPs, recognised by their header.", metavar="FILE…")],
    person: Person,
    *,
    as_json: Json = False,
) -> None:
    """Import files that a person downloaded; the person is made if new."""
    from workers import people_commands  # noqa: PLC0415

    control.ensure_running(say_aside)
    done, refused = people_commands.import_files(vendor, files, person)
    people_commands.show_imported(done)
    if done:
        people_commands.wait_until_scored(done[0].person)
    if as_json:
        typer.echo(json.dumps([one.summary() for one in done]))
    for line in refused:
        say_aside(f"vagus: {line}")
    if refused:
        raise typer.Exit(REFUSED)


@app.command()
def readiness(
    person: Person,
    *,
    as_json: Json = False,
    as_plot: Annotated[bool, typer.Option("--plot", help="Draw the last five weeks.")] = False,
) -> None:
    """Show each night against the person's own usual range."""
    from workers import people_commands  # noqa: PLC0415

    control.ensure_running(say_aside)
    nights = people_commands.readiness(person)
    if as_json:
        typer.echo(people_commands.readiness_json(nights))
    elif not nights:
        typer.echo("no night is judged yet")
    else:
        console = Console(highlight=False)
        shown = people_commands.readiness_plot(person, nights, console) if as_plot else None
        console.print(shown or people_commands.readiness_table(nights))


@app.command()
def erase(person: Person, *, as_json: Json = False) -> None:
    """Erase everything about a person."""
    from workers import people_commands  # noqa: PLC0415

    control.ensure_running(say_aside)
    counts = people_commands.erase(person)
    if as_json:
        typer.echo(json.dumps(counts))
    else:
        gone = people_commands.counted(counts)
        typer.echo(f"erased: {gone or 'nothing was stored'}")


@app.command()
def sign_in(person: Person) -> None:
    """Print a link that signs one browser in as this person, once; the person is made if new."""
    from workers import people_commands  # noqa: PLC0415

    control.ensure_running(say_aside)
    typer.echo(people_commands.sign_in_link(person))
    say_aside("It signs one browser in, once, within ten minutes.")


@vendors.command("list")
def list_vendors() -> None:
    """Show the vendors there are, which are set up, and how their connections stand."""
    from workers import vendor_commands  # noqa: PLC0415

    control.ensure_running(say_aside)
    Console(highlight=False).print(vendor_commands.vendors_table())


@vendors.command("add")
def add_vendor(
    vendor: Annotated[str, typer.Argument(help="Its name, as `vagus vendor list` shows it.")],
    client_id: Annotated[str, typer.Option(help="The id of your app at the vendor.")],
    *,
    secret_file: Annotated[Path | None, typer.Option(help="Holds the client secret; else it is asked for.")] = None,
    origin: Annotated[str | None, typer.Option(help="A simulator on this machine, in the vendor's place.")] = None,
) -> None:
    """Set a vendor up with your own app, so that people can connect it; the same id again changes its secret."""
    import providers  # noqa: PLC0415
    from workers import vendor_commands  # noqa: PLC0415

    control.ensure_running(say_aside)
    providers.get(vendor)
    secret = _secret(secret_file) if secret_file else typer.prompt("Client secret", hide_input=True)
    typer.echo(vendor_commands.add(vendor, client_id, secret, origin))


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop after the mail, instead of serving until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show all of it with a made-up person, on servers and in a folder of its own."""
    from workers import demo as the_demo  # noqa: PLC0415

    the_demo.run(once=once, as_json=as_json)


operator_commands.register(app)
ops_commands.register(app)
app.command()(simulate)


@app.command(hidden=True)
def run(name: str) -> None:
    """Run one process in the foreground, as the supervisor does."""
    hold_leash()
    gc.disable()  # what is imported stays: to look for garbage among it takes a sixth of a start
    process = _process(name)
    gc.freeze()
    gc.enable()
    process()


def _process(name: str) -> Callable[[], None]:
    """What a process does, once all that it needs is imported, and nothing else. Raises Misconfigured."""
    match name:
        case "supervisor":
            return _supervise_apart
        case "web":
            import ingest.web.app  # noqa: F401, PLC0415  the server would find it by its name, later
            from workers.supervision.serve import serve  # noqa: PLC0415

            return serve
        case "worker-sync" | "worker-backfill" | "worker-score" | "worker-notify":
            import workers.tasks  # noqa: F401, PLC0415  Celery would find them by their name, later
            from workers.app import start_worker  # noqa: PLC0415

            return partial(start_worker, name)
        case "beat":
            from workers.app import start_beat  # noqa: PLC0415

            return start_beat
        case "mailbox" | "pushbox" | "simulator":
            from workers.demo import serve_part  # noqa: PLC0415

            return partial(serve_part, name)
        case _:
            raise Misconfigured(f"there is no process {name}: see `vagus status` for those there are")


def _supervise_apart() -> None:
    """Supervise in a session of its own, which no terminal ends."""
    os.setsid()
    supervisor.supervise(settings().home, Steps())


def _secret(file: Path) -> str:
    """What a file holds, without the line's end. Raises Misconfigured."""
    try:
        return file.read_text().strip()
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{file} cannot be read: {error}") from None


def say_aside(line: str) -> None:
    """Show a line beside the output proper, which a machine may read."""
    typer.echo(line, err=True)


def main() -> None:
    """Run a command; an error of ours is one line, and 2 where a file was refused, else 1."""
    try:
        app()
    except FileRefused as error:
        _end(error, REFUSED)
    except VagusError as error:
        _end(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from sqlalchemy.exc import OperationalError  # noqa: PLC0415  it is half of what `vagus status` would import

        if not isinstance(error, OperationalError):
            raise
        _end(Unavailable(f"the database does not answer: {str(error.orig).strip().splitlines()[0]}"), 1)


def _end(error: VagusError, code: int) -> NoReturn:
    sys.stderr.write(f"vagus: {error}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
