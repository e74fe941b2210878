"""The tables: brought up by any number of instances at once, the same as the models, refused when they are newer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from convstore import conversations, schema
from convstore.database import Database
from convstore.errors import SchemaError
from tests.store.processes import processes
from tests.store.scenes import OWNER


def _come_up(url: str) -> str:
    database = Database(url, pool_size=2)
    try:
        database.migrate()
        return database.check()
    finally:
        database.close()


def test_eight_processes_that_start_at_once_find_one_schema(empty_database_url: str, dialect: str) -> None:
    with processes(8) as instances:
        came_up = [instances.submit(_come_up, empty_database_url) for _ in range(8)]
        assert [each.result(120) for each in came_up] == [dialect] * 8
    database = Database(empty_database_url)
    assert database.run(conversations.create, OWNER, "works").title == "works"
    database.close()


def test_threads_that_start_at_once_find_one_schema(empty_database_url: str, dialect: str) -> None:
    for _ in range(3):
        with ThreadPoolExecutor(8) as instances:
            assert list(instances.map(_come_up, [empty_database_url] * 8)) == [dialect] * 8


def _is_common(_object: object, name: str | None, kind: str, *_: object) -> bool:
    """Not the full-text tables that SQLite itself makes and keeps, nor the index that stands for them on PostgreSQL."""
    return not (name or "").startswith("search_text" if kind == "table" else "search_entry_terms")


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        # SQLite hands a default back as it was written, so that '' and "" differ.
        defaults = database.dialect == "postgresql"
        options = {"compare_type": True, "compare_server_default": defaults, "include_object": _is_common}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, SQLModel.metadata) == []
        for table in SQLModel.metadata.tables.values():
            checks = {check["name"] for check in inspect(connection).get_check_constraints(table.name)}
            assert checks >= {c.name for c in table.constraints if c.__visit_name__ == "check_constraint"}, table.name


def test_an_instance_that_starts_later_changes_nothing(database: Database) -> None:
    kept = database.run(conversations.create, OWNER, "kept")
    for _ in range(3):
        database.migrate()
    with database.read() as session:
        assert conversations.get(session, OWNER, kept.id) == kept


def test_a_database_without_tables_is_named_as_such(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with pytest.raises(SchemaError, match=f"revision none, this version needs {schema.newest()}"):
        database.check()
    database.close()


def test_a_newer_database_is_refused_by_the_name_of_its_revision(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refuses in (database.migrate, database.check):
        with pytest.raises(SchemaError, match="9999") as refused:
            refuses()
        assert "newer version" in str(refused.value) and "DATABASE_URL" in str(refused.value)
    with database.read() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_a_database_of_an_older_release_comes_up_and_keeps_what_is_in_it(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with database.engine.begin() as connection:
        command.upgrade(schema._config(connection), "0001")
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO conversation (id, owner, title, titled_by, version, message_count, lane_count, created_at,"
                " updated_at) VALUES (:id, :owner, 'old', 'start', 1, 0, 0, :now, :now)"
            ),
            {
                "id": "0" * 32 if database.dialect == "sqlite" else "00000000-0000-0000-0000-000000000000",
                "owner": OWNER,
                "now": "2026-01-01 00:00:00.000000",
            },
        )
    database.migrate()
    assert database.check() == database.dialect
    with database.read() as session:
        (found,) = conversations.recent(session, OWNER).items
    assert found.title == "old"
    database.close()
