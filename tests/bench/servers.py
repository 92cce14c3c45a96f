"""The servers that a benchmark runs on: PostgreSQL and Valkey of its own, with the settings that they come with."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest import db, migrate, vault
from tests.ground import clear_caches
from workers.supervision import embedded


@contextmanager
def servers() -> Iterator[None]:
    """Start them for the block, migrated and named in the environment; afterwards all is as it was."""
    home = Path(tempfile.mkdtemp(prefix="vagus-bench-"))
    home.chmod(0o755)
    kept = {name: os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL", "VAGUS_HOME")}
    try:
        urls = embedded.start_servers(home)
        os.environ |= {"VAGUS_HOME": str(home), "DATABASE_URL": urls.database, "REDIS_URL": urls.redis}
        clear_caches()
        vault.create_secrets(home / "secrets.json")
        migrate.upgrade()
        yield
    finally:
        db.engine().dispose()
        embedded.stop_servers(home)
        shutil.rmtree(home, ignore_errors=True)
        for name, value in kept.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})
        clear_caches()
