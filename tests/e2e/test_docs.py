"""`/docs`: the API's description in a browser, from this site alone, and a request made from it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from playwright.sync_api import expect

from convstore.api import tokens
from tests.services.api_clients import SECRET
from tests.services.browser import Visitor
from tests.services.instances import Cluster, cluster


@pytest.fixture(scope="module")
def site(
    fresh_database: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One instance on SQLite whose tokens this test can make."""
    settings = {"JWT_SECRET": SECRET}
    with (
        fresh_database("sqlite") as url,
        cluster(tmp_path_factory.mktemp("docs"), url, count=1, settings=settings) as running,
    ):
        yield running


def test_the_description_can_be_read_and_tried(site: Cluster, visit: Callable[..., Visitor]) -> None:
    visitor = visit(site.url, "/docs")
    page = visitor.page
    described = httpx.get(f"{site.url}/openapi.json").json()["paths"].values()
    expect(page.locator(".opblock")).to_have_count(sum(map(len, described)))
    expect(page.locator("#docs")).to_contain_text("Twice is once")
    expect(page.locator("#docs pre", has_text="curl -sS")).to_be_visible()

    page.locator(".btn.authorize").first.click()
    page.locator(".auth-container input").fill(tokens.mint(SECRET, "ada", 600))
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".auth-btn-wrapper .btn-done").click()

    page.locator(".opblock", has_text="Send a message and get its answer").first.locator(".opblock-summary").click()
    page.locator("[data-param-name=user_id] input").fill("ada")
    page.locator("button.execute").click()
    expect(page.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    expect(page.locator(".live-responses-table tbody .response-col_description")).to_contain_text("is **42**")
    assert visitor.record.refused() == []


def test_the_description_loads_nothing_else_and_runs_nothing_inline(
    site: Cluster, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(site.url, "/docs")
    expect(visitor.page.locator(".opblock").first).to_be_visible()
    asked = {request.url.removeprefix(site.url) for request in visitor.record.requests}
    assert {url for url in asked if not url.startswith("data:")} == {
        *("/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/favicon-32x32.png"),
        "/openapi.json",
    }
    assert visitor.context.cookies() == []
    policy = visitor.record.responses[0].headers["content-security-policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy
