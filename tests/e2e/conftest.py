"""What a test of the page gets: a running site with the demo agent, and people who visit it in a real Chromium.

    def test_a_message_is_answered(visitor):
        visitor.page.fill("#message-box textarea", "/plain")

- `site`     one real instance on SQLite, shared by the tests of a file: `site.url`, `site.instances[0].log`
- `visitor`  a new person per test with `/` open: `visitor.page`, `visitor.window(path)` (another tab of theirs),
             `visitor.record` (requests, responses, console errors; checked after the test, `tolerate(pattern)`)
- `visit`    more people, or other screens: `visit(site.url, "/?c=…", viewport={"width": 390, "height": 844})`,
             `visit(site.url, color_scheme="dark", reduced_motion="reduce", locale="de-DE", timezone_id="Asia/Tokyo")`
- `page`     short for `visitor.page`

A file that needs other settings or the scripted model defines its own `site` with `tests.services.instances.cluster`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Page

from tests.services.browser import Visitor
from tests.services.instances import Cluster, cluster


@pytest.fixture(scope="module")
def site(
    fresh_database: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One instance on SQLite with the demo agent."""
    with fresh_database("sqlite") as url, cluster(tmp_path_factory.mktemp("site"), url, count=1) as running:
        yield running


@pytest.fixture
def visitor(site: Cluster, visit: Callable[..., Visitor]) -> Visitor:
    """A new person, with the start page open."""
    return visit(site.url)


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """The first window of `visitor`."""
    return visitor.page
