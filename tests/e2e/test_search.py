"""Finding: as one types, in titles and messages, opened at the message."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.chatting import answered, conversation_id, ready
from tests.e2e.managing import HOSTILE, chats, unharmed
from tests.e2e.test_chat_page_reading import seed
from tests.e2e.two_instances import site
from tests.services.browser import Visitor
from tests.services.instances import Cluster

__all__ = ["site"]
HITS = "#search-results [role=option]"


def search(page: Page, text: str) -> None:
    """Open the search and type."""
    page.keyboard.press("Control+k")
    expect(page.locator("#search-box")).to_be_focused()
    page.keyboard.type(text)


def found(page: Page, text: str, count: int = 1) -> None:
    """Search until there are so many hits: what was just written is indexed a moment later."""
    search(page, text)
    for _ in range(40):
        page.wait_for_timeout(250)  # between two looks; the loop has the deadline
        if page.locator(f"{HITS} mark").count() and page.locator(HITS).count() >= count:
            return
        page.fill("#search-box", "")
        page.fill("#search-box", text)
    expect(page.locator(HITS)).to_have_count(count)


def test_a_word_in_an_answer_leads_to_that_message_and_lights_it_up(page: Page) -> None:
    first, _second = chats(page, "zebra crossing", "something else")
    found(page, "zebr")
    hit = page.locator(HITS).first
    expect(hit.locator("mark").first).to_have_text(re.compile("zebr", re.I))
    page.keyboard.press("Enter")
    expect(page.locator("#search-box")).to_have_count(0)
    expect(page.locator(".question")).to_contain_text("zebra crossing")
    assert conversation_id(page) == first


def test_a_message_far_up_is_loaded_and_scrolled_to(visitor: Visitor, site: Cluster) -> None:
    page = visitor.page
    answered(page, "/plain a long one")
    seed(site.database_url, UUID(conversation_id(page)), 160)
    page.click("#new-chat")
    page.evaluate("window.sameDocument = true")
    found(page, "message 11")
    page.locator(HITS, has_text=re.compile(r"message 11\b")).first.click()
    wanted = page.locator(".message.found")
    expect(wanted).to_contain_text(re.compile(r"message 11\b"))
    expect(wanted).to_be_in_viewport()
    assert re.search(r"&m=[0-9a-f-]{36}", page.url)
    assert page.evaluate("window.sameDocument") is True


def test_arrows_choose_enter_opens_and_escape_gives_the_focus_back(page: Page) -> None:
    chats(page, "kiwi one", "kiwi two")
    page.locator("#new-chat").focus()
    found(page, "kiwi", 2)
    expect(page.locator(f"{HITS}[aria-selected=true]")).to_have_count(1)
    before = page.locator("#search-box").get_attribute("aria-activedescendant")
    page.keyboard.press("ArrowDown")
    after = page.locator("#search-box").get_attribute("aria-activedescendant")
    assert before != after
    expect(page.locator(f"#{after}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#search-box")).to_have_count(0)
    expect(page.locator("#new-chat")).to_be_focused()


def test_nothing_typed_offers_recent_ones_nothing_found_says_so_and_an_error_can_be_tried_again(
    visitor: Visitor,
) -> None:
    page = visitor.page
    chats(page, "melon")
    page.click("#search-button")
    expect(page.locator(HITS)).to_have_text([re.compile("/plain melon")])
    page.fill("#search-box", "qqzzqq")
    expect(page.locator(".search-state")).to_have_text("Nothing found for “qqzzqq”.")

    visitor.record.tolerate("503|Failed to load")
    broken = True

    def fail(route: Route) -> None:
        if broken and '\\"query\\"' in (route.request.post_data or ""):
            route.fulfill(status=503, body="{}")
        else:
            route.continue_()

    page.route("**/run/predict**", fail)
    page.fill("#search-box", "melon")
    expect(page.locator(".search-state")).to_contain_text("cannot be reached")
    broken = False
    page.click(".search-state button")
    expect(page.locator(HITS).first).to_be_visible()


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
def test_any_text_is_a_query_and_only_that(page: Page, query: str) -> None:
    ready(page)
    page.keyboard.press("Control+k")
    page.fill("#search-box", query)
    expect(page.locator(".search-state")).to_contain_text("Nothing found")
    unharmed(page, "#search-dialog")


def test_another_person_finds_nothing_of_it(visitor: Visitor, visit: object, site: Cluster) -> None:
    chats(visitor.page, "secretpapaya")
    found(visitor.page, "secretpapaya")
    stranger = visit(site.url).page  # type: ignore[operator]
    ready(stranger)
    search(stranger, "secretpapaya")
    expect(stranger.locator(".search-state")).to_contain_text("Nothing found")
