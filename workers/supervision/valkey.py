"""Our own Valkey: below the state folder, on a unix socket, adopted where it already runs."""

import re
import signal
import socket
import time
from functools import partial
from pathlib import Path

from providers.errors import Misconfigured
from workers.supervision.binaries import valkey_program
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
from workers.supervision.processes import server_account
from workers.supervision.servers import Server

SOCKET = "valkey.sock"
START_SECONDS = 30.0
STOP_SECONDS = 15.0


def valkey(home: Path) -> Server:
    """The Valkey of this home."""
    sockets = socket_path(home, server_account())
    folder = servers_home(home) / "valkey"
    return Server(
        name="Valkey",
        folder=folder,
        pid_file=folder / "valkey.pid",
        socket=sockets / SOCKET,
        log=home / "log" / "valkey.log",
        answers=partial(_answers, sockets, folder),
        stop_signal=signal.SIGTERM,
        stop_seconds=STOP_SECONDS,
        remedy=f"; {folder} holds nothing that PostgreSQL does not have: it may be moved away",
    )


def start_valkey(home: Path, seconds: float = START_SECONDS) -> str:
    """Start Valkey, or adopt the one that runs for this home; returns its URL. Raises Misconfigured, Unavailable."""
    account = server_account()
    prepare_home(home, account)
    make_reachable(home, account)
    sockets = socket_folder(home, account)
    deadline = time.monotonic() + seconds
    server = valkey(home)
    if not server.adopted(deadline):
        program = valkey_program(home, account)
        server_folder(home, "valkey", account)
        open_log(home, "valkey")
        server.pid_file.unlink(missing_ok=True)
        server.start(_command(program, server), account, deadline)
    return valkey_url(sockets)


def stop_valkey(home: Path) -> bool:
    """Stop Valkey, its log of commands written out; returns whether it ran. Raises Unavailable."""
    ran = valkey(home).stop()
    remove_socket_folder(home, server_account())
    return ran


def valkey_url(sockets: Path) -> str:
    """The URL that Celery takes for the socket."""
    return f"redis+socket://{sockets / SOCKET}"


def _command(program: Path, server: Server) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(server.socket),
        "unixsocketperm": "700",
        "dir": str(server.folder.resolve()),
        "pidfile": str(server.pid_file.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    return [str(program), *(word for name, value in options.items() for word in (f"--{name}", value))]


def _answers(sockets: Path, folder: Path) -> bool:
    """Whether a Valkey answers on this socket, its data loaded. Raises Misconfigured where it serves another home."""
    try:
        said = _ask(sockets / SOCKET, "PING\r\nCONFIG GET dir\r\n")
    except OSError:
        return False
    if not said.startswith("+PONG"):
        return False
    if str(folder.resolve()) not in re.split(r"[\r\n]+", said):
        raise Misconfigured(f"another Valkey serves {sockets}: stop it first")
    return True


def _ask(path: Path, commands: str) -> str:
    """The raw answer to inline commands; a client library would double the supervisor."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(2.0)
        line.connect(str(path))
        line.sendall(commands.encode() + b"QUIT\r\n")
        return b"".join(iter(lambda: line.recv(65536), b"")).decode(errors="replace")
