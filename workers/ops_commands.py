"""What operators look at in a terminal: the queues and what is wrong, and why one connection stands as it does."""

from typing import Annotated

import typer
from rich.console import Console

from workers.supervision import control

Json = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]
WRONG = 1


def register(app: typer.Typer) -> None:
    """Add the commands to the whole."""
    for command in (queues, why):
        app.command()(command)


def queues(*, as_json: Json = False) -> None:
    """Show what waits in each queue and for how long, and what is wrong; exit 1 where a human must act."""
    from workers import ops_shown  # noqa: PLC0415  the other commands start faster without it

    control.ensure_running(_aside)
    seen = ops_shown.now_on_board()
    if as_json:
        typer.echo(ops_shown.as_json(seen))
    else:
        screen = Console(highlight=False)
        screen.print(ops_shown.queues_table(seen))
        for line in ops_shown.problem_lines(seen):
            screen.print(line, soft_wrap=True)
    if seen.yours:
        raise typer.Exit(WRONG)


def why(
    connection: Annotated[int, typer.Argument(help="The number of a connection.")], *, as_json: Json = False
) -> None:
    """Say in one sentence why a connection stands as it does, and what to do."""
    from workers import ops_shown  # noqa: PLC0415

    control.ensure_running(_aside)
    said = ops_shown.cause(connection)
    if as_json:
        typer.echo(ops_shown.as_json(said))
        return
    typer.echo(said.sentence)
    if said.next:
        typer.echo(said.next)


def _aside(line: str) -> None:
    typer.echo(line, err=True)
