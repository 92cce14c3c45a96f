"""Processes of the machine: the account they run as, whether they live, how they are started and ended."""

import json
import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ingest.settings import settings
from providers.errors import Misconfigured, Unavailable

POLL_SECONDS = 0.03
PORTS = range(20_000, 32_000)  # below those that the system gives to whoever calls out: one that is free stays so
GRAVE = (("No space left", "Disk quota"), ("FATAL", "PANIC", "rror:", "vagus:"), ("",))  # the more telling first
# Run in the background by a shell, a server is no child of ours: it outlives the supervisor and needs no reaping.
BACKGROUND = '"$@" >&2 & echo $!'


@dataclass(frozen=True, slots=True)
class Account:
    """A system account that processes are started as."""

    name: str
    uid: int
    gid: int

    @property
    def popen(self) -> dict[str, Any]:
        """What `subprocess` needs to start as this account; nothing while we are that account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def own_account() -> Account:
    """The account of this process."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return Account(name, uid, os.getegid())


def server_account() -> Account:
    """The account of our servers: ours, except as root, which PostgreSQL refuses. Raises Misconfigured."""
    if os.geteuid() != 0:
        return own_account()
    wanted = settings().run_as
    for name in (wanted,) if wanted else ("vagus", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise Misconfigured(
        f"PostgreSQL refuses root, and there is no other account {wanted or 'nobody'}: set VAGUS_RUN_AS to one"
    )


def run(
    command: Sequence[str], account: Account, *, env: dict[str, str] | None = None, keep: Sequence[int] = ()
) -> str:
    """The output of a command run to its end as `account`. Raises Unavailable with its telling line where it fails."""
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 the command is ours
            command,
            cwd="/",
            env=clean_environment() if env is None else env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=keep,
            start_new_session=True,  # so that Ctrl-C reaches the supervisor alone
            **account.popen,
        )
    except OSError as error:
        raise Unavailable(error.strerror or str(error)) from None
    if done.returncode != 0:
        raise Unavailable(telling(done.stderr or done.stdout) or f"exit code {done.returncode}")
    return done.stdout


def telling(said: str) -> str:
    """The line of an output that says most about a failure: the last of the gravest kind."""
    lines = [_sentence(line.strip()) for line in said.splitlines() if line.strip()][-12:]
    kinds = [[line for line in lines if any(word in line for word in words)] for words in GRAVE]
    return next((kind[-1] for kind in kinds if kind), "")


def _sentence(line: str) -> str:
    """The event of a line of our JSON logs, or the line itself."""
    try:
        return str(json.loads(line)["event"])
    except (ValueError, TypeError, KeyError):
        return line


def launch(command: Sequence[str], account: Account, log: Path) -> int:
    """Start a server in the background, its output appended to `log`; returns its process id. Raises Unavailable."""
    try:
        with log.open("ab") as output:
            started = subprocess.run(  # noqa: S603 the command is ours
                ["/bin/sh", "-c", BACKGROUND, "sh", *command],
                cwd="/",
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                check=True,
                start_new_session=True,
                **account.popen,
            )
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be started now: {error.strerror}") from None
    except subprocess.CalledProcessError:
        raise Unavailable(f"{command[0]} cannot be started now (log: {log})") from None
    return int(started.stdout)


def clean_environment() -> dict[str, str]:
    """Our environment with English messages, and without the PG variables that would redirect a server of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def alive(pid: int) -> bool:
    """Whether the process exists and has not ended; one that only waits to be reaped has."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def server_in(folder: Path, pid_file: Path) -> int | None:
    """The living server that `pid_file` names, if it works in `folder`: its number may be another process by now."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        works_in = psutil.Process(pid).cwd()
    except (FileNotFoundError, NotADirectoryError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return pid if alive(pid) and Path(works_in) == folder.resolve() else None


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask `condition` until it holds or `seconds` have passed; returns whether it came to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(pid: int, how: signal.Signals, seconds: float) -> bool:
    """Signal a process and wait for its end; returns whether it ended in time."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return True
    return wait_until(lambda: not alive(pid), seconds)


def free_port() -> int:
    """A port of this machine that nobody listens at, for a process that is started later."""
    while True:
        with socket.socket() as line, suppress(OSError):
            line.bind(("127.0.0.1", secrets.choice(PORTS)))
            return int(line.getsockname()[1])
