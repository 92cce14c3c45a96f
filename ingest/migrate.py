"""Bring the database to the shape that this version needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ingest.db import engine

LOCK = 8730


def configuration() -> Config:
    """Alembic's configuration: where the steps lie; no file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade() -> None:
    """Run every step that is missing; two that start at once take turns."""
    with engine().connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        try:
            command.upgrade(configuration(), "head")
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})


def is_current() -> bool:
    """Whether the database has every step of this version."""
    with engine().connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    return set(heads) == set(ScriptDirectory.from_config(configuration()).get_heads())


if __name__ == "__main__":
    upgrade()
