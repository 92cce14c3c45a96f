# ruff: noqa: INP001  a script beside the packages
"""What backup.sh and restore.sh ask of Vagus itself: where its database and its secrets are, and whether a dump opens.

A command prints shell assignments or nothing; what is wrong is one line and exit code 1.
"""

import os
import shlex
import sys
from itertools import count
from pathlib import Path

import psycopg
from alembic.util import CommandError
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo
from sqlalchemy import select

from ingest import db, keys
from ingest.migrate import upgrade
from ingest.models import Table
from ingest.settings import settings
from ingest.vault import vault
from providers.errors import Misconfigured, VagusError
from workers.supervision.binaries import postgres_programs
from workers.supervision.embedded import start_postgres, stop_servers, urls
from workers.supervision.home import servers_home
from workers.supervision.postgres import postgres
from workers.supervision.processes import own_account
from workers.supervision.running import running

TRIED = 20  # values of each sealed column
MADE_BY_A_START = {"alembic_version", "heartbeat"}
OURS = {"alembic_version", *Table.metadata.tables}
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def where() -> None:
    """Name the database that is there as libpq's variables, its programs, and the secrets file.

    One of our own that is stopped is started alone, with nobody who writes. Raises Misconfigured where there is none.
    """
    given = settings()
    if given.database_url:
        _print(given.database_url.get_secret_value())
    elif postgres(given.home).up:
        _print(urls(given.home).database)
    elif (postgres(given.home).folder / "PG_VERSION").exists():
        _print(_start_alone(given.home))
    else:
        raise Misconfigured(f"there is no Vagus in {given.home}: set VAGUS_HOME to where it is, or DATABASE_URL")


def begin() -> None:
    """The same for a database to be filled, found empty; one of our own is started alone, with nobody who writes."""
    given = settings()
    url = given.database_url.get_secret_value() if given.database_url else _start_alone(given.home)
    _print(url)
    sys.stdout.flush()  # what was started must be known before anything is refused
    _empty(_plain(url))


def opens(backup: str, file: str) -> None:
    """Bring what was restored up to this version, open some of all that is sealed, and put the secrets in their place.

    Where they do not open it, what was restored is taken out again. Raises Misconfigured.
    """
    try:
        upgrade()
        _open_some()
    except (CommandError, VagusError) as error:
        db.engine().dispose()
        with psycopg.connect(_plain(os.environ["DATABASE_URL"]), autocommit=True) as connection:
            _drop(connection)
        if isinstance(error, CommandError):
            raise Misconfigured(f"nothing was restored: the dump is of a newer Vagus ({error})") from None
        raise Misconfigured(f"nothing was restored: {backup} does not open it ({error})") from None
    _place(Path(backup), Path(file))


def finish() -> None:
    """Stop the database that `where` or `begin` started."""
    stop_servers(settings().home)


def _start_alone(home: Path) -> str:
    """Start our own PostgreSQL and nothing else; its URL. Raises Misconfigured where a supervisor keeps it."""
    if running(home):
        raise Misconfigured(f"Vagus runs in {home}: stop it with `vagus down`, then run this again")
    url = start_postgres(home)
    sys.stdout.write("STARTED=yes\n")
    return url


def _empty(url: str) -> None:
    """Leave no table in a database of ours without rows. Raises Misconfigured where it has rows or tables of others.

    So it does while somebody works with it.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        others = connection.execute(OTHERS).fetchone()
        if others and others[0]:
            raise Misconfigured(
                f"others work with this database ({others[0]} connections): stop web, workers and beat first"
            )
        tables = _tables(connection)
        strange = next((name for name in tables if name not in OURS), None)
        if strange:
            raise Misconfigured(
                f"the database is somebody else's, its table {strange} is none of Vagus: name a new one in DATABASE_URL"
            )
        filled = [name for name in tables if name not in MADE_BY_A_START and _has_rows(connection, name)]
        if filled:
            raise Misconfigured(
                f"the database is not empty ({len(filled)} tables hold rows, {filled[0]} among them): "
                "name a new one in DATABASE_URL, or a new VAGUS_HOME"
            )
        _drop(connection)


def _place(source: Path, target: Path) -> None:
    """Put the secrets in their place, for the account that used that place; others that lie there are kept aside."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    was = (target if target.exists() else target.parent).stat()
    if target.exists() and target.read_bytes() != source.read_bytes():
        kept = (target.with_name(f"{target.name}.before-restore-{number}") for number in count(1))
        target.replace(next(place for place in kept if not place.exists()))
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(source.read_bytes())
    if os.geteuid() == 0:
        os.chown(target, was.st_uid, was.st_gid)


def _print(url: str) -> None:
    """Everything by variables: an argument with a password in it could be read by every process of the machine."""
    named = {one.keyword.decode(): one.envvar.decode() for one in Conninfo.get_defaults() if one.envvar}
    asked = conninfo_to_dict(_plain(url))
    shown = {named[keyword]: str(value) for keyword, value in asked.items() if keyword in named}
    shown["DATABASE_URL"] = url
    shown["SECRETS"] = str(settings().secrets_path.absolute())
    shown["PATH"] = f"{postgres_programs(servers_home(settings().home), own_account())}:{os.environ.get('PATH', '')}"
    for name, value in shown.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


def _plain(url: str) -> str:
    """The URL as libpq takes it, without a driver's name."""
    return f"postgresql://{url.partition('://')[2]}"


def _has_rows(connection: psycopg.Connection, table: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))
    return connection.execute(query).fetchone() is not None


def _tables(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in connection.execute(TABLES)]


def _drop(connection: psycopg.Connection) -> None:
    """Take all tables out, and nothing else: what lies beside them in the schema is not ours."""
    tables = [sql.Identifier(name) for name in _tables(connection)]
    if tables:
        connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.SQL(", ").join(tables)))


def _open_some() -> None:
    ring = vault()
    with db.transaction() as session:
        for sealed in keys.SEALED:
            held = sealed.column.is_not(None) if not sealed.inside else sealed.column.has_key(sealed.inside[0])
            rows = session.execute(select(sealed.key, sealed.column, *sealed.named_by).where(held).limit(TRIED))
            for row in rows.all():
                sealed.anew(ring, row)


COMMANDS = {one.__name__: one for one in (where, begin, opens, finish)}

if __name__ == "__main__":
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except VagusError as error:
        sys.exit(f"vagus: {error}")
    except psycopg.OperationalError as error:
        sys.exit(f"vagus: the database does not answer: {str(error).strip().splitlines()[0]}")
    except OSError as error:
        sys.exit(f"vagus: {error}")
