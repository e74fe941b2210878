"""One real instance over HTTP, and people with cookies."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from convstore import conversations
from convstore.database import Database
from tests.services.instances import Cluster, cluster


@pytest.fixture(scope="module")
def site(
    fresh_database: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One instance on SQLite with the demo agent."""
    with fresh_database("sqlite") as url, cluster(tmp_path_factory.mktemp("api"), url, count=1) as running:
        yield running


@dataclass
class Person:
    """Somebody who has loaded the page once."""

    http: httpx.Client
    database: Database

    @property
    def subject(self) -> str:
        return self.http.cookies["convstore"].strip('"').split(".")[0]

    def conversation(self, title: str = "Talk") -> UUID:
        """A new conversation of theirs."""
        return self.database.run(conversations.create, self.subject, title).id


@pytest.fixture
def person(site: Cluster) -> Iterator[Person]:
    """Somebody who has the page open."""
    database = Database(site.database_url)
    with httpx.Client(base_url=site.url, timeout=10) as http:
        assert http.get("/").status_code == 200
        yield Person(http, database)
    database.close()


@pytest.fixture
def stranger(site: Cluster, person: Person) -> Iterator[Person]:
    """Somebody else."""
    with httpx.Client(base_url=site.url, timeout=10) as http:
        assert http.get("/").status_code == 200
        yield Person(http, person.database)
