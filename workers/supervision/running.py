"""What a running supervisor says of itself: a record in the state folder, valid while the lock beside it is held."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from providers.errors import Misconfigured, Unavailable
from workers.supervision.processes import alive, wait_until

LOCK_SECONDS = 1.0  # whoever asks whether a supervisor runs holds its lock for an instant
RECORD_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ChildState:
    """One process under the supervisor; `since` is of `time.monotonic`, which all processes of a machine share."""

    name: str
    pid: int | None
    since: float
    restarts: int


@dataclass(frozen=True, slots=True)
class Running:
    """A supervisor at work; the URLs are those of its own servers, None where one was given to it."""

    pid: int
    since: float
    ready: bool
    port: int
    address: str
    database_url: str | None
    redis_url: str | None
    servers: tuple[ChildState, ...]
    children: tuple[ChildState, ...]


def running(home: Path) -> Running | None:
    """The supervisor of this home, if one runs. Raises Misconfigured where the home belongs to somebody else."""
    try:
        with locked(home / "supervisor.lock", fcntl.LOCK_SH, 0):
            return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise Misconfigured(f"{home} belongs to another account: run this as its owner, or set VAGUS_HOME") from None
    except BlockingIOError:
        found: list[Running] = []
        wait_until(lambda: _read(home, found), RECORD_SECONDS)
        return found[0] if found else None


def record(home: Path, state: Running) -> None:
    """Write down the state of this supervisor, whole or not at all."""
    part = home / "supervisor.part"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump(asdict(state), handle)
    part.replace(home / "supervisor.json")


@contextmanager
def supervisor_lock(home: Path) -> Iterator[None]:
    """Be the only supervisor of this home. Raises Unavailable where another is, and says where."""
    try:
        with locked(home / "supervisor.lock", fcntl.LOCK_EX, LOCK_SECONDS, os.O_CREAT):
            yield
    except BlockingIOError:
        other = running(home)
        where = f" at {other.address} (process {other.pid})" if other else ""
        raise Unavailable(f"Vagus already runs for {home}{where}: stop it with `vagus down`") from None


@contextmanager
def locked(file: Path, how: int, seconds: float, flags: int = 0) -> Iterator[int]:
    """Hold a lock on `file` during the block; gives its descriptor. Raises BlockingIOError where others keep it."""
    descriptor = os.open(file, os.O_RDWR | flags, 0o600)
    try:
        if not wait_until(lambda: _lock(descriptor, how), seconds):
            raise BlockingIOError
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(home: Path, found: list[Running]) -> bool:
    """Read the record; one that a dead supervisor left is not yet that of the one who holds the lock."""
    try:
        content = json.loads((home / "supervisor.json").read_text())
    except FileNotFoundError:
        return False
    if not alive(content["pid"]):
        return False
    states = {name: tuple(ChildState(**one) for one in content[name]) for name in ("servers", "children")}
    found.append(Running(**{**content, **states}))
    return True
