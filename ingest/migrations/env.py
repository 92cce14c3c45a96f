"""Alembic's entry: one engine, ours, and the models' metadata."""

from alembic import context

from ingest.db import engine
from ingest.models import Table

with engine().connect() as connection:
    context.configure(
        connection=connection, target_metadata=Table.metadata, compare_type=True, compare_server_default=True
    )
    with context.begin_transaction():
        context.run_migrations()
