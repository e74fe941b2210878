"""The tables' version: brought up at start by any number of instances at once, refused when newer than the code."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from convstore.errors import SchemaError

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x636F6E76  # "conv": any number that only we use, for pg_advisory_xact_lock


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision this version of the code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package is shipped without its migrations"
    return head


def migrate(engine: Engine) -> None:
    """All of it in one transaction behind one lock: instances that start together wait, then find it done."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Of the transaction, not of the session: PgBouncer may give the next transaction another session.
            connection.execute(text("SET LOCAL lock_timeout = '120s'"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if _known(connection) != newest():
            command.upgrade(_config(connection), "head")


def check(connection: Connection) -> None:
    """Raises `SchemaError` unless the tables are of exactly this version."""
    current = _known(connection)
    if current != newest():
        raise SchemaError(
            f"The database is at revision {current or 'none'}, this version needs {newest()}: run the migrations."
        )


def _known(connection: Connection) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    revisions = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in revisions:
        raise SchemaError(
            f"The database was made by a newer version of convstore (revision {current}). Update convstore, "
            "or point DATABASE_URL at another database."
        )
    return current
