from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from ingest import db, migrate
from ingest.models import Table


def test_models_and_migrations_agree(database: str) -> None:
    with db.engine().connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Table.metadata) == []
        checks = {
            check["name"]
            for table in Table.metadata.tables
            for check in inspect(connection).get_check_constraints(table)
        }
    written = {
        str(c.name)
        for table in Table.metadata.tables.values()
        for c in table.constraints
        if str(c.name).startswith("ck_")
    }
    assert checks == written


def test_the_steps_go_down_and_up_again(database: str) -> None:
    assert migrate.is_current()
    db.engine().dispose()
    command.downgrade(migrate.configuration(), "base")
    assert not migrate.is_current()
    migrate.upgrade()
    assert migrate.is_current()


def test_every_reference_is_found_by_an_index(database: str) -> None:
    for table in Table.metadata.tables.values():
        whole = [index for index in table.indexes if index.dialect_options["postgresql"]["where"] is None]
        indexed = {next(iter(index.columns)).name for index in whole}
        indexed |= {
            next(iter(c.columns)).name
            for c in table.constraints
            if getattr(c, "columns", None) and "fk" not in str(c.name)
        }
        for column in table.columns:
            if column.foreign_keys:
                assert column.name in indexed, (
                    f"{table.name}.{column.name}: erasing a person would read the whole table"
                )


def test_every_person_s_row_goes_with_them(database: str) -> None:
    with db.engine().connect() as connection:
        rules = connection.execute(
            text("SELECT conrelid::regclass::text, confdeltype FROM pg_constraint WHERE contype = 'f'")
        ).all()
    kept = {table for table, rule in rules if rule == "a"}
    assert kept == {"connection"}, "only a connection's vendor_app is ours and stays"
