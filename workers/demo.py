"""The demo: its servers in a state folder of their own, the story told in the terminal, and its pages until Ctrl-C."""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from ingest import log
from ingest.settings import settings
from providers.errors import Unavailable
from workers import mailbox, pushbox, simulate
from workers.demo_story import play
from workers.supervision import control
from workers.supervision.children import LEASH
from workers.supervision.home import empty, prepare_home
from workers.supervision.processes import free_port, server_account
from workers.supervision.running import Running, locked, running
from workers.terminal import Steps

FORMER_SECONDS = 2.0
WIDTH = 80


def home() -> Path:
    """The demo's own state folder."""
    return settings().home / "demo"


@contextmanager
def servers(steps: Steps) -> Iterator[Running]:
    """The demo's servers on an empty state folder, used by this process; stopped at the end, come what may."""
    with _alone(home()):
        yield from _serving(home(), steps)


def _serving(folder: Path, steps: Steps) -> Iterator[Running]:
    control.stop(folder)
    empty(folder)
    os.environ |= {
        "VAGUS_HOME": str(folder),
        "VAGUS_DEMO": "true",
        "VAGUS_SMTP_URL": f"smtp+plain://127.0.0.1:{free_port()}",
        "VAGUS_MAIL_FROM": "Vagus <vagus@example.org>",
        "VAGUS_PUSH_SINK": f"http://127.0.0.1:{free_port()}",
        "VAGUS_SIMULATOR": f"http://127.0.0.1:{free_port()}",
    }
    for name in ("DATABASE_URL", "REDIS_URL", "VAGUS_BASE_URL", "VAGUS_SECRETS_FILE"):
        os.environ.pop(name, None)
    settings.cache_clear()
    with _leash():
        try:
            state = control.start_detached(folder, steps.say)
            control.use(state)
            yield state
        finally:
            control.stop(folder)


def run(*, once: bool, as_json: bool) -> None:
    """Show the demo: its story, its addresses, and then serve until Ctrl-C, or stop at once. Raises VagusError."""
    for asked_to_stop in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore the first
        signal.signal(asked_to_stop, signal.default_int_handler)
    started = time.monotonic()
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    steps = Steps(console)
    steps.say("Vagus demo: a made-up person, a simulated ring, no internet." + ("" if once else "   Ctrl-C stops it"))
    with servers(steps) as state:
        story = play(steps, state.address)
        seconds = round(time.monotonic() - started, 1)
        if as_json:
            sys.stdout.write(json.dumps({"seconds": seconds, **story}) + "\n")
            sys.stdout.flush()
        _show_alert(console, story["alert"])
        if once:
            return
        page, caught = pages(state)
        steps.say(f"Her page   {page}   (signed in as Mira, who has no quiet hours)")
        steps.say(f"Her mail   {caught}   (and what her phone showed: caught here, not sent)")
        steps.say(f"Ready in {seconds:.0f} s. For your own nights, by ring or by file, README.md goes on from here.")
        _serve()


def _show_alert(console: Console, alert: dict[str, Any]) -> None:
    panel = Panel(Text(alert["explanation"]), title="What the mail says", title_align="left", width=WIDTH)
    console.print(panel, soft_wrap=False)


def _serve() -> None:
    """Wait for Ctrl-C, or to be told to stop."""
    with suppress(KeyboardInterrupt):
        while True:
            signal.pause()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only demo of this folder. Raises Unavailable where another runs, and says where."""
    prepare_home(folder.parent, server_account())
    try:
        with locked(folder.with_name("demo.lock"), fcntl.LOCK_EX, FORMER_SECONDS, os.O_CREAT):
            yield
    except BlockingIOError:
        other = running(folder)
        where = f" at {other.address}" if other else ""
        raise Unavailable(f"the demo already runs{where}: end it with Ctrl-C where it was started") from None


@contextmanager
def _leash() -> Iterator[None]:
    """Let the supervisor started in this block end with this process, even one that is killed."""
    held, end = os.pipe()
    os.set_inheritable(held, True)  # noqa: FBT003
    os.environ[LEASH] = str(held)
    try:
        yield
    finally:
        os.environ.pop(LEASH, None)
        os.close(held)
        os.close(end)


def pages(state: Running) -> tuple[str, str]:
    """The address that signs a browser in as the made-up person, and that of her mailbox."""
    token = json.loads((settings().home / "demo.json").read_text())["token"]
    return f"{state.address}/demo/{token}", f"{state.address}/demo/mail"


def serve_part(name: str) -> None:
    """Be one of the demo's own processes until told to stop: the simulated vendor, the relay, or the push service."""
    match name:
        case "simulator":
            log.configure(name)
            simulate.serve(simulate.Served(port=urlsplit(settings().simulator or "").port or 0))
        case "pushbox":
            pushbox.serve()
        case _:
            mailbox.serve(settings().smtp_port)
