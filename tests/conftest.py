"""What every room's tests share: a fresh, migrated database, on SQLite and on PostgreSQL.

A test that takes `database` (or `database_url`) runs twice, once on each. Nothing is skipped when a tool is missing:
the test fails and says what to install.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from convstore.database import Database
from tests.services import postgres as postgres_service
from tests.services.postgres import Postgres

TEMPLATE = "convstore_template"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole run, started by the first test that needs it."""
    with postgres_service.running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """The name of a migrated database to copy from. Nobody connects to it."""
    _migrate(postgres.create(name=TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    file = tmp_path_factory.mktemp("template") / "convstore.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def fresh_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], AbstractContextManager[str]]:
    """`with fresh_database("sqlite" | "postgresql") as url:` is a new migrated database, gone after the block."""

    @contextmanager
    def make(dialect: str) -> Iterator[str]:
        if dialect == "sqlite":
            file = tmp_path_factory.mktemp("sqlite") / "convstore.db"
            shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
            yield f"sqlite:///{file}"
            return
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create(template=request.getfixturevalue("migrated_postgres"))
        yield url
        server.drop(url)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Each of the two databases in turn."""
    return str(request.param)


@pytest.fixture
def database_url(dialect: str, fresh_database: Callable[[str], AbstractContextManager[str]]) -> Iterator[str]:
    """The URL of a fresh migrated database."""
    with fresh_database(dialect) as url:
        yield url


@pytest.fixture
def empty_database_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, for tests of the migrations themselves."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh migrated `Database`."""
    database = Database(database_url)
    yield database
    database.close()


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()
