"""The command `vagus simulate`: simulated vendors with the same made-up people, served until Ctrl-C."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from providers.errors import Misconfigured

if TYPE_CHECKING:
    from providers.simulator.people import Story
    from workers.simulate import Served

CLIENT_ID, CLIENT_SECRET = "simulated-app", "simulated-secret"
PORT = 8740
PEOPLE = ("mira=overreaching",)
STORIES = (
    "A name and a story: steady, overreaching, ill, drinker, traveller, missing_nights, parasympathetic or "
    "new_device; mira=overreaching where nobody is named."
)


def simulate(  # noqa: PLR0913  a command's options
    *,
    person: Annotated[list[str] | None, typer.Option(help=STORIES, metavar="NAME=STORY")] = None,
    port: Annotated[int, typer.Option(help="Where to listen, or at the next free port.")] = PORT,
    nights: Annotated[int, typer.Option(help="How many nights each has behind them.", min=1)] = 180,
    seed: Annotated[int, typer.Option(help="Another seed makes other people.")] = 7,
    phone: Annotated[bool, typer.Option("--phone", help="Data comes when a phone syncs, thrice a day.")] = False,
    redirect: Annotated[
        str | None, typer.Option(help="Where apps send people back to; {vendor} stands for its name.", metavar="URL")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="The webhook address in WHOOP's dashboard.", metavar="URL")
    ] = None,
    new_portal: Annotated[bool, typer.Option("--new-portal", help="Oura's app is of its new portal.")] = False,
    expires_in: Annotated[int, typer.Option(help="Seconds that Oura's access tokens last.", min=1)] = 86_400,
) -> None:
    """Serve a simulated Oura and a simulated WHOOP on this machine, with made-up people, until Ctrl-C."""
    from ingest import clock, log  # noqa: PLC0415  the other commands start faster without them
    from ingest.grants import connections  # noqa: PLC0415  the other commands start faster without them
    from ingest.settings import settings  # noqa: PLC0415
    from providers.simulator.life import Life, today  # noqa: PLC0415
    from providers.simulator.phone import THRICE_DAILY, Phone  # noqa: PLC0415
    from workers.simulate import Served, serve, vendors  # noqa: PLC0415

    log.configure("simulator")
    public = settings().public_url
    lives = {
        name: Life(story, today(clock.now(), 0), nights, seed) for name, story in _stories(person or PEOPLE).items()
    }
    simulated = {vendor.name: vendor for vendor in vendors(seed)}
    backs = {
        name: redirect.replace("{vendor}", name) if redirect else connections.redirect_uri(public, name)
        for name in simulated
    }
    own: dict[str, dict[str, object]] = {
        "oura": {"portal": "new" if new_portal else "legacy", "expires_in": expires_in},
        "whoop": {"webhook_url": webhook or ""},
    }
    for name, vendor in simulated.items():
        app = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [backs[name]]}
        vendor.pull("app", {**app, **own[name]}, clock.now())
        for handle, life in lives.items():
            vendor.add_person(handle, life, Phone(THRICE_DAILY if phone else ()))
    served = Served(simulated.values(), port)
    typer.echo(_told(served, backs, list(lives)))
    serve(served)


def _stories(named: Sequence[str]) -> dict[str, "Story"]:
    """Who was named with which story. Raises Misconfigured."""
    from providers.simulator.people import Story  # noqa: PLC0415

    found = {}
    for name, _, story in (one.partition("=") for one in named):
        if not name or story not in set(Story):
            raise Misconfigured(f"--person takes NAME=STORY, where a story is one of: {', '.join(Story)}")
        found[name] = Story(story)
    return found


def _told(served: "Served", backs: Mapping[str, str], people: Sequence[str]) -> str:
    """How to point Vagus at what is served."""
    lines = [f"Simulated vendors with {', '.join(people)} at {served.address}; Ctrl-C stops them."]
    lines += [f"They know the app by the secret {CLIENT_SECRET}. Point Vagus at one or at both:"]
    for name, back in backs.items():
        lines += [
            f"  vagus vendor add {name} --client-id {CLIENT_ID} --origin {served.origin(name)}",
            f"    (people are sent back to {back} only)",
        ]
    levers = {name: ", ".join(vendor.levers) for name, vendor in served.vendors.items()}
    lines += [f"Levers take JSON by POST at {served.address}/_control/NAME, with vendor for whose; fire, wait, and"]
    return "\n".join([*lines, *(f"  {name}: {named}" for name, named in levers.items())])
