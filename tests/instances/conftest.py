"""Several real instances on one database, seen from outside.

`site` is shared by the tests of a file and made whole again before each; `person` is new in each test. `rng` is seeded:
the seed is printed with a failing test and repeated with SEED=….
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from convstore.database import Database
from tests.conftest import FAILED
from tests.services.instances import Cluster, cluster
from tests.services.people import Person
from tests.services.processes import tail

PATIENT = {"AGENT": "tests.services.agents:patient"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Two instances behind nginx, on each database in turn, with the patient agent."""
    directory = tmp_path_factory.mktemp("cluster")
    with fresh_database(request.param) as url, cluster(directory, url, count=2, proxy=True, settings=PATIENT) as site:
        yield site


@pytest.fixture
def site(request: pytest.FixtureRequest, shared_site: Cluster) -> Iterator[Cluster]:
    """The cluster of this file, every instance running and ready. A failing test shows what they logged last."""
    shared_site.restore()
    yield shared_site
    if request.node.stash.get(FAILED, False):
        for instance in shared_site.instances:
            print(f"--- {instance.name}\n{tail(instance.log)}")  # noqa: T201 - pytest shows it with the failure


@pytest.fixture
def person(site: Cluster) -> Iterator[Person]:
    """Somebody new."""
    person = Person(site.url)
    yield person
    person.close()


@pytest.fixture
def truth(site: Cluster) -> Iterator[Database]:
    """The database itself, to look at what the instances left in it."""
    database = Database(site.database_url, pool_size=2)
    yield database
    database.close()


@pytest.fixture
def rng() -> random.Random:
    """Random moments that can be repeated."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"repeat with SEED={seed}")  # noqa: T201 - pytest shows it with a failure
    return random.Random(seed)
