"""What `vagus doctor` looks at: each check says what it found and, where that is not well, what to do."""

import os
import platform
import shutil
import smtplib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import redis
from sqlalchemy.exc import SQLAlchemyError

from ingest import clock
from ingest.db import transaction
from ingest.grants import connections, oauth
from ingest.migrate import is_current
from ingest.settings import settings
from providers.errors import VagusError
from workers.channels.relay import PORTS
from workers.supervision.binaries import POSTGRES_MAJOR, VALKEY_MAJOR, postgres_programs, valkey_program
from workers.supervision.control import use
from workers.supervision.home import servers_home
from workers.supervision.port import answers, listen
from workers.supervision.postgres import refuse_other_major
from workers.supervision.processes import server_account
from workers.supervision.running import running

ENOUGH_BYTES, FEW_BYTES = 2_000_000_000, 200_000_000
CONNECT_SECONDS = 5.0
START = "start it with `vagus up`"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` says what to do where it is not well."""

    check: str
    grade: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """All checks, in the order in which a start would stumble. Raises Misconfigured for unreadable settings."""
    own_servers, own_database = settings().embedded, settings().database_url is None
    state = running(settings().home)
    if state:
        use(state)
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _account,
        _home,
        _disk,
        _programs if own_servers else lambda: Finding("programs", "ok", "not needed: servers are given"),
        _data if own_database else lambda: Finding("data", "ok", "not ours: DATABASE_URL is given"),
        _secrets,
        lambda: Finding("port", "ok", f"ours: {state.address}") if state else _port(),
        _database,
        _valkey,
        _vendors,
        _mail,
        _clock,
    )
    return [_found(check) for check in checks]


def _found(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except VagusError as error:
        found, _, remedy = str(error).rpartition(": ")
        return Finding(check.__name__.strip("_<>"), "fail", found or remedy, remedy if found else "")


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} at {sys.executable}")


def _account() -> Finding:
    servers = server_account()
    if os.geteuid() == 0:
        return Finding("account", "warn", f"root; servers run as {servers.name}", "a user of its own needs no root")
    return Finding("account", "ok", servers.name)


def _home() -> Finding:
    home = settings().home
    if not home.exists():
        return Finding("home", "warn", f"{home} does not exist yet", START)
    if not os.access(home, os.W_OK):
        return Finding("home", "fail", f"{home} cannot be written", "set VAGUS_HOME to a folder you own")
    if home.stat().st_mode & 0o066:
        return Finding("home", "warn", f"others can list {home}", f"chmod go-rw {home}")
    place = servers_home(home)
    return Finding("home", "ok", str(home) if place == home else f"{home}, its servers' data in {place}")


def _disk() -> Finding:
    folder = next(part for part in (settings().home, *settings().home.parents) if part.exists())
    free = shutil.disk_usage(folder).free
    grade: Literal["ok", "warn", "fail"] = "ok" if free >= ENOUGH_BYTES else "warn" if free >= FEW_BYTES else "fail"
    return Finding("disk", grade, f"{free / 1e9:.1f} GB free at {folder}", "" if grade == "ok" else "free some space")


def _programs() -> Finding:
    home, account = settings().home, server_account()
    if home.exists():
        postgres_programs(home, account)
        valkey_program(home, account)
    return Finding("programs", "ok", f"PostgreSQL {POSTGRES_MAJOR} and Valkey {VALKEY_MAJOR}, run as {account.name}")


def _data() -> Finding:
    refuse_other_major(settings().home)
    return Finding("data", "ok", f"of PostgreSQL {POSTGRES_MAJOR}")


def _secrets() -> Finding:
    file = settings().secrets_path
    if not file.exists():
        return Finding("secrets", "warn", f"{file} does not exist yet", START)
    if file.stat().st_mode & 0o077:
        return Finding("secrets", "fail", f"others can read {file}", f"chmod 600 {file}")
    return Finding("secrets", "ok", str(file))


def _port() -> Finding:
    wanted = settings().port
    with listen(settings().host, wanted) as line:
        port = line.getsockname()[1]
    if wanted and port != wanted and not settings().embedded and answers(settings().host, wanted, "/healthz"):
        return Finding("port", "ok", f"{wanted}: the pages answer there")  # as a unit, or in a container
    if wanted and port != wanted:
        return Finding("port", "warn", f"{wanted} is in use", f"{port} would be taken; or set VAGUS_PORT")
    return Finding("port", "ok", f"{port} is free")


def _database() -> Finding:
    if settings().database_url is None:
        return Finding("database", "warn", "does not run", START)
    try:
        current = is_current()
    except SQLAlchemyError as error:
        said = str(error.__cause__ or error).splitlines()[0]
        return Finding("database", "fail", said, "check DATABASE_URL and whether that server runs")
    if not current:
        return Finding("database", "fail", "its tables are of another version", START)
    return Finding("database", "ok", "answers, tables up to date")


def _valkey() -> Finding:
    given = settings().redis_url
    if given is None:
        return Finding("valkey", "warn", "does not run", START)
    url = given.get_secret_value().replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS) as client:
            facts: dict[str, Any] = client.info("memory")
    except (redis.RedisError, ValueError) as error:
        return Finding("valkey", "fail", str(error), "check REDIS_URL and whether that server runs")
    policy = facts["maxmemory_policy"]
    if policy != "noeviction":
        return Finding("valkey", "fail", f"forgets when full ({policy})", "set its maxmemory-policy to noeviction")
    return Finding("valkey", "ok", f"answers, {facts['used_memory_human']} used, forgets nothing")


def _vendors() -> Finding:
    """Whether a vendor is set up, and whether the secret of each can be opened here."""
    if settings().database_url is None:
        return Finding("vendors", "warn", "cannot be read: the database does not run", START)
    try:
        with transaction() as session:
            apps = connections.apps(session)
            for app in apps.values():
                oauth.app_secret(app)
    except SQLAlchemyError:
        return Finding("vendors", "warn", "cannot be read: the database does not answer as it should", START)
    if not apps:
        return Finding("vendors", "warn", "none is set up: nobody can connect", "set one up with `vagus vendor add`")
    return Finding("vendors", "ok", ", ".join(sorted(apps)))


def _mail() -> Finding:
    given = settings().smtp_url
    if given is None:
        return Finding("mail", "warn", "no mail server is set: nobody can be mailed", "set VAGUS_SMTP_URL")
    url = urlsplit(given.get_secret_value())
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    port = url.port or PORTS.get(url.scheme, 0)
    try:
        kind(url.hostname or "", port, timeout=CONNECT_SECONDS).close()
    except (OSError, smtplib.SMTPException) as error:
        return Finding("mail", "fail", f"{url.hostname}:{port} does not answer ({error})", "check VAGUS_SMTP_URL")
    return Finding("mail", "ok", f"{url.hostname}:{port} answers")


def _clock() -> Finding:
    file = os.environ.get(clock.VARIABLE)
    if file and Path(file).exists():
        return Finding("clock", "warn", f"shifted to {clock.now():%Y-%m-%d %H:%M} UTC", f"unset {clock.VARIABLE}")
    return Finding("clock", "ok", f"{clock.now():%Y-%m-%d %H:%M} UTC")
