"""What tests share beside fixtures: forgetting what was written, a home, waiting without guessing how long."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ingest import db, settings, vault
from workers.supervision import control

ALONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""  # what a test before left behind
TABLES = """
SELECT relname, pg_relation_size(oid) > 0, pg_table_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
"""
FROM_ONE_AGAIN = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""
MUCH = 1_000_000  # bytes in one table; deleted rows stay in the file, and later tests would read past them


def clear_caches() -> None:
    """Forget what this process read once: settings, engine, vault."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    for cached in (settings.settings, db.engine, vault.vault):
        cached.cache_clear()


def empty_tables(url: str) -> None:
    """Leave no row and no other session in this database; most tests fill few tables, and those but a little."""
    with psycopg.connect(url, autocommit=True, options="-c session_replication_role=replica") as connection:
        connection.execute(ALONE)
        tables = connection.execute(TABLES).fetchall()
        if any(size > MUCH for _, _, size in tables):
            connection.execute(f"TRUNCATE {', '.join(name for name, _, _ in tables)} RESTART IDENTITY")
        elif used := [name for name, filled, _ in tables if filled]:
            connection.execute("; ".join(f"DELETE FROM {name}" for name in used))
            connection.execute(FROM_ONE_AGAIN)


@contextmanager
def open_home() -> Iterator[Path]:
    """A home that the servers' account can reach, named in the environment; what runs there is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="vagus-homes-", dir="/tmp"))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        forget_settings(patch)
        patch.setenv("VAGUS_HOME", str(folder / "home"))
        patch.setenv("VAGUS_PORT", "0")
        clear_caches()
        yield folder / "home"
        control.stop(folder / "home")
        shutil.rmtree(folder)
    clear_caches()


def forget_settings(patch: pytest.MonkeyPatch) -> None:
    """Take away every setting that the environment holds."""
    for name in [name for name in os.environ if name.startswith("VAGUS_") or name in {"DATABASE_URL", "REDIS_URL"}]:
        patch.delenv(name)


def wait_for(true: Callable[[], object], seconds: float = 60, every: float = 0.02) -> None:
    """Wait until `true()` is, at most `seconds`; an exception counts as not yet.

    What stays true once it is may be asked less often: who waits for processes takes their processor by asking.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except Exception:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            pytest.fail(f"not true within {seconds} s")
        time.sleep(every)
