"""What operators type: who operates, and the acts that their pages have too, by the same rules and with the same trace.

An act says what it would do with `--dry-run`; else it needs `--reason`, which is kept beside the account that typed it.
"""

import json
import os
import pwd
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from workers.supervision import control

if TYPE_CHECKING:
    from ingest.ops.act import Act, Done, Plan

Json = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]
Reason = Annotated[str, typer.Option(help="Why; kept with what you do.")]
Own = Annotated[str, typer.Option("--reason", help="Why; kept with what you do.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done to how many rows, and do nothing.")]
Confirm = Annotated[str, typer.Option(help="The word that is asked for beyond 100 rows.", metavar="WORD")]
Vendor = Annotated[str, typer.Argument(help="Its name, as `vagus vendor list` shows it.")]
Queue = Annotated[str, typer.Argument(help="sync, backfill, score, notify or upkeep.")]
Kind = Annotated[str | None, typer.Option(help="stream, window, score or message; else all.")]
Matching = Annotated[str, typer.Option(help="Only those whose reason contains this.")]
Fingerprint = Annotated[str, typer.Option(help="Only those of this cause, as the page of operators names it.")]
Job = Annotated[int | None, typer.Option(help="One, by its number in `vagus buried`; a stream by its connection.")]
Address = Annotated[str, typer.Argument(help="The operator's mail address.")]

