"""Two instances on PostgreSQL behind nginx, strictly in turn, as the `site` of a file:

from tests.e2e.two_instances import site
__all__ = ["site"]
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.services.instances import Cluster, cluster


@pytest.fixture(scope="module")
def site(
    fresh_database: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The running site."""
    with fresh_database("postgresql") as url, cluster(tmp_path_factory.mktemp("site"), url, proxy=True) as running:
        yield running
