"""One database for all instances: transactions that are short, explicit and retried as a whole.

- The caller opens the transaction and it commits when the block ends well; nothing below commits.
- A write on SQLite begins IMMEDIATE: a deferred one that reads first and writes later loses updates or fails midway.
- A read on PostgreSQL is REPEATABLE READ, so that what several statements return belongs together.
- Trouble with the connection surfaces as `Unavailable` within seconds, never as a hang.
"""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import count
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, Executable, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from convstore import engines, schema
from convstore.errors import ConvstoreError, Unavailable

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

GIVE_UP_SECONDS = 8.0  # of running one transaction again because the database asks for that
# Serialization failure, deadlock: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
RETRY_SQLSTATES = {"40001", "40P01"}
READ_ONLY = "25006"  # PostgreSQL: this server has become a standby
WRITE_QUEUE_SECONDS = 10.0  # how long a write of this process waits for the others of this process


class Database:
    """A database by its URL (`sqlite:///file.db`, `postgresql://user@host/name`). One per process, for any thread.

    `pool_size` is the number of connections, and of threads, that this process uses at most.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = engines.normal_url(url)
        self.dialect = make_url(self.url).get_backend_name()
        self.engine: Engine = engines.create(self.url, pool_size)
        self._read_engine = engines.reading(self.engine)
        self._write_engine = engines.writing(self.engine)
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="database")
        # SQLite has one writer; waiting in line here is fair and wakes at once, its own busy handler sleeps and polls.
        self._one_writer = threading.Lock() if self.dialect == "sqlite" else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session in a read transaction: one consistent picture. Raises `Unavailable`."""
        with _unavailable(), Session(self._read_engine, autoflush=False, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session in a write transaction that commits when the block ends without an error. Raises `Unavailable`.

        A block cannot be run twice: where other writers compete on PostgreSQL, `run` is the one that retries.
        """
        with (
            _unavailable(writes=True),
            self._turn_to_write(),
            Session(self._write_engine, autoflush=False, expire_on_commit=False) as session,
        ):
            yield session
            session.commit()

    def run(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(session, …)` in a write transaction, from the start again when the database asks for that.

        Returns what `work` returns. Raises what it raises, or `Unavailable`.
        """
        began = time.monotonic()
        for attempt in count(1):
            committing = False
            try:
                with self.write() as session:
                    done = work(session, *args, **kwargs)
                    committing = True
                return done
            except (DBAPIError, Unavailable) as error:
                cause = error if isinstance(error, DBAPIError) else error.__cause__
                if attempt == 1 and not committing and _was_stale(cause):
                    continue
                if not _asks_for_retry(cause) or time.monotonic() - began > GIVE_UP_SECONDS:
                    raise
                time.sleep(random.uniform(0, min(0.25, 0.01 * 2**attempt)))
        raise AssertionError("unreachable")

    async def reading(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(session, …)` in a read transaction, in one of the database's threads."""

        def once() -> T:
            with self.read() as session:
                return work(session, *args, **kwargs)

        def in_thread() -> T:
            try:
                return once()
            except Unavailable as error:
                if not _was_stale(error.__cause__):
                    raise
            return once()

        return await self._in_a_thread(in_thread)

    async def writing(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`run(work, …)` in one of the database's threads. A cancelled caller does not cancel the transaction."""
        return await self._in_a_thread(lambda: self.run(work, *args, **kwargs))

    def migrate(self) -> None:
        """Bring the tables up to this version; any number of processes may call this at once. Raises `SchemaError`."""
        with _unavailable(), self._turn_to_write():
            schema.migrate(self._write_engine)

    def check(self) -> str:
        """The dialect's name if the database answers and has this version's tables; `Unavailable` or `SchemaError`."""
        with self.read() as session:
            schema.check(session.connection())
        return self.dialect

    def close(self) -> None:
        """Give the threads and connections back. Waits for transactions that are under way."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.engine.dispose()

    async def _in_a_thread(self, work: Callable[[], T]) -> T:
        # With the caller's context, so that what the thread logs has the id of the request.
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, work)

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if self._one_writer is None:
            yield
            return
        if not self._one_writer.acquire(timeout=WRITE_QUEUE_SECONDS):
            raise Unavailable()
        try:
            yield
        finally:
            self._one_writer.release()


@contextmanager
def _unavailable(*, writes: bool = False) -> Iterator[None]:
    try:
        yield
    except ConvstoreError:
        raise
    except (DBAPIError, PoolTimeout) as error:
        if not (_is_trouble(error) or (writes and _sqlstate(error) == READ_ONLY)):
            raise
        if not _asks_for_retry(error):
            log.warning("database trouble: %s", type(error).__name__, exc_info=log.isEnabledFor(logging.DEBUG))
        raise Unavailable() from error


def _is_trouble(error: DBAPIError | PoolTimeout) -> bool:
    """Whether it is the database that failed, rather than what it was asked."""
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout) or error.connection_invalidated


def _sqlstate(error: DBAPIError | PoolTimeout) -> str | None:
    """PostgreSQL's code for what went wrong."""
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


def _was_stale(error: BaseException | None) -> bool:
    """Whether a pooled connection turned out to be dead. The pool is fresh then; nothing was committed by this one."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _asks_for_retry(error: BaseException | None) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    return _sqlstate(error) in RETRY_SQLSTATES or "database is locked" in str(error.orig)


def direct(session: Session, statement: Executable, values: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
    """The result of a statement, past the ORM: it would get ready for objects that nobody wants, which takes longer
    than most statements of a turn themselves. For statements that are built once and used often."""
    return session.connection().execute(statement, values)


def dialect_of(session: Session) -> str:
    """`sqlite` or `postgresql`: for the few statements that the two spell differently."""
    return session.get_bind().dialect.name


def take_time(session: Session) -> None:
    """Let the statements of this transaction run for as long as they need: nobody waits for upkeep."""
    if dialect_of(session) == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))
