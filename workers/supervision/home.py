"""The state folder: its owners, the socket folder that belongs to it, and its logs."""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from providers.errors import Misconfigured, Unavailable
from workers.supervision.processes import Account, own_account, run, telling

# sun_path holds 104 bytes on macOS and 108 on Linux, with a zero at the end.
LONGEST_SOCKET_PATH = 103
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432"
SHORT_FOLDER = "set XDG_RUNTIME_DIR to a short folder of yours"
LOG_BYTES = 5_000_000
LAST_BYTES = 20_000
LONGEST_LINE = 200
ELSEWHERE = "servers"
OPEN_FOLDER = Path("/var/lib/vagus/elsewhere")


def prepare_home(home: Path, account: Account) -> None:
    """Make the state folder, ours alone, or passable where servers run as another account. Raises Misconfigured."""
    ours = account == own_account()
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700 if ours else 0o711)
        for name in ("log", "beat"):
            (home / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"cannot keep state in {home} ({error.strerror}): set VAGUS_HOME to a folder you own"
        ) from None


def servers_home(home: Path) -> Path:
    """Where the servers of this home keep their data: in it, or elsewhere if they cannot reach it."""
    link = home / ELSEWHERE
    return link.resolve() if link.is_symlink() else home


def make_reachable(home: Path, account: Account) -> None:
    """Give the servers a folder elsewhere where their account cannot enter the state folder. Raises Misconfigured.

    Only root comes here: PostgreSQL refuses root, and nobody may pass through a private folder above the home.
    """
    if (home / ELSEWHERE).is_symlink() or reachable(home, account):
        return
    try:
        OPEN_FOLDER.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=OPEN_FOLDER))
        folder.chmod(0o711)
        (home / ELSEWHERE).symlink_to(folder)
    except OSError as error:
        raise Misconfigured(
            f"PostgreSQL refuses root and runs as {account.name}, who cannot reach {home}, and {OPEN_FOLDER} cannot "
            f"be made ({error.strerror}): set VAGUS_HOME to a folder below ones that are open to all"
        ) from None


def empty(home: Path) -> None:
    """Remove a state folder that nothing runs in, and what its servers keep elsewhere. Raises Misconfigured."""
    for folder in (servers_home(home), home):
        try:
            shutil.rmtree(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise Misconfigured(f"{folder} cannot be emptied ({error.strerror}): remove it yourself") from None


def reachable(folder: Path, account: Account) -> bool:
    """Whether `account` can enter `folder`, found out by entering it."""
    if account == own_account():
        return True
    try:
        run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], account)
    except Unavailable:
        return False
    return True


def server_folder(home: Path, name: str, account: Account) -> Path:
    """A folder of the state folder that belongs to the servers' account, with all that lies in it."""
    folder = servers_home(home) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, account)
    return folder


def give(path: Path, account: Account) -> None:
    """Make `account` the owner of a file, or of a folder and all that lies in it; links are not followed."""
    if path.lstat().st_uid == account.uid or os.geteuid() != 0:
        return
    for folder, _, files in os.walk(path):
        for name in files:
            os.chown(Path(folder) / name, account.uid, account.gid, follow_symlinks=False)
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    os.chown(path, account.uid, account.gid, follow_symlinks=False)


def socket_path(home: Path, account: Account) -> Path:
    """The socket folder recorded in this home, else a short one; a record copied from another home does not count."""
    name = f"vagus-{account.uid}-{hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]}"
    record = home / "sockets"
    if record.exists():
        recorded = Path(record.read_text().strip())
        if recorded.name == name and recorded.parent.is_dir():
            return recorded
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and account == own_account() and os.access(runtime, os.W_OK | os.X_OK):
        folder = Path(runtime).resolve() / name
        if len(os.fsencode(folder)) + len(LONGEST_SOCKET_NAME) <= LONGEST_SOCKET_PATH:
            return folder
    return Path("/tmp") / name  # noqa: S108 nothing else is sure to be short; its owner and mode are checked before use


def socket_folder(home: Path, account: Account) -> Path:
    """The private folder of this home's sockets, made where missing. Raises Misconfigured where it is not ours."""
    folder = socket_path(home, account)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError as error:
        raise Misconfigured(f"cannot make the socket folder {folder}: {error.strerror}; {SHORT_FOLDER}") from None
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise Misconfigured(f"{folder} is not a private folder of {account.name}: remove it, or {SHORT_FOLDER}")
    (home / "sockets").write_text(f"{folder}\n")
    return folder


def remove_socket_folder(home: Path, account: Account) -> None:
    """Remove the socket folder, unless a server still has its socket there."""
    try:
        socket_path(home, account).rmdir()
    except OSError:
        return


def open_log(home: Path, name: str) -> Path:
    """The log of one process, to write at its end."""
    log = home / "log" / f"{name}.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    log.touch(mode=0o600)
    return log


def trim_logs(home: Path) -> None:
    """Move what has grown large aside while its process goes on writing: all write at the end, wherever that is."""
    for log in (home / "log").glob("*.log"):
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def last_words(log: Path) -> str:
    """The line of a log's end that says most about a failure."""
    try:
        with log.open("rb") as handle:
            start = max(0, log.stat().st_size - LAST_BYTES)
            handle.seek(start)
            said = handle.read().decode(errors="replace")
            whole = said.partition("\n")[2] if start else said
            return telling(whole)[:LONGEST_LINE] or "it said nothing"
    except FileNotFoundError:
        return "it said nothing"