operators = typer.Typer(name="operator", help="Those who run the service, and their door.", no_args_is_help=True)
pause = typer.Typer(name="pause", help="Hold a vendor or a queue until it is resumed.", no_args_is_help=True)
resume = typer.Typer(name="resume", help="Let a vendor or a queue go on.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class How:
    """What every act is given beside its rows."""

    reason: str
    dry_run: bool
    as_json: bool
    confirm: str = ""


def register(app: typer.Typer) -> None:
    """Add the commands to the whole."""
    for group in (operators, pause, resume):
        app.add_typer(group)
    for command in (buried, replay, discard, resync, release, recompute):
        app.command()(command)


@operators.command("add")
def add_operator(
    address: Address,
    *,
    role: Annotated[str, typer.Option(help="view sees the board, operate acts on it.")] = "view",
    reason: Own = "added on the terminal",
    as_json: Json = False,
) -> None:
    """Make somebody an operator, or give one another role."""
    from ingest.db import transaction  # noqa: PLC0415  the other commands start faster without
    from ingest.ops import act  # noqa: PLC0415
    from ingest.ops import operators as accounts  # noqa: PLC0415

    _ready()
    with transaction() as session:
        made = accounts.add(session, address, accounts.role_of(role))
        about = f"{made.address} ({role})"
        act.write_down(session, act.By(_account(), act.given_reason(reason)), "add operator", about, 1)
    _say({"address": made.address, "role": role}, f"{made.address} may {role}.", as_json=as_json)


@operators.command("list")
def list_operators(*, as_json: Json = False) -> None:
    """Show who operates, and in which role."""
    from ingest.db import transaction  # noqa: PLC0415
    from ingest.ops import operators as accounts  # noqa: PLC0415

    _ready()
    with transaction() as session:
        every = [{"address": one.address, "role": one.role} for one in accounts.every(session)]
    lines = [f"{one['address']}  {one['role']}" for one in every] or ["nobody: `vagus operator add ADDRESS`"]
    _say(every, "\n".join(lines), as_json=as_json)


@operators.command("remove")
def remove_operator(address: Address, *, reason: Own = "removed on the terminal", as_json: Json = False) -> None:
    """Let an operator go; their browsers are signed out at once."""
    from ingest.db import transaction  # noqa: PLC0415
    from ingest.ops import act  # noqa: PLC0415
    from ingest.ops import operators as accounts  # noqa: PLC0415

    _ready()
    with transaction() as session:
        gone = accounts.remove(session, address)
        act.write_down(session, act.By(_account(), act.given_reason(reason)), "remove operator", gone, 1)
    _say({"address": gone}, f"{gone} operates no more.", as_json=as_json)


@operators.command("sign-in")
def sign_in_operator(address: Address, *, reason: Own = "asked for on the terminal", as_json: Json = False) -> None:
    """Print a link that signs one operator's browser in, once, also where mail is what is broken."""
    from ingest.db import transaction  # noqa: PLC0415
    from ingest.ops import act  # noqa: PLC0415
    from ingest.ops import operators as accounts  # noqa: PLC0415

    _ready()
    with transaction() as session:
        link = accounts.one_time_link(session, address)
        about = accounts.get(session, address).address
        act.write_down(session, act.By(_account(), act.given_reason(reason)), "sign-in link", about, 1)
    _say({"link": link}, link, as_json=as_json)
    typer.echo("It signs one browser in, once, within ten minutes.", err=True)


@pause.command("vendor")
def pause_vendor(vendor: Vendor, *, reason: Reason = "", dry_run: DryRun = False, as_json: Json = False) -> None:
    """Ask a vendor for nothing until it is resumed; its notices are still taken."""
    _act("pause-vendor", {"vendor": vendor}, How(reason, dry_run, as_json))


@pause.command("queue")
def pause_queue(queue: Queue, *, reason: Reason = "", dry_run: DryRun = False, as_json: Json = False) -> None:
    """Begin nothing of a queue until it is resumed."""
    _act("pause-queue", {"queue": queue}, How(reason, dry_run, as_json))


@resume.command("vendor")
def resume_vendor(vendor: Vendor, *, reason: Reason = "", dry_run: DryRun = False, as_json: Json = False) -> None:
    """Ask a vendor again."""
    _act("resume-vendor", {"vendor": vendor}, How(reason, dry_run, as_json))


@resume.command("queue")
def resume_queue(queue: Queue, *, reason: Reason = "", dry_run: DryRun = False, as_json: Json = False) -> None:
    """Let a queue go on."""
    _act("resume-queue", {"queue": queue}, How(reason, dry_run, as_json))


def buried(*, as_json: Json = False) -> None:
    """Show what was given up: streams, windows of the past, scores, messages, each with its reason."""
    from workers import vendor_commands  # noqa: PLC0415

    _ready()
    jobs = vendor_commands.buried()
    if as_json:
        typer.echo(json.dumps([asdict(job) | {"reason": job.said} for job in jobs], default=str))
    elif not jobs:
        typer.echo("nothing is buried")
    else:
        Console(highlight=False).print(vendor_commands.buried_table(jobs))


def replay(  # noqa: PLR0913  its options
    *,
    kind: Kind = None,
    matching: Matching = "",
    fingerprint: Fingerprint = "",
    job: Job = None,
    spread: Annotated[int, typer.Option(help="Seconds over which they become due.", min=0)] = 60,
    answers: Annotated[bool, typer.Option("--answers", help="Read kept answers again by a newer mapping.")] = False,
    reason: Reason = "",
    confirm: Confirm = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give what was buried another try, or read the kept answers of vendors again where a mapping is newer."""
    how = How(reason, dry_run, as_json, confirm)
    if answers:
        _read_answers(how)
    else:
        given = {"kind": kind, "matching": matching, "fingerprint": fingerprint, "job": job, "spread": spread}
        _act("replay", given, how)


def discard(  # noqa: PLR0913  its options
    *,
    kind: Annotated[str, typer.Option(help="stream, window, score or message.")],
    matching: Matching = "",
    fingerprint: Fingerprint = "",
    job: Job = None,
    reason: Reason = "",
    confirm: Confirm = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let go what was buried: windows are cancelled, messages not sent, scores not made; streams wait for a probe."""
    given = {"kind": kind, "matching": matching, "fingerprint": fingerprint, "job": job}
    _act("discard", given, How(reason, dry_run, as_json, confirm))


def resync(  # noqa: PLR0913  its options
    connection: Annotated[int, typer.Argument(help="Its number, as the pages of operators show it.")],
    *,
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY", help="The first day.")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY", help="The last day.")],
    stream: Annotated[str, typer.Option(help="One stream alone; else all.")] = "",
    reason: Reason = "",
    confirm: Confirm = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fetch past days of a connection again, 180 at most; nobody is alerted for past nights."""
    given = {"connection": connection, "since": since.date(), "until": until.date(), "stream": stream}
    _act("resync", given, How(reason, dry_run, as_json, confirm))


def release(
    connection: Annotated[int | None, typer.Argument(help="Its number; else all leases that ran out.")] = None,
    *,
    reason: Reason = "",
    confirm: Confirm = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take back the leases that a vanished worker still holds; one that is at work writes nothing further."""
    _act("release", {"connection": connection}, How(reason, dry_run, as_json, confirm))


def recompute(
    person: Annotated[int, typer.Argument(help="The number of a person.")],
    *,
    reason: Reason = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Have all nights of a person judged anew; only a state that holds now is told."""
    _act("recompute", {"person": person}, How(reason, dry_run, as_json))


def _act(name: str, given: dict[str, Any], how: How) -> None:
    """Do one act, or say what it would do. Raises VagusError, with nothing done."""
    from ingest.ops.actions import ACTS  # noqa: PLC0415

    act = ACTS[name](**given)
    _ready()
    done = _done(act, how)
    _say(_told(act, done, how), done.sentence, as_json=how.as_json)


def _read_answers(how: How) -> None:
    """Write down that kept answers are read again, and read them: each in a transaction of its own."""
    from ingest.ops.retries import answers  # noqa: PLC0415
    from workers import vendor_commands  # noqa: PLC0415

    act = answers()
    _ready()
    done = _done(act, how)
    read = done.count > 0 and not how.dry_run
    sentence = vendor_commands.replay_answers() if read else done.sentence
    _say(_told(act, done, how) | {"sentence": sentence}, sentence, as_json=how.as_json)


def _done(act: "Act", how: How) -> "Plan | Done":
    """What was done, or would be."""
    from ingest.db import transaction  # noqa: PLC0415
    from ingest.ops.act import By, perform  # noqa: PLC0415

    with transaction() as session:
        if how.dry_run:
            return act.plan(session)
        return perform(session, act, By(_account(), how.reason), confirmed=how.confirm)


def _told(act: "Act", done: "Plan | Done", how: How) -> dict[str, Any]:
    told = {"action": act.action, "about": act.about, "count": done.count, "sentence": done.sentence}
    return told | {"done": not how.dry_run and done.count > 0}


def _say(told: object, line: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(told) if as_json else line)


def _ready() -> None:
    control.ensure_running(lambda line: typer.echo(line, err=True))


def _account() -> str:
    """Who types, as far as the machine knows."""
    number = os.getuid()
    try:
        return f"terminal ({pwd.getpwuid(number).pw_name})"
    except KeyError:
        return f"terminal (account {number})"
