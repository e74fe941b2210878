"""What every room's tests share: a fresh, migrated database, on SQLite and on PostgreSQL.

A test that takes `database` (or `database_url`) runs twice, once on each. Nothing is skipped when a tool is missing:
the test fails and says what to install.
"""

import re
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from convstore.database import Database
from tests.services import postgres as postgres_service
from tests.services.postgres import Postgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.services.browser import Visitor

SCREENSHOTS = Path(__file__).parents[1] / "test-results"
FAILED: pytest.StashKey[bool] = pytest.StashKey()
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


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A headless Chromium for one file: for the whole run, Playwright would keep its event loop on in all tests."""
    from playwright.sync_api import sync_playwright

    from tests.services.browser import launch

    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser: "Browser") -> Iterator[Callable[..., "Visitor"]]:
    """`visit(url, path="/", **options)`: a new person with a window open there; `options` as for `browser.new_context`.

    After the test each visitor's record is checked (see `tests/services/browser.py`); a failed test leaves a
    screenshot of every window in test-results/.
    """
    from tests.services.browser import visiting

    visitors: list[Visitor] = []
    with ExitStack() as stack:

        def arrive(url: str, path: str = "/", **options: object) -> "Visitor":
            visitor = stack.enter_context(visiting(browser, url, **options))
            visitors.append(visitor)
            visitor.page.goto(url + path)
            return visitor

        yield arrive
        if request.node.stash.get(FAILED, False):
            SCREENSHOTS.mkdir(exist_ok=True)
            name = re.sub(r"[^\w.-]+", "-", request.node.name)
            for who, visitor in enumerate(visitors, 1):
                for which, page in enumerate(visitor.context.pages, 1):
                    page.screenshot(path=SCREENSHOTS / f"{name}-{who}-{which}.png", timeout=5000)
                trouble = visitor.record.complaints() + visitor.record.refused()
                print(f"visitor {who}: {trouble}")  # noqa: T201 - pytest shows it with the failure
        else:
            for visitor in visitors:
                visitor.record.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Lets fixtures know, while they clean up, whether the test itself failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()
