"""How a connection to each kind of database is set up, so that it is safe, and fails in seconds rather than hangs."""

import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError

from convstore.errors import Invalid

log = logging.getLogger(__name__)

BUSY_MILLISECONDS = 8000  # SQLite: how long to wait for another process's write
IDLE_SECONDS = 5.0  # PostgreSQL: a connection that was idle longer is tested before it is used
WRITE = "convstore_write"
# PgBouncer refuses `options` unless told to ignore it; there these belong to the role (ALTER ROLE … SET …).
POSTGRESQL_OPTIONS = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=15000"


def normal_url(url: str) -> str:
    """The URL with the driver that we use. Raises `Invalid` for a kind of database that is not supported."""
    try:
        parsed = make_url(url)
    except Exception as error:
        raise Invalid(
            "DATABASE_URL is not a database URL (sqlite:///file.db or postgresql://user@host/name)"
        ) from error
    kind = parsed.get_backend_name()
    if kind in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif kind == "sqlite":
        parsed = parsed.set(drivername="sqlite+pysqlite")
    else:
        raise Invalid(f"DATABASE_URL names {kind!r}: use sqlite:///file.db or postgresql://user@host/name")
    return parsed.render_as_string(hide_password=False)


def create(url: str, pool_size: int) -> Engine:
    """An engine for that URL. Connects to nothing yet."""
    pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": 5.0}
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, pool)
    return _postgresql(url, pool)


def reading(engine: Engine) -> Engine:
    """The same pool, for read transactions."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine


def writing(engine: Engine) -> Engine:
    """The same pool, for write transactions."""
    return engine.execution_options(**{WRITE: True})


def _sqlite(url: str, pool: dict[str, Any]) -> Engine:
    file = make_url(url).database
    if not file or file == ":memory:":
        raise Invalid("DATABASE_URL needs a file: a database in memory is seen by one connection only")
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        **pool,
        hide_parameters=True,  # what people write does not belong into a log of errors
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: str, pool: dict[str, Any]) -> Engine:
    engine = create_engine(
        url,
        **pool,
        hide_parameters=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 4,
            "tcp_user_timeout": 8000,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "application_name": "convstore",
        },
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, kwargs: dict[str, Any]) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(*args, **({"options": POSTGRESQL_OPTIONS} | kwargs))
        except psycopg.OperationalError as error:
            if "unsupported startup parameter" not in str(error):
                raise
            log.warning("the connection pooler refuses `options`: set statement_timeout and lock_timeout on the role")
            return psycopg.connect(*args, **kwargs, prepare_threshold=None)

    @event.listens_for(engine, "checkin")
    def checked_in(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checked_out(connection: psycopg.Connection[Any], record: Any, _proxy: Any) -> None:
        # A test before each use would cost every transaction a round trip; a fresh connection rarely dies in seconds.
        if time.monotonic() - record.info.get("idle_since", time.monotonic()) < IDLE_SECONDS:
            return
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except psycopg.Error as error:
            raise DisconnectionError() from error  # SQLAlchemy then opens another one

    return engine
