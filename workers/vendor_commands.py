"""What `vagus vendor`, `buried` and `replay --answers` do, once the servers run."""

from datetime import datetime
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

import providers
from ingest import clock
from ingest.db import transaction
from ingest.grants import connections, hooks, oauth
from ingest.grants import replay as replaying
from ingest.grants.replay import Buried
from ingest.models import Connection, VendorApp
from ingest.settings import settings
from providers.errors import Misconfigured

LOOPBACK = {"127.0.0.1", "localhost", "::1"}

screen = Console(stderr=True, highlight=False, soft_wrap=True)


def add(vendor: str, client_id: str, secret: str, origin: str | None) -> str:
    """Set a vendor up; returns what to register there. Raises Misconfigured."""
    provider = providers.get(vendor)
    if not client_id or not secret:
        raise Misconfigured("a vendor's app has a client id and a client secret: give both")
    if origin is not None and urlsplit(origin).hostname not in LOOPBACK:
        raise Misconfigured("an origin is a simulator of this machine: http://127.0.0.1:PORT/…")
    with transaction() as session:
        # Sealed within: a key is retired once every transaction that may have sealed with it is over.
        sealed = oauth.seal_secret(vendor, client_id, secret)
        new = insert(VendorApp).values(
            vendor=vendor, client_id=client_id, client_secret=sealed, origin=origin, created_at=clock.now()
        )
        again = {"client_secret": sealed, "origin": origin, "token_url": None, "paused_until": None, "backoff": 0}
        written = new.on_conflict_do_update(index_elements=[VendorApp.vendor, VendorApp.client_id], set_=again)
        app = session.scalars(written.returning(VendorApp.id)).one()
    back = connections.redirect_uri(settings().public_url, vendor)
    told = f"{provider.title} is set up. Register this redirect address with your app there, to the letter:\n{back}"
    if provider.webhook is not None:
        told += f"\nIts notifications come to:\n{hooks.callback_url(settings().public_url, vendor, app)}"
    return told


def vendors_table() -> Table:
    """The vendors there are, the app that new connections go to, and all connections by state."""
    with transaction() as session:
        apps = connections.apps(session)
        stands = session.execute(
            select(VendorApp.vendor, Connection.state, func.count())
            .select_from(Connection)
            .join(VendorApp, VendorApp.id == Connection.vendor_app)
            .where(Connection.kind == "grant")
            .group_by(VendorApp.vendor, Connection.state)
            .order_by(Connection.state)
        ).all()
    table = Table(box=None, pad_edge=False)
    for title in ("Vendor", "App", "Connections", "Paused"):
        table.add_column(title)
    for provider in providers.PROVIDERS:
        app = apps.get(provider.name)
        stand = ", ".join(f"{count} {state}" for vendor, state, count in stands if vendor == provider.name)
        table.add_row(provider.name, escape(app.client_id) if app else "not set up", stand or "none", _gate(app))
    return table


def _gate(app: VendorApp | None) -> str:
    """Who holds a vendor, else until when it is left alone."""
    if app and app.held_at:
        return f"by {escape(app.held_by or '')}"
    paused = app.paused_until if app else None
    return f"until {_told(paused)}" if paused and paused > clock.now() else ""


def _told(at: datetime) -> str:
    """An instant by the clock of this machine."""
    return f"{at.astimezone():%d %b %H:%M}"


def buried() -> list[Buried]:
    """What was given up."""
    with transaction() as session:
        return replaying.buried(session)


def buried_table(jobs: list[Buried]) -> Table:
    """What was given up, for people."""
    table = Table(box=None, pad_edge=False)
    for title in ("Kind", "Job", "About", "Since", "Reason"):
        table.add_column(title, overflow="fold")
    for job in jobs:
        since = _told(job.since) if job.since else ""
        table.add_row(job.kind, str(job.id), escape(job.about), since, escape(job.said))
    return table


def replay_answers() -> str:
    """Read the kept answers of an older mapping again, with a bar; says what came of it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        bar = progress.add_task("reading again", total=None)
        written = replaying.read_again(lambda done, total: progress.update(bar, completed=done, total=total))
    return f"{written} rows are new or other than before"
