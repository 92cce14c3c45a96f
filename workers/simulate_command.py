"""The command `vagus simulate`: a simulated Oura with made-up people, served until Ctrl-C."""

from typing import Annotated

import typer

from providers.errors import Misconfigured

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
    redirect: Annotated[str | None, typer.Option(help="Where the app sends people back to.", metavar="URL")] = None,
    new_portal: Annotated[bool, typer.Option("--new-portal", help="The app is of Oura's new portal.")] = False,
    expires_in: Annotated[int, typer.Option(help="Seconds that an access token lasts.", min=1)] = 86_400,
) -> None:
    """Serve a simulated Oura on this machine, with made-up people, until Ctrl-C."""
    from ingest import clock, connections, log  # noqa: PLC0415  the other commands start faster without them
    from ingest.settings import settings  # noqa: PLC0415
    from providers.simulator.oura import App, Life, Oura  # noqa: PLC0415
    from providers.simulator.oura.control import LEVERS  # noqa: PLC0415
    from providers.simulator.oura.service import today  # noqa: PLC0415
    from providers.simulator.people import Story  # noqa: PLC0415
    from providers.simulator.phone import THRICE_DAILY, Phone  # noqa: PLC0415
    from workers.simulate import Served, serve  # noqa: PLC0415

    log.configure("simulator")
    oura = Oura(seed)
    back = redirect or connections.redirect_uri(settings().public_url, "oura")
    oura.add_app(App(CLIENT_ID, CLIENT_SECRET, (back,), "new" if new_portal else "legacy", expires_in))
    for name, _, story in (named.partition("=") for named in person or PEOPLE):
        if not name or story not in set(Story):
            raise Misconfigured(f"--person takes NAME=STORY, where a story is one of: {', '.join(Story)}")
        life = Life(Story(story), today(clock.now(), 0), nights, seed)
        oura.add_person(name, life, Phone(THRICE_DAILY if phone else ()))
    served = Served(oura, port)
    typer.echo(
        f"A simulated Oura with {', '.join(oura.accounts)} at {served.origin}; Ctrl-C stops it.\n"
        f"It sends people back to {back} only. Point Vagus at it with the secret {CLIENT_SECRET}:\n"
        f"  vagus vendor add oura --client-id {CLIENT_ID} --origin {served.origin}\n"
        f"Its levers take JSON by POST at {served.address}/_control/NAME: {', '.join((*LEVERS, 'fire', 'wait'))}"
    )
    serve(served)
