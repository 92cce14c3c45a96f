"""`vagus scoring`: how well the rule does, on synthetic people and on one person's own history."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from workers.supervision import control

WORLD_NAMES = ("plain", "coupled", "uncoupled", "rough", "bare")

app = typer.Typer(name="scoring", help="How well the rule does.", no_args_is_help=True)


@app.callback()
def _scoring() -> None:
    """How well the rule does."""


@app.command()
def evaluate(  # noqa: PLR0913  each is an option of the command
    *,
    person: Annotated[str | None, typer.Option(help="Use this person's own nights.", metavar="ADDRESS")] = None,
    people: Annotated[int, typer.Option(help="Synthetic people in each world.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Other people for another number.", min=0)] = 1,
    world: Annotated[str, typer.Option(help=f"One of {', '.join(WORLD_NAMES)}, or all.")] = "all",
    ablation: Annotated[bool, typer.Option("--ablation", help="Also withhold each piece of knowledge.")] = False,
    asking: Annotated[
        float | None, typer.Option(help="Also ask the quiet question; this share answers.", min=0, max=1)
    ] = None,
    asking_from: Annotated[float, typer.Option(help="Strain from which nights lean enough to ask.", min=0.35)] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Show what to expect of each setting: how much is caught, how late, and how often falsely."""
    if person is not None:
        _show_own(person, as_json=as_json)
        return
    from scoring.evaluation import ASKED, Asking  # noqa: PLC0415
    from workers import scoring_shown as shown  # noqa: PLC0415  the other commands start faster without it

    asked = None if asking is None else Asking(asking, asking_from)
    found = shown.evaluated(WORLD_NAMES if world == "all" else (world,), people, seed, ablation=ablation, asking=asked)
    if as_json:
        typer.echo(json.dumps({name: shown.as_plain(tallies) for name, tallies in found.items()}))
        return
    screen = Console(highlight=False)
    for name, tallies in found.items():
        screen.print(shown.world_line(name), soft_wrap=True)
        screen.print(shown.points_table(tallies[""]))
        screen.print(shown.settings_line(tallies[""]), soft_wrap=True)
        screen.print(shown.causes_line(tallies[""]), soft_wrap=True)
        if asked:
            screen.print(shown.asked_line(tallies, asked), soft_wrap=True)
            screen.print(shown.points_table(tallies[ASKED]))
            screen.print(shown.settings_line(tallies[ASKED]), soft_wrap=True)
        if ablation:
            screen.print(shown.ablation_table(tallies))


def _show_own(address: str, *, as_json: bool) -> None:
    from ingest import db, people  # noqa: PLC0415  synthetic people need no database
    from ingest.nights import nights_of  # noqa: PLC0415
    from scoring.evaluation import own_history  # noqa: PLC0415
    from workers.scoring_shown import own_lines  # noqa: PLC0415

    control.ensure_running(lambda line: typer.echo(line, err=True))
    with db.transaction() as session:
        person = people.get(session, address)
        nights = nights_of(session, person.id, people.today_of(session, person.id))
    outlooks = own_history(nights)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in outlooks]))
        return
    for line in own_lines(outlooks):
        typer.echo(line)
