"""Hubs on a test's database, closed after it."""

from collections.abc import Callable, Iterator

import pytest

from convstore.database import Database
from convstore.follow import Hub

NewHub = Callable[[], Hub]


@pytest.fixture
def new_hub(database_url: str) -> Iterator[NewHub]:
    """`new_hub()`: the hub of another instance, with a `Database` of its own."""
    made: list[tuple[Hub, Database]] = []

    def make() -> Hub:
        database = Database(database_url, pool_size=2)
        made.append((Hub(database), database))
        return made[-1][0]

    yield make
    for hub, database in made:
        hub.close()
        database.close()
